"""Damaged and random bytes to every parser, and flipped bits in packs and exported files.

Each parser reads a file or refuses it by the project's own error, within `MOST_SECONDS` of processor time and
`MOST_BYTES` of memory; nothing that carries a digest is read otherwise than it was written.
"""

from __future__ import annotations

import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch

from nbutils.data.cropping import crop_faces
from nbutils.data.layouts.base import open_collection
from nbutils.data.pack.packer import pack_collection
from nbutils.errors import DataError
from nbutils.evaluation.onnx import OnnxNetwork, export_onnx, quantise_onnx
from nbutils.models import MobileIDStudent
from tests.support.mutants import mutate
from tests.support.packs import reseal
from tests.support.parsers import parsers, refused
from tests.unit.data.layouts.test_mutated_files import MEMORY, PARSED, read_all, tiny, write

#: Files a parser, of which every fifth is random bytes; and files a layout.
EACH, EACH_LAYOUT = 3200, 3200
#: Bits flipped in each file of a pack, and in each exported file.
FLIPS = 100
MOST_SECONDS, MOST_BYTES = 2.0, 1 << 26
#: Memory is traced for every so many files, as tracing takes several times as long.
_TRACED = 10
PARSERS = parsers()


@dataclass
class Count:
    """What came of the files of one parser; the most that one of them took."""

    files: int = 0
    refused: int = 0
    seconds: float = 0.0
    bytes: int = 0

    def add(self, attempt: Callable[[], bool]) -> None:
        """Counts one file."""
        traced = self.files % _TRACED == 0
        if traced:
            tracemalloc.start()
        started = time.process_time()
        try:
            self.refused += attempt()
        finally:
            if traced:
                self.bytes = max(self.bytes, tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
            else:
                self.seconds = max(self.seconds, time.process_time() - started)
        self.files += 1
        assert self.seconds < MOST_SECONDS
        assert self.bytes < MOST_BYTES


@pytest.fixture(scope="module")
def counts(request: pytest.FixtureRequest) -> Iterator[dict[str, Count]]:
    """Counts by parser; printed in the end, with what the process grew by in all."""
    found: dict[str, Count] = {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield found
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rows = [f"{'parser':28}{'files':>8}{'refused':>9}{'read':>8}{'most s':>8}{'most MB':>9}"]
    rows += [
        f"{name:28}{c.files:8,}{c.refused:9,}{c.files - c.refused:8,}{c.seconds:8.3f}{c.bytes / 1e6:9.2f}"
        for name, c in found.items()
    ]
    rows.append(f"{'all':28}{sum(c.files for c in found.values()):8,}; the process grew by {grown:.0f} MB")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n" + "\n".join(rows))


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", PARSERS)
def test_damaged_and_random_files(name: str, folder: Path, counts: dict[str, Count]) -> None:
    parser, rng, count = PARSERS[name], np.random.default_rng(13), counts.setdefault(name, Count())
    path = folder / parser.file
    for number in range(EACH):
        random = number % 5 == 0
        content = rng.bytes(int(rng.integers(1, 2000))) if random else mutate(parser.sound, rng)
        count.add(lambda content=content: refused(parser, path, content))  # type: ignore[misc]
    assert count.refused > EACH // 5


@pytest.mark.parametrize("case", PARSED)
def test_damaged_and_random_files_of_data_sets(case: str, folder: Path, counts: dict[str, Count]) -> None:
    root, rng, count = folder / "data", np.random.default_rng(13), counts.setdefault(f"layout {case}", Count())
    layout = write(case, root)
    files = [root / name for name in PARSED[case][1]]
    whole = {file: file.read_bytes() for file in root.rglob("*") if file.is_file() and file.stat().st_size < 1 << 20}
    for number in range(EACH_LAYOUT):
        file = files[number % len(files)]
        sound = whole[file]
        file.write_bytes(rng.bytes(int(rng.integers(1, 2000))) if number % 5 == 0 else mutate(sound, rng))
        if layout == "pack":
            reseal(root)
        count.add(lambda: not read_all(root, layout))
        file.write_bytes(sound)
        if layout == "pack":
            (root / "pack.json").write_bytes(whole[root / "pack.json"])
    assert count.refused > EACH_LAYOUT // 10


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """One bit of it the other way round."""
    changed = bytearray(content)
    changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def test_flipped_bits_in_packs(folder: Path, counts: dict[str, Count]) -> None:
    root = folder / "pack"
    pack_collection(tiny(), root, "whole", 2, 2, progress=False)
    rng = np.random.default_rng(13)

    def content() -> list[bytes]:
        found = open_collection(root)
        crops, points = crop_faces(found, range(len(found)), "whole", 2, 2, progress=False)
        pairs = found.pairs
        assert points is not None
        assert found.identity is not None
        assert found.attributes is not None
        assert pairs is not None
        arrays: list[np.ndarray] = [crops, points, found.identity, found.attributes, *vars(pairs).values()]
        return [*(array.tobytes() for array in arrays), repr([*found.names, *found.identity_names]).encode()]

    sound = content()

    def notices() -> bool:
        try:
            found = content()
        except DataError:
            return True
        assert found == sound  # a flip between spaces of pack.json
        return False

    for file in sorted(root.iterdir()):
        whole, count = file.read_bytes(), counts.setdefault(f"flips {file.name}", Count())
        for _ in range(FLIPS):
            file.write_bytes(flipped(whole, rng))
            count.add(notices)
        file.write_bytes(whole)
        assert count.refused == FLIPS or file.name == "pack.json"


def test_flipped_bits_in_exports(folder: Path, counts: dict[str, Count]) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(13)
    images = rng.integers(0, 256, (70, 55, 47, 3), dtype=np.uint8)
    files = [folder / "S.onnx", folder / "S.int8.onnx"]
    export_onnx(MobileIDStudent(out_features=7, width=2), files[0], images, metadata={"network": "S"})
    quantise_onnx(files[0], files[1], images)

    def notices() -> bool:
        with pytest.raises(DataError, match=r"is damaged|carries no digest"):
            OnnxNetwork.open(copy)
        return True

    copy = folder / "copy.onnx"
    for file in files:
        whole, count = file.read_bytes(), counts.setdefault(f"flips {file.name}", Count())
        for _ in range(2 * FLIPS):
            copy.write_bytes(flipped(whole, rng))
            count.add(notices)
        assert count.refused == 2 * FLIPS
