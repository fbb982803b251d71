import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbutils.reporting.live_cells import RUNNER_VARIABLE, LiveCells, live_cells

START = """\
from nbutils.reporting import Run
import pandas as pd
run = Run("trial", parameters={"dataset": "synthetic", "preset": "laptop", "seed": 0}, out_dir=OUT)
"""
SHOWN = """\
print("printed <so>")
if True:
    run.table("numbers", pd.DataFrame({"x": [1.5]}), caption="In an if")
"last value"
"""


class _Events:
    def register(self, *_: object) -> None:
        pass

    unregister = register


class _Publisher:
    def register_hook(self, _: object) -> None:
        pass

    unregister_hook = register_hook


def _shell(**parent: Any) -> Any:  # noqa: ANN401
    return SimpleNamespace(events=_Events(), display_pub=_Publisher(), get_parent=lambda: parent)


def _tell(cells: LiveCells, message: str, kind: str, **content: object) -> None:
    cells._note({"header": {"msg_type": kind}, "parent_header": {"msg_id": message}, "content": content})


def _print(cells: LiveCells, message: str, text: str) -> None:
    _tell(cells, message, "stream", name="stdout", text=text)


@pytest.mark.slow
def test_a_run_by_hand_leaves_a_page_and_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = [START.replace("OUT", '"results"'), SHOWN, "run.finish()", "print('after the end')"]
    notebook = new_notebook(cells=[new_markdown_cell("# By hand\n\n$x^2$"), *map(new_code_cell, code)])
    file = tmp_path / "mine.ipynb"
    nbformat.write(notebook, file)
    monkeypatch.setenv("JPY_SESSION_NAME", str(file))
    monkeypatch.delenv(RUNNER_VARIABLE, raising=False)

    executed = NotebookClient(
        notebook, resources={"metadata": {"path": str(tmp_path)}}, kernel_name="python3"
    ).execute()

    page = BeautifulSoup((tmp_path / "results/page.html").read_text(encoding="utf-8"), "html.parser")
    text = page.select_one("main").get_text()  # type: ignore[union-attr]
    assert page.select_one("h1").get_text() == "By hand"  # type: ignore[union-attr]
    assert page.find("msup") is not None
    assert [caption.get_text() for caption in page.find_all("caption")] == [
        "In an if (data: synthetic, preset: laptop, seed 0)"
    ]
    assert "printed <so>" in text
    assert "last value" in text
    assert "after the end" not in text
    assert json.loads((tmp_path / "results/artefacts.json").read_text(encoding="utf-8"))["title"] == "By hand"
    (said,) = executed.cells[3].outputs
    assert re.findall('href="([^"]*)"', said.data["text/html"])[:2] == [
        "results/page.html",
        "results/tables/numbers.csv",
    ]
    assert str(tmp_path) not in said.data["text/html"]


def test_a_cell_is_known_by_its_id_and_shows_what_it_did_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = new_notebook(cells=[new_code_cell("as saved", id="one"), new_code_cell("other", id="two")])
    nbformat.write(notebook, tmp_path / "mine.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "mine.ipynb"))
    shell = _shell(header={"msg_id": "a"}, metadata={"cellId": "one"}, content={"code": "as run"})
    cells = LiveCells(shell)
    _print(cells, "a", "first")
    shell.get_parent = lambda: {"header": {"msg_id": "b"}, "metadata": {"cellId": "one"}, "content": {"code": "as run"}}
    cells._begin()
    _print(cells, "b", "lost")
    _tell(cells, "b", "clear_output", wait=False)
    _print(cells, "b", "last")

    page = cells.notebook("trial")

    assert [[output.text for output in cell.outputs] for cell in page.cells] == [["last"], []]


def test_without_a_file_the_cells_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    cells = LiveCells(_shell(header={"msg_id": "a"}, content={"code": "1 + 1"}))
    _print(cells, "a", "2")

    page = cells.notebook("no/such/notebook")

    assert [cell.source for cell in page.cells] == ["# no/such/notebook", "1 + 1"]
    assert page.cells[1].outputs[0].text == "2"


def test_a_script_and_a_runner_note_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert live_cells() is None
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setenv(RUNNER_VARIABLE, "nbutils")
    assert live_cells() is None
