"""Compressing face networks by distillation: the package behind the analysis notebooks."""

import lazy_loader

__version__ = "0.1.0"

# `__init__.pyi` lists what a notebook needs; each name is imported when it is first asked for.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
