"""A student is a teacher like any other: by its logits, by its neurons, or by its output where it regresses neurons."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from nbutils.data import SyntheticData
from nbutils.errors import ParameterError
from nbutils.losses import Loss, Signals
from nbutils.training import ModelSpec, SelectionSpec, Store, Term, TrainingResult, TrainingSpec, train
from nbutils.training.teachers import Teacher

pytestmark = pytest.mark.slow

MakeSpec = Callable[..., TrainingSpec]

SMALLER = ModelSpec("MobileIDStudent", options={"width": 2, "num_features": 8})
LABELS = {"labels": Term("LabelLoss")}
NEURONS = {"neurons": Term("NeuronLoss")}


class Kept(Loss):
    """What the teacher gives in a training, to compare with what the network computes."""

    reads = ("student.output", "teacher.neurons", "truth.index")
    output_like = "teacher.neurons"
    seen: list[torch.Tensor]

    def prepare(self, signals: Signals) -> None:
        Kept.seen = [signals.teacher.neurons.clone()]

    def forward(self, signals: Signals) -> torch.Tensor:
        difference: torch.Tensor = signals.student.output.float() - signals.teacher.neurons.float()
        return difference.square().mean()


@pytest.fixture
def data() -> SyntheticData:
    """With attributes, which a wanted count of neurons needs."""
    return SyntheticData(identities=6, images_per_identity=4, validation_images=60, pairs=20)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def on_labels(make_student: MakeSpec) -> TrainingSpec:
    return make_student(name="on labels", objective=LABELS, teacher=())


@pytest.fixture
def on_neurons(make_student: MakeSpec) -> TrainingSpec:
    """It regresses five neurons of the teacher."""
    return make_student(name="on neurons", selection=SelectionSpec(count=5))


def _taught(result: TrainingResult, data: SyntheticData) -> None:
    """The weights were learned, and the network answers."""
    assert result.trained_now
    assert np.isfinite(result.history["loss"]).all()
    assert result.features(data.load().test.images).shape[0] == len(data.load().test)


def test_one_on_labels_teaches_by_its_logits(
    make_student: MakeSpec, on_labels: TrainingSpec, data: SyntheticData, store: Store
) -> None:
    soft = {"soft": Term("SoftTargetLoss", options={"temperature": 3.0})}
    smaller = make_student(name="smaller", model=SMALLER, objective=soft, teacher=on_labels)
    teacher, student = train([on_labels, smaller], store=store, progress=False)
    _taught(student, data)
    assert student.metrics["outputs"] == teacher.metrics["outputs"] == 6
    assert student.metrics["parameters"] < teacher.metrics["parameters"]


@pytest.mark.parametrize("targets", ["online", "cached"])
def test_one_on_labels_teaches_by_its_top_hidden_layer(
    make_student: MakeSpec, on_labels: TrainingSpec, data: SyntheticData, store: Store, targets: str
) -> None:
    smaller = make_student(name="smaller", model=SMALLER, objective=NEURONS, teacher=on_labels, targets=targets)
    student = train(smaller, store=store, progress=False)
    _taught(student, data)
    assert student.metrics["outputs"] == 512  # the student's hidden layer is the teacher's neurons
    assert student.feature_layer == "output"


@pytest.mark.parametrize("targets", ["online", "cached"])
def test_one_that_regresses_neurons_teaches_by_its_output(
    make_student: MakeSpec, on_neurons: TrainingSpec, data: SyntheticData, store: Store, targets: str
) -> None:
    smaller = make_student(name="smaller", model=SMALLER, objective=NEURONS, teacher=on_neurons, targets=targets)
    teacher, student = train([on_neurons, smaller], store=store, progress=False)
    _taught(student, data)
    assert student.metrics["outputs"] == teacher.metrics["outputs"] == 5
    assert student.metrics["neurons"] == [0, 1, 2, 3, 4]


def test_its_output_is_what_the_loss_reads(
    make_student: MakeSpec, on_neurons: TrainingSpec, data: SyntheticData, store: Store
) -> None:
    smaller = make_student(name="smaller", model=SMALLER, objective={"kept": Term(Kept)}, teacher=on_neurons)
    teacher, student = train([on_neurons, smaller], store=store, progress=False)
    wanted = teacher.features(data.load().train.images[:2])
    assert wanted.shape == (2, 5)
    np.testing.assert_allclose(Kept.seen[0], wanted / student.metrics["neuron unit"], atol=1e-5)
    assert student.metrics["outputs"] == 5


def test_its_neurons_can_be_selected_again(make_student: MakeSpec, on_neurons: TrainingSpec, store: Store) -> None:
    smaller = make_student(
        name="smaller", model=SMALLER, objective=NEURONS, teacher=on_neurons, selection=SelectionSpec(count=3)
    )
    student = train(smaller, store=store, progress=False)
    assert student.metrics["outputs"] == len(student.metrics["neurons"]) <= 3
    assert set(student.metrics["neurons"]) <= set(range(5))


@pytest.mark.parametrize("targets", ["online", "cached"])
def test_teachers_and_students_teach_together(
    make_student: MakeSpec, teacher: TrainingSpec, on_neurons: TrainingSpec, store: Store, targets: str
) -> None:
    both = (teacher, on_neurons)
    smaller = make_student(name="smaller", model=SMALLER, objective=NEURONS, teacher=both, targets=targets)
    assert train(smaller, store=store, progress=False).metrics["outputs"] == 512 + 5


def test_a_line_of_students_is_trained_from_its_last(make_student: MakeSpec, store: Store) -> None:
    first = make_student(name="first")
    second = make_student(name="second", model=SMALLER, teacher=first)
    third = make_student(name="third", model=SMALLER, teacher=second, seed=1)
    assert train(third, store=store, progress=False).trained_now
    assert [train(spec, store=store, progress=False).trained_now for spec in (first, second, third)] == [False] * 3


def test_the_logits_of_one_that_has_none_are_one_error_before_anything_is_trained(
    make_student: MakeSpec, on_neurons: TrainingSpec, store: Store
) -> None:
    soft = {"soft": Term("SoftTargetLoss", options={"temperature": 3.0})}
    smaller = make_student(name="smaller", model=SMALLER, objective=soft, teacher=on_neurons)
    with pytest.raises(ParameterError, match=r"'smaller': .* teacher\.logits, and .* 'on neurons' has none"):
        train([on_neurons, smaller], store=store, progress=False)
    assert not [folder for folder in store.root.iterdir() if folder.is_dir()]


def test_an_ensemble_gives_logits_only_if_all_have_them(
    make_student: MakeSpec, teacher: TrainingSpec, on_neurons: TrainingSpec, store: Store
) -> None:
    soft = {"logits": Term("LogitsLoss")}
    smaller = make_student(name="smaller", model=SMALLER, objective=soft, teacher=(teacher, on_neurons))
    with pytest.raises(ParameterError, match="'on neurons' has none"):
        train(smaller, store=store, progress=False)


def test_every_trained_network_can_teach(on_labels: TrainingSpec, on_neurons: TrainingSpec, store: Store) -> None:
    for spec, layer, neurons, logits in ((on_labels, "features", 512, 6), (on_neurons, "output", 5, 0)):
        result = train(spec, store=store, progress=False)
        teacher = Teacher([result.model], layers=[result.feature_layer])
        assert result.feature_layer == layer
        assert (teacher.num_neurons, teacher.num_logits) == (neurons, logits)
        answers = teacher(torch.zeros(2, 3, 55, 47))
        assert ("logits" in answers) == (logits > 0)
