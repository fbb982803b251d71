"""The command `nbutils`: list the notebooks, run them, join their results into a report."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nbutils.batch.command_errors import errors, print_error
from nbutils.batch.data_cli import data_app
from nbutils.batch.lesson_cli import lesson_app
from nbutils.batch.parameter_words import PARAMETER_FLAGS, ParameterCommand, given_parameters
from nbutils.batch.site_cli import site_command
from nbutils.batch.store_cli import store_app
from nbutils.batch.terminal import wide_console
from nbutils.errors import NbutilsError, ParameterError

# Anything heavier is imported in the command that needs it: `nbutils --help` must answer at once.

app = typer.Typer(
    help="Run the project's notebooks and join their results into a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data_app, name="data")
app.add_typer(lesson_app, name="lesson")
app.add_typer(store_app, name="store")
app.command("site")(site_command)
_SHORT_PRESETS = ("smoke", "laptop")
_LIMIT_MINUTES = 60.0
_STOPPED = "the notebooks that were running are stopped, their former results kept"


@app.command("list")
def list_command() -> None:
    """Show the notebooks with their parameters, defaults and what they mean."""
    from nbutils.batch.notebooks import find_notebooks
    from nbutils.batch.parameters import OUT_DIR, read_parameters, read_title
    from nbutils.paths import notebooks_dir

    width = shutil.get_terminal_size().columns
    with errors(_STOPPED):
        found = find_notebooks(notebooks_dir())
        if not found:
            raise NbutilsError(f"no notebooks in {notebooks_dir()}")
        for name, file in found.items():
            parameters = [each for each in read_parameters(file).values() if each.name != OUT_DIR]
            rows = [(each.name, repr(each.default), each.comment) for each in parameters]
            typer.echo(f"{typer.style(name, bold=True)}  {read_title(file)}")
            typer.echo(_in_columns(rows, width))
            typer.echo()


def _in_columns(rows: list[tuple[str, str, str]], width: int) -> str:
    """Three columns of which the last is wrapped; plain text, since rich would take longer than all the reading."""
    first, second = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    indent = first + second + 8
    return "\n".join(
        textwrap.fill(
            meaning,
            max(width, indent + 20),
            initial_indent=f"    {name:{first}}  {default:{second}}  ",
            subsequent_indent=indent * " ",
            break_on_hyphens=False,
        )
        for name, default, meaning in rows
    )


@app.command("init")
def init_command(
    folder: Annotated[Path, typer.Argument(help="A new folder, or one without notebooks.", show_default=False)],
) -> None:
    """Make a folder to work in: a copy of the notebooks; runs and trainings will go there, too."""
    from nbutils.paths import make_project

    with errors():
        print(f"{make_project(folder)}: change them as you like; in {folder}, 'nbutils run' runs them")


@app.command("run", cls=ParameterCommand)
def run_command(
    notebook: Annotated[
        list[str],
        typer.Argument(help="Name, beginning of one, pattern ('luo2016/*') or .ipynb path.", show_default=False),
    ],
    preset: Annotated[
        str | None, typer.Option(help="smoke, laptop or paper: the same as -p preset.", show_default=False)
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(*PARAMETER_FLAGS, metavar="NAME VALUE", help="Set a parameter of every notebook chosen."),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            help="How many trainings and notebooks run at once, each on its share of the cores; more than one needs "
            "nbutils\\[cluster].",
        ),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the runs; runs/ of the project or of the working folder if not given.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        int, typer.Option(min=0, help="How many former runs of each notebook to keep, in <run>.former/.")
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Replace folders and an index.html that hold something else, too.")
    ] = False,
    cell_limit: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help=f"Minutes a cell may take; {_LIMIT_MINUTES:g} if not given, without limit at preset paper.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing: print the trainings with what they would take.")
    ] = False,
) -> None:
    """Run notebooks headlessly, each into its own folder, and rebuild the report."""
    with errors(_STOPPED):
        from rich.console import Console

        from nbutils.batch.notebooks import choose_notebooks
        from nbutils.batch.parameters import check_parameters
        from nbutils.paths import notebooks_dir, runs_dir

        given = given_parameters(preset, parameter)
        chosen = choose_notebooks(notebook, notebooks_dir(), Path.cwd())
        values = check_parameters(chosen, given, working_dir=Path.cwd())
        if dry_run:
            _dry_run({name: _all_parameters(file, values[name]) for name, file in chosen.items()})
            raise typer.Exit(0)

        from nbutils.batch.runner import Job, run_jobs
        from nbutils.batch.watch import Watcher
        from nbutils.reporting.report import build_report, check_page

        folder = out or runs_dir()
        check_page(folder, force=force)
        if cell_limit is None and dict(given).get("preset", "laptop") in _SHORT_PRESETS:
            cell_limit = _LIMIT_MINUTES
        console = Console()
        limit_s = None if cell_limit is None else cell_limit * 60
        if jobs > 1:
            from nbutils.batch.sweep_cli import run_on_workers  # with torch, which takes seconds
            from nbutils.batch.sweeps.grid import SweepRun

            runs = [SweepRun(name, file, {}, values[name]) for name, file in chosen.items()]
            swept = run_on_workers(runs, folder, workers=jobs, cell_limit_s=limit_s, keep=keep, force=force)
            outcomes = list(swept.runs)
        else:
            todo = [Job(name, file, folder / name, dict(values[name])) for name, file in chosen.items()]
            with Watcher(console) as watcher:
                outcomes = run_jobs(todo, cell_limit_s=limit_s, watch=watcher, keep=keep, force=force)
        for outcome in outcomes:
            if outcome.former is not None:
                console.print(
                    f"{outcome.job.name}: the former run is now {outcome.former}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
            if outcome.error is not None:
                page = outcome.job.folder.resolve() / "page.html"
                print_error(
                    f"{outcome.job.name} failed: {outcome.error}" + (f"\n  see {page}" if page.is_file() else "")
                )
        report = build_report(folder.resolve(), force=force)
        console.print(f"report: {report}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(0 if all(outcome.error is None for outcome in outcomes) else 1)


@app.command("sweep", cls=ParameterCommand)
def sweep_command(
    notebook: Annotated[
        list[str],
        typer.Argument(help="Names, beginnings, patterns or paths of notebooks; or one YAML file.", show_default=False),
    ],
    seeds: Annotated[
        str | None, typer.Option(help="Such as 0-9 or 0,2,5-7: each run once with each.", show_default=False)
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(*PARAMETER_FLAGS, metavar="NAME VALUE", help="Set a parameter of every run."),
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE,VALUE,…", help="Sweep a parameter; several make a grid."),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="smoke, laptop or paper: the same as -p preset.", show_default=False)
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help="32-true or bf16-mixed, on every machine; the best of this one if not given.", show_default=False
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Of this machine; by its cores and memory if not given.", show_default=False),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a running Dask scheduler, tcp://….", show_default=False)
    ] = None,
    cluster: Annotated[
        Path | None, typer.Option(help="YAML file that describes a cluster of Dask's.", show_default=False)
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="GPUs that each training takes.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the runs; runs/sweep if not given.", show_default=False)
    ] = None,
    cell_limit: Annotated[
        float | None, typer.Option(min=0.01, help="Minutes a cell may take; without limit if not given.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a very large grid.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing: print the graph with what it would take.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option(help="Image file for --dry-run to draw time against workers to.", show_default=False)
    ] = None,
) -> None:
    """Run notebooks × seeds × a grid of parameters on a cluster, every distinct network trained once."""
    with errors("what was running is stopped; the same command goes on from there"):
        from nbutils.batch.sweep_cli import asked_sweep, confirm_size, print_sweep_plan, run_sweep_command
        from nbutils.batch.sweeps.grid import sweep_runs
        from nbutils.paths import notebooks_dir, runs_dir

        sweep = asked_sweep(notebook, seeds, given_parameters(preset, parameter), over or (), precision)
        confirm_size(sweep, notebooks_dir(), yes=yes)
        if dry_run:
            print_sweep_plan(sweep_runs(sweep, notebooks_dir(), Path.cwd()), workers, wide_console(), figure)
            raise typer.Exit(0)
        raise typer.Exit(
            run_sweep_command(
                sweep,
                out or runs_dir() / "sweep",
                scheduler=scheduler,
                cluster=cluster,
                workers=workers,
                devices=devices,
                cell_limit_s=None if cell_limit is None else cell_limit * 60,
            )
        )


def _check_export(file: Path | None) -> None:
    """What --check does, in the place of the command."""
    if file is None:
        return
    from nbutils.batch.export import check_file

    with errors():
        for line in check_file(file):
            print(line)
    raise typer.Exit(0)


@app.command("export", cls=ParameterCommand)
def export_command(
    notebook: Annotated[
        str,
        typer.Argument(
            help="Name of a notebook, or the beginning of one; or a .json file with a training spec.",
            show_default=False,
        ),
    ],
    training: Annotated[
        str, typer.Argument(help="Which of its trainings, for instance 'selection'.", show_default=False)
    ],
    file: Annotated[Path, typer.Argument(help="The .onnx file to write.", show_default=False)],
    preset: Annotated[
        str | None, typer.Option(help="smoke, laptop or paper: the same as -p preset.", show_default=False)
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(*PARAMETER_FLAGS, metavar="NAME VALUE", help="Set a parameter of the notebook."),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Keep both: FILE in float32, and FILE.int8.onnx beside it.")
    ] = False,
    float32: Annotated[
        bool, typer.Option("--float32", help="Write FILE in float32, whichever is faster; make no other.")
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            callback=_check_export,
            is_eager=True,
            help="Write nothing: check that an exported file is as it was written.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a trained network as an ONNX file, checked against PyTorch on real images; train it first if needed.

    The file holds float32 or int8, whichever runs faster here, and float32 where int8 costs over 0.1 points of AUC.
    """
    from nbutils.batch.export import export_training, notebook_specs, specs_in_file
    from nbutils.batch.notebooks import choose_notebooks
    from nbutils.batch.parameters import check_parameters
    from nbutils.paths import notebooks_dir

    with errors(_STOPPED):
        if int8 and float32:
            raise ParameterError("--int8 and --float32 exclude each other: expected one of them, or neither")
        given = given_parameters(preset, parameter)
        if notebook.endswith(".json"):
            if given:
                raise ParameterError(f"{given[0][0]} is a notebook's parameter: expected none with {notebook}")
            name, specs = notebook, specs_in_file(Path(notebook))
        else:
            chosen = choose_notebooks([notebook], notebooks_dir(), Path.cwd())
            if len(chosen) != 1:
                raise ParameterError(f"{notebook!r} means {', '.join(chosen)}: expected one notebook")
            ((name, source),) = chosen.items()
            values = check_parameters(chosen, given, working_dir=Path.cwd())[name]
            specs = notebook_specs(name, _all_parameters(source, values))
        for line in export_training(
            name, specs, training, file, form="both" if int8 else "float32" if float32 else "fastest"
        ):
            print(line)


@app.command("report")
def report_command(
    runs: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of runs; runs/ of the project or of the working folder if not given.", show_default=False
        ),
    ] = None,
) -> None:
    """Join the runs found below a folder into one index page; those that differ in their seed, into another."""
    from nbutils.batch.sweeps.joined import join_runs
    from nbutils.paths import runs_dir
    from nbutils.reporting.report import build_report

    with errors(_STOPPED):
        folder = (runs or runs_dir()).resolve()
        print(f"report: {build_report(folder)}")
        if joined := join_runs(folder):
            print(f"over seeds: {joined}")


@app.command("api")
def api_command(
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file to write; runs/api.html of the project if not given.", show_default=False),
    ] = None,
) -> None:
    """Write a page of all public names with their signatures, docstrings and examples."""
    from nbutils.paths import runs_dir
    from nbutils.reporting.api_page import write_api_page

    with errors():
        file = (out or runs_dir() / "api.html").resolve()
        try:
            write_api_page(file)
        except OSError as error:
            raise ParameterError(f"cannot write {file}: {error}") from None
        print(f"API: {file}")


def _dry_run(parameters: dict[str, dict[str, Any]]) -> None:
    """Print what the trainings of all these notebooks would take, each counted once."""
    from nbutils.batch.dry_run import print_plan
    from nbutils.batch.planned_trainings import notebook_trainings
    from nbutils.training.plan import plan

    found = [notebook_trainings(name, values) for name, values in parameters.items()]
    sizes = {data: size for _, known in found for data, size in known.items()}
    print_plan(plan([spec for specs, _ in found for spec in specs], sizes), wide_console())


def _all_parameters(notebook: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook's own values, and those given in their place."""
    from nbutils.batch.parameters import read_parameters

    return {p.name: p.default for p in read_parameters(notebook).values()} | dict(values)


if __name__ == "__main__":
    sys.exit(app())
