"""torchvision's ResNet-18 on identities: an example for the tools that work on any network."""

from __future__ import annotations

from nbutils.data.geometry.template import SMALL_INPUT
from nbutils.data.spec import DataSpec
from nbutils.papers.base import best_precision, check_preset
from nbutils.training.components import ModelSpec, Term
from nbutils.training.spec import Schedule, TrainingSpec

#: At laptop, what two minutes on two cores allow.
_EPOCHS = {"smoke": 1, "laptop": 5, "paper": 30}


def torchvision_resnet(data: DataSpec, preset: str = "laptop", seed: int = 0, name: str = "resnet18") -> TrainingSpec:
    """One of torchvision's ResNets on labels, from random weights.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import torchvision_resnet
        >>> torchvision_resnet(face_data("synthetic", preset="smoke"), "smoke").model.features
        'avgpool'
    """
    from torchvision.models import get_model_builder  # seconds to import, and every notebook's trainings lie beside

    check_preset(preset)
    return TrainingSpec(
        name=name,
        data=data,
        model=ModelSpec(get_model_builder(name), size=SMALL_INPUT, features="avgpool"),
        objective={"labels": Term(kind="LabelLoss")},
        schedule=Schedule(epochs=_EPOCHS[preset], batch_size=32 if preset == "smoke" else 64, learning_rate=0.05),
        precision=best_precision(),
        seed=seed,
    )
