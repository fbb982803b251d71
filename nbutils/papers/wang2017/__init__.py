"""Wang & Lan 2017, Model Distillation with Knowledge Transfer from Face Classification.

The knowledge goes on to alignment and verification.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
