"""A small, seeded part of `make attack` on parsers: damaged and random bytes to each of them."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.mutants import mutate
from tests.support.parsers import parsers, refused

PARSERS = parsers()


@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
def test_only_the_projects_error_comes_out(name: str, tmp_path: Path) -> None:
    parser, rng = PARSERS[name], np.random.default_rng(0)
    path = tmp_path / parser.file
    assert not refused(parser, path, parser.sound)
    mutants = [mutate(parser.sound, rng) for _ in range(50)] + [rng.bytes(int(rng.integers(1, 200))) for _ in range(10)]
    assert sum(refused(parser, path, content) for content in mutants) >= 10
