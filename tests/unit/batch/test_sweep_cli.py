import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from nbutils.batch import sweep_cli
from nbutils.batch.cli import app
from nbutils.batch.sweep_cli import asked_sweep
from nbutils.batch.sweeps.live_view import SweepView


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["luo2016/05", "--over", "temprature=1,5"], "has no parameter temprature"),
        (["luo2016/05", "--over", "targets"], "--over 'targets': expected NAME=VALUE,VALUE,…"),
        (["luo2016/05", "--over", "targets=online", "--over", "targets=cached"], "parameter targets is given twice"),
        (["luo2016/05", "--over", "targets=online,online"], "parameter targets is swept over online twice"),
        (["luo2016/05", "--seeds", "3-1"], "seeds is empty"),
        (["luo2016/05", "--seeds", "x"], "seeds is 'x': expected numbers and ranges"),
        (["luo2016/05", "-p", "seed", "1"], "parameter seed is set by --seeds"),
        (["luo2016/05", "--precision", "16"], "precision: Input should be '32-true' or 'bf16-mixed'"),
        (["luo2016/05", "study.yml"], "expected notebooks or one YAML file"),
        (["absent.yml"], "absent.yml: expected a sweep as YAML"),
    ],
)
def test_mistakes_are_one_line_and_nothing_runs(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["sweep", *arguments, "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_options_go_before_what_a_file_says(tmp_path: Path) -> None:
    file = tmp_path / "study.yml"
    file.write_text("{notebooks: [a], seeds: 0-4, parameters: {preset: paper, rate: 1}, over: {t: [1, 2]}}")
    sweep = asked_sweep([str(file)], "7", [("preset", "smoke")], ["t=3", "u=4,5"], "32-true")
    assert (sweep.notebooks, sweep.seeds, sweep.precision) == (("a",), (7,), "32-true")
    assert sweep.parameters == {"preset": "smoke", "rate": "1"}
    assert sweep.over == {"t": ("3",), "u": ("4", "5")}


def test_a_very_large_grid_is_asked_for_with_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_cli, "_measured", lambda graph: dict.fromkeys(graph.specs, 60.0))
    command = ["sweep", "luo2016/02", "--seeds", "0-999999", "--preset", "smoke", "--dry-run"]
    done = CliRunner().invoke(app, command, input="n\n")
    assert done.exit_code == 1
    assert done.stdout.startswith(
        "1,000,000 runs are asked for. One of each notebook takes 1 min of training on this machine; all take at most "
        "694 d 10 h, less what they share."
    )


def test_a_dry_run_prints_the_graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sweep_cli, "_measured", lambda graph: dict.fromkeys(graph.specs, 60.0))
    figure = tmp_path / "workers.png"
    command = ["sweep", "luo2016/01", "luo2016/02", "--seeds", "0-3", "--preset", "smoke", "--dry-run"]
    done = CliRunner().invoke(app, [*command, "--figure", str(figure)])
    assert done.exit_code == 0
    assert "8 runs, 8 trainings behind them, 4 distinct; 4 from those without a predecessor on" in done.stdout
    assert "critical path 1 min; one after the other 4 min" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()[:1].isdigit() and "%" in line]
    assert rows[:3] == [["1", "4", "min", "0%"], ["2", "2", "min", "0%"], ["4", "1", "min", "0%"]]
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_view_counts_what_it_is_told() -> None:
    text = io.StringIO()
    with SweepView(Console(file=text, width=200), trainings=4, runs=2, dashboard="http://here") as view:
        for key in "abc":
            view({"event": "started", "key": key, "name": key, "host": "h"})
        view({"event": "trained", "key": "a", "name": "a"})
        view({"event": "done", "key": "a", "name": "a"})
        view({"event": "failed", "key": "b", "name": "b"})
        view({"event": "given up", "key": "b", "name": "b"})
        view({"event": "run", "name": "r", "status": "failed"})
        view({"event": "unfit", "name": "tcp://x on h does not see /faces"})
    lines = text.getvalue().splitlines()
    assert lines[0] == "Dask's page: http://here"
    assert "not used: worker tcp://x on h does not see /faces" in lines
    assert lines[-1] == "trainings: 1 of 4 done, 1 running, 1 waiting, 1 failed; runs: 0 of 2 done, 1 failed"
