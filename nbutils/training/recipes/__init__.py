"""The papers' experiments as training specs, at every preset: one module a paper."""

from nbutils.training.recipes.common import Precision, Preset, best_precision, face_data
from nbutils.training.recipes.luo2016 import LEARNING_RATES, T1_CHOSEN, fig3, quick_data, quick_rows, student, t1

__all__ = [
    "LEARNING_RATES",
    "T1_CHOSEN",
    "Precision",
    "Preset",
    "best_precision",
    "face_data",
    "fig3",
    "quick_data",
    "quick_rows",
    "student",
    "t1",
]
