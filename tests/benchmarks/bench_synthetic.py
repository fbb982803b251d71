"""How long 2,000 embedded faces take: `make benchmark`."""

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from nbutils.data.synthetic import SyntheticFaces


def test_render_2000_faces_of_64_by_64(benchmark: BenchmarkFixture) -> None:
    batch = benchmark(SyntheticFaces().render, np.arange(2000), 64, 64)
    assert len(batch.images) == 2000
