"""Training: specs, the loop, and the store that never trains one network twice."""

from nbutils.training.graph import TrainedCells, distinct_networks, train_cells
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
    "TrainedCells",
    "TrainingResult",
    "TrainingSpec",
    "choose_neurons",
    "distinct_networks",
    "train",
    "train_cells",
]
