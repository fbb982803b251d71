import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.sources.on_disk import FolderData
from nbutils.errors import DataError
from nbutils.evaluation import count_parameters
from nbutils.papers.luo2016 import fig3_attributes, fine_tuned
from nbutils.training import Schedule, SelectionSpec, Store, Teacher, Term, TrainingResult, TrainingSpec, train
from nbutils.viz.learning_curves import loss_terms
from tests.support.forks import ForkedPython
from tests.unit.training.conftest import MakeSpec

pytestmark = pytest.mark.slow

_CHILD = """
import sys
from pathlib import Path
import torch
from nbutils.training import Store, TrainingSpec, train
torch.set_num_threads(1)
spec = TrainingSpec.model_validate_json(Path(sys.argv[1]).read_text())
result = train(spec, store=Store(sys.argv[2]), progress=False, checkpoint_seconds=0)
print("trained" if result.trained_now else "found")
"""


def test_networks_that_are_found_are_counted_in_a_bar(
    tmp_path: Path, teacher: TrainingSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "store")
    train(teacher, store=store, progress=False)
    assert "networks" not in capsys.readouterr().err
    found = train([teacher, teacher], store=store)
    assert not any(result.trained_now for result in found)
    assert "networks:" in (shown := capsys.readouterr().err)
    assert "0/2" in shown
    train([teacher], store=store, progress=False)
    assert "networks" not in capsys.readouterr().err


def _start(spec: Path, store: Path) -> ForkedPython:
    return ForkedPython([sys.executable, "-c", _CHILD, str(spec), str(store)], stdout=subprocess.PIPE)


def _weights(result: TrainingResult) -> dict[str, torch.Tensor]:
    loaded = load_file(result.folder / "weights.safetensors")
    return {name: tensor.clone() for name, tensor in loaded.items()}  # the file may change below a mapping


def _assert_equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_the_teacher_comes_first_and_nothing_is_trained_twice(
    tmp_path: Path, make_student: MakeSpec, teacher: TrainingSpec
) -> None:
    store = Store(tmp_path / "store")
    student, again = train([make_student(), teacher], store=store, progress=False)
    assert student.trained_now
    assert not again.trained_now
    assert student.metrics["outputs"] == 512
    assert {"epoch", "step", "loss", "neurons", "learning_rate"} <= set(student.history.columns)
    assert loss_terms(again.history) == ["labels", "supervision"]
    np.testing.assert_allclose(again.history["loss"], again.history["labels"] + again.history["supervision"], rtol=1e-5)


def test_a_flipped_byte_is_noticed_and_the_training_redone(
    tmp_path: Path, teacher: TrainingSpec, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "store")
    first = train(teacher, store=store, progress=False)
    whole = _weights(first)
    file = first.folder / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        second = train(teacher, store=store, progress=False)
    assert "weights.safetensors does not have the digest" in caplog.text
    assert second.trained_now
    _assert_equal(_weights(second), whole)


def test_a_killed_training_ends_in_the_weights_of_an_undisturbed_one(tmp_path: Path, teacher: TrainingSpec) -> None:
    spec = teacher.model_copy(update={"schedule": Schedule(epochs=30, batch_size=4)})
    file = tmp_path / "spec.json"
    file.write_text(spec.model_dump_json())
    store = tmp_path / "store"
    child = _start(file, store)
    deadline = time.monotonic() + 120
    while not list(store.glob("*.partial/checkpoint.safetensors")):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert not list(store.glob("*/weights.safetensors"))
    checkpoint = next(store.glob("*.partial/checkpoint.safetensors"))
    assert checkpoint.is_file()

    output, _ = _start(file, store).communicate(timeout=200)
    assert output.strip() == "trained"
    assert not list(store.glob("*.partial"))
    undisturbed = tmp_path / "undisturbed"
    _start(file, undisturbed).communicate(timeout=200)
    resumed, whole = Store(store).find(spec.key), Store(undisturbed).find(spec.key)
    assert resumed is not None
    assert whole is not None
    _assert_equal(load_file(resumed / "weights.safetensors"), load_file(whole / "weights.safetensors"))
    seconds = [pd.read_parquet(folder / "history.parquet")["seconds"] for folder in (resumed, whole)]
    assert len(seconds[0]) == len(seconds[1]) == 30


def test_two_processes_that_want_one_training_train_it_once(tmp_path: Path, teacher: TrainingSpec) -> None:
    file = tmp_path / "spec.json"
    file.write_text(teacher.model_dump_json())
    children = [_start(file, tmp_path / "store") for _ in range(2)]
    outputs = sorted(child.communicate(timeout=200)[0].strip() for child in children)
    assert outputs == ["found", "trained"]


def test_without_attributes_the_selection_says_what_it_did(tmp_path: Path, make_student: MakeSpec) -> None:
    student = train(make_student(selection=SelectionSpec()), store=Store(tmp_path / "store"), progress=False)
    assert "inhibitive" in student.metrics["selection"]
    assert student.metrics["outputs"] == len(student.metrics["neurons"]) <= 512
    images = student.spec.data.load().test.images
    assert student.features(images).shape == (len(images), student.metrics["outputs"])


def test_fine_tuning_goes_on_with_the_neurons_of_its_start(tmp_path: Path, make_student: MakeSpec) -> None:
    store = Store(tmp_path / "store")
    start = make_student(selection=SelectionSpec())
    folds = start.data.load().pairs.fold
    assert set(folds) == {0, 1}
    tuned = fine_tuned(start, "smoke", folds=2)
    results = train([start, *tuned], store=store, progress=False)
    neurons = results[0].metrics["neurons"]
    assert 0 < len(neurons) < 512
    for result in results[1:]:
        assert result.metrics["neurons"] == neurons
        assert result.trained_now
        before, after = _weights(results[0]), _weights(result)
        assert any(not torch.equal(before[name], after[name]) for name in before)
        # Two epochs at a small rate: it is still the network that it started from.
        assert all(torch.allclose(before[name], after[name], atol=0.2) for name in before)


def test_attributes_are_learned_beside_the_labels_and_their_layer_is_for_training_only(tmp_path: Path) -> None:
    data = SyntheticData(identities=3, images_per_identity=4, validation_images=4, pairs=20)
    spec = fig3_attributes(data, "smoke")
    result = train(spec, store=Store(tmp_path / "store"), progress=False)
    assert {"labels", "attributes"} <= set(result.history.columns)
    counted = count_parameters(result.model)
    assert counted.training - counted.inference == 40 * (512 + 1)
    assert result.features(data.load().test.images).shape[1] == 512


def test_without_attributes_none_are_learned(tmp_path: Path, data: FolderData) -> None:
    with pytest.raises(DataError, match="reads attributes, and Labeled Faces"):
        train(fig3_attributes(data, "smoke"), store=Store(tmp_path / "store"), progress=False)


def test_cached_targets_are_the_teachers_of_the_plain_images(
    tmp_path: Path, make_student: MakeSpec, teacher: TrainingSpec
) -> None:
    store = Store(tmp_path / "store")
    soft = {"soft": Term(kind="SoftTargetLoss", options={"temperature": 2.0})}
    train(make_student(targets="cached", objective=soft), store=store, progress=False)
    cache = np.load(next(store.root.glob("*/features.npy")))
    network = Teacher([train(teacher, store=store, progress=False).model])
    np.testing.assert_array_equal(cache, network.features(teacher.data.load().train.images))


def test_a_teacher_stays_frozen_and_an_ensemble_joins_its_networks(tmp_path: Path, teacher: TrainingSpec) -> None:
    store = Store(tmp_path / "store")
    other = teacher.model_copy(update={"seed": 1})
    a, b = (train(spec, store=store, progress=False).model for spec in (teacher, other))
    ensemble = Teacher([a, b], np.array([3, 600]))
    ensemble.train()
    assert not any(module.training for module in ensemble.modules())
    assert not any(parameter.requires_grad for parameter in ensemble.parameters())
    images = torch.randn(5, 3, 55, 47)
    targets = ensemble(images)
    torch.testing.assert_close(
        targets.neurons, torch.stack([a(images).features[:, 3], b(images).features[:, 88]], dim=1)
    )
    torch.testing.assert_close(targets.logits, (a(images).output + b(images).output) / 2)


def test_publishing_is_all_or_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def write_half() -> None:
        with store.publish("key", {}) as aside:
            (aside / "half").write_text("written")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert list(tmp_path.iterdir()) == []
    assert store.find("key") is None
