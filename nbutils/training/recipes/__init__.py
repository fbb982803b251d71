"""The papers' experiments as training specs, at every preset: one module a paper."""

from nbutils.training.recipes import wang2017
from nbutils.training.recipes.any_network import torchvision_resnet
from nbutils.training.recipes.common import Precision, Preset, best_precision, face_data
from nbutils.training.recipes.luo2016 import (
    LEARNING_RATES,
    T1_CHOSEN,
    fig3,
    fig3_attributes,
    quick_data,
    quick_rows,
    student,
    t1,
)
from nbutils.training.recipes.luo2016_mnist import TEMPERATURES, mnist
from nbutils.training.recipes.luo2016_teachers import fig4, fig5, fine_tuned, large_face_data, region_t1, six_t1, t2

__all__ = [
    "LEARNING_RATES",
    "T1_CHOSEN",
    "TEMPERATURES",
    "Precision",
    "Preset",
    "best_precision",
    "face_data",
    "fig3",
    "fig3_attributes",
    "fig4",
    "fig5",
    "fine_tuned",
    "large_face_data",
    "mnist",
    "quick_data",
    "quick_rows",
    "region_t1",
    "six_t1",
    "student",
    "t1",
    "t2",
    "torchvision_resnet",
    "wang2017",
]
