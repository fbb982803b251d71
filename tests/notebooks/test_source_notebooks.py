"""What every source notebook keeps to."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbutils.batch.notebooks import find_notebooks
from nbutils.batch.parameters import read_parameters
from nbutils.paths import notebooks_dir

NOTEBOOKS = find_notebooks(notebooks_dir())
LONGEST_CELL = 25
SETUP_LINES = 3
#: A line that stands in so many notebooks is plumbing.
SEVERAL = 4
#: Most of the code that plumbing may be: without parameters, which papermill wants in each file, and with them.
MOST_PLUMBING, MOST_PLUMBING_WITH_PARAMETERS = 0.07, 0.13


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


def test_it_ends_with_finish_and_sets_up_in_three_lines(file: Path, notebook: Any) -> None:  # noqa: ANN401
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    first = [ast.unparse(node) for node in ast.parse(code[1]).body]
    setup = [line for line in first if line.startswith(("import ", "from ", "run = "))]

    assert code[-1].endswith("run.finish()")
    assert len(setup) <= SETUP_LINES
    assert any(line.startswith("run = Run") for line in setup)


def test_no_cell_is_longer_than_a_screen(notebook: Any) -> None:  # noqa: ANN401
    longest = max(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code")

    assert longest <= LONGEST_CELL


@pytest.mark.parametrize(
    ("parameters", "most"), [(False, MOST_PLUMBING), (True, MOST_PLUMBING_WITH_PARAMETERS)], ids=["code", "parameters"]
)
def test_few_lines_stand_in_several_notebooks(parameters: bool, most: float) -> None:
    """Lessons, whose exercises are alike by design, are left out."""
    lines = {
        name: list(_lines(file, parameters=parameters))
        for name, file in NOTEBOOKS.items()
        if not name.startswith("lessons/")
    }
    standing = Counter(line for own in lines.values() for line in set(own))
    plumbing = [line for own in lines.values() for line in own if standing[line] >= SEVERAL]

    assert len(plumbing) <= most * sum(map(len, lines.values())), Counter(plumbing).most_common(20)


def _lines(file: Path, *, parameters: bool) -> Iterator[str]:
    """A notebook's lines of code, without blank ones, comments, and brackets that close."""
    for cell in nbformat.read(file, as_version=4).cells:
        if cell.cell_type == "code" and (parameters or "parameters" not in cell.metadata.get("tags", ())):
            for line in map(str.strip, cell.source.splitlines()):
                if not line.startswith("#") and re.search(r"\w", line):
                    yield line


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
