"""Training objectives, each a small module with its equation, the contract that they share, and their weighted sums."""

from nbutils.registry import open_face

__getattr__, __dir__, __all__ = open_face(__name__, __file__, "Loss")
