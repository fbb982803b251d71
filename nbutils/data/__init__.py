"""Faces to train on, to verify and to look at: data specs, what they load, and the data sets on disk behind them."""

import lazy_loader

# `__init__.pyi` lists the public names and where they are defined; each is imported when it is first asked for.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
