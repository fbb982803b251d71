"""Small collections of rendered faces to write in every layout."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from nbutils.data.collection import TEST, TRAIN, Collection
from nbutils.data.faces import Pairs
from nbutils.data.pairs import draw_pairs
from nbutils.data.synthetic import SyntheticFaces


def encoded(pixels: np.ndarray, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format=kind, quality=95)
    return stream.getvalue()


def rendered(size: int = 250, people: int = 7, images_each: int = 3) -> Collection:
    """People with all that a data set may say; the last three are to test."""
    count = people * images_each
    batch = SyntheticFaces(0, images_each).render(np.arange(count), size, size)
    images = [encoded(image) for image in batch.images]
    identity = np.repeat(np.arange(people), images_each)
    test = identity >= people - 3
    rows = np.flatnonzero(test)
    drawn = draw_pairs(identity[rows], 20, np.random.default_rng(0))
    low, high = batch.landmarks.min(axis=1), batch.landmarks.max(axis=1)
    return Collection(
        layout="rendered",
        root=Path("rendered"),
        names=[f"{at}.jpg" for at in range(count)],
        read=images.__getitem__,
        identity=identity,
        identity_names=[f"Person_{number}" for number in range(people)],
        attributes=np.where(batch.attributes, 1, -1).astype(np.int8),
        landmarks=batch.landmarks,
        boxes=np.concatenate([low - 20, high - low + 40], axis=1).astype(np.float32),
        partition=np.where(test, TEST, TRAIN).astype(np.int8),
        pairs=Pairs(rows[drawn.first], rows[drawn.second], drawn.same, drawn.fold),
    )
