from pathlib import Path

import pytest

from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.sources.on_disk import FolderData
from nbutils.data.spec import DataSize
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train
from nbutils.training.plan import plan
from tests.unit.training.conftest import MakeSpec


@pytest.mark.slow
def test_a_plan_says_what_the_training_then_takes(
    teacher: TrainingSpec, make_student: MakeSpec, tmp_path: Path
) -> None:
    student = make_student(targets="cached")
    planned = plan([student])
    first, second = train([teacher, student], store=Store(tmp_path / "store"), progress=False)

    assert [training.name for training in planned.trainings] == ["teacher", "student"]
    assert [training.after for training in planned.trainings] == [(), ("teacher",)]
    for training, result in zip(planned.trainings, (first, second), strict=True):
        assert training.parameters == result.metrics["parameters"]
        assert training.steps == result.history["step"].iloc[-1]
        assert training.images == len(result.spec.data.load().train)
        assert training.seconds > 0
    weights = (first.folder / "weights.safetensors").stat().st_size
    assert planned.trainings[0].disk == pytest.approx(weights, rel=0.01)
    caches = [file.stat().st_size for file in (tmp_path / "store").glob("*/features.npy")]
    weights = (second.folder / "weights.safetensors").stat().st_size
    assert planned.trainings[1].disk == pytest.approx(weights + sum(caches), rel=0.01)
    assert planned.memory > 12 * planned.trainings[0].parameters


def test_each_training_and_each_cache_counts_once(teacher: TrainingSpec, make_student: MakeSpec) -> None:
    soft = {"soft": Term(kind="SoftTargetLoss")}
    wanted = [make_student(name=name, objective=soft, targets="cached", seed=i) for i, name in enumerate("ab")]
    planned = plan([*wanted, teacher, wanted[0]])

    assert [training.name for training in planned.trainings] == ["teacher", "a", "b"]
    first, second = planned.trainings[1:]
    assert first.disk - second.disk == 4 * first.images * 512
    assert planned.disk == sum(training.disk for training in planned.trainings)


def test_time_and_disk_grow_with_data_that_are_not_there() -> None:
    data = FolderData(dataset="lfw", root=Path("nowhere"))
    spec = TrainingSpec(
        name="S",
        data=data,
        model=ModelSpec(kind="MobileIDStudent", options={"width": 4}),
        objective={"labels": Term(kind="LabelLoss")},
        schedule=Schedule(epochs=2, batch_size=8),
    )
    small, large = (
        plan([spec], {data: DataSize(images, people, 0, 0, 61, 53)}).trainings[0]
        for images, people in ((81, 5), (8_000_000, 500))
    )
    assert small.steps == 2 * 11
    assert large.steps == 2_000_000
    assert large.seconds > 1000 * small.seconds
    assert large.disk - small.disk == 4 * 495 * (512 + 1)
    assert large.memory > 8_000_000 * 61 * 53 * 3


@pytest.mark.parametrize("changes", [{}, {"held_out_images": 0.3}])
def test_sizes_of_faces_that_are_not_rendered(changes: dict[str, float]) -> None:
    data = SyntheticData(identities=3, images_per_identity=5, validation_images=4, pairs=20, **changes)
    said, loaded = data.size(), data.load()
    assert (said.train, said.identities, said.test) == (len(loaded.train), 3, len(loaded.test))
    assert loaded.validation is not None
    assert (said.validation, said.height, said.width) == (len(loaded.validation), *loaded.train.images.shape[1:3])
