"""Sweeps under attack: workers and schedulers killed, full stores, sweeps that share trainings; see `make attack`.

Each attack ends in a sweep that is compared with an undisturbed one, number by number. What was under way may be
trained again; what the store holds never is.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psutil
import pytest

pytest.importorskip("distributed", reason="needs nbutils[cluster]")

from tests.support.interrupted import Family, wait_until
from tests.support.sweeps import write_notebook

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

#: Of each kind of attack.
TIMES = int(os.environ.get("ATTACK_TIMES", "10"))
#: Seconds after which nothing may be left of a sweep.
_ORPHANS_AFTER_S = 30
#: Seeds of a sweep that is attacked, and of two that share half of their trainings.
_ATTACKED, _FIRST, _SECOND, _BOTH = "0-1", "0-1", "1-2", "0-2"
_COUNTS: Counter[str] = Counter()

#: Runs a sweep as the command does, with the small notebook known.
_PROGRAM = """\
if __name__ == "__main__":  # the workers need none of it
    import sys
    from pathlib import Path
    import pytest
    from nbutils.batch.cli import app
    from nbutils import paths
    from tests.support.sweeps import know_tiny
    with pytest.MonkeyPatch.context() as patch:
        know_tiny(patch)
        patch.setattr(paths, "notebooks_dir", lambda: Path(sys.argv[1]))
        app(["sweep", "tiny", *sys.argv[2:]])
"""


@pytest.fixture(scope="module", autouse=True)
def _table(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    lines = [f"{count:>7,}  {what}" for what, count in sorted(_COUNTS.items())]
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    assert terminal is not None
    for line in ("", "sweeps under attack", *lines):
        terminal.write_line(line)


class Place:
    """A folder with the notebook, a store, and the runs of sweeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_notebook(folder / "notebooks")
        self.program = folder / "program.py"
        self.program.write_text(_PROGRAM, encoding="utf-8")
        self.family = Family()

    def start(self, seeds: str, out: str = "out", *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.program), str(self.folder / "notebooks"), "--seeds", seeds]
        command += ["--over", "temperature=1", "--out", str(self.folder / out), *(more or ("--workers", "2"))]
        environment = self.family.environment | {
            "NBUTILS_STORE": str(self.folder / "store"),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
        }
        with (self.folder / "log.txt").open("a") as log:
            return subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, text=True, start_new_session=True, cwd=self.folder
            )

    def workers(self) -> list[psutil.Process]:
        """Dask's own, which a nanny started."""
        return [process for process in self.family.alive() if "spawn_main" in " ".join(process.cmdline())]

    def entries(self) -> set[str]:
        return {path.name for path in (self.folder / "store").iterdir()} if (self.folder / "store").is_dir() else set()

    def losses(self, out: str = "out") -> dict[str, dict[str, float]]:
        """Metrics by run."""
        files = sorted((self.folder / out).rglob("metrics.json"))
        found = {file.parent.relative_to(self.folder / out).as_posix(): json.loads(file.read_text()) for file in files}
        for metrics in found.values():
            assert metrics.pop("trained in the notebook") == 0
        return found

    def made(self) -> dict[str, float]:
        """When each training that the store holds was made."""
        files = (self.folder / "store").glob("*/origin.json")
        return {file.parent.name: json.loads(file.read_text())["time"] for file in files if not file.parent.suffix}

    def age_marks(self) -> None:
        """As if an hour and a half had passed since a killed process left its mark in the store."""
        for mark in (self.folder / "store").glob(".seen-*"):
            os.utime(mark, (time.time() - 5400,) * 2)


#: From seeds to the place of their undisturbed sweep.
Sweeps = Callable[[str], Place]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Sweeps:
    """The sweep of some seeds that nothing disturbed."""

    @cache
    def swept(seeds: str) -> Place:
        place = Place(tmp_path_factory.mktemp("undisturbed"))
        assert place.start(seeds).wait() == 0
        assert len(place.entries()) == 2 * len(place.losses()) > 0
        return place

    return swept


def _attack(
    name: str,
    undisturbed: Sweeps,
    tmp_path: Path,
    disturb: Callable[[Place, random.Random], bool],
    seeds: str = _ATTACKED,
) -> None:
    """Disturbs a sweep at a random moment, lets it or its next go to the end, and compares."""
    whole = undisturbed(seeds)
    rng = random.Random(name)
    for number in range(TIMES):
        place = Place(tmp_path / str(number))
        try:
            if disturb(place, rng):
                _COUNTS[f"{name}: went on by itself"] += 1
            else:
                made = place.made()
                place.age_marks()
                assert place.start(seeds).wait() == 0
                now = place.made()
                assert {key: now[key] for key in made} == made  # nothing was trained twice that was there
                _COUNTS[f"{name}: the next sweep finished it"] += 1
            assert place.losses() == whole.losses()
            assert place.entries() == whole.entries()
            assert not place.family.left_after(_ORPHANS_AFTER_S)
            _COUNTS[f"{name}: equal to an undisturbed sweep, nothing left"] += 1
        except AssertionError:
            _COUNTS[f"{name}: FAILED"] += 1
            traceback.print_exc()
            print((place.folder / "log.txt").read_text()[-4000:])
        finally:
            for process in place.family.alive():
                process.kill()
            shutil.rmtree(place.folder)
    assert not _COUNTS[f"{name}: FAILED"]


def _random_moment(place: Place, sweep: subprocess.Popen[str], rng: random.Random) -> None:
    """Waits until the sweep has begun to train, and then some time."""
    wait_until(lambda: bool(place.entries()) or sweep.poll() is not None)
    time.sleep(rng.uniform(0, 15))


def test_a_worker_is_killed(undisturbed: Sweeps, tmp_path: Path) -> None:
    def disturb(place: Place, rng: random.Random) -> bool:
        sweep = place.start(_ATTACKED)
        _random_moment(place, sweep, rng)
        if workers := place.workers():
            rng.choice(workers).kill()
        return sweep.wait() == 0

    _attack("worker killed", undisturbed, tmp_path, disturb)


def test_the_scheduler_is_killed_and_the_sweep_started_again(undisturbed: Sweeps, tmp_path: Path) -> None:
    def disturb(place: Place, rng: random.Random) -> bool:
        sweep = place.start(_ATTACKED)  # the scheduler lives in its process
        _random_moment(place, sweep, rng)
        sweep.kill()
        sweep.wait()
        assert not place.family.left_after(_ORPHANS_AFTER_S)
        return False

    _attack("scheduler killed", undisturbed, tmp_path, disturb)


def test_a_first_interrupt_stops_tidily(undisturbed: Sweeps, tmp_path: Path) -> None:
    def disturb(place: Place, rng: random.Random) -> bool:
        sweep = place.start(_ATTACKED)
        _random_moment(place, sweep, rng)
        sweep.send_signal(signal.SIGINT)
        assert sweep.wait() in (0, 130)
        assert not place.family.left_after(_ORPHANS_AFTER_S)
        return False

    _attack("interrupted", undisturbed, tmp_path, disturb)


@contextmanager
def _cluster(place: Place) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers of its own, on a port that a relay can stand before."""
    file = place.folder / "scheduler.json"
    environment = place.family.environment | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "NBUTILS_STORE": str(place.folder / "store"),
    }
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1"]
    log = (place.folder / "cluster.txt").open("wb")
    made = [
        subprocess.Popen(
            [*start, "--no-dashboard", "--scheduler-file", str(file)], env=environment, stdout=log, stderr=log
        )
    ]
    assert wait_until(file.is_file)
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1"]
    made += [
        subprocess.Popen([*worker, "--no-dashboard", "--memory-limit", "0"], env=environment, stdout=log, stderr=log)
        for _ in range(2)
    ]
    try:
        yield json.loads(file.read_text())["address"], made
    finally:
        for process in reversed(made):
            process.terminate()
        for process in made:
            process.wait()
        log.close()


def test_the_network_between_client_and_scheduler_is_cut(undisturbed: Sweeps, tmp_path: Path) -> None:
    from tests.support.relay import Relay

    def disturb(place: Place, rng: random.Random) -> bool:
        with _cluster(place) as (address, _):
            host, _, port = address.removeprefix("tcp://").partition(":")
            with Relay(host, int(port)) as relay:
                sweep = place.start(_ATTACKED, "out", "--scheduler", f"tcp://127.0.0.1:{relay.port}")
                _random_moment(place, sweep, rng)
                relay.cut()
                code = sweep.wait()
        return code == 0

    _attack("network cut", undisturbed, tmp_path, disturb)


def test_the_store_is_full(undisturbed: Sweeps, tmp_path: Path) -> None:
    def disturb(place: Place, rng: random.Random) -> bool:
        (place.folder / "store").mkdir()
        sweep = place.start(_ATTACKED)
        time.sleep(rng.uniform(5, 25))
        for process in place.family.alive():  # no file may grow beyond this
            with_limit = rng.choice([0, 1_000, 50_000])
            try:
                process.rlimit(psutil.RLIMIT_FSIZE, (with_limit, with_limit))
            except psutil.Error:
                continue
        sweep.wait()
        for former in place.family.alive():
            former.kill()
        for entry in place.entries():
            assert not entry.endswith(".new")
        return False

    _attack("store full", undisturbed, tmp_path, disturb)


def test_two_sweeps_share_half_of_their_trainings(undisturbed: Sweeps, tmp_path: Path) -> None:
    def disturb(place: Place, rng: random.Random) -> bool:
        first = place.start(_FIRST, "first")
        time.sleep(rng.uniform(0, 5))
        second = place.start(_SECOND, "second")
        assert first.wait() == second.wait() == 0
        both = place.losses("first") | place.losses("second")
        assert both == undisturbed(_BOTH).losses()
        assert place.entries() == undisturbed(_BOTH).entries()
        logs = [log for out in ("first", "second") for log in (place.folder / out / "logs").glob("*.txt")]
        trained = Counter(log.stem for log in logs if "' trained: " in log.read_text())
        assert set(trained.values()) == {1}
        assert trained.keys() == undisturbed(_BOTH).entries()
        return False

    _attack("two sweeps", undisturbed, tmp_path, disturb, _BOTH)
