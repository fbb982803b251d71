"""Networks of Wang & Lan 2017: who needs whom, a step at the paper's size, and what is refused before training."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nbutils.data.faces import FaceData, Faces
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.sources.on_disk import FolderData
from nbutils.data.spec import DataSpec
from nbutils.errors import DataError, ParameterError
from nbutils.papers import wang2017
from nbutils.papers.wang2017 import TEACHER, Cell
from nbutils.training import Store, Teacher, Term, TrainingSpec, distinct_networks, train
from nbutils.training.engine import Task, fit


@pytest.fixture(scope="module")
def sets() -> dict[str, DataSpec]:
    return wang2017.face_sets("synthetic", preset="smoke", other="CelebA")


@pytest.fixture(scope="module")
def networks(sets: dict[str, DataSpec]) -> wang2017.Networks:
    return wang2017.Networks(sets["CASIA"], "smoke")


@pytest.mark.slow
def test_all_tables_together_are_82_networks(sets: dict[str, DataSpec], networks: wang2017.Networks) -> None:
    second = wang2017.face_sets("synthetic", preset="smoke", other="MS-Celeb-1M")["MS-Celeb-1M"]
    tables: dict[str, list[Mapping[Any, TrainingSpec]]] = {
        "1 and 2": [networks.table1(), networks.table2(), wang2017.Networks(second, "smoke").table2()],
        "3": [networks.table3(sets["CelebA"])],
        "4": [networks.verification(softmax=False)],
        "5": [networks.verification(softmax=True)],
    }
    counts = {name: len(distinct_networks(s for t in them for s in t.values())) for name, them in tables.items()}
    # 3: its own eight, and from Table 2 the teacher, the student and what that started from; 4 and 5: seven of Table 2
    assert counts == {"1 and 2": 17 + 13, "3": 8 + 3, "4": 22 + 7, "5": 22 + 7}
    everything = distinct_networks(s for them in tables.values() for t in them for s in t.values())
    assert len(everything) == 17 + 13 + 8 + 22 + 22
    keys = list(everything)
    for place, spec in enumerate(everything.values()):
        assert all(predecessor.key in keys[:place] for predecessor in spec.predecessors)


def test_the_control_of_ours_differs_in_the_teacher_alone(networks: wang2017.Networks) -> None:
    ours, control = networks.ours(8), networks.control(8)
    assert control.initialise_from == ours.initialise_from == networks.initial(8)
    assert control.schedule == ours.schedule
    assert control.teacher == ()
    assert {name: term.model_dump() for name, term in ours.objective.items() if name != "soft"} == {
        name: term.model_dump() for name, term in control.objective.items()
    }


def test_soft_predictions_come_from_the_classifier_that_is_asked_for(sets: dict[str, DataSpec]) -> None:
    soft, hidden = Cell(8, "Distill", 1, 0), Cell(8, "Distill", 0, 1)
    stale, frozen = (
        wang2017.Networks(sets["CASIA"], "smoke", soft_from=whose)
        for whose in ("task teacher", "classification teacher")
    )
    for cells, teacher in (
        (stale.table3(sets["CelebA"]), "alignment teacher"),
        (frozen.table3(sets["CelebA"]), TEACHER),
    ):
        assert cells[soft].teacher[0].name == teacher
        assert cells[hidden].teacher[0].name == "alignment teacher"
    both = wang2017.both_targets(stale.table3(sets["CelebA"])[soft], stale.table3(sets["CelebA"])[hidden])
    assert {name: term.weight for name, term in both.objective.items()} == {"task": 1, "soft": 1, "hidden": 1}
    with pytest.raises(ParameterError, match="have different teachers: expected one"):
        wang2017.both_targets(frozen.table3(sets["CelebA"])[soft], frozen.table3(sets["CelebA"])[hidden])
    with pytest.raises(ParameterError, match="soft_from is 'nobody': expected 'task teacher' or"):
        wang2017.Networks(sets["CASIA"], soft_from="nobody")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("divisor", [1, 2, 4, 8])
def test_a_step_at_the_papers_size(divisor: int) -> None:
    paper = wang2017.Networks(SyntheticData(identities=5), "paper")
    spec = paper.teacher() if divisor == 1 else paper.scratch(divisor)
    images = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    faces = Faces(images, np.array([0, 3]), tuple("abcde"))
    model = spec.model.build(5)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    teacher = Teacher([paper.teacher().model.build(5)]) if spec.teacher else None
    once = spec.model_copy(update={"schedule": spec.schedule.model_copy(update={"epochs": 1})})
    history = fit(Task(once, model, teacher), faces, progress=False).history
    assert model.input_size == (224, 224)
    assert math.isfinite(history[0]["loss"])
    assert set(history[0]) >= ({"task"} if divisor == 1 else {"task", "soft"})
    changed = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert sum(changed) >= len(changed) - 2  # the head for key points has no part in it


def _refused(spec: TrainingSpec, folder: Path, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train(spec, store=Store(folder / "store"), progress=False)
    assert not list((folder / "store").glob("*"))


def test_a_key_point_outside_its_image_is_refused_before_the_teacher_trains(
    sets: dict[str, DataSpec], networks: wang2017.Networks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sets["CelebA"].load()
    assert whole.train.landmarks is not None
    moved = whole.train.landmarks.copy()
    moved[7, 2] = (60.0, 10.0)
    broken = replace(whole, train=replace(whole.train, landmarks=moved))

    def load(self: SyntheticData) -> FaceData:
        return broken if self == sets["CelebA"] else whole

    monkeypatch.setattr(SyntheticData, "load", load)
    spec = networks.table3(sets["CelebA"])[Cell(8, "Distill", 0, 1)]
    _refused(
        spec, tmp_path, DataError, r"key point 3 of image 7 is at \(60\.0, 10\.0\): expected it inside the 53 × 61"
    )


def test_faces_without_key_points_are_refused_and_those_that_have_them_named(
    networks: wang2017.Networks, data: FolderData, tmp_path: Path
) -> None:
    message = "has no key points: expected a data set that has, which are .*celeba.*synthetic"
    _refused(networks.table3(data)[Cell(8, "Pretrain", 0, 0)], tmp_path, DataError, message)


def test_batches_that_hold_no_triplet_are_refused(networks: wang2017.Networks, tmp_path: Path) -> None:
    spec = networks.verification(softmax=False)[Cell(8, "Distill", 1, 0)]
    lonely = spec.data.model_copy(update={"images_per_identity": 1, "held_out_images": 0.0, "identities": 40})
    few = spec.model_copy(update={"data": lonely})
    _refused(few, tmp_path, ParameterError, "no person has two images")
    four = spec.schedule.model_copy(update={"batch_size": 4})
    _refused(spec.model_copy(update={"schedule": four}), tmp_path, ParameterError, "need 1 people")
    with pytest.raises(ParameterError, match=r"\['task'\] need two images of an identity"):
        TrainingSpec(**(dict(spec) | {"schedule": spec.schedule.model_copy(update={"images_per_identity": None})}))


def test_an_initialisation_of_other_shapes_is_refused(networks: wang2017.Networks, tmp_path: Path) -> None:
    spec = networks.ours(8).model_copy(update={"initialise_from": networks.initial(4)})
    _refused(
        spec, tmp_path, ParameterError, "'/8 Ours' cannot start from '/4 initial': expected weights of equal shapes"
    )


def test_weights_below_zero_and_a_temperature_of_zero_are_refused() -> None:
    task = {"task": Term(kind="LabelLoss")}
    for name, alpha, beta in (("alpha", -1.0, 0.0), ("beta", 0.0, math.nan)):
        with pytest.raises(ParameterError, match=f"{name} is .*expected a weight of at least 0"):
            wang2017.general_objective(task, alpha, beta)
    assert wang2017.general_objective(task, 0, 0) == task
    assert {n: t.weight for n, t in wang2017.general_objective(task, 0.5, 2).items()} == {
        "task": 1,
        "soft": 0.5,
        "hidden": 2,
    }
    with pytest.raises(ParameterError, match="temperature must be above 0"):
        Term(kind="SoftTargetLoss", options={"temperature": 0.0})


@pytest.mark.slow
def test_soft_predictions_are_of_the_teachers_people_whoever_the_student_sees(
    sets: dict[str, DataSpec], networks: wang2017.Networks, tmp_path: Path
) -> None:
    spec = networks.table3(sets["CelebA"])[Cell(8, "Pretrain", 1, 0)]
    assert spec.initialise_from is not None
    assert spec.data.load().train.num_identities == 10
    first, second = train([spec.initialise_from, spec], store=Store(tmp_path), progress=False)
    assert (first.metrics["outputs"], second.metrics["outputs"]) == (10, 11)
    assert {"task", "soft"} <= set(second.history)


def test_the_search_holds_its_people_out_of_every_network(sets: dict[str, DataSpec]) -> None:
    first, second = wang2017.search_trials(sets["CASIA"], (1.0, 3.0), (0.2, 0.4), "smoke", seeds=2)
    for trials in (first, second):
        behind = distinct_networks(trials.values()).values()
        assert len({spec.data.model_dump_json() for spec in behind}) == 1
        assert next(iter(behind)).data.held_out_people == 0.2
    held_out = [fold["τ", 3.0].data.load().test.identity_names for fold in (first, second)]
    assert set(held_out[0]) != set(held_out[1])
    whole = sets["CASIA"].load()
    assert set(held_out[0]) < set(whole.train.identity_names)
    soft = {value: first["τ", value].objective["soft"].options for value in (1.0, 3.0)}
    assert soft == {1.0: {"temperature": 1.0}, 3.0: {"temperature": 3.0}}
    margins = {value: first["λ", value].objective["task"].options for value in (0.2, 0.4)}
    assert margins == {0.2: {"margin": 0.2}, 0.4: {"margin": 0.4}}
    assert first["λ", 0.2].initialise_from == first["τ", 3.0]  # both at the paper's τ
    for text in ("", "1,1", "0", "a"):
        with pytest.raises(ParameterError, match=r"temperatures is .*expected different numbers above 0"):
            wang2017.parse_values(text, "temperatures")
    with pytest.raises(ParameterError, match="seeds is 0"):
        wang2017.search_trials(sets["CASIA"], (3.0,), (0.4,), "smoke", seeds=0)
