"""papermill's execution of one notebook: in this interpreter's own kernel, telling what it is doing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any, ClassVar

import papermill
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from traitlets import default

KERNEL = "python3"
START_LIMIT_S = 180
_PROGRESS_EVERY_S = 0.2
# The systems' limit is 104 bytes or more, of which a number takes some.
_LONGEST_SOCKET_NAME = 80

Emit = Callable[[dict[str, Any]], None]


class OwnKernelManager(AsyncKernelManager):
    """Starts the kernel of the running interpreter, whatever other kernel is named python3."""

    sockets: ClassVar[str]

    @default("kernel_spec_manager")
    def _no_installed_kernels(self) -> KernelSpecManager:
        # With no folders to search, "python3" means ipykernel of this very interpreter.
        return KernelSpecManager(parent=self, kernel_dirs=[])

    @default("transport")
    def _sockets_where_there_are(self) -> str:
        # Ports are picked free and bound a second later: notebooks that start together may pick the same one.
        named = os.name == "posix" and len(self.sockets) < _LONGEST_SOCKET_NAME
        return "ipc" if named else "tcp"

    @default("ip")
    def _own_sockets(self) -> str:
        return f"{self.sockets}/kernel" if self.transport == "ipc" else "127.0.0.1"


class BarReader:
    """Reads the progress bars of tqdm from a kernel's messages: printed ones and widgets."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._bars: dict[str, list[str]] = {}

    def read(self, message: dict[str, Any]) -> str | None:
        """The bar as text, if `message` moved one."""
        kind, content = message["msg_type"], message["content"]
        if kind == "stream" and content["name"] == "stderr":
            lines = content["text"].replace("\r", "\n").split("\n")
            return next((line.strip() for line in reversed(lines) if "%|" in line or "it [" in line), None)
        if kind not in ("comm_open", "comm_msg"):
            return None
        comm, state = content["comm_id"], content.get("data", {}).get("state", {})
        if state.get("_model_name") == "HBoxModel":
            children = [str(child).removeprefix("IPY_MODEL_") for child in state.get("children", ())]
            if len(children) == 3:
                self._bars[children[2]] = children
            return None
        if isinstance(state.get("value"), str):
            self._texts[comm] = unescape(state["value"])
        if comm not in self._bars:
            return None
        left, _, right = self._bars[comm]
        return " ".join(f"{self._texts.get(left, '')} {self._texts.get(right, '')}".split())


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    def __init__(self, manager: NotebookExecutionManager, emit: Emit, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, kernel_manager_class=OwnKernelManager, **options)
        self._emit = emit
        self._bars = BarReader()
        self._reported = 0.0

    def process_message(self, message: dict[str, Any], *place: Any) -> Any:  # noqa: ANN401
        bar = self._bars.read(message)
        if bar and time.monotonic() - self._reported >= _PROGRESS_EVERY_S:
            self._reported = time.monotonic()
            self._emit({"bar": bar})
        return super().process_message(message, *place)


class Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's engine with our kernel; reports each cell as it starts, and each progress bar as it moves."""

    emit: ClassVar[Emit]
    running: ClassVar[int] = 0

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Execute the cells; `options` are papermill's."""
        start, heading = nb_man.cell_start, ""

        def cell_start(cell: NotebookNode, cell_index: int, **more: object) -> None:
            nonlocal heading
            cls.running = cell_index
            if cell.cell_type == "markdown":
                titles = [line for line in cell.source.splitlines() if line.startswith("#")]
                heading = titles[-1].lstrip("# ") if titles else heading
            cls.emit({"cell": cell_index + 1, "of": len(nb_man.nb.cells), "heading": heading})
            start(cell, cell_index, **more)

        nb_man.cell_start = cell_start
        _Client(
            nb_man,
            cls.emit,
            kernel_name=kernel_name,
            timeout=options.get("execution_timeout"),
            startup_timeout=options["start_timeout"],
        ).execute()


def execute(
    notebook: Path,
    executed: Path,
    parameters: dict[str, Any],
    *,
    cell_limit_s: float | None,
    sockets: str,
    emit: Emit,
) -> None:
    """Execute `notebook` in its own folder, saving to `executed` after every cell.

    Args:
        notebook: the source.
        executed: where the notebook goes with its outputs.
        parameters: values to pass, already checked.
        cell_limit_s: seconds that a cell may take, or None.
        sockets: a folder, short of name, for the sockets to the kernel.
        emit: called with each event, a mapping of JSON values.

    Raises:
        papermill.PapermillExecutionError: a cell raised.
        nbclient.exceptions.CellTimeoutError: a cell ran past `cell_limit_s`.
        nbclient.exceptions.DeadKernelError: the kernel ended, for instance for lack of memory.
    """
    Engine.emit = staticmethod(emit)
    OwnKernelManager.sockets = sockets
    papermill_engines.register("nbutils", Engine)
    papermill.execute_notebook(
        notebook,
        executed,
        parameters,
        engine_name="nbutils",
        kernel_name=KERNEL,
        language="python",
        cwd=notebook.parent,
        progress_bar=False,
        start_timeout=START_LIMIT_S,
        execution_timeout=cell_limit_s,
    )
