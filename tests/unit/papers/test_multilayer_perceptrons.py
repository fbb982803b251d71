from pathlib import Path

import pytest

from nbutils.errors import ParameterError
from nbutils.papers import printed
from nbutils.papers.luo2016 import mnist_trainings
from nbutils.training.store import Store
from nbutils.training.trainer import train


def test_every_printed_row_has_a_training() -> None:
    rows = mnist_trainings("digits")
    assert set(rows) == set(printed("luo2016", "mnist").index)
    neurons = printed("luo2016", "mnist")["neurons"]
    assert {name: spec.model.options["neurons"] for name, spec in rows.items()} == neurons.to_dict()


@pytest.mark.slow
def test_the_regressing_student_imitates_the_chosen_neurons_alone(tmp_path: Path) -> None:
    teacher, student = train(
        [mnist_trainings("digits", preset="smoke")[name] for name in ("T", "selection")],
        store=Store(tmp_path),
        progress=False,
    )
    chosen = student.metrics["neurons"]
    assert 0 < len(chosen) < 120
    images = student.spec.data.load().test.images
    assert student.features(images).shape == (len(images), len(chosen))
    assert teacher.features(images).shape == (len(images), 120)


@pytest.mark.parametrize(
    ("dataset", "root", "message"),
    [("faces", "", "expected 'digits' or 'mnist'"), ("mnist", "", "data_root is empty")],
)
def test_unknown_data(dataset: str, root: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        mnist_trainings(dataset, root)
