"""What becomes of a batch run and its processes when it is interrupted, with a worker that needs no kernel."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.interrupted import Family, wait_until
from tests.unit.batch.conftest import Make

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")]

#: As the true worker does, but with a `sleep` for a kernel, which ends when interrupted, or does not.
WORKER = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from nbutils.batch.processes import ParentWatch
order = json.loads(sys.stdin.readline())
stubborn = (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if order["parameters"]["quick"] else None
kernel = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=stubborn)
watch = ParentWatch(os.dup(0), [Path(order["sockets"]), Path(order["folder"])])
watch.start()
print(json.dumps({"bar": "sleeping"}), flush=True)
kernel.wait()
watch.kernel_ended()
time.sleep(600)
"""
RUN_JOBS = """
import sys
from pathlib import Path
from nbutils.batch.processes import Workers
from nbutils.batch.runner import Job, run_jobs
Workers.command = (sys.executable, "-c", Path(sys.argv[1]).read_text())
job = Job("a", Path(sys.argv[2]), Path(sys.argv[3]) / "a", {"quick": sys.argv[4] == "stubborn"})
try:
    run_jobs([job], watch=lambda name, event: print(name, event, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    ("numbers", "kernel", "ending"),
    [
        ([signal.SIGINT], "willing", 0),
        ([signal.SIGHUP], "willing", 0),
        ([signal.SIGTERM], "willing", 0),
        ([signal.SIGINT, signal.SIGINT], "stubborn", 130),
        ([signal.SIGHUP, signal.SIGTERM], "stubborn", 130),
        ([signal.SIGKILL], "willing", -signal.SIGKILL),
    ],
)
def test_an_interrupted_run_leaves_no_process_and_the_former_results(
    make_notebook: Make, tmp_path: Path, numbers: list[signal.Signals], kernel: str, ending: int
) -> None:
    worker, out = tmp_path / "worker.py", tmp_path / "out"
    worker.write_text(WORKER, encoding="utf-8")
    family = Family()
    command = [sys.executable, "-c", RUN_JOBS, str(worker), str(make_notebook("a")), str(out), kernel]
    with subprocess.Popen(command, env=family.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "a {'bar': 'sleeping'}\n"
        assert len(family.alive()) == 3
        process.send_signal(numbers[0])
        for number in numbers[1:]:
            assert "stopping" in process.stdout.readline()
            process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait() == ending
    assert rest.endswith("interrupted\n") == (ending == 0)
    assert family.left_after(10) == []
    assert list(out.iterdir()) == []


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """As SIGHUP is under nohup."""
    code = """
import os, signal
from nbutils.batch.processes import interruptible
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with interruptible(lambda: None):
    os.kill(os.getpid(), signal.SIGHUP)
    print("goes on")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "goes on\n"


def test_what_a_notebook_starts_has_no_input_to_wait_for(make_notebook: Make, tmp_path: Path) -> None:
    """The worker's standard input is the pipe that it is watched by."""
    family = Family()
    order = '{"sockets": "/nonexistent/s", "folder": "/nonexistent/f", "name": "a", "parameters": {}}\n'
    code = (
        "from nbutils.batch import worker; worker.work = lambda *_: print(__import__('os').read(0, 1)); worker.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env=family.environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(order)
        process.stdin.flush()
        assert process.stderr.readline() == "b''\n"
    assert wait_until(lambda: not family.alive())
