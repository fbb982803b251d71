"""Compressing face networks by distillation: the helper package of the analysis notebooks."""

__version__ = "0.1.0"
