"""The process of one notebook: `python -m nbutils.batch.worker`, its order a line of JSON on standard input.

It ends, with its kernel, when standard input does: see `nbutils.batch.processes`. It reports its progress as JSON lines
on standard output and leaves in the run's folder the executed notebook, the page, `status.json` and, after a failure,
`error.txt`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbutils.batch.parameters import read_title
from nbutils.batch.processes import ParentWatch
from nbutils.reporting.json_files import write_json
from nbutils.reporting.live_cells import RUNNER_VARIABLE
from nbutils.reporting.run_folder import RECORDS
from nbutils.training.store import NOTEBOOK_VARIABLE
from nbutils.viz.explorer_states import STATES_VARIABLE
from nbutils.writing import write_aside

EXECUTED, STATUS, ERROR = "executed.ipynb", "status.json", "error.txt"
#: Answers that each explorer leaves for a page without a kernel.
_STATES, _STATES_AT_SMOKE = 64, 6
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Attributes:
        name: the exception's class, or the kind of failure.
        message: its message.
        trace: the whole traceback as plain text.
    """

    name: str
    message: str
    trace: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


def write_status(folder: Path, notebook: str, title: str, failure: Failure | None, started: datetime) -> None:
    """Write `status.json`, and `error.txt` after a failure."""
    if failure is not None:
        write_aside(folder / ERROR, f"{failure}\n\n{failure.trace}".rstrip() + "\n")
    write_json(
        folder / STATUS,
        {
            "notebook": notebook,
            "title": title,
            "status": "ok" if failure is None else "failed",
            "error": None if failure is None else {"name": failure.name, "message": failure.message},
            "started": started,
            "wall_time_s": round((datetime.now(UTC) - started).total_seconds(), 3),
        },
    )


def missing_records(folder: Path) -> Failure | None:
    """A failure if the notebook ended without the records by which a run is judged."""
    missing = [record for record in RECORDS if not (folder / record).is_file()]
    if not missing:
        return None
    return Failure("Incomplete", f"the notebook ended without run.finish(): no {', '.join(missing)}")


def work(
    order: dict[str, Any], emit: Callable[[dict[str, Any]], None], kernel_ended: Callable[[], None]
) -> Failure | None:
    """Run the notebook of `order` and write what it leaves.

    Args:
        order: "notebook" (file), "name", "parameters", "folder" to write to, "final" (its place afterwards),
            "sockets" (a folder for them) and "cell_limit_s", a number or None.
        emit: called with each event, a mapping of JSON values.
        kernel_ended: called when the kernel has ended, before anything more is written.

    Returns:
        Why the run failed, or None.
    """
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError

    from nbutils.batch.papermill_engine import Engine, execute
    from nbutils.reporting.page import write_page

    started = datetime.now(UTC)
    notebook, folder = Path(order["notebook"]), Path(order["folder"])
    title = read_title(notebook)
    executed = folder / EXECUTED
    failure: Failure | None = None
    try:
        execute(
            notebook,
            executed,
            order["parameters"],
            cell_limit_s=order["cell_limit_s"],
            sockets=order["sockets"],
            emit=emit,
        )
        failure = missing_records(folder)
    except PapermillExecutionError as error:
        failure = Failure(error.ename, _plain(error.evalue), _plain("\n".join(error.traceback)))
    except CellTimeoutError:
        failure = Failure("TimeoutError", f"a cell ran longer than {order['cell_limit_s']:g} seconds")
    except DeadKernelError:
        failure = Failure("DeadKernelError", "the kernel ended on its own, perhaps for lack of memory")
    finally:
        kernel_ended()
    nb = _load(executed if executed.is_file() else notebook, folder, Path(order["final"]))
    if failure is not None and not _shows_error(nb) and failure.name != "Incomplete":
        cell = nb.cells[Engine.running]
        cell.setdefault("outputs", [])
        cell.outputs.append(
            nbformat.v4.new_output("error", ename=failure.name, evalue=failure.message, traceback=[str(failure)])
        )
    nbformat.write(nb, executed)
    write_page(nb, folder, title=title, error=None if failure is None else str(failure))
    write_status(folder, order["name"], title, failure, started)
    return failure


def main() -> int:
    """Read the order, work, and return 0 if the run is complete, else 1."""
    # Only events go to the true standard output; whatever else prints goes to the log on standard error.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the watch ends a worker without a parent
            events.write(json.dumps(event) + "\n")
            events.flush()

    line = sys.stdin.readline()
    if not line:
        return 1
    order = json.loads(line)
    # What the kernel starts must not wait for input from the pipe.
    pipe, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    watch = ParentWatch(pipe, [Path(order["sockets"]), Path(order["folder"])])
    watch.start()
    os.environ[NOTEBOOK_VARIABLE] = order["name"]  # for the kernel: what it trains is noted as this notebook's
    os.environ[RUNNER_VARIABLE] = "nbutils"
    os.environ[STATES_VARIABLE] = str(_STATES_AT_SMOKE if order["parameters"].get("preset") == "smoke" else _STATES)
    return 0 if work(order, emit, watch.kernel_ended) is None else 1


def _load(executed: Path, folder: Path, final: Path) -> Any:  # noqa: ANN401
    """The notebook, with the name that its run's folder is about to get in the place of the present one."""
    import nbformat

    aside, lasting = (json.dumps(str(place))[1:-1] for place in (folder, final))
    return nbformat.reads(executed.read_text(encoding="utf-8").replace(aside, lasting), as_version=4)


def _plain(text: str) -> str:
    return _ANSI.sub("", text)


def _shows_error(notebook: Any) -> bool:  # noqa: ANN401
    return any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", ()))


if __name__ == "__main__":
    sys.exit(main())
