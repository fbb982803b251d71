"""The papers' networks, each from its table, the contract that they share, and the layers they need."""

from nbutils.registry import open_face

__getattr__, __dir__, __all__ = open_face(__name__, __file__, "FaceNetwork")
