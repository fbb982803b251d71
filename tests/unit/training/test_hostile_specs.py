"""Source that stands in a spec runs where its user trains that spec, and nowhere else."""

import copy
import json
import pickle
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nbutils.reporting.report import build_report
from nbutils.reporting.run import Run
from nbutils.training import Store, TrainingSpec, train
from nbutils.training.digest import source_digest

_HOSTILE = """
from pathlib import Path
from nbutils.losses import Loss

Path({marker!r}).write_text("ran")


class Evil(Loss):
    reads = ("student.features",)

    def forward(self, signals):
        return signals.student.features.square().mean()
"""
_PLACES = ["loss", "network", "module", "function", "predecessor"]


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture(params=["source", "file"])
def evil(request: pytest.FixtureRequest, marker: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A kind as it stands in a spec, whose source or file leaves a marker where it runs."""
    source = _HOSTILE.format(marker=str(marker))
    if request.param == "source":
        return {"name": "Evil", "digest": source_digest(source), "source": source}
    folder = marker.parent / "modules"
    folder.mkdir()
    (folder / "hostile_module.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "hostile_module", raising=False)
    return {"name": "hostile_module:Evil", "digest": "0" * 32}


def _json(spec: TrainingSpec, place: str, evil: dict[str, str]) -> str:
    """The spec with a hostile kind in one place."""
    content: dict[str, Any] = json.loads(spec.model_dump_json())
    if place == "predecessor":
        content["initialise_from"] = json.loads(_json(spec, "loss", evil))
    elif place == "loss":
        content["objective"]["evil"] = {"kind": evil}
    elif place == "network":
        content["model"]["kind"] = evil
    else:
        content["teacher"] = [{"kind": place, place: evil}]
        content["objective"] = {"neurons": {"kind": "NeuronLoss"}}
    return json.dumps(content)


@pytest.mark.slow
@pytest.mark.parametrize("place", _PLACES)
def test_reading_a_spec_runs_nothing_of_it(
    place: str, evil: dict[str, str], marker: Path, teacher: TrainingSpec, tmp_path: Path
) -> None:
    spec = TrainingSpec.model_validate_json(_json(teacher, place, evil))
    store = Store(tmp_path / "store")

    repr(spec), str(spec), spec.model_dump(), copy.deepcopy(spec), pickle.dumps(spec)
    assert spec == TrainingSpec.model_validate_json(spec.model_dump_json())
    assert spec != teacher
    with suppress(TypeError):  # options are no hashable values
        hash(spec)
    with store.publish(spec.key, spec.key_content()) as aside:
        (aside / "spec.json").write_text(spec.model_dump_json())
    folder = store.find(spec.key)
    assert folder is not None
    TrainingSpec.model_validate_json((folder / "spec.json").read_text())
    run = Run("hostile", parameters={"dataset": "lfw", "preset": "smoke"}, out_dir=tmp_path / "runs" / "hostile")
    (run.folder / "spec.json").write_text(spec.model_dump_json())
    run.metric("one", 1)
    run.finish()
    build_report(tmp_path / "runs")
    assert not marker.exists()


@pytest.mark.slow
@pytest.mark.parametrize("place", _PLACES)
def test_training_it_is_its_users_order(
    place: str, evil: dict[str, str], marker: Path, teacher: TrainingSpec, tmp_path: Path
) -> None:
    source = evil.get("source")
    if source:  # what one process has run it knows
        source += f"\n# {place}\nPLACE = {place!r}\n"
        evil = {"name": "Evil", "digest": source_digest(source), "source": source}
    spec = TrainingSpec.model_validate_json(_json(teacher, place, evil))

    with suppress(Exception):  # a loss is neither a network nor a teacher, and a false digest is refused
        train(spec, store=Store(tmp_path / "store"), progress=False)

    assert marker.read_text() == "ran"


def test_a_source_under_a_digest_that_is_not_its_own_does_not_run(
    marker: Path, teacher: TrainingSpec, tmp_path: Path
) -> None:
    evil = {"name": "Evil", "digest": "0" * 32, "source": _HOSTILE.format(marker=str(marker))}
    spec = TrainingSpec.model_validate_json(_json(teacher, "loss", evil))

    with pytest.raises(Exception, match="the source of Evil does not have the digest that the spec gives it"):
        train(spec, store=Store(tmp_path / "store"), progress=False)

    assert not marker.exists()
