"""Luo et al. 2016, Face Model Compression by Distilling Knowledge from Neurons (MobileID)."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
