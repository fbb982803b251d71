"""Students that train together against the same students trained alone."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from nbutils.data.sources.digits import DigitsData
from nbutils.training import ModelSpec, Schedule, Store, Teacher, Term, TrainingResult, TrainingSpec, groups, train
from nbutils.training.groups import group_key, grouped

pytestmark = pytest.mark.slow

SMALL = {"height": 8, "width": 8}
SCHEDULE = Schedule(epochs=3, batch_size=500, learning_rate=0.05)


def _network(neurons: int = 8, dropout: float = 0.5) -> ModelSpec:
    return ModelSpec("MLP", options={"neurons": neurons, "dropout": dropout, **SMALL})


TEACHER = TrainingSpec(
    name="teacher", data=DigitsData(), model=_network(16), objective={"labels": Term("LabelLoss")}, schedule=SCHEDULE
)
TERMS = {
    "soft": Term("SoftTargetLoss", options={"temperature": 3.0}),
    "logits": Term("LogitsLoss"),
    "neurons": Term("NeuronLoss"),
}


def _students(**more: Any) -> list[TrainingSpec]:  # noqa: ANN401
    """With dropout: each must draw the random numbers that it draws alone."""
    return [
        TEACHER.model_copy(
            update={"name": name, "model": _network(), "objective": {name: term}, "teacher": (TEACHER,)} | more
        )
        for name, term in TERMS.items()
    ]


def _is_same(one: TrainingResult, other: TrainingResult) -> bool:
    weights = [load_file(each.folder / "weights.safetensors") for each in (one, other)]
    histories = [each.history.drop(columns="seconds") for each in (one, other)]
    same = all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0] | weights[1])
    return same and histories[0].equals(histories[1]) and one.metrics["fidelity"] == other.metrics["fidelity"]


def test_together_they_end_as_alone_and_the_teacher_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(TEACHER, store=Store(tmp_path / "together"), progress=False)
    images: list[int] = []
    answer = Teacher.answer

    def counted(teacher: Teacher, batch: torch.Tensor) -> Any:  # noqa: ANN401
        images.append(len(batch))
        return answer(teacher, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Teacher, "answer", counted)
        together = train(_students(), store=Store(tmp_path / "together"), progress=False)
    of_training = len(TEACHER.data.load().train) * SCHEDULE.epochs
    compared = 2 * 1000  # with the teacher, on training and on unseen faces
    assert of_training < sum(images) <= of_training + 2 * len(TERMS) + compared
    alone = [train(spec, store=Store(tmp_path / "alone"), progress=False) for spec in _students()]
    assert all(map(_is_same, together, alone))


def test_a_group_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbutils.training import step

    store, taken = Store(tmp_path / "store"), 0
    train(TEACHER, store=store, progress=False)
    norm: Callable[..., torch.Tensor] = torch.nn.utils.get_total_norm

    def interrupted(*given: Any, **more: Any) -> torch.Tensor:  # noqa: ANN401
        nonlocal taken
        taken += 1
        if taken == 11:  # of three steps an epoch for each of three: in the second epoch
            raise KeyboardInterrupt
        return norm(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(step, "get_total_norm", interrupted)
        with pytest.raises(KeyboardInterrupt, match="1 of 3 epochs are kept"):
            train(_students(), store=store, progress=False)
    train(_students()[1], store=store, progress=False)  # which is now ahead of the others
    together = train(_students(), store=store, progress=False)
    assert [result.trained_now for result in together] == [True, False, True]
    alone = train(_students(), store=Store(tmp_path / "undisturbed"), progress=False)
    assert all(map(_is_same, together, alone))


def test_one_that_diverges_does_not_keep_the_others_from_ending(tmp_path: Path) -> None:
    bad = _students(schedule=SCHEDULE.model_copy(update={"learning_rate": 1e30, "clip_norm": 1e30}))[1]
    specs = [_students()[0], bad, _students()[2]]
    assert len(grouped(specs)) == 1
    store = Store(tmp_path / "store")
    with pytest.raises(FloatingPointError, match=r"'logits': the loss is (nan|inf)"):
        train(specs, store=store, progress=False)
    assert [store.find(spec.key) is not None for spec in specs] == [True, False, True]


def test_networks_that_do_not_fit_into_memory_train_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []
    fitting = groups.fitting

    def noted(prepared: Any) -> Any:  # noqa: ANN401
        found = list(fitting(prepared))
        parts.extend(map(len, found))
        return found

    store = Store(tmp_path / "store")
    train(TEACHER, store=store, progress=False)
    monkeypatch.setattr("nbutils.training.trainer.fitting", noted)
    monkeypatch.setattr(groups, "_SHARE", 1e-12)
    results = train(_students(), store=store, progress=False)
    assert parts == [1, 1, 1]
    assert all(result.trained_now and math.isfinite(result.history["loss"].iloc[-1]) for result in results)


def test_what_goes_together() -> None:
    students = _students()
    assert [list(group.values()) for group in grouped([TEACHER, *students, students[0]])] == [[TEACHER], students]
    apart: list[dict[str, Any]] = [
        {"seed": 1},
        {"schedule": SCHEDULE.model_copy(update={"batch_size": 100})},
        {"data": DigitsData(held_out_images=0.5)},
        {"teacher": (TEACHER.model_copy(update={"seed": 1}),)},
        {"initialise_from": TEACHER},
    ]
    for change in apart:
        assert group_key(students[0].model_copy(update=change)) != group_key(students[0]), change
    faster = students[0].model_copy(update={"schedule": SCHEDULE.model_copy(update={"learning_rate": 1.0})})
    assert group_key(faster) == group_key(students[0])


def test_several_processes_train_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert [len(group) for group in grouped(_students())] == [1, 1, 1]
