"""What the benchmarks give to torchdistill: images as one writes them first, and its configuration of a training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, RandomSampler
from torchvision import transforms

from nbutils.data import Faces
from nbutils.papers import Precision
from nbutils.training import Schedule


def arithmetic(precision: Precision) -> torch.autocast:
    """The context of a forward pass."""
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed")


class Augmented(Dataset[tuple[Tensor, int]]):
    """Faces, transformed image by image as the engine does it for a batch: a random crop, mirrored or not.

    Args:
        faces: A little larger than the crop.
        size: (height, width) of the crop.
    """

    def __init__(self, faces: Faces, size: tuple[int, int]) -> None:
        self.faces = faces
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(size),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize((0.5,) * 3, (0.5,) * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.faces.images[index]), int(self.faces.identity[index])


def training_config(schedule: Schedule, loss: dict[str, Any]) -> dict[str, Any]:
    """torchdistill's configuration of one training, as its documentation says.

    Args:
        schedule: Epochs, batches and the optimiser's numbers.
        loss: The only term of the sum: criterion, weight, and a wrapper if it needs one.
    """
    forward = {"forward_proc": "forward_batch_only"}
    return {
        "num_epochs": schedule.epochs,
        "train_data_loader": {
            "dataset_id": "train",
            "sampler": {"class_or_func": RandomSampler},
            "kwargs": {"batch_size": schedule.batch_size, "num_workers": 0},
        },
        "teacher": forward | {"requires_grad": False},
        "student": forward,
        "model": forward,
        "optimizer": {
            "key": "SGD",
            "kwargs": {
                "lr": schedule.learning_rate,
                "momentum": schedule.momentum,
                "weight_decay": schedule.weight_decay,
                "nesterov": True,
            },
            "max_grad_norm": schedule.clip_norm,
        },
        "criterion": {"key": "WeightedSumLoss", "kwargs": {"sub_terms": {"loss": loss}}},
    }
