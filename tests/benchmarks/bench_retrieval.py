"""Exact retrieval of 100,000 × 512 against faiss's flat index, in one run, and its memory."""

from __future__ import annotations

import resource
import sys

import faiss
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nbutils.evaluation import nearest_others

ROWS, WIDTH, PEOPLE = 100_000, 512, 10_000


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    rng = np.random.default_rng(0)
    people = rng.standard_normal((PEOPLE, WIDTH), np.float32)
    return people[rng.integers(0, PEOPLE, ROWS)] + rng.standard_normal((ROWS, WIDTH), np.float32)


@pytest.mark.benchmark(group="nearest other of 100,000 × 512")
@pytest.mark.parametrize("way", ["blocks", "faiss flat index"])
def test_retrieval(benchmark: BenchmarkFixture, features: np.ndarray, way: str) -> None:
    before = _peak_gib()
    run = _blocks if way == "blocks" else _faiss
    found = benchmark.pedantic(run, (features,))  # type: ignore[no-untyped-call]
    benchmark.extra_info["peak memory, GiB"] = _peak_gib()
    benchmark.extra_info["added, GiB"] = _peak_gib() - before
    sample = np.random.default_rng(1).integers(0, ROWS, 20)
    for row in sample:
        distances = np.square(features - features[row]).sum(axis=1)
        distances[row] = np.inf
        assert distances[found[row]] == pytest.approx(distances.min(), rel=1e-5)


def _blocks(features: np.ndarray) -> np.ndarray:
    return nearest_others(features, 1)[:, 0]


def _faiss(features: np.ndarray) -> np.ndarray:
    index = faiss.IndexFlatL2(WIDTH)
    index.add(features)
    _, places = index.search(features, 2)
    own = np.arange(len(features))
    return np.where(places[:, 0] == own, places[:, 1], places[:, 0])


def _peak_gib() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
