"""The forms in which face data sets are passed around: one module a layout, and what all of them share in `base`."""
