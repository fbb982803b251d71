"""The open contract: own losses, networks and teachers in a spec, and what is refused before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import resnet18

from nbutils.data.sources.embedded import SyntheticData
from nbutils.errors import ParameterError
from nbutils.losses import Loss, Signals
from nbutils.models import FaceNetwork, Outputs
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train

DATA = SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20)


class Mapped(Loss):
    """Imitates any layer of the teacher by any of the student's through a map of its own."""

    def __init__(self, own: str = "group7", theirs: str = "group8") -> None:
        super().__init__()
        self.own, self.theirs = own, theirs
        self.reads = (f"student[{own}]", f"teacher[{theirs}]")
        self.map: nn.Module = nn.Identity()

    def prepare(self, signals: Signals) -> None:
        own, theirs = (s.flatten(1).shape[1] for s in (signals.student[self.own], signals.teacher[self.theirs]))
        self.map = nn.Linear(own, theirs)

    def forward(self, signals: Signals) -> Tensor:
        mapped: Tensor = self.map(signals.student[self.own].flatten(1))
        target: Tensor = signals.teacher[self.theirs].flatten(1)
        return (mapped - target).square().mean()


class Bank(Loss):
    """Remembers the features of every training image."""

    bank: Tensor
    visits: Tensor
    reads = ("student.features", "truth.index", "truth.images")

    def prepare(self, signals: Signals) -> None:
        self.register_buffer("bank", torch.zeros(signals.truth.images, signals.student.features.shape[1]))
        self.register_buffer("visits", torch.zeros(signals.truth.images, dtype=torch.int64))

    def forward(self, signals: Signals) -> Tensor:
        index, features = signals.truth.index, signals.student.features
        loss: Tensor = (features - self.bank[index]).square().mean()
        self.bank[index] = features.detach()
        self.visits[index] += 1
        if self.visits.min() == self.visits.max():  # a whole epoch has passed
            _SEEN.append(int(self.visits.sum()))
        return loss


_SEEN: list[int] = []


class Tiny(FaceNetwork):
    """A network with an output of its own."""

    input_size = (40, 40)

    def __init__(self, outputs: int, width: int = 4) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, width, 5, stride=5)
        self.head = nn.Linear(width, outputs)

    def forward(self, images: Tensor) -> Outputs:
        maps = self.body(images).relu()
        features = maps.mean(dim=(2, 3))
        return Outputs(features=features, output=self.head(features), attention=maps.mean(dim=1))


class Attention(Loss):
    """Reads what only `Tiny` returns."""

    reads = ("student.attention",)

    def forward(self, signals: Signals) -> Tensor:
        attention: Tensor = signals.student.attention
        return attention.square().mean()


def grid(faces: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Neurons and logits of a teacher that is a function."""
    means = faces[:, :40, :40].reshape(len(faces), 4, 10, 4, 10, 3).mean(axis=(2, 4)).reshape(len(faces), -1) / 255
    return means, means[:, :4]


def _spec(kind: object = "MobileIDStudent", **changes: Any) -> TrainingSpec:  # noqa: ANN401
    content: dict[str, Any] = {
        "name": "student",
        "data": DATA,
        "model": ModelSpec(kind, options={} if kind == "MLP" else {"width": 4}),
        "objective": {"labels": Term("LabelLoss")},
        "schedule": Schedule(epochs=2, batch_size=8),
    }
    return TrainingSpec(**(content | changes))


def _t1() -> TrainingSpec:
    objective = {"labels": Term("LabelLoss"), "supervision": Term("SupervisionLoss")}
    return _spec("DeepID2Plus", name="T1", objective=objective)


@pytest.mark.slow
def test_a_loss_reads_any_layer_through_a_map_of_its_own(tmp_path: Path) -> None:
    objective = {"labels": Term("LabelLoss"), "layer": Term(Mapped, weight=0.5)}
    schedule = Schedule(epochs=10, batch_size=8, learning_rate=0.1)  # two epochs at 0.02 move it by its fourth digit
    spec = _spec(objective=objective, schedule=schedule, teacher=_t1())
    assert spec.objective["layer"].kind.name == f"{__name__}:Mapped"
    result = train(spec, store=Store(tmp_path), progress=False)
    assert result.history["layer"].iloc[-1] < result.history["layer"].iloc[0]
    weights = load_file(result.folder / "weights.safetensors")
    assert weights.keys() == result.model.state_dict().keys()  # the map is dropped


@pytest.mark.slow
def test_a_loss_has_a_memory_of_every_image(tmp_path: Path) -> None:
    _SEEN.clear()
    train(_spec(objective={"labels": Term("LabelLoss"), "bank": Term(Bank)}), store=Store(tmp_path), progress=False)
    assert _SEEN == [16, 32]


def test_an_own_network_returns_what_an_own_loss_reads(tmp_path: Path) -> None:
    objective = {"labels": Term("LabelLoss"), "attention": Term(Attention)}
    result = train(_spec(Tiny, objective=objective), store=Store(tmp_path), progress=False)
    assert result.features(DATA.load().test.images).shape[1] == 4
    with pytest.raises(
        ParameterError, match=r"reads student\.attention, which MobileIDStudent does not give; it gives"
    ):
        train(_spec(objective=objective), store=Store(tmp_path), progress=False)


@pytest.mark.slow
def test_torchvisions_networks_are_students_as_they_are(tmp_path: Path) -> None:
    model = ModelSpec(resnet18, size=(48, 48), features="avgpool")
    spec = _spec(model=model)
    assert spec.model.kind.digest.startswith("torchvision ")
    result = train(TrainingSpec.model_validate_json(spec.model_dump_json()), store=Store(tmp_path), progress=False)
    assert result.features(DATA.load().test.images).shape[1] == 512
    assert result.metrics["outputs"] == 4
    with pytest.raises(ParameterError, match="resnet18 is no FaceNetwork"):
        train(_spec(model=ModelSpec(resnet18)), store=Store(tmp_path), progress=False)


def test_a_function_teaches_neurons_and_logits_online_and_cached_alike(tmp_path: Path) -> None:
    store = Store(tmp_path)
    objective = {"neurons": Term("NeuronLoss")}
    plain = Schedule(epochs=1, batch_size=8, mirror=False)
    small = DATA.model_copy(update={"height": 55, "width": 47})  # no margin: every crop is the plain image
    online, cached = train(
        [_spec(data=small, objective=objective, teacher=grid, schedule=plain, targets=t) for t in ("online", "cached")],
        store=store,
        progress=False,
    )
    assert online.metrics["outputs"] == 48
    assert online.feature_layer == "output"
    for name, value in load_file(online.folder / "weights.safetensors").items():
        torch.testing.assert_close(load_file(cached.folder / "weights.safetensors")[name], value)
    logits = np.load(next(tmp_path.glob("*/logits.npy")))
    np.testing.assert_allclose(logits[:, 0], grid(small.load().train.images)[1], atol=1e-6)
    soft = train(_spec(objective={"soft": Term("SoftTargetLoss")}, teacher=grid), store=store, progress=False)
    assert soft.metrics["outputs"] == 4


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"objective": {"l": Term(Mapped, options={"own": "grup7"})}, "teacher": ["T1"]}, "no module 'grup7'.*group7"),
        ({"objective": {"l": Term(Mapped, options={"theirs": "top"})}, "teacher": ["T1"]}, "has no module 'top'"),
        ({"objective": {"h": Term("HintLoss")}, "teacher": ["T1"]}, r"student\.middle, which MobileIDStudent does not"),
        ({"objective": {"p": Term("LandmarkLoss")}}, r"reads student\.points, which MobileIDStudent does not give"),
    ],
)
def test_what_nobody_gives_is_refused_before_anything_is_trained(
    changes: dict[str, Any], fault: str, tmp_path: Path
) -> None:
    changes = changes | ({"teacher": (_t1(),)} if "teacher" in changes else {})
    with pytest.raises(ParameterError, match=fault):
        train(_spec(**changes), store=Store(tmp_path), progress=False)
    assert not list(tmp_path.iterdir())


def test_parts_that_contradict_each_other_are_refused() -> None:
    both = {"neurons": Term("NeuronLoss"), "labels": Term("LabelLoss")}
    with pytest.raises(ParameterError, match=r"for neurons of the teacher, another for truth\.identity"):
        _spec(objective=both, teacher=_t1())
    with pytest.raises(ParameterError, match=r"teacher\[group8\] is not cached, only each, features, logit_unit"):
        _spec(objective={"layer": Term(Mapped)}, teacher=_t1(), targets="cached")
    with pytest.raises(ParameterError, match="Mapped takes no 'path'"):
        Term(Mapped, options={"path": "group7"})
    with pytest.raises(ParameterError, match=r"ReLU is no loss: expected an nn\.Module with `reads`"):
        Term(nn.ReLU)


def test_a_class_inside_a_function_cannot_be_named() -> None:
    class Inner(Loss):
        reads = ("student.output",)

    with pytest.raises(ParameterError, match="stands inside another function or class"):
        Term(Inner)
