"""What a notebook trains, in groups: every spec is found, and what is none is refused."""

from typing import Any

import pytest

from nbutils.errors import ParameterError
from nbutils.papers import all_trainings, face_data
from nbutils.papers.luo2016 import t1
from nbutils.training import TrainingSpec


@pytest.fixture
def spec() -> TrainingSpec:
    return t1(face_data("synthetic", preset="smoke"), "smoke")


def test_groups_may_stand_in_groups(spec: TrainingSpec) -> None:
    groups: list[Any] = [{"row": spec, "folds": (spec for _ in range(2))}, [[spec], {}]]

    assert list(all_trainings(groups)) == [spec] * 4


@pytest.mark.parametrize("wrong", ["soft", b"soft", "", 3, None])
def test_what_is_no_training_is_named(spec: TrainingSpec, wrong: object) -> None:
    for given in (wrong, {"row": spec, "other": [wrong]}):
        with pytest.raises(ParameterError, match="among the trainings stands") as failure:
            list(all_trainings(given))  # type: ignore[arg-type]
        assert repr(wrong) in str(failure.value)
        assert "expected a TrainingSpec" in str(failure.value)
