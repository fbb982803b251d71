"""Trains what it is told on standard input, each in a fork of its own.

To import what a training needs takes longer than to train a small network. A server, `python -m` this module, imports
it once; each order, a line of JSON, is carried out by a fork, and answered with a line of JSON that holds its exit
status. Where there are no forks,
a server carries out one order itself. When standard input ends, or the server is gone, a training saves its last
finished epoch and ends.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from nbutils.errors import NbutilsError, StoreError

#: Exit status of a training that cannot be done as it stands, and of any other failure.
REFUSED, FAILED = 2, 1
#: Seconds between a request to end and the end.
_GRACE_S = 10.0


def main() -> None:
    """Answer orders until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    raising = signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt from the keyboard is the sweep's to pass on
    _import_all()
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    while line := orders.readline():
        if _at_end(orders):
            return
        order = json.loads(line)
        code = _forked(order, orders, raising) if hasattr(os, "fork") else _carry_out(order, orders.fileno())
        answers.write(json.dumps({"status": code}) + "\n")
        answers.flush()
        if not hasattr(os, "fork"):
            return


def _at_end(orders: TextIO) -> bool:
    """Whether nobody waits for an answer any more: before it, nothing but the end follows an order."""
    return bool(select.select([orders.fileno()], [], [], 0)[0]) if hasattr(os, "fork") else False


def _import_all() -> None:
    """What every training needs, and nothing that starts a thread."""
    import lightning_fabric
    import pandas.io.parquet  # noqa: F401

    import nbutils.training.trainer  # noqa: F401

    assert lightning_fabric


def _forked(order: dict[str, Any], orders: TextIO, raising: Any) -> int:  # noqa: ANN401
    """The exit status of a fork that carries an order out; the server ends when its orders do."""
    watched, held = os.pipe()  # `held` is the server's alone: its end is the training's
    ended, running = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        os.close(ended)
        gc.freeze()  # a collection would copy every page
        code = FAILED
        try:
            os.setsid()
            signal.signal(signal.SIGINT, raising)
            orders.close()
            code = _carry_out(order, watched)
        finally:
            os._exit(code)
    os.close(watched)
    os.close(running)
    ready, _, _ = select.select([orders.fileno(), ended], [], [])
    if ended not in ready:  # nobody waits for an answer any more
        os.close(held)
        select.select([ended], [], [], _GRACE_S)
        os._exit(FAILED)
    os.close(held)
    os.close(ended)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _carry_out(order: dict[str, Any], watched: int) -> int:
    """Trains what the order says; prints to its log; returns the exit status."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["environment"])
    try:
        spec = _spec_file(order["key"])
        if order["devices"] > 1:
            return _run_torchrun(spec, order["devices"], watched)
        threading.Thread(target=_end_with, args=(watched, os.getpid()), daemon=True, name="watch").start()
        return _train(spec, order["key"])
    except (NbutilsError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return REFUSED
    except (KeyboardInterrupt, SystemExit):
        print("interrupted: it goes on from the last finished epoch", file=sys.stderr, flush=True)
        return 128 + signal.SIGTERM
    except BaseException:
        traceback.print_exc()
        return FAILED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _spec_file(key: str) -> Path:
    from nbutils.training.store_places import open_store

    file = open_store().spec_file(key)
    if not file.is_file():
        raise StoreError(f"{file}: is not there; is the store shared with this machine?")
    return file


def _train(file: Path, key: str) -> int:
    from nbutils.training.spec_file import read_spec
    from nbutils.training.trainer import train

    spec = read_spec(file)
    if spec.key != key:
        raise StoreError(
            f"'{spec.name}' has the key {spec.key[:12]}… here, not {key[:12]}…: this machine has other data, code or "
            "versions than the sweep's"
        )
    result = train(spec)
    print(f"'{spec.name}' {'trained' if result.trained_now else 'found'}: {result.folder}")
    return 0


def _run_torchrun(file: Path, devices: int, watched: int) -> int:
    """Trains over several devices of this machine; torchrun passes the request to end on."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}"]
    process = subprocess.Popen([*command, "-m", "nbutils.training", str(file)])
    threading.Thread(target=_end_with, args=(watched, process.pid), daemon=True, name="watch").start()
    return process.wait()


def _end_with(pipe: int, pid: int) -> None:
    """Asks a process to end when the pipe does."""
    while os.read(pipe, 1):
        pass
    os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
