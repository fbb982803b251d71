"""At least 10,000 damaged files to every parser: it reads them or refuses them by the project's own error.

A mutant costs a parser microseconds and hypothesis a millisecond, so that each of its examples is a seed for many.
"""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbutils.data.collection import Collection
from nbutils.data.decode import decode_image
from nbutils.data.layouts.base import open_collection, write_collection
from nbutils.data.manifest import load_manifest
from nbutils.data.pack.packer import pack_collection
from nbutils.data.splits import draw_split, load_split
from nbutils.errors import DataError
from tests.support.collections import encoded, rendered
from tests.support.mutants import mutate
from tests.support.packs import reseal
from tests.support.parsers import MANIFEST

#: Examples of hypothesis, and mutants of each: 10,000 a parser.
EXAMPLES, EACH = 50, 200
#: In memory where the system has such a folder: so many writes wear a disk, and take minutes.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None

#: The files that each layout's parser reads besides the images; in how many forms, which share its mutants.
PARSED = {
    "lfw": (1, ["peopleDevTrain.txt", "pairsDevTest.txt"]),
    "celeba": (2, [f"{name}.txt" for name in (
        "list_attr_celeba", "list_landmarks_align_celeba", "identity_CelebA", "list_eval_partition",
    )]),
    "celeba_in_the_wild": (2, ["list_bbox_celeba.txt", "list_attr_celeba.csv"]),
    "recordio": (2, ["train.rec", "train.idx", "property", "train.lst"]),
    "recordio without index": (4, ["train.rec"]),
    "recordio with vectors": (4, ["train.rec", "train.idx"]),
    "pair_bin": (2, ["pairs.bin"]),
    "pair_bin of arrays": (2, ["pairs.bin"]),
    "msceleb_tsv": (1, ["faces.tsv", "pairs.csv"]),
    "idx": (1, ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]),
    "image_list": (1, ["images.csv", "pairs.csv"]),
    "image_folder": (1, ["pairs.csv"]),
    "pack": (1, ["pack.json", "images.npy", "index.parquet", "identities.parquet", "pairs.parquet"]),
    "pack with attributes": (10, ["index.parquet"]),
}  # fmt: skip


def tiny() -> Collection:
    """The rendered faces' annotations over images of a few bytes."""
    whole = rendered(32, people=4, images_each=2)
    dots = [encoded(np.full((2, 2, 3), 10 * at, np.uint8), "PNG") for at in range(len(whole))]
    return replace(whole, read=dots.__getitem__)


def write(case: str, root: Path) -> str:
    """Writes the data set of a case; returns the name of its layout."""
    layout, source = case.split(" ")[0], tiny()
    if case in ("recordio", "recordio without index"):
        source = replace(source, attributes=None, landmarks=None, pairs=None)
    if case == "pack":
        source = replace(source, attributes=None, landmarks=None)
    if layout == "idx":
        grey = np.arange(48, dtype=np.uint8).reshape(12, 2, 2, 1).repeat(3, axis=3)
        source = Collection(
            "rendered", root, [""] * 12, bytes, np.arange(12) % 3, ["0", "1", "2"], pixels=grey.__getitem__
        )
    if layout == "pack":
        pack_collection(source, root, "whole", 2, 2, progress=False)
        return layout
    write_collection(source, root, layout)
    if case == "recordio":
        rows = [f"{key}\t{(key - 1) // 2}\tPerson/{key}.jpg\n" for key in range(1, len(source) + 1)]
        (root / "train.lst").write_text("".join(rows))
    if case == "recordio without index":
        (root / "train.idx").unlink()
    if case == "celeba_in_the_wild":
        attributes = root / "list_attr_celeba.txt"
        lines = attributes.read_text().splitlines()[1:]
        attributes.with_suffix(".csv").write_text("\n".join(["image_id," + lines[0].replace(" ", ","), *(
            line.replace(" ", ",") for line in lines[1:]
        )]))  # fmt: skip
        attributes.unlink()
    if case == "pair_bin of arrays":
        images = [np.frombuffer(source.read(at), np.uint8) for at in range(8)]
        answers = [np.bool_(at % 2) for at in range(4)]
        (root / "pairs.bin").write_bytes(pickle.dumps((images, answers), protocol=2))
    return layout


def read_all(root: Path, layout: str) -> bool:
    """Whether a data set opens and all its images read; only a DataError may say no."""
    try:
        collection = open_collection(root, layout)
        for at in range(len(collection)):
            collection.describe(at)
            collection.read(at) if collection.crops is None else collection.image(at)
    except DataError as error:
        refusal = str(error)
    else:
        return True
    assert str(root) in refusal
    return False


@pytest.fixture(scope="module", params=list(PARSED))
def case(request: pytest.FixtureRequest) -> Iterator[tuple[str, Path, str]]:
    with TemporaryDirectory(dir=MEMORY) as folder:
        root = Path(folder) / "data"
        layout = write(request.param, root)
        assert read_all(root, layout)
        yield request.param, root, layout


def try_mutants(case: tuple[str, Path, str], seed: int, count: int) -> int:
    """Damages the files of a data set one after the other; returns how many mutants were refused."""
    name, root, layout = case
    rng = np.random.default_rng(seed)
    files = [root / file for file in PARSED[name][1]]
    refused, sealed = 0, (root / "pack.json").read_bytes() if layout == "pack" else b""
    for number, file in enumerate(files):
        sound = file.read_bytes()
        try:
            for _ in range(number, count, len(files)):
                file.write_bytes(mutate(sound, rng))
                if layout == "pack":  # else all but the digests' comparison would go untried
                    reseal(root)
                refused += not read_all(root, layout)
        finally:
            file.write_bytes(sound)
            if layout == "pack":
                (root / "pack.json").write_bytes(sealed)
    return refused


@pytest.mark.slow
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_only_the_projects_error_comes_out(case: tuple[str, Path, str], seed: int) -> None:
    assert try_mutants(case, seed, EACH // PARSED[case[0]][0]) > 0


@pytest.mark.slow
def test_no_mutant_makes_a_parser_take_much_memory(case: tuple[str, Path, str]) -> None:
    tracemalloc.start()
    try:
        try_mutants(case, 0, 100)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "PPM"])
def test_damaged_images(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = encoded(rng.integers(0, 256, (9, 7, 3), np.uint8), kind)
    for _ in range(EACH // 5):
        with suppress(DataError):
            pixels = decode_image(mutate(sound, rng), "some image")
            assert pixels.dtype == np.uint8
            assert pixels.shape[2:] == (3,)


@pytest.mark.slow
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("parser", ["manifest", "split"])
def test_damaged_manifests_and_splits(parser: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder) / "some.yml"
        if parser == "manifest":
            path.write_text(MANIFEST)
        else:
            draw_split("images", np.zeros(40, np.int64), 0.2).save(path)
        sound = path.read_bytes()
        load = load_manifest if parser == "manifest" else load_split
        load(path)
        for _ in range(EACH):
            path.write_bytes(mutate(sound, rng))
            with suppress(DataError):
                load(path)


ENDLESS = ["[" * 20_000, "{" * 20_000, "? " * 9_000, "a: " * 20_000, "&a [*a, *a]"]
#: 10^12 names in twelve lines.
LAUGHS = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 13))])


@pytest.mark.slow
@pytest.mark.parametrize("content", [*ENDLESS, LAUGHS], ids=[*"abcde", "laughs"])
def test_manifests_without_end(content: str, tmp_path: Path) -> None:
    path = tmp_path / "some.yml"
    path.write_text(content)
    with pytest.raises(DataError, match=r"some\.yml"):
        load_manifest(path)
