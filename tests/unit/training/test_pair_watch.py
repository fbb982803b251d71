"""What is seen of a network in training, and that seeing changes nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nbutils.data import Pairs, SyntheticData
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.pair_watch import watched_steps

pytestmark = pytest.mark.slow

LABELS = TrainingSpec(
    name="labels",
    data=SyntheticData(identities=4, images_per_identity=8, validation_images=4, pairs=20),
    model=ModelSpec("MobileIDStudent", options={"width": 4}),
    objective={"labels": Term("LabelLoss")},
    schedule=Schedule(epochs=2, batch_size=8),
)
WATCHED = LABELS.model_copy(update={"watch": 4})


def test_looks_begin_before_the_first_step_end_after_the_last_and_grow_apart() -> None:
    steps = watched_steps(10, 750)
    assert (steps[0], steps[-1]) == (0, 750)
    assert (np.diff(steps, n=2) > 0).all()
    np.testing.assert_array_equal(watched_steps(10, 2), [0, 1, 2])  # no step twice


def test_a_watched_training_ends_in_the_weights_of_an_unwatched_one(tmp_path: Path) -> None:
    plain, watched = train([LABELS, WATCHED], store=Store(tmp_path), progress=False)
    assert plain.watched is None
    assert watched.watched is not None
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, watched.model.state_dict()[name]), name
    data, found = WATCHED.data.load(), watched.watched
    np.testing.assert_array_equal(found.images, [0, 8, 32, 64])
    features = watched.features(data.test.images)
    expected = np.linalg.norm(features[data.pairs.first] - features[data.pairs.second], axis=1)
    np.testing.assert_allclose(found.distances[-1], expected, rtol=1e-4)
    torch.manual_seed(WATCHED.seed)
    untrained = WATCHED.model.build(4).eval()
    first = train(LABELS, store=Store(tmp_path), progress=False)
    first.__dict__["model"] = untrained
    features = first.features(data.test.images)
    expected = np.linalg.norm(features[data.pairs.first] - features[data.pairs.second], axis=1)
    np.testing.assert_allclose(found.distances[0], expected, rtol=1e-4)


def test_a_resumed_training_has_seen_all_that_an_undisturbed_one_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Checkpoint.save

    def save_and_stop(self: Checkpoint, *state: object) -> None:
        save(self, *state)  # type: ignore[arg-type]
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_and_stop)
        with pytest.raises(InterruptedError):
            train(WATCHED, store=Store(tmp_path / "a"), progress=False, checkpoint_seconds=0)
    resumed = train(WATCHED, store=Store(tmp_path / "a"), progress=False)
    assert not list((tmp_path / "a").glob("*.partial"))
    undisturbed = train(WATCHED, store=Store(tmp_path / "b"), progress=False)
    assert resumed.watched is not None
    assert undisturbed.watched is not None
    np.testing.assert_array_equal(resumed.watched.distances, undisturbed.watched.distances)


def test_data_without_pairs_are_trained_on_and_not_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = WATCHED.data.load()
    none = np.zeros(0, np.int64)
    alone = replace(whole, pairs=Pairs(none, none, none.astype(np.bool_), none))
    monkeypatch.setattr(SyntheticData, "load", lambda _: alone)
    assert train(WATCHED, store=Store(tmp_path), progress=False).watched is None
