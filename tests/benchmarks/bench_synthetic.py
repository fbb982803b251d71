"""How many embedded faces a second: `make benchmark`."""

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from nbutils.data.synthetic import SyntheticFaces


def test_render_2000_faces_of_64_by_64(benchmark: BenchmarkFixture) -> None:
    faces = SyntheticFaces()
    batch = benchmark.pedantic(faces.render, (np.arange(2000), 64, 64), rounds=5, warmup_rounds=1)
    benchmark.extra_info["images a second"] = round(2000 / benchmark.stats.stats.min)
    assert len(batch.images) == 2000
