"""Neurons as targets: their unit, where the student starts, and what a training tells of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nbutils.data import SyntheticData
from nbutils.errors import ParameterError
from nbutils.losses import Signals, SoftTargetLoss
from nbutils.models import FaceNetwork, MobileIDStudent, Outputs, extract_features
from nbutils.training import ModelSpec, Schedule, Store, Teacher, Term, TrainingSpec, train
from nbutils.training.target_units import TargetUnit, start_at

DATA = SyntheticData(identities=4, images_per_identity=4, validation_images=8, pairs=20)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def make_student(**changes: object) -> TrainingSpec:
    """A student of a teacher, both of them tiny; with what is named set otherwise."""
    teacher = TrainingSpec(
        name="teacher",
        data=DATA,
        model=ModelSpec("MobileIDStudent", options={"width": 4, "num_features": 16}),
        objective={"labels": Term("LabelLoss")},
        schedule=Schedule(epochs=2, batch_size=8),
    )
    content = {
        "name": "student",
        "model": ModelSpec("MobileIDStudent", options={"width": 4}),
        "objective": {"neurons": Term("NeuronLoss")},
        "teacher": teacher,
    }
    return TrainingSpec(**{"data": DATA, "schedule": Schedule(epochs=1, batch_size=8), **content, **changes})


def test_the_unit_is_the_root_mean_square_distance_from_the_mean_neurons() -> None:
    torch.manual_seed(0)  # of some seeds, all three are dead
    teacher = Teacher([MobileIDStudent(3, width=4)], neurons=np.array([5, 200, 7]))
    images = np.random.default_rng(0).integers(0, 256, (40, 61, 53, 3), dtype=np.uint8)
    neurons = teacher.features(images)[:, [5, 200, 7]].astype(np.float64)
    units = TargetUnit.of_neurons(teacher, images)
    distances = [np.linalg.norm(row - neurons.mean(axis=0)) for row in neurons]
    assert units.scale == pytest.approx(np.sqrt(np.mean(np.square(distances))))
    np.testing.assert_allclose(units.mean * units.scale, neurons.mean(axis=0), rtol=1e-5)
    in_unit = teacher.in_units(scale=units.scale)
    x = torch.rand(2, 3, 55, 47)
    torch.testing.assert_close(in_unit(x).neurons * units.scale, teacher(x).neurons)
    torch.testing.assert_close(in_unit(x).features, teacher(x).features)
    assert in_unit.choose(np.array([1])).scale == units.scale


def test_the_unit_of_logits_is_that_of_an_ensembles_zero_mean_logits() -> None:
    torch.manual_seed(0)
    networks = [MobileIDStudent(5, width=4), MobileIDStudent(5, width=4)]
    images = np.random.default_rng(0).integers(0, 256, (30, 55, 47, 3), dtype=np.uint8)
    with torch.no_grad():
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        each = torch.stack([network.eval()(x).output for network in networks])
    logits = each.mean(dim=0).double()
    centred = logits - logits.mean(dim=1, keepdim=True)
    teacher = Teacher(networks)
    unit = TargetUnit.of_logits(teacher, images)
    expected = (centred - centred.mean(dim=0)).square().sum(dim=1).mean().sqrt()
    assert unit.scale == pytest.approx(float(expected), rel=1e-3)
    np.testing.assert_allclose(unit.mean * unit.scale, centred.mean(dim=0).numpy(), atol=1e-4)
    in_units = teacher.in_units(logit_unit=unit.scale)
    assert in_units(x).logit_unit.tolist() == [[pytest.approx(unit.scale)]] * 30
    torch.testing.assert_close(in_units(x).logits, teacher(x).logits)


@pytest.mark.slow
@pytest.mark.parametrize("online", [True, False])
def test_a_student_in_the_unit_of_logits_learns_them_divided(online: bool, tmp_path: Path) -> None:
    soft = Term("SoftTargetLoss", options={"temperature": 4.0, "in_unit": True})
    spec = make_student(objective={"soft": soft}, targets="online" if online else "cached")
    (teacher_spec,) = spec.teacher
    assert isinstance(teacher_spec, TrainingSpec)
    taught, result = train([teacher_spec, spec], store=Store(tmp_path), progress=False)
    images = DATA.load().train.images
    teacher = Teacher([taught.model])
    unit = TargetUnit.of_logits(teacher, images).scale
    assert result.metrics["logit unit"] == pytest.approx(unit)
    networks = (result.model, taught.model)
    student, asked = (torch.from_numpy(Teacher([network]).logits(images)[:, 0]) for network in networks)
    told = SoftTargetLoss(1.0).fidelity(Signals.of(student={"output": unit * student}, teacher={"logits": asked}))
    assert result.metrics["fidelity"]["training"]["soft"]["value"] == pytest.approx(told.value, rel=1e-3)


def test_an_output_has_one_meaning() -> None:
    both = {"soft": Term("SoftTargetLoss", options={"in_unit": True}), "labels": Term("LabelLoss")}
    with pytest.raises(ParameterError, match="the term soft takes the student's output for logits in"):
        make_student(objective=both)


def test_neurons_that_never_vary_keep_their_unit() -> None:
    network = MobileIDStudent(3, width=4)
    with torch.no_grad():
        for parameter in network.group8.parameters():
            parameter.zero_()
    assert TargetUnit.of_neurons(Teacher([network]), np.zeros((4, 61, 53, 3), np.uint8)).scale == 1.0


def test_a_student_starts_at_the_mean_response() -> None:
    student = MobileIDStudent(4, width=4)
    start_at(student, np.array([1, 2, 3, 4], np.float32))
    with torch.no_grad():
        student.output.weight.zero_()
    torch.testing.assert_close(student(torch.rand(2, 3, 55, 47)).output[0], torch.tensor([1.0, 2, 3, 4]))


def test_an_output_of_no_linear_layer_is_left_alone() -> None:
    class Mean(FaceNetwork):
        input_size = (8, 8)

        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, images: torch.Tensor) -> Outputs:
            mean = images.mean(dim=(2, 3))
            return Outputs(features=mean, output=self.inner(mean).relu())

    network = Mean()
    before = network.inner.bias.clone()
    start_at(network, np.ones(3, np.float32))
    torch.testing.assert_close(network.inner.bias, before)


@pytest.mark.slow
def test_a_training_tells_its_fidelity_and_its_clipped_steps(store: Store) -> None:
    schedule = Schedule(epochs=2, batch_size=8)
    result = train(make_student(schedule=schedule), store=store, progress=False)
    of = result.metrics["fidelity"]
    assert set(of) == {"training", "unseen"}
    spec = result.spec
    teacher_result = train(spec.trained_teachers[0], store=store, progress=False)
    data = spec.data.load()
    assert data.validation is not None
    chosen = result.metrics["neurons"]
    for faces, told in ((data.train, of["training"]), (data.validation, of["unseen"])):
        wanted = teacher_result.features(faces.images)[:, chosen].astype(np.float64) / result.metrics["neuron unit"]
        own = result.features(faces.images).astype(np.float64)
        residual, total = np.square(wanted - own).sum(), np.square(wanted - wanted.mean(axis=0)).sum()
        (term,) = told.values()
        assert term["measure"] == "R²"
        assert term["value"] == term["explained"] == pytest.approx(1 - residual / total, abs=1e-4)
    assert set(result.history["clipped"]) == {0.0}
    never = schedule.model_copy(update={"clip_norm": 1e-6})
    assert set(train(make_student(schedule=never), store=store, progress=False).history["clipped"]) == {1.0}


def test_a_student_that_goes_on_keeps_the_unit_of_its_neurons(store: Store) -> None:
    schedule = Schedule(epochs=1, batch_size=8, learning_rate=1e-9)
    first = make_student(schedule=schedule)
    other = first.data.model_copy(update={"adapt_to_all_but_fold": 0})
    again = train(first.model_copy(update={"data": other, "initialise_from": first}), store=store, progress=False)
    before = train(first, store=store, progress=False)
    assert again.metrics["neuron unit"] == before.metrics["neuron unit"] != 1.0
    torch.testing.assert_close(again.model.state_dict()["output.bias"], before.model.state_dict()["output.bias"])


def test_predictions_are_compared_by_their_divergence(store: Store) -> None:
    soft = {"soft": Term("SoftTargetLoss", options={"temperature": 5.0})}
    spec = make_student(objective=soft, schedule=Schedule(epochs=1, batch_size=8))
    result = train(spec, store=store, progress=False)
    told = result.metrics["fidelity"]["training"]["soft"]
    faces = spec.data.load().train
    logits = [extract_features(train(s, store=store, progress=False).model, faces.images, "output") for s in
              (spec.trained_teachers[0], spec)]  # fmt: skip
    teacher, own = (torch.from_numpy(each).double().log_softmax(dim=1) for each in logits)
    expected = (teacher.exp() * (teacher - own)).sum(dim=1).mean()
    assert (told["measure"], told["value"]) == ("KL", pytest.approx(float(expected), abs=1e-5))
