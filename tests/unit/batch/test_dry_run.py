import ast
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from nbutils.batch.cli import app
from nbutils.batch.dry_run import duration
from nbutils.batch.notebooks import find_notebooks
from nbutils.batch.parameters import Literal, read_parameters
from nbutils.batch.planned_trainings import notebook_trainings, notebooks_that_train
from nbutils.batch.terminal import size
from nbutils.data.sources.embedded import SyntheticData
from nbutils.errors import ParameterError
from nbutils.paths import notebooks_dir

NOTEBOOKS = find_notebooks(notebooks_dir())


def trains(notebook: Path) -> bool:
    """Whether a cell calls `train` or `run.train`."""
    code = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    calls = [node.func for source in code for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return any(ast.unparse(call) in ("train", "run.train") for call in calls)


@pytest.mark.parametrize(
    "name", [name for name in NOTEBOOKS if name.startswith(("luo2016/", "quickstart", "wang2017/"))]
)
def test_every_notebook_that_trains_can_be_planned(name: str) -> None:
    assert trains(NOTEBOOKS[name]) == (name in notebooks_that_train())
    defaults = {parameter.name: parameter.default for parameter in read_parameters(NOTEBOOKS[name]).values()}
    assert bool(notebook_trainings(name, defaults)[0]) == trains(NOTEBOOKS[name])


def test_the_papers_own_size_is_planned_and_nothing_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise AssertionError("rendered")

    monkeypatch.setattr(SyntheticData, "read", refuse)
    name = "luo2016/05_compressing_a_single_network"
    given: dict[str, Literal] = {
        "preset": "paper",
        "dataset": "synthetic",
        "data_root": "",
        "layout": "",
        "pairs_root": "",
        "probe_dataset": "",
        "probe_root": "",
        "seed": 0,
        "seeds": 1,
        "targets": "online",
    }
    specs, sizes = notebook_trainings(name, given)
    assert len(specs) == 8 + 6  # the rows, and students of three shares of the neurons, by Eq. 2 and at random
    assert {(size.train, size.identities) for size in sizes.values()} == {(290_000, 12_294)}


@pytest.mark.parametrize(
    ("name", "people", "images"),
    [
        ("01_targets_and_starts", {10_575}, {494_414}),
        ("02_students_of_three_sizes", {10_575, 100_000}, {494_414, 8_400_000}),
        ("03_what_the_teacher_adds", {10_575, 100_000}, {494_414, 8_400_000}),
        ("04_transfer_to_alignment", {10_575, 10_177}, {494_414, 202_599}),
        ("05_transfer_to_verification", {10_575}, {494_414}),
    ],
)
def test_wang_and_lans_own_sizes_are_planned_and_nothing_rendered(
    name: str, people: set[int], images: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SyntheticData, "read", lambda _: pytest.fail("rendered"))
    name = f"wang2017/{name}"
    given = {parameter.name: parameter.default for parameter in read_parameters(NOTEBOOKS[name]).values()}
    specs, sizes = notebook_trainings(name, given | {"preset": "paper"})
    assert {size.identities for size in sizes.values()} == people
    assert {size.train for size in sizes.values()} == {count - round(0.2 * count) for count in images}
    assert {spec.data for spec in specs} <= set(sizes)
    assert all(spec.schedule.learning_rate == (0.01 if spec.initialise_from else 0.1) for spec in specs)


def test_a_parameter_that_is_missing() -> None:
    with pytest.raises(ParameterError, match="has no parameter 'dataset'"):
        notebook_trainings("quickstart", {"preset": "smoke"})


@pytest.mark.slow
def test_the_command_prints_the_graph_and_leaves_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", "quickstart", "--preset", "smoke", "--dry-run", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines[2:7]] == ["T1", "1-of-K", "soft", "neurons", "selection"]
    assert "of memory at most" in result.output
    assert not list(tmp_path.iterdir())


def test_durations_and_sizes() -> None:
    assert [duration(s) for s in (0.4, 59, 3600, 100_000)] == ["< 1 s", "59 s", "1 h", "1 d 3 h"]
    assert [duration(s) for s in (3601, 12_060, 86_460, 86_400_000)] == ["1 h", "3 h 21 min", "1 d", "1,000 d"]
    assert [size(b) for b in (999, 1500, 2.5e9, 1e13)] == ["999 B", "1.5 kB", "2.5 GB", "10 TB"]
