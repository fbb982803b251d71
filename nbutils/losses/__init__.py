"""Training objectives, each a small module with its equation, and their named, weighted sums."""

from nbutils.losses.attributes import AttributeLoss
from nbutils.losses.hidden import HiddenLoss, HintLoss
from nbutils.losses.labels import LabelLoss, SupervisionLoss
from nbutils.losses.landmarks import LandmarkLoss
from nbutils.losses.neurons import NeuronLoss
from nbutils.losses.objective import Objective
from nbutils.losses.signals import Signals
from nbutils.losses.soft_targets import LogitsLoss, SoftTargetLoss
from nbutils.losses.triplet import TripletLoss

__all__ = [
    "AttributeLoss",
    "HiddenLoss",
    "HintLoss",
    "LabelLoss",
    "LandmarkLoss",
    "LogitsLoss",
    "NeuronLoss",
    "Objective",
    "Signals",
    "SoftTargetLoss",
    "SupervisionLoss",
    "TripletLoss",
]
