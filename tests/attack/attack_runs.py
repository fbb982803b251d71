"""Batch runs under attack: somebody's own files in the way, and interrupts at random moments; see `make attack`."""

import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from nbutils.reporting import run_folder
from nbutils.reporting.run_folder import MARKER, Marker, put_in_place, read_marker, scratch_folder, seal, write_marker
from tests.support.interrupted import Family, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

#: Of each kind of interrupt.
INTERRUPTS = 20
#: Trees of a run and somebody's own files.
TREES = 400
#: Seconds after which nothing may be left of an interrupted run.
_ORPHANS_AFTER_S = 10

#: Starts a process of its own, as a notebook may, and writes an artefact before and after its sleep.
_CELLS = (
    "import json, os, subprocess, time\nfrom pathlib import Path\nfolder = Path(out_dir)\n"
    "child = subprocess.Popen(['sleep', '300'])\n(folder / 'first.txt').write_text('first')",
    "Path(os.environ['ATTACK_READY']).touch()\ntime.sleep(float(os.environ['ATTACK_SLEEP']))",
    "child.kill()\n"
    "for name in ('metrics', 'claims', 'artefacts', 'provenance'):\n"
    "    (folder / f'{name}.json').write_text('{}')",
)
_PARAMETERS = 'seed = 0  # of all\nout_dir = ""  # results'


# --- somebody's own files --------------------------------------------------------------------------------------------


def _publish(place: Path, number: int, *, keep: int = 0) -> None:
    new = scratch_folder(place, "trial")
    for name in ("status.json", "tables/t.csv", "figures/deep/f.svg"):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_text(f"run {number}", encoding="utf-8")
    seal(new)
    put_in_place(new, place, keep=keep)


def _add(run: Path, content: str, rng: random.Random) -> None:
    name = rng.choice(["notes.txt", "tables/mine.csv", "deep/er/mine", ".hidden", "metrics.json.bak", "tables/t.md"])
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).write_text(content, encoding="utf-8")


def _edit(run: Path, content: str, rng: random.Random) -> None:
    (run / rng.choice(["status.json", "tables/t.csv", "figures/deep/f.svg"])).write_text(content, encoding="utf-8")


def _link(run: Path, content: str, rng: random.Random) -> None:
    elsewhere = run.parent.parent / f"elsewhere {rng.random()}"
    elsewhere.mkdir()
    (elsewhere / "theirs.txt").write_text(content, encoding="utf-8")
    name = rng.choice(["tables/linked", "status.json", "tables"])
    if (run / name).exists():
        (run / name).rename(elsewhere / "was")
    (run / name).symlink_to(rng.choice([elsewhere, elsewhere / "theirs.txt"]))


def _move_whole(run: Path, content: str, rng: random.Random) -> None:
    disk = run.parent.parent / f"disk {rng.random()}"
    run.rename(disk)
    run.symlink_to(disk)
    (disk / "moved.txt").write_text(content, encoding="utf-8")


def _forge(run: Path, content: str, rng: random.Random) -> None:
    """A marker that claims a file of somebody's own by a digest that is not its own, or by a path outside."""
    marker = read_marker(run)
    assert marker is not None
    (run / "forged.txt").write_text(content, encoding="utf-8")
    claimed = rng.choice(list(marker.files.values()))
    marker.files |= {"forged.txt": claimed, "../../theirs.txt": claimed, "/etc/hostname": claimed}
    write_marker(run, marker)


def _break_marker(run: Path, content: str, rng: random.Random) -> None:
    (run / MARKER).write_text(rng.choice(["", "{}", "[]", "null", "\0", '{"notebook": "a"}', content]), "utf-8")
    (run / "theirs.txt").write_text(content, encoding="utf-8")


def _beside(run: Path, content: str, rng: random.Random) -> None:
    """What bears the names of our own scratch folders."""
    ending = rng.choice(["partial", "old"])
    beside = run.parent / f".{run.name}.{rng.choice(['0badf00d', '123', 'x'])}.{ending}"
    if rng.random() < 0.5:
        beside.write_text(content, encoding="utf-8")
    else:
        beside.mkdir()
        (beside / "theirs.txt").write_text(content, encoding="utf-8")


#: In an order in which none undoes another.
_DEEDS: tuple[Callable[[Path, str, random.Random], None], ...] = (
    *(_add, _edit, _forge, _beside, _link, _break_marker, _move_whole),
)


def _texts(folder: Path) -> set[str]:
    """Contents of all files below a folder."""
    found = set()
    for place, _, files in os.walk(folder):
        for name in files:
            if not Path(place, name).is_symlink():
                found.add(Path(place, name).read_text(encoding="utf-8", errors="replace"))
    return found


def test_nothing_of_somebodys_own_is_removed(tmp_path: Path, counts: Counter[str]) -> None:
    for seed in range(TREES):
        rng = random.Random(seed)
        place = tmp_path / str(seed) / "out/a"
        _publish(place, 0)
        deeds = sorted(rng.sample(_DEEDS, rng.randint(1, 3)), key=_DEEDS.index)
        theirs = {f"theirs {seed} {number}" for number in range(len(deeds))}
        for deed, content in zip(deeds, sorted(theirs), strict=True):
            if not place.is_symlink() and read_marker(place) is not None:
                deed(place, content, rng)
            else:
                theirs.discard(content)
        for number in range(1, rng.randint(2, 4)):
            _publish(place, number, keep=rng.choice([0, 0, 1, 3]))
        assert theirs <= _texts(place.parent.parent), [deed.__name__ for deed in deeds]
        assert (place / "tables/t.csv").read_text(encoding="utf-8") == f"run {number}"
        shutil.rmtree(tmp_path / str(seed))
        counts["trees with somebody's own files, replaced by 1 to 3 runs, nothing lost"] += 1


def _die_after(calls: int, place: Path) -> bool:
    """Publish in a process that is gone after so many changes of the file system; whether it ended before."""
    pid = os.fork()
    if pid == 0:
        left = calls

        def dying(real: Callable[..., object]) -> Callable[..., object]:
            def call(*given: object, **more: object) -> object:
                nonlocal left
                if left == 0:
                    os._exit(9)
                left -= 1
                return real(*given, **more)

            return call

        for name in ("rename", "unlink", "rmdir", "mkdir", "replace"):
            setattr(os, name, dying(getattr(os, name)))
        try:
            _publish(place, 1)
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert os.waitstatus_to_exitcode(status) in (0, 9)
    return os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("theirs", ["", "notes.txt"])
def test_a_process_that_dies_between_any_two_steps_loses_nothing(
    tmp_path: Path, theirs: str, counts: Counter[str]
) -> None:
    for calls in range(1000):
        place = tmp_path / str(calls) / "a"
        _publish(place, 0)
        if theirs:
            (place / theirs).write_text("theirs", encoding="utf-8")
        ended = _die_after(calls, place)
        shown = {name: _texts(place) for name in (place.name,) if place.exists()}
        assert not shown or {"run 0"} <= shown["a"] or {"run 1"} <= shown["a"]
        assert not theirs or "theirs" in _texts(place.parent)

        _publish(place, 2)

        assert (place / "status.json").read_text(encoding="utf-8") == "run 2"
        assert not theirs or "theirs" in _texts(place.parent)
        hidden = [path.name for path in place.parent.iterdir() if path.name.startswith(".")]
        left = [file.name for name in hidden for file in (place.parent / name).iterdir()]
        assert all(name.startswith(f".{MARKER}.") for name in left), left  # killed while it wrote its marker
        counts["deaths between two steps of replacing a run, nothing lost"] += not ended
        if ended:
            return
    raise AssertionError("publishing never ended")


def test_two_processes_at_one_place_both_end(tmp_path: Path, counts: Counter[str]) -> None:
    for _ in range(20):
        place = tmp_path / secrets.token_hex(4) / "a"
        children = []
        for number in range(4):
            pid = os.fork()
            if pid == 0:
                try:
                    for turn in range(5):
                        _publish(place, 10 * number + turn)
                except BaseException:
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            children.append(pid)
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
        assert len(_texts(place) - {(place / MARKER).read_text(encoding="utf-8")}) == 1
        counts["races of four processes for one run's place, each run whole"] += 1


@pytest.mark.parametrize("name", ["thesis.docx", "metrics.json", "index.html", MARKER])
def test_the_command_refuses_before_anything_runs(tmp_path: Path, name: str, counts: Counter[str]) -> None:
    batch = _Batch.make(tmp_path)
    theirs = batch.out / ("" if name == "index.html" else "trial") / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine", encoding="utf-8")
    process = batch.start(Family(), sleep=0)
    assert process.wait(120) == 2
    assert "Traceback" not in batch.said(process)
    assert batch.said(process).startswith("error: ")
    assert theirs.read_text(encoding="utf-8") == "mine"
    counts["commands refused for a file in the way"] += 1


# --- interrupts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Batch:
    """A project of one notebook, and where it is run."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> "_Batch":
        notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        first = nbformat.v4.new_code_cell(_PARAMETERS, metadata={"tags": ["parameters"]})
        notebook.cells = [nbformat.v4.new_markdown_cell("# Trial"), first, *map(nbformat.v4.new_code_cell, _CELLS)]
        nbformat.write(notebook, root / "trial.ipynb")
        return cls(root)

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def ready(self) -> Path:
        """Made by the notebook once it sleeps."""
        return self.root / "ready"

    def start(self, family: Family, *, sleep: float) -> subprocess.Popen[bytes]:
        self.ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "nbutils.batch", "run", "trial.ipynb", "--out", "out"]
        environment = family.environment | {"ATTACK_READY": str(self.ready), "ATTACK_SLEEP": str(sleep)}
        with (self.root / "stderr").open("wb") as log, (self.root / "stdout").open("wb") as output:
            return subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=output, stderr=log, start_new_session=True
            )

    def said(self, process: subprocess.Popen[bytes]) -> str:
        """What the command printed as errors."""
        assert process.returncode is not None
        return (self.root / "stderr").read_text(encoding="utf-8", errors="replace")


_KINDS: dict[str, tuple[signal.Signals, ...]] = {
    "SIGINT": (signal.SIGINT,),
    "SIGINT twice": (signal.SIGINT, signal.SIGINT),
    "SIGTERM": (signal.SIGTERM,),
    "SIGHUP": (signal.SIGHUP,),
    "SIGKILL of the parent": (signal.SIGKILL,),
}


def _time_until_it_sleeps(root: Path) -> float:
    root.mkdir()
    batch, family, start = _Batch.make(root), Family(), time.monotonic()
    process = batch.start(family, sleep=0.1)
    assert wait_until(batch.ready.exists)
    seconds = time.monotonic() - start
    assert process.wait(120) == 0, batch.said(process)
    assert not family.left_after(_ORPHANS_AFTER_S)
    return seconds


def _interrupt(root: Path, numbers: tuple[signal.Signals, ...], wait_s: float, gap_s: float) -> list[str]:
    """Interrupt one run; returns what went wrong."""
    root.mkdir()
    batch, family = _Batch.make(root), Family()
    theirs = [batch.out / "thesis.docx", batch.out / "other/metrics.json", batch.out / ".trial.0badf00d.partial/mine"]
    for file in theirs:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("theirs", encoding="utf-8")
    former = batch.out / "trial"
    write_marker(former, Marker(notebook="trial"))
    (former / "status.json").write_text("former", encoding="utf-8")
    seal(former)
    process = batch.start(family, sleep=60)
    time.sleep(wait_s)
    for at, number in enumerate(numbers):
        if at:
            time.sleep(gap_s)
        if process.poll() is None:
            os.killpg(process.pid, number)  # a terminal signals the whole group
    wrong = []
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        wrong.append(f"the command hangs after {numbers}")
        process.kill()
        process.wait()
    left = family.left_after(_ORPHANS_AFTER_S)
    if left:
        wrong.append(f"orphans: {[orphan.cmdline() for orphan in left]}")
        for orphan in left:
            orphan.kill()
    if "Traceback" in batch.said(process):
        wrong.append(batch.said(process))
    if any(not file.is_file() or file.read_text(encoding="utf-8") != "theirs" for file in theirs):
        wrong.append("somebody's own file is gone")
    if (former / "status.json").read_text(encoding="utf-8") != "former":
        wrong.append("the former run is gone")
    ours = [path.name for path in batch.out.glob(".trial.*") if path.name != ".trial.0badf00d.partial"]
    if ours and numbers != (signal.SIGKILL,) and len(numbers) == 1:
        wrong.append(f"left behind: {ours}")
    return wrong


@pytest.mark.parametrize("kind", list(_KINDS))
def test_an_interrupt_at_any_moment_leaves_nothing_behind(tmp_path: Path, kind: str, counts: Counter[str]) -> None:
    whole = _time_until_it_sleeps(tmp_path / "undisturbed")
    rng = random.Random(kind)
    moments = [(whole * 1.4 * (number + rng.random()) / INTERRUPTS, rng.uniform(0, 1)) for number in range(INTERRUPTS)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = [
            pool.submit(_interrupt, tmp_path / str(at), _KINDS[kind], *moment) for at, moment in enumerate(moments)
        ]
        wrong = {at: future.result() for at, future in enumerate(waiting)}
    assert {at: what for at, what in wrong.items() if what} == {}
    counts[f"{kind}: nothing lost, no orphan after {_ORPHANS_AFTER_S} s, no traceback"] += INTERRUPTS


def test_a_run_killed_with_its_parent_is_cleared_up_by_the_next(tmp_path: Path, counts: Counter[str]) -> None:
    batch, family = _Batch.make(tmp_path), Family()
    process = batch.start(family, sleep=60)
    assert wait_until(batch.ready.exists)
    for victim in family.alive():
        victim.kill()
    process.wait()
    assert list(batch.out.glob(".trial.*.partial"))
    process = batch.start(Family(), sleep=0)
    assert process.wait(120) == 0, batch.said(process)
    assert sorted(path.name for path in batch.out.iterdir()) == ["index.html", "trial"]
    assert run_folder.read_marker(batch.out / "trial") is not None
    counts["runs killed with all their processes, cleared up by the next"] += 1
