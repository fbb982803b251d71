"""The reproduced papers: their printed numbers and claims, what they train, and what only one of them needs."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
