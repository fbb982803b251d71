import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from nbutils.data.sources.on_disk import FolderData
from nbutils.errors import StoreError
from nbutils.training import FunctionTeacher, Schedule, Store, Term, TrainingSpec, digest, reach, train
from nbutils.training.inventory import read_inventory
from nbutils.training.kinds import file_digest, given_content
from nbutils.training.pruning import prunable, prune
from tests.support.stored_results import key_content, keys_of, put_result
from tests.unit.training.conftest import MakeSpec

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


def _forget_module(monkeypatch: pytest.MonkeyPatch, module: str, now: str | None) -> None:
    """As if the module's source had become another one, or gone."""
    true = digest.module_digest
    monkeypatch.setattr(reach, "module_digest", lambda name: now if name == module else true(name))
    reach._module.cache_clear()


@pytest.fixture(autouse=True)
def _true_digests() -> Iterator[None]:
    reach._module.cache_clear()
    yield
    reach._module.cache_clear()


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
    key = put_result(root, key_content(torch="1.0"))
    assert _state(root, key) == ("stale", (f"made with torch 1.0, this is {torch.__version__}",))
    older = root / ("0" * 32)
    older.mkdir()
    (older / "weights.safetensors").write_bytes(b"w")
    (older / "digests.json").write_text(json.dumps({"weights.safetensors": hashlib.sha256(b"w").hexdigest()}))
    entry = read_inventory(root).find("0" * 32)
    assert (entry.kind, entry.state) == ("older format", "stale")
    assert keys_of(prunable(read_inventory(root))) == {key, older.name}


def test_a_class_that_is_gone_or_stands_elsewhere(root: Path) -> None:
    gone = {"model": {"kind": "Nothing"}, "objective": {"labels": {"kind": "LabelLoss"}}}
    assert _state(root, put_result(root, key_content(spec=gone))) == (
        "stale",
        ("nbutils.models has no Nothing any more",),
    )
    moved = put_result(root, key_content(code={"nbutils.models.mlp": digest.module_digest("nbutils.models.mlp")}))
    assert _state(root, moved)[1] == ("LabelLoss is another one now, that of nbutils/losses/identity_labels.py",)


def test_a_student_whose_teacher_is_not_here_is_kept(root: Path) -> None:
    key = put_result(root, key_content(teacher=["f" * 32]), {"name": "s", "teacher": [{"name": "t"}]})
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
    code = key_content()["code"] | {"own_loss_here": digest.module_digest("own_loss_here")}
    key = put_result(root, key_content(spec=spec, code=code))
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
        put_result(root, key_content(spec=spec, teacher=["f" * 32], torch=version), named)
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
    key = put_result(root, key_content(torch="1"), {"name": "s"})
    whole = put_result(root, key_content())
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
    key = put_result(root, key_content(**change))
    with pytest.raises(StoreError, match=r"damaged: key.json: "):
        read_inventory(root).find(key)


@pytest.mark.slow
def test_a_key_is_found_by_an_unambiguous_beginning(root: Path) -> None:
    keys = sorted(put_result(root, key_content(data=str(number))) for number in range(20))
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
