"""Neuron selection of Luo et al. 2016: what every neuron responds to, and which of them a student should regress."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
