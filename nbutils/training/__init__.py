"""Training: specs, the loop, and the store that never trains one network twice."""

from nbutils.training import recipes
from nbutils.training.spec import ModelSpec, Schedule, SelectionSpec, Term, TrainingSpec
from nbutils.training.store import Store
from nbutils.training.teacher import Teacher
from nbutils.training.train import TrainingResult, choose_neurons, train

__all__ = [
    "ModelSpec",
    "Schedule",
    "SelectionSpec",
    "Store",
    "Teacher",
    "Term",
    "TrainingResult",
    "TrainingSpec",
    "choose_neurons",
    "recipes",
    "train",
]
