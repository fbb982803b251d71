"""The order of the images in an epoch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nbutils.data.faces import Faces
from nbutils.errors import ParameterError
from nbutils.training.spec import Schedule


def check_sampling(schedule: Schedule, faces: Faces, name: str) -> None:
    """Refuses faces whose batches could hold no triplet.

    Raises:
        ParameterError: If too few people or images make up the wanted batches.
    """
    each = schedule.images_per_identity
    if each is None:
        return
    size = schedule.batch_size
    people = len(np.unique(faces.identity))
    if each > 1 and int(np.bincount(faces.identity).max()) < 2:
        raise ParameterError(f"'{name}': no person has two images: expected some, for triplets")
    if size % each or size // each < 2 or size // each > people or len(faces) < size:
        raise ParameterError(
            f"'{name}': batches of {size} with {each} images of each person need {size / each:g} people: expected a "
            f"whole number from 2 to the {people} there are, and at least {size} images"
        )


def epoch_order(schedule: Schedule, faces: Faces, generator: torch.Generator) -> Tensor:
    """Positions of an epoch's images, batch after batch.

    Every image once in random order, or, with `images_per_identity`, whole batches of so many images of each
    person by the sampler of pytorch-metric-learning.
    """
    if schedule.images_per_identity is None:
        return torch.randperm(len(faces), generator=generator)
    from pytorch_metric_learning.samplers import MPerClassSampler
    from pytorch_metric_learning.utils import common_functions

    size = schedule.batch_size
    sampler = MPerClassSampler(faces.identity, schedule.images_per_identity, size, len(faces) // size * size)
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    before = common_functions.NUMPY_RANDOM
    common_functions.NUMPY_RANDOM = np.random.RandomState(seed)  # the only seed that the sampler knows
    try:
        return torch.as_tensor(list(sampler), dtype=torch.int64)
    finally:
        common_functions.NUMPY_RANDOM = before
