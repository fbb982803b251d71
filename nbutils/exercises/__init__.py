"""Exercises of the lessons: answers checked on random cases, and what is wrong with them said in a sentence."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
