"""The store under attack: nothing half-written, nothing lost, nothing wrong served, one clear error."""

import json
import logging
import os
import re
import shutil
import signal
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbutils.errors import StoreError
from nbutils.training import Store, locks
from nbutils.training.interrupts import ending_tidily, raise_lost
from nbutils.training.inventory import read_inventory
from nbutils.training.result_files import damage_of
from tests.support.limits import no_file_over, read_only

KEY = "0123456789abcdef" * 2


def _put(store: Store, text: str = "whole", key: str = KEY) -> Path:
    with store.publish(key, {"a": 1}) as aside:
        (aside / "weights.safetensors").write_text(text)
    return store.root / key


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def _listed(digests: dict[str, str], **changes: str | None) -> str:
    return json.dumps({name: value for name, value in {**digests, **changes}.items() if value})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda _: "{}", "expected names of files and their SHA-256"),
        (lambda _: "[]", "expected names of files and their SHA-256"),
        (lambda _: "null", "expected names of files and their SHA-256"),
        (lambda _: "7", "expected names of files and their SHA-256"),
        (lambda _: "[" * 100_000, "digests.json cannot be read"),
        (lambda digests: _listed(digests, **{"weights.safetensors": None}), "does not list weights.safetensors"),
        (
            lambda digests: _listed(digests, **{"../../outside": "0" * 64}),
            "'../../outside': expected the name of a file",
        ),
        (lambda digests: _listed(digests, **{"key.json": "0"}), "'key.json': expected the name of a file"),
        (lambda digests: _listed(digests, more="0" * 64), "more is missing"),
    ],
)
def test_a_list_of_digests_that_does_not_tell_is_damage(
    damage: Callable[[dict[str, str]], str], says: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    folder = _put(store, "old")
    file = folder / "digests.json"
    file.write_text(damage(json.loads(file.read_text())))
    with caplog.at_level(logging.WARNING):
        assert store.find(KEY) is None
    assert says in caplog.text
    assert (folder / "weights.safetensors").read_text() == "old"
    (folder / "notes.txt").write_text("mine")
    _put(store, "new")
    assert (folder / "weights.safetensors").read_text() == "new"
    assert store.find(KEY) == folder
    assert [path.read_text() for path in store.root.rglob("notes.txt")] == ["mine"]


def test_what_the_store_did_not_write_is_no_damage(store: Store) -> None:
    folder = _put(store)
    (folder / "notes.txt").write_text("mine")
    assert store.find(KEY) == folder


def test_the_first_result_wins(store: Store) -> None:
    with store.publish(KEY, {}) as aside:
        (aside / "weights.safetensors").write_text("second")
        _put(store, "first")
    assert (store.root / KEY / "weights.safetensors").read_text() == "first"
    assert damage_of(store.root / KEY) is None
    assert _names(store.root) == {KEY}


def test_the_folder_of_a_result_is_open_to_whom_the_umask_lets_in(store: Store) -> None:
    before = os.umask(0o022)
    try:
        assert stat.S_IMODE(_put(store).stat().st_mode) == 0o755
    finally:
        os.umask(before)


@pytest.mark.parametrize("suffix", ["", ".partial"])
def test_a_file_in_the_place_of_a_folder_is_named_and_stays(suffix: str, store: Store) -> None:
    file = store.root / f"{KEY}{suffix}"
    file.write_text("mine")
    with pytest.raises(StoreError, match=rf"^{re.escape(str(file))}: [^\n]+$"), store.claim(KEY):
        store.partial(KEY, {})
    if not suffix:
        with pytest.raises(StoreError, match=re.escape(str(file))):
            _put(store)
    assert file.read_text() == "mine"
    assert _names(store.root) == {file.name}


def test_a_full_disk_is_one_line_that_names_the_file_and_nothing_is_left(store: Store) -> None:
    for size in (0, 10, 20, 100, 150):
        named = rf"^{store.root}/{KEY}.*\.(json|safetensors): cannot be written: File too large$"
        with no_file_over(size), pytest.raises(StoreError, match=named):
            _put(store, "w" * 120)
        assert not list(store.root.iterdir())
    with no_file_over(0), pytest.raises(StoreError, match=r"key\.json.*: cannot be written"):
        store.partial(KEY, {})


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder with parents that everyone may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_store_that_cannot_be_written_to_serves_what_it_holds(open_folder: Path) -> None:
    store = Store(open_folder / "store")
    folder = _put(store)
    with read_only(store.root):
        with Store(store.root).claim(KEY) as found:
            assert found == folder
        assert [entry.path for entry in read_inventory(store.root).entries] == [folder]
        missing = "f" * 32
        with (
            pytest.raises(StoreError, match=rf"^{re.escape(str(store.root))}/{missing}.*: cannot be written: .*$"),
            store.claim(missing),
        ):
            pytest.fail("claimed")
    assert _names(store.root) == {KEY}


def test_what_may_not_be_read_is_no_damage(open_folder: Path) -> None:
    store = Store(open_folder / "store")
    folder = _put(store)
    with (
        read_only(store.root, folder / "weights.safetensors"),
        pytest.raises(StoreError, match=r"weights\.safetensors: cannot be read: Permission denied"),
    ):
        store.find(KEY)


def _forked(work: Callable[[], None]) -> int:
    """Starts a process that does this and nothing else."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


@pytest.mark.slow
def test_of_processes_that_race_for_a_key_one_computes_it_and_no_lock_is_left(store: Store, tmp_path: Path) -> None:
    keys = [f"{number:032x}" for number in range(15)]
    log = tmp_path / "log"

    def race() -> None:
        for key in keys:
            with store.claim(key) as found:
                if found is None:
                    with log.open("a") as stream:
                        stream.write(f"{key}\n")
                    _put(store, str(os.getpid()), key)

    children = [_forked(race) for _ in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert sorted(log.read_text().split()) == keys
    assert _names(store.root) == {*keys}


@pytest.mark.slow
@pytest.mark.parametrize("alive", [True, False])
def test_a_lock_is_waited_for_while_its_holder_gives_signs_of_life(
    alive: bool, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOOK_S", 0.05)
    monkeypatch.setattr(locks, "STALE_S", 1.0)
    monkeypatch.setattr(locks, "BEAT_S", 0.1 if alive else 1e3)
    held, done = tmp_path / "held", tmp_path / "done"

    def hold() -> None:
        with store.lock(KEY):
            held.touch()
            while not done.exists():
                time.sleep(0.02)
            _put(store, "the holder's")

    child = _forked(hold)
    while not held.exists():
        time.sleep(0.02)
    finish = threading.Timer(3.0, done.touch)
    finish.start()
    with store.claim(KEY) as found:
        assert (found is not None) == alive
        if found is None:
            assert not done.exists()
            _put(store, "the waiter's")
    finish.join()
    assert os.waitpid(child, 0)[1] == 0
    published = (store.root / KEY / "weights.safetensors").read_text()
    assert published == ("the holder's" if alive else "the waiter's")


def test_what_a_killed_process_left_beside_its_result_is_cleared_up_unless_a_process_holds_it(store: Store) -> None:
    _put(store)
    partial = store.partial(KEY, {})

    def claim() -> None:
        with store.claim(KEY) as found:
            assert found is not None

    with store.lock(KEY):
        assert os.waitpid(_forked(claim), 0)[1] == 0
        assert _names(store.root) == {KEY, partial.name, f"{KEY}.lock"}
    (store.root / f"{KEY}.lock").touch()
    claim()
    assert _names(store.root) == {KEY}


def test_everything_is_on_the_disk_before_it_gets_its_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str]] = []
    sync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        done.append(("sync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
        sync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        done.append(("rename", new.name))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    folder = _put(store)
    at = done.index(("rename", KEY))
    assert {name for what, name in done[:at] if what == "sync"} >= _names(folder)
    assert re.fullmatch(rf"{KEY}\.new-\w+", done[at - 1][1])
    assert ("sync", "store") in done[at:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_asked_to_end_leaves_its_blocks_first(number: signal.Signals, tmp_path: Path) -> None:
    mark = tmp_path / "left"

    def work() -> None:
        signal.signal(number, signal.SIG_DFL)
        with ending_tidily():
            try:
                os.kill(os.getpid(), number)
                time.sleep(60)
            finally:
                mark.touch()

    _, status = os.waitpid(_forked(work), 0)
    assert os.WTERMSIG(status) == number
    assert mark.exists()


def test_an_interrupt_that_is_lost_is_raised_again_before_anything_is_published(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    class Loses:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    def published() -> None:
        with ending_tidily(), store.publish(KEY, {}):
            Loses()

    def turned() -> None:
        with ending_tidily():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as error:
                raise RuntimeError from error

    for work in (published, turned):
        with pytest.raises(KeyboardInterrupt):
            work()
    assert not list(store.root.iterdir())
    with ending_tidily():
        raise_lost()
    assert "Traceback" not in capfd.readouterr().err


def test_a_handler_that_somebody_has_installed_stays() -> None:
    def theirs(*_: object) -> None:
        """Does nothing."""

    before = signal.signal(signal.SIGTERM, theirs)
    try:
        with ending_tidily():
            assert signal.getsignal(signal.SIGTERM) is theirs
        assert signal.getsignal(signal.SIGTERM) is theirs
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_is_to_be_trained_is_there_until_it_is_published(store: Store) -> None:
    store.leave_spec(KEY, '{"name": "T"}')
    assert store.spec_file(KEY).read_text() == '{"name": "T"}'
    _put(store)
    assert _names(store.root) == {KEY}
    store.leave_spec(KEY, "{}")
    assert _names(store.root) == {KEY}
    store.spec_file(KEY).write_text("{}")  # as by a process that did not yet see the result
    with store.claim(KEY):
        pass
    assert _names(store.root) == {KEY}
