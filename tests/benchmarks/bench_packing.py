"""Packing against bare decoding, epochs from a pack against a folder of files, and opening a large pack.

All ways of a group work on the same images in the same run; compare its rows: `make benchmark`. The images are JPEGs
of LFW's 250 × 250 pixels, read from files that the system has in memory. `pack` does everything a packing does: read,
decode, crop, digest, write, and index.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.io import decode_jpeg, read_file

from nbutils.data.batches import FaceBatches
from nbutils.data.collection import Collection
from nbutils.data.geometry.template import CropRule
from nbutils.data.layouts.base import open_collection
from nbutils.data.pack.packer import pack_collection
from nbutils.data.pack.unfinished import Block, Parts
from nbutils.data.synthetic import SyntheticFaces

IMAGES, PEOPLE, BATCH = 2048, 64, 128
SIZE, INPUT = (61, 53), (55, 47)
MANY = 1_000_000


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Rendered faces as JPEGs, one folder a person, with their key points."""
    root = tmp_path_factory.mktemp("faces")
    points = []
    for start in range(0, IMAGES, 512):
        batch = SyntheticFaces(0, IMAGES // PEOPLE).render(np.arange(start, start + 512), 250, 250)
        points.append(batch.landmarks)
        for at, image in enumerate(batch.images, start):
            file = root / f"{at * PEOPLE // IMAGES:04d}" / f"{at:06d}.jpg"
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(file, quality=90)
    return replace(open_collection(root), landmarks=np.concatenate(points))


def _bare(faces: Collection) -> None:
    def decode(names: list[str]) -> None:
        for name in names:
            decode_jpeg(read_file(str(faces.root / name)))

    names = list(faces.names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, [names[at : at + 64] for at in range(0, len(names), 64)]))


@pytest.mark.benchmark(group="packing")
@pytest.mark.parametrize("way", ["torchvision.io.decode_jpeg", "pack: lfw", "pack: whole", "pack: landmarks"])
def test_packing(benchmark: BenchmarkFixture, faces: Collection, tmp_path: Path, way: str) -> None:
    done = iter(range(10**6))

    def packed(rule: CropRule) -> Callable[[], object]:
        return lambda: pack_collection(faces, tmp_path / str(next(done)), rule, *SIZE, progress=False)

    ways: dict[str, Callable[[], object]] = {
        "torchvision.io.decode_jpeg": lambda: _bare(faces),
        "pack: lfw": packed("lfw"),
        "pack: whole": packed("whole"),
        "pack: landmarks": packed("landmarks"),
    }
    ways[way]()
    benchmark(ways[way])


@pytest.mark.benchmark(group="one epoch of batches")
@pytest.mark.parametrize("way", ["ImageFolder and DataLoader", "pack"])
def test_one_epoch(benchmark: BenchmarkFixture, faces: Collection, tmp_path: Path, way: str) -> None:
    """Random crops and flips, scaled to [−1, 1], in batches, shuffled."""
    per_sample = transforms.Compose(
        [
            transforms.Resize(SIZE),
            transforms.RandomCrop(INPUT),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    folder = ImageFolder(str(faces.root), per_sample)
    pack_collection(faces, tmp_path / "pack", "whole", *SIZE, progress=False)
    crops = open_collection(tmp_path / "pack").crops
    assert crops is not None
    batches, generator = FaceBatches(crops, INPUT), torch.Generator().manual_seed(0)

    def from_folder() -> None:
        for _ in DataLoader(folder, BATCH, shuffle=True, num_workers=os.cpu_count() or 1):
            pass

    def from_pack() -> None:
        order = torch.randperm(len(batches), generator=generator)
        for start in range(0, len(order), BATCH):
            batches.augmented(order[start : start + BATCH], generator)

    way_of = {"ImageFolder and DataLoader": from_folder, "pack": from_pack}[way]
    way_of()
    benchmark(way_of)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of a million images of 8 × 8 pixels, with identities, attributes and key points."""
    rng = np.random.default_rng(0)
    person = np.sort(rng.integers(0, 50_000, MANY))
    collection = Collection(
        layout="made",
        root=Path("made"),
        names=[f"{who:05d}/{at:07d}.jpg" for at, who in enumerate(person)],
        read=lambda _: b"",
        identity=person.astype(np.int64),
        identity_names=[f"{who:05d}" for who in range(50_000)],
        attributes=rng.choice(np.array([-1, 1], np.int8), (MANY, 40)),
        landmarks=rng.uniform(0, 8, (MANY, 5, 2)).astype(np.float32),
    )
    folder = tmp_path_factory.mktemp("large")
    parts = Parts(folder, {"images": MANY, "height": 8, "width": 8}, quarantine=False)
    assert collection.landmarks is not None
    for start in range(0, MANY, 100_000):
        crops = rng.integers(0, 256, (100_000, 8, 8, 3), np.uint8)
        block = Block(range(start, start + 100_000))
        block.digests = [hashlib.sha256(crop.data).digest() for crop in crops]
        block.landmarks = [collection.landmarks[start : start + 100_000]]
        parts.write(crops)
        parts.publish(block, collection)
    parts.finish(collection, "made", "whole")
    return folder


@pytest.mark.benchmark(group="opening a pack of 1,000,000 images")
def test_opening(benchmark: BenchmarkFixture, large: Path) -> None:
    collection = benchmark(open_collection, large)
    assert len(collection) == MANY
    assert collection.names[MANY - 1].endswith("999999.jpg")
