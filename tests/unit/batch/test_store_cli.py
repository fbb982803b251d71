import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nbutils.batch.cli import app
from nbutils.batch.runner import Job, run_jobs
from nbutils.data import SyntheticData
from nbutils.reporting import Run
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingResult, TrainingSpec, digest, reach, train
from nbutils.training.base import digest as digest_of
from tests.unit.batch.conftest import RUN, Make

DATA = SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20)
SPEC = TrainingSpec(
    name="labels",
    data=DATA,
    model=ModelSpec("MobileIDStudent", options={"width": 4}),
    objective={"labels": Term("LabelLoss", weight=0.5)},
    schedule=Schedule(epochs=1, batch_size=8),
)


def _run(*words: str | Path, given: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["store", *map(str, words)], input=given)
    return result.exit_code, result.output


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingResult:
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("NBUTILS_NOTEBOOK", "mine/trial")
    return train(SPEC, progress=False)


@pytest.fixture
def stale(trained: TrainingResult, monkeypatch: pytest.MonkeyPatch) -> TrainingResult:
    """What was trained, after a change of its loss."""
    true = digest.module_digest
    changed = "nbutils.losses.identity_labels"
    monkeypatch.setattr(reach, "module_digest", lambda name: "other" if name == changed else true(name))
    reach._module.cache_clear()
    monkeypatch.setattr(reach, "_module", reach._module.__wrapped__)
    return trained


def test_list_says_what_there_is(trained: TrainingResult) -> None:
    status, output = _run("list")
    assert status == 0
    row = next(line for line in output.splitlines() if line.startswith(SPEC.key[:12]))
    assert all(word in row for word in ("training", "labels", "mine/trial", "reached"))
    (entry,) = json.loads(_run("list", "--json")[1])
    assert (entry["key"], entry["name"], entry["state"]) == (SPEC.key, "labels", "reached")
    assert entry["bytes"] == sum(file.stat().st_size for file in trained.folder.iterdir())
    assert json.loads(_run("list", "--json", "--stale")[1]) == []


def test_show_prints_spec_metrics_origin_and_files(trained: TrainingResult) -> None:
    status, output = _run("show", SPEC.key[:6])
    assert status == 0
    lines = [line.strip() for line in output.splitlines()]
    assert {"kind: MobileIDStudent", "weight: 0.5", "batch_size: 8", "outputs: 4"} <= set(lines)
    assert any(line.startswith("weights.safetensors") or "file  " in line for line in lines)
    assert "mine/trial" in output
    assert "damage" not in output
    (trained.folder / "history.parquet").write_bytes(b"")
    assert "history.parquet does not have the digest" in _run("show", SPEC.key[:6])[1]


def test_prune_asks_and_removes_what_is_stale(stale: TrainingResult) -> None:
    status, output = _run("list", "--stale")
    assert status == 0
    assert "nbutils/losses/identity_labels.py" in " ".join(output.split())
    store = stale.folder.parent
    (store / "notes.txt").write_text("mine")
    assert _run("prune", given="n\n")[0] == 1
    assert stale.folder.is_dir()
    status, output = _run("prune", "--yes")
    assert status == 0
    assert "left alone: notes.txt" in output
    assert "removed 1 entries" in output
    assert [path.name for path in store.iterdir()] == ["notes.txt"]
    assert "nothing to remove" in _run("prune")[1]


def test_what_is_reached_stays_and_is_found_again(trained: TrainingResult) -> None:
    status, output = _run("prune", "--yes")
    assert (status, "nothing to remove" in output) == (0, True)
    assert {path.name for path in trained.folder.parent.iterdir()} == {SPEC.key}
    assert not train(SPEC, progress=False).trained_now


def test_mistakes_are_one_line(trained: TrainingResult, tmp_path: Path) -> None:
    other = SPEC.model_copy(update={"seed": 1})
    train(other, progress=False)
    (trained.folder / "key.json").write_text("{")
    for words, says in (
        (("list", "--store", tmp_path / "none"), "there is no store at"),
        (("list", "--store", trained.folder / "key.json"), "cannot be read as a store"),
        (("show", "zz"), "has a key that begins with 'zz'"),
        (("show", ""), "2 keys begin with ''"),
        (("show", SPEC.key), "is damaged: key.json cannot be read"),
        (("prune", "--store", tmp_path / "none"), "there is no store at"),
    ):
        status, output = _run(*words)
        assert status == 2, words
        assert says in output
        assert len(output.splitlines()) == 1
    status, output = _run("list")
    assert status == 0
    assert "damaged" in output


def test_hostile_entries_are_shown_without_running_or_steering_the_terminal(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    source = f"open({str(mark)!r}, 'w').write('ran')\nclass Evil: pass\n"
    kind = {"name": "Evil", "digest": digest.source_digest(source), "source": source}
    spec = {"model": {"kind": kind}, "objective": {"a": {"kind": {"name": "os:system", "digest": "0"}}}}
    content: dict[str, object] = {
        "spec": spec,
        "data": "d",
        "teacher": [],
        "initialise_from": None,
        "code": {},
        "torch": "0",
    }
    key = digest_of(content)
    store = tmp_path / "store"
    with Store(store).publish(key, content) as aside:
        (aside / "spec.json").write_text(json.dumps(spec | {"name": "[/red]\x1b[2Jname", "made": 1e300}))
        (aside / "metrics.json").write_text('{"\\u001b[2J": "\\ud800"}')
    for words in (("list",), ("show", key), ("prune", "--yes")):
        status, output = _run(*words, "--store", store)
        assert status == 0, output
        assert "\x1b[2J" not in output
        assert ("[/red]" in output) or words[0] == "prune"
    assert not mark.exists()
    assert not list(store.iterdir())


@pytest.mark.slow
def test_listing_imports_no_torch(trained: TrainingResult) -> None:
    code = f"""
import sys
from nbutils.batch.cli import app
try:
    app(["store", "list", "--store", {str(trained.folder.parent)!r}])
except SystemExit as end:
    assert not end.code
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_run_names_its_notebook_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBUTILS_NOTEBOOK", "")
    Run("mine/by_hand", parameters={"dataset": "synthetic", "preset": "smoke"}, out_dir=tmp_path / "run")
    train(SPEC, store=Store(tmp_path / "store"), progress=False)
    assert json.loads(_run("list", "--json", "--store", tmp_path / "store")[1])[0]["notebook"] == "mine/by_hand"


@pytest.mark.slow
def test_the_worker_names_the_notebook_to_its_kernel(make_notebook: Make, tmp_path: Path) -> None:
    notebook = make_notebook(
        "deep/trial", f"import os\nassert os.environ['NBUTILS_NOTEBOOK'] == 'deep/trial'\n{RUN}\nrun.finish()"
    )
    (outcome,) = run_jobs(
        [Job("deep/trial", notebook, tmp_path / "run", {"preset": "smoke"})],
        cell_limit_s=60,
        watch=lambda *_: None,
    )
    assert outcome.error is None
