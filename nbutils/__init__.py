"""Compressing face networks by distillation: the helper package of the analysis notebooks."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attribute may be anything)
    """`nbutils.train`, imported when asked for: the command line starts without torch."""
    if name == "train":
        from nbutils.training import train

        return train
    raise AttributeError(f"module 'nbutils' has no attribute '{name}'")
