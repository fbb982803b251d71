"""Static figures, and widgets on top of them."""
