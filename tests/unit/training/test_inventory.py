import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from filelock import FileLock

from nbutils.data.sources.on_disk import FolderData
from nbutils.errors import StoreError
from nbutils.training import FunctionTeacher, Schedule, Store, Term, TrainingSpec, digest, reach, train
from nbutils.training.base import digest as digest_of
from nbutils.training.inventory import Entry, Inventory, read_inventory
from nbutils.training.kinds import file_digest, given_content
from nbutils.training.pruning import DAY, Prunable, prunable, prune
from tests.unit.training.conftest import MakeSpec

_HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""

#: A cell that would leave a file if it were run or imported.
_HOSTILE = "from pathlib import Path\nPath({file!r}).write_text('ran')\nclass Evil:\n    pass\n"


def brightness(faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """A teacher whose neurons are the mean of each colour."""
    return np.asarray(faces.mean(axis=(1, 2)), np.float32)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def _state(root: Path, key: str) -> tuple[str, tuple[str, ...]]:
    entry = read_inventory(root).find(key)
    return entry.state, entry.why


def _keys(chosen: Prunable) -> set[str]:
    return {entry.path.name for entry in chosen.entries}


def _by_name(inventory: Inventory) -> dict[str, Entry]:
    return {entry.path.name: entry for entry in inventory.entries}


def _forget_module(monkeypatch: pytest.MonkeyPatch, module: str, now: str | None) -> None:
    """As if the module's source had become another one, or gone."""
    true = digest.module_digest
    monkeypatch.setattr(reach, "module_digest", lambda name: now if name == module else true(name))
    reach._module.cache_clear()


@pytest.fixture(autouse=True)
def _true_digests() -> None:
    reach._module.cache_clear()


def _put(root: Path, content: dict[str, Any], spec: dict[str, Any] | None = None) -> str:
    """Publishes a result of these contents."""
    key = digest_of(content)
    with Store(root).publish(key, content) as aside:
        (aside / "weights.safetensors").write_bytes(b"weights")
        if spec is not None:
            (aside / "spec.json").write_text(json.dumps(spec))
    return key


def _content(**changes: object) -> dict[str, Any]:
    spec = {"model": {"kind": "MLP"}, "objective": {"labels": {"kind": "LabelLoss"}}}
    losses = ("nbutils.losses.identity_labels", "nbutils.models.mlp")
    code = {module: digest.module_digest(module) for module in losses}
    plain: dict[str, Any] = {"spec": spec, "data": "d", "teacher": [], "initialise_from": None, "code": code}
    return plain | {"torch": torch.__version__} | changes


def _age(folder: Path, seconds: float) -> None:
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (time.time() - seconds,) * 2)


@pytest.mark.slow
def test_trainings_answers_and_what_they_are_called(
    root: Path, make_student: MakeSpec, teacher: TrainingSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBUTILS_NOTEBOOK", "mine/trial")
    student = make_student(targets="cached")
    result = train(student, store=Store(root), progress=False)
    inventory = read_inventory(root)
    assert sorted((e.kind, e.name, e.state) for e in inventory.entries) == [
        ("cached answers", "of teacher", "reached"),
        ("training", "student", "reached"),
        ("training", "teacher", "reached"),
    ]
    entry = inventory.find(student.key[:8])
    assert entry.path == result.folder
    assert entry.notebook == "mine/trial"
    assert entry.torch == torch.__version__
    assert entry.made is not None
    assert abs(time.time() - entry.made) < 600
    assert entry.size == sum(file.stat().st_size for file in result.folder.iterdir())
    assert entry.content is not None
    assert entry.content.teachers == (teacher.key,)
    assert prunable(inventory).entries == ()
    assert not inventory.locks


@pytest.mark.slow
def test_a_changed_module_makes_stale_what_it_decides_and_what_was_taught_by_that(
    root: Path, make_student: MakeSpec, teacher: TrainingSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = make_student()
    other = make_student(teacher=(), objective={"labels": Term("LabelLoss")})
    train([student, other], store=Store(root), progress=False)
    _forget_module(monkeypatch, "nbutils.losses.neuron_regression", "another")
    assert _state(root, student.key) == ("stale", ("nbutils/losses/neuron_regression.py has changed since",))
    assert _state(root, teacher.key)[0] == "reached"
    _forget_module(monkeypatch, "nbutils.models.deepid2plus", None)
    assert _state(root, teacher.key) == ("stale", ("nbutils.models.deepid2plus is gone",))
    assert _state(root, student.key)[0] == "stale"
    assert f"its teacher {teacher.key[:12]}… is stale" in _state(root, student.key)[1]
    assert _state(root, other.key)[0] == "reached"
    chosen = prunable(read_inventory(root))
    assert [entry.key for entry in chosen.entries] == [student.key, teacher.key]  # never a student without its teacher
    pruned = prune(chosen)
    assert not pruned.left
    assert [path.name for path in root.iterdir()] == [other.key]


def test_the_version_of_torch_is_that_of_the_module_itself() -> None:
    assert reach.torch_version() == torch.__version__


def test_another_torch_and_an_older_format_are_stale(root: Path) -> None:
    key = _put(root, _content(torch="1.0"))
    assert _state(root, key) == ("stale", (f"made with torch 1.0, this is {torch.__version__}",))
    older = root / ("0" * 32)
    older.mkdir()
    (older / "weights.safetensors").write_bytes(b"w")
    (older / "digests.json").write_text(json.dumps({"weights.safetensors": hashlib.sha256(b"w").hexdigest()}))
    entry = read_inventory(root).find("0" * 32)
    assert (entry.kind, entry.state) == ("older format", "stale")
    assert _keys(prunable(read_inventory(root))) == {key, older.name}


def test_a_class_that_is_gone_or_stands_elsewhere(root: Path) -> None:
    gone = {"model": {"kind": "Nothing"}, "objective": {"labels": {"kind": "LabelLoss"}}}
    assert _state(root, _put(root, _content(spec=gone))) == ("stale", ("nbutils.models has no Nothing any more",))
    moved = _put(root, _content(code={"nbutils.models.mlp": digest.module_digest("nbutils.models.mlp")}))
    assert _state(root, moved)[1] == ("LabelLoss is another one now, that of nbutils/losses/identity_labels.py",)


def test_a_student_whose_teacher_is_not_here_is_kept(root: Path) -> None:
    key = _put(root, _content(teacher=["f" * 32]), {"name": "s", "teacher": [{"name": "t"}]})
    state, why = _state(root, key)
    assert state == "unclear"
    assert "is not in the store" in why[0]
    assert prunable(read_inventory(root)).entries == ()


def test_the_key_of_a_teacher_by_a_function_is_made_anew(
    root: Path, make_student: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = make_student(teacher=FunctionTeacher(function=brightness), targets="cached")
    train(student, store=Store(root), progress=False)
    inventory = read_inventory(root)
    assert {entry.kind: (entry.state, entry.why) for entry in inventory.entries} == {
        "training": ("reached", ()),
        "cached answers": ("reached", ()),
    }
    assert next(e for e in inventory.entries if e.kind == "cached answers").name == "of teacher"
    monkeypatch.setattr(reach, "given_content", lambda *given: given_content(*given) | {"code": {"asks": "otherwise"}})
    assert {entry.state for entry in read_inventory(root).entries} == {"stale"}


def test_a_module_of_ones_own(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own_loss_here.py").write_text("class Mine: pass\n")
    monkeypatch.syspath_prepend(str(folder))
    digest.forget()
    kind = {"name": "own_loss_here:Mine", "digest": file_digest("own_loss_here")}
    spec = {"model": {"kind": "MLP"}, "objective": {"mine": {"kind": kind}}}
    code = _content()["code"] | {"own_loss_here": digest.module_digest("own_loss_here")}
    key = _put(root, _content(spec=spec, code=code))
    assert _state(root, key) == ("reached", ())
    (folder / "own_loss_here.py").write_text("class Mine: x = 1\n")
    digest.forget()
    reach._module.cache_clear()
    assert _state(root, key)[1] == ("own_loss_here.py has changed since", "own_loss_here:Mine has changed since")
    (folder / "own_loss_here.py").unlink()
    digest.forget()
    reach._module.cache_clear()
    assert _state(root, key) == ("unclear", ("own_loss_here is not on Python's path here",))
    digest.forget()
    assert "own_loss_here" not in sys.modules


def test_a_hostile_spec_is_read_and_pruned_without_running(root: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    source = _HOSTILE.format(file=str(mark))
    (tmp_path / "evil_module.py").write_text(source)
    cell = {"name": "Evil", "digest": digest.source_digest(source), "source": source}
    system = {"name": "os:system", "digest": "x"}
    teacher = {"kind": "function", "name": "t", "function": cell}
    spec = {"model": {"kind": cell}, "objective": {"a": {"kind": system}, "b": {"kind": "os:system"}}}
    named = {"name": "[red]evil\x1b[2J", "model": {"kind": cell}, "objective": {}, "teacher": [teacher]}
    keys = [
        _put(root, _content(spec=spec, teacher=["f" * 32], torch=version), named)
        for version in ("1", torch.__version__)
    ]
    assert {_state(root, key)[0] for key in keys} == {"stale"}  # nbutils.losses has no os:system
    assert len(prune(prunable(read_inventory(root))).entries) == 2
    assert not mark.exists()
    assert not list(root.iterdir())


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("key.json", "{", "key.json cannot be read"),
        ("key.json", "[" * 100_000, "key.json cannot be read"),
        ("key.json", '{"spec": {}}', "key.json is not what its key is a digest of"),
        ("digests.json", "no", "digests.json cannot be read"),
        ("origin.json", "[]", "origin.json: expected a mapping"),
        ("spec.json", "[]", "spec.json: expected a mapping"),
    ],
)
def test_a_damaged_entry_is_named_and_stays(root: Path, file: str, text: str, says: str) -> None:
    key = _put(root, _content(torch="1"), {"name": "s"})
    whole = _put(root, _content())
    (root / key / file).write_text(text)
    with pytest.raises(StoreError, match=says):
        read_inventory(root).find(key)
    assert read_inventory(root).find(whole).state == "reached"
    chosen = prunable(read_inventory(root))
    assert chosen.entries == ()
    assert says in chosen.left[0][1]


@pytest.mark.parametrize(
    "change",
    [
        {"spec": 3},
        {"code": {"../etc": "x"}},
        {"code": []},
        {"teacher": [3]},
        {"teacher": 1},
        {"torch": 2},
        {"data": []},
    ],
)
def test_a_key_of_another_form_is_damage(root: Path, change: dict[str, Any]) -> None:
    key = _put(root, _content(**change))
    with pytest.raises(StoreError, match=r"damaged: key.json: "):
        read_inventory(root).find(key)


@pytest.mark.slow
def test_a_key_is_found_by_an_unambiguous_beginning(root: Path) -> None:
    keys = sorted(_put(root, _content(data=str(number))) for number in range(20))
    inventory = read_inventory(root)
    assert [inventory.find(key.upper()).key for key in keys] == keys
    with pytest.raises(StoreError, match=r"20 keys begin with ''.* and 15 more"):
        inventory.find("")
    with pytest.raises(StoreError, match="begins with '/etc'"):
        inventory.find("/etc")
    with pytest.raises(StoreError, match="there is no store"):
        read_inventory(root / "nowhere")
    with pytest.raises(StoreError, match="cannot be read as a store"):
        read_inventory(root / keys[0] / "key.json")


def test_what_is_foreign_survives(root: Path, tmp_path: Path) -> None:
    stale, with_notes = _put(root, _content(torch="1")), _put(root, _content(torch="2"))
    (root / with_notes / "notes.txt").write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(root / stale, elsewhere)
    (root / ("a" * 32)).symlink_to(elsewhere)
    (root / "notes").mkdir()
    (root / "notes" / "text").write_text("mine")
    (root / ("b" * 32)).write_text("a file")
    (root / f"{'c' * 32}.lock").write_text("not empty")
    (root / f"{'d' * 32}.new-abcd0123").mkdir()
    (root / f"{'d' * 32}.new-abcd0123" / "thesis.tex").write_text("mine")
    (root / "requirements.lock").touch()
    _age(root / f"{'d' * 32}.new-abcd0123", 2 * DAY)
    before = {path.relative_to(root) for path in root.rglob("*")}
    chosen = prunable(read_inventory(root))
    assert _keys(chosen) == {stale}
    assert set(chosen.foreign) == {"a" * 32, "b" * 32, f"{'c' * 32}.lock", "notes", "requirements.lock"}
    assert sum("did not write" in why for _, why in chosen.left) == 2
    prune(chosen)
    after = {path.relative_to(root) for path in root.rglob("*")}
    assert {path.parts[0] for path in before - after} == {stale}
    assert (elsewhere / "weights.safetensors").is_file()


def test_remains_go_after_a_day_and_what_can_be_resumed_stays(root: Path) -> None:
    store = Store(root)
    resumable, useless, done = _content(data="1"), _content(data="2", torch="1"), _content(data="3")
    for content in (resumable, useless, done):
        (store.partial(digest_of(content), content) / "checkpoint.safetensors").write_bytes(b"state")
    (store.partial("0" * 32, {}) / "key.json").unlink()  # as an older version left it
    (root / f"{digest_of(done)}.partial").rename(root / "aside")
    _put(root, done)
    (root / "aside").rename(root / f"{digest_of(done)}.partial")
    (root / f"{'1' * 32}.new-abcd0123").mkdir()
    (root / f"{'1' * 32}.new-abcd0123" / "history.parquet").touch()
    assert {name: entry.state for name, entry in _by_name(read_inventory(root)).items()} == {
        f"{digest_of(resumable)}.partial": "reached",
        f"{digest_of(useless)}.partial": "stale",
        f"{digest_of(done)}.partial": "left over",
        digest_of(done): "reached",
        f"{'0' * 32}.partial": "stale",
        f"{'1' * 32}.new-abcd0123": "left over",
    }
    assert prunable(read_inventory(root)).entries == ()
    assert len(prunable(read_inventory(root)).left) == 4
    for folder in root.iterdir():
        _age(folder, 2 * DAY)
    prune(prunable(read_inventory(root)))
    assert {path.name for path in root.iterdir()} == {f"{digest_of(resumable)}.partial", digest_of(done)}


def test_what_was_to_be_trained_goes_after_a_day(root: Path) -> None:
    store = Store(root)
    old, new = "0" * 32, "1" * 32
    for key in (old, new):
        store.leave_spec(key, "{}")
    before = time.time() - DAY - 1
    os.utime(store.spec_file(old), (before, before))
    chosen = prunable(read_inventory(root))
    assert (chosen.specs, chosen.foreign) == ((store.spec_file(old),), ())
    assert not prune(chosen).left
    assert [file.name for file in root.iterdir()] == [f"{new}.spec"]


def test_what_a_live_process_holds_is_never_touched(root: Path) -> None:
    content = _content(torch="1")
    key = digest_of(content)
    Store(root).partial(key, content)
    (root / f"{key}.new-abcd0123").mkdir()
    for folder in list(root.iterdir()):
        _age(folder, 9 * DAY)
    free = root / f"{'e' * 32}.lock"
    free.touch()
    child = subprocess.Popen([sys.executable, "-c", _HOLDER, str(root / f"{key}.lock")], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        inventory = read_inventory(root)
        assert {entry.state for entry in inventory.entries} == {"running"}
        chosen = prunable(inventory)
        assert chosen.locks == ("e" * 32,)
        assert (chosen.entries, prune(chosen).locks) == ((), 1)
        assert {path.name for path in root.iterdir()} == {f"{key}.partial", f"{key}.new-abcd0123", f"{key}.lock"}
    finally:
        child.kill()
        child.communicate()
    assert len(prune(prunable(read_inventory(root))).entries) == 2
    assert not list(root.iterdir())


def test_what_a_process_takes_up_after_the_listing_stays(root: Path) -> None:
    key = _put(root, _content(torch="1"))
    chosen = prunable(read_inventory(root))
    with FileLock(root / f"{key}.lock"):
        pruned = prune(chosen)
    assert pruned.left == (f"{key}: a process has taken it up",)
    assert (root / key).is_dir()


def test_an_interrupted_training_keeps_what_its_key_is_a_digest_of(
    root: Path, data: FolderData, teacher: TrainingSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = teacher.model_copy(update={"schedule": Schedule(epochs=1, batch_size=8)})

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("nbutils.training.trainer.fit_together", killed)
        with pytest.raises(KeyboardInterrupt):
            train(spec, store=Store(root), progress=False)
    (entry,) = read_inventory(root).entries
    assert (entry.kind, entry.key, entry.state, entry.name) == ("unfinished", spec.key, "reached", "DeepID2Plus")
