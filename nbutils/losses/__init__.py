"""Training objectives, each a small module with its equation, and their named, weighted sums."""

from nbutils.losses.labels import LabelLoss, SupervisionLoss
from nbutils.losses.neurons import NeuronLoss
from nbutils.losses.objective import Objective
from nbutils.losses.signals import Signals
from nbutils.losses.soft_targets import LogitsLoss, SoftTargetLoss

__all__ = [
    "LabelLoss",
    "LogitsLoss",
    "NeuronLoss",
    "Objective",
    "Signals",
    "SoftTargetLoss",
    "SupervisionLoss",
]
