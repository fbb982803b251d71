"""The further losses and students in real trainings: in both arithmetics, online and cached."""

from pathlib import Path

import numpy as np
import pytest

from nbutils.data import SyntheticData
from nbutils.errors import ParameterError
from nbutils.training import ModelSpec, Schedule, SelectionSpec, Store, Term, TrainingSpec, train

pytestmark = pytest.mark.slow

#: 21 images: an epoch of batches of four ends with a single image.
DATA = SyntheticData(identities=7, images_per_identity=3, validation_images=60, pairs=20)
SMALL = ModelSpec("MobileIDStudent", options={"width": 4, "num_features": 16})
MOBILE = ModelSpec("MobileFaceNet", options={"width": 4, "embedding": 8, "height": 55, "breadth": 47})
VIT = ModelSpec("VisionTransformer", options={"depth": 1, "width": 16, "heads": 2})


def _spec(name: str, term: Term, **changes: object) -> TrainingSpec:
    content: dict[str, object] = {
        "name": name,
        "data": DATA,
        "model": SMALL,
        "objective": {"term": term},
        "schedule": Schedule(epochs=2, batch_size=4, weight_decay=0.0),
    }
    return TrainingSpec(**(content | changes))


TEACHER = _spec("teacher", Term("LabelLoss"), model=ModelSpec("MobileIDStudent", options={"width": 4}))
TAUGHT = {"teacher": TEACHER}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize(
    ("term", "changes"),
    [
        (Term("RKDDistanceLoss"), TAUGHT),
        (Term("RKDAngleLoss"), TAUGHT | {"targets": "cached"}),
        (Term("AngularLoss"), TAUGHT | {"selection": SelectionSpec(count=5)}),
        (Term("DISTLoss", options={"temperature": 4.0}), TAUGHT | {"targets": "cached"}),
        (Term("RKDAngleLoss", options={"layer": "output"}), TAUGHT | {"model": VIT}),
        (Term("LabelLoss"), {"model": MOBILE, "schedule": Schedule(epochs=2, batch_size=7)}),
        (Term("AngularLoss"), TAUGHT | {"model": MOBILE, "schedule": Schedule(epochs=2, batch_size=7)}),
        (Term("DISTLoss"), TAUGHT | {"model": VIT}),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Term) else None,
)
def test_it_trains(term: Term, changes: dict[str, object], precision: str, tmp_path: Path) -> None:
    spec = _spec("student", term, **(changes | {"precision": precision}))
    result = train(spec, store=Store(tmp_path), progress=False)
    assert np.isfinite(result.history["term"]).all()
    assert (result.history["term"] > 0).all()
    features = result.features(DATA.load().test.images[:8])
    assert np.isfinite(features).all()
    assert features.std(axis=0).max() > 0


def test_a_last_batch_of_one_that_batch_norm_cannot_take_is_refused_first(tmp_path: Path) -> None:
    spec = _spec("student", Term("LabelLoss"), model=MOBILE)
    wanted = r"'student': 21 images in batches of 4 leave a last batch of one, on which MobileFaceNet .* batch_size"
    with pytest.raises(ParameterError, match=wanted):
        train(spec, store=Store(tmp_path), progress=False)
