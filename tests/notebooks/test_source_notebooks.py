"""What every source notebook keeps to."""

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbutils.batch.notebooks import find_notebooks
from nbutils.batch.parameters import read_parameters
from nbutils.paths import notebooks_dir

NOTEBOOKS = find_notebooks(notebooks_dir())
LONGEST_CELL = 25


@pytest.fixture(params=list(NOTEBOOKS))
def file(request: pytest.FixtureRequest) -> Path:
    return NOTEBOOKS[request.param]


@pytest.fixture
def notebook(file: Path) -> Any:  # noqa: ANN401
    return nbformat.read(file, as_version=4)


def test_it_is_valid_and_without_outputs(notebook: Any) -> None:  # noqa: ANN401
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert "widgets" not in notebook.metadata


def test_its_kernel_is_python3(notebook: Any) -> None:  # noqa: ANN401
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_begins_with_its_title(notebook: Any) -> None:  # noqa: ANN401
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")


def test_its_parameters_are_read_and_hold_what_the_runner_sets(file: Path) -> None:
    parameters = read_parameters(file)

    assert parameters["out_dir"].default == ""
    assert parameters["preset"].choices == ("smoke", "laptop", "paper")
    assert parameters["preset"].default == "laptop"
    assert {"dataset", "seed"} <= set(parameters)


def test_it_names_itself_in_its_run(file: Path, notebook: Any) -> None:  # noqa: ANN401
    name = next(name for name, path in NOTEBOOKS.items() if path == file)
    calls = [
        node
        for cell in notebook.cells
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(_plain(cell.source)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Run", "Run.start")
    ]

    assert [ast.literal_eval(call.args[0]) for call in calls] == [name]


def test_no_cell_is_longer_than_a_screen(notebook: Any) -> None:  # noqa: ANN401
    longest = max(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code")

    assert longest <= LONGEST_CELL


def test_its_links_lead_somewhere(file: Path, notebook: Any) -> None:  # noqa: ANN401
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" not in path:
            assert (file.parent / path).is_file(), target
            assert not anchor or f'<a id="{anchor}"></a>' in (file.parent / path).read_text(encoding="utf-8"), target


def _plain(source: str) -> str:
    """`source` without IPython's magics."""
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
