"""What the cells of a notebook show while a person runs them, so that their run leaves a page, too."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbutils.paths import notebooks_dir

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: Set by whoever executes a whole notebook and writes its page.
RUNNER_VARIABLE = "NBUTILS_RUNNER"
#: Set by Jupyter's server to the path of the notebook that a kernel is started for.
_FILE_VARIABLE = "JPY_SESSION_NAME"


class LiveCells:
    """Notes what the cells of a kernel show, from its making until `notebook` is called.

    Args:
        shell: IPython's, in a kernel.
    """

    def __init__(self, shell: Any) -> None:  # noqa: ANN401
        self._shell = shell
        #: By the message that asked for a cell: the cell's id, where the client tells it, and its source.
        self._cells: dict[str, tuple[str, str]] = {}
        self._outputs: dict[str, list[NotebookNode]] = {}
        self._begin()
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)
        shell.display_pub.register_hook(self._note)
        self._on_streams("register_hook")

    def notebook(self, name: str) -> NotebookNode:
        """The notebook `name` as it was last saved, each cell with what it showed when it ran last; no more is noted.

        Where its file is not found, the cells that ran stand alone.
        """
        import nbformat

        self._stop()
        shown = {key: self._outputs[message] for message, cell in self._cells.items() for key in cell if key}
        file = _file(name)
        page: NotebookNode
        if file is None:
            cells = [nbformat.v4.new_code_cell(source) for _, source in self._cells.values()]
            page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {name}"), *cells])
        else:
            page = nbformat.read(file, as_version=4)
        for cell in page.cells:
            if cell.cell_type == "code":
                cell.outputs = shown.get(cell.get("id"), shown.get(cell.source, []))
        return page

    def _stop(self) -> None:
        self._shell.events.unregister("pre_run_cell", self._begin)
        self._shell.events.unregister("post_run_cell", self._end)
        self._shell.display_pub.unregister_hook(self._note)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self._on_streams("unregister_hook")

    def _on_streams(self, method: str) -> None:
        """Call a method of the streams in the thread that sends what was printed: their hooks are that thread's."""
        for stream in (sys.stdout, sys.stderr):
            thread = getattr(stream, "pub_thread", None)
            if thread is not None:
                thread.schedule(lambda stream=stream: getattr(stream, method)(self._note))

    def _begin(self, _: object = None) -> None:
        parent = self._shell.get_parent()
        message = parent.get("header", {}).get("msg_id", "")
        cell = (parent.get("metadata", {}).get("cellId", ""), parent.get("content", {}).get("code", ""))
        self._cells = {key: before for key, before in self._cells.items() if before != cell}
        self._cells[message] = cell
        self._outputs[message] = []

    def _end(self, result: Any) -> None:  # noqa: ANN401
        from nbformat.v4 import new_output

        if result.result is not None:
            data, metadata = self._shell.display_formatter.format(result.result)
            message = self._shell.get_parent().get("header", {}).get("msg_id", "")
            output = new_output("execute_result", data, metadata=metadata)
            self._outputs.setdefault(message, []).append(output)

    def _note(self, message: dict[str, Any]) -> dict[str, Any]:
        from nbformat.v4 import output_from_msg

        outputs = self._outputs.setdefault(message["parent_header"].get("msg_id", ""), [])
        kind = message["header"]["msg_type"]
        if kind == "clear_output":
            outputs.clear()
        elif kind in ("display_data", "stream"):
            outputs.append(output_from_msg(message))
        return message


def notebook_title(notebook: Any) -> str | None:  # noqa: ANN401
    """A notebook's first Markdown heading; None where it has none."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            for line in "".join(cell["source"]).splitlines():
                if line.startswith("#"):
                    return str(line.lstrip("#").strip())
    return None


def live_cells() -> LiveCells | None:
    """Those of this kernel; None elsewhere, and where a runner writes the page."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel") or RUNNER_VARIABLE in os.environ:
        return None
    return LiveCells(shell)


def is_kept_here() -> bool:
    """Whether the notebook is kept in the working folder or by a runner: plain papermill may write it anywhere."""
    return RUNNER_VARIABLE in os.environ or _FILE_VARIABLE in os.environ


def _file(name: str) -> Path | None:
    """The notebook's file: the one that JupyterLab names, else the source of that name."""
    named = os.environ.get(_FILE_VARIABLE, "")
    candidates = [Path(named)] if named.endswith(".ipynb") else []
    return next((file for file in (*candidates, notebooks_dir() / f"{name}.ipynb") if file.is_file()), None)
