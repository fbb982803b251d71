import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from nbutils.training import Store
from nbutils.training.base import digest as digest_of
from nbutils.training.inventory import read_inventory
from nbutils.training.pruning import DAY, prunable, prune
from tests.support.stored_results import age, by_name, key_content, keys_of, put_result

_HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_what_is_foreign_survives(root: Path, tmp_path: Path) -> None:
    stale, with_notes = put_result(root, key_content(torch="1")), put_result(root, key_content(torch="2"))
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
    age(root / f"{'d' * 32}.new-abcd0123", 2 * DAY)
    before = {path.relative_to(root) for path in root.rglob("*")}
    chosen = prunable(read_inventory(root))
    assert keys_of(chosen) == {stale}
    assert set(chosen.foreign) == {"a" * 32, "b" * 32, f"{'c' * 32}.lock", "notes", "requirements.lock"}
    assert sum("did not write" in why for _, why in chosen.left) == 2
    prune(chosen)
    after = {path.relative_to(root) for path in root.rglob("*")}
    assert {path.parts[0] for path in before - after} == {stale}
    assert (elsewhere / "weights.safetensors").is_file()


def test_remains_go_after_a_day_and_what_can_be_resumed_stays(root: Path) -> None:
    store = Store(root)
    resumable, useless, done = key_content(data="1"), key_content(data="2", torch="1"), key_content(data="3")
    for content in (resumable, useless, done):
        (store.partial(digest_of(content), content) / "checkpoint.safetensors").write_bytes(b"state")
    (store.partial("0" * 32, {}) / "key.json").unlink()  # as an older version left it
    (root / f"{digest_of(done)}.partial").rename(root / "aside")
    put_result(root, done)
    (root / "aside").rename(root / f"{digest_of(done)}.partial")
    (root / f"{'1' * 32}.new-abcd0123").mkdir()
    (root / f"{'1' * 32}.new-abcd0123" / "history.parquet").touch()
    assert {name: entry.state for name, entry in by_name(read_inventory(root)).items()} == {
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
        age(folder, 2 * DAY)
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
    content = key_content(torch="1")
    key = digest_of(content)
    Store(root).partial(key, content)
    (root / f"{key}.new-abcd0123").mkdir()
    for folder in list(root.iterdir()):
        age(folder, 9 * DAY)
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
    key = put_result(root, key_content(torch="1"))
    chosen = prunable(read_inventory(root))
    with FileLock(root / f"{key}.lock"):
        pruned = prune(chosen)
    assert pruned.left == (f"{key}: a process has taken it up",)
    assert (root / key).is_dir()
