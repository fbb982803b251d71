"""Neuron selection at the paper's sizes: `make benchmark`."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nbutils.data.attributes import IDENTITY_RELATED
from nbutils.selection import attribute_discriminativeness, select_neurons


@pytest.mark.parametrize("neurons", [512, 3072])
def test_discriminativeness_of_40_attributes_on_20000_images(benchmark: BenchmarkFixture, neurons: int) -> None:
    rng = np.random.default_rng(0)
    features = np.maximum(rng.normal(size=(20_000, neurons)).astype(np.float32), 0)
    attributes = rng.random((20_000, 40)) < 0.2
    assert benchmark(attribute_discriminativeness, features, attributes).shape == (neurons, 40)


@pytest.mark.parametrize(("neurons", "count"), [(512, 422), (3072, 960)])
def test_mean_field(benchmark: BenchmarkFixture, neurons: int, count: int) -> None:
    x = np.random.default_rng(0).uniform(0.5, 0.8, (neurons, 40))
    assert len(benchmark(select_neurons, x, IDENTITY_RELATED, count=count).indices) == count
