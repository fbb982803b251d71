"""The command `nbutils sweep`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from nbutils.batch.command_errors import print_error
from nbutils.batch.sweeps.grid import Sweep, SweepRun, parse_axis, parse_seeds, read_sweep, sweep_runs
from nbutils.errors import ParameterError, first_fault

if TYPE_CHECKING:
    from rich.console import Console

    from nbutils.batch.sweeps.execution import SweepOutcome
    from nbutils.batch.sweeps.run_graph import SweepGraph

#: Runs from which a sweep is asked for confirmation.
MANY_RUNS = 2_000
_WORKERS_SHOWN = (1, 2, 4, 8, 16, 64, 512)


def asked_sweep(
    words: Sequence[str],
    seeds: str | None,
    given: Sequence[tuple[str, str]],
    over: Sequence[str],
    precision: str | None,
) -> Sweep:
    """The sweep of a command line: one YAML file, or notebooks; options replace what a file says.

    Raises:
        ParameterError: A parameter is given twice, or a value is not understood.
    """
    files = [word for word in words if word.endswith((".yml", ".yaml"))]
    if files and len(words) > 1:
        raise ParameterError(f"expected notebooks or one YAML file, found {' '.join(words)}")
    fields: dict[str, Any] = read_sweep(Path(files[0])).model_dump() if files else {"notebooks": tuple(words)}
    axes = [parse_axis(text) for text in over]
    for pairs, field in ((given, "parameters"), (axes, "over")):
        names = [name for name, _ in pairs]
        if twice := [name for place, name in enumerate(names) if name in names[:place]]:
            raise ParameterError(f"parameter {twice[0]} is given twice")
        fields[field] = {**fields.get(field, {}), **dict(pairs)}
    if seeds is not None:
        fields["seeds"] = parse_seeds(seeds)
    if precision is not None:
        fields["precision"] = precision
    try:
        return Sweep.model_validate(fields)
    except ValidationError as error:
        raise ParameterError(first_fault(error)) from None


def confirm_size(sweep: Sweep, notebooks_dir: Path, *, yes: bool) -> None:
    """Asks before a sweep of many runs, with an estimate of its cost from a few of them.

    Raises:
        Exit: The answer is no.
    """
    if yes or sweep.cells * len(sweep.notebooks) <= MANY_RUNS:
        return
    few = sweep.model_copy(
        update={"seeds": sweep.seeds[:1], "over": {name: values[:1] for name, values in sweep.over.items()}}
    )
    runs = sweep_runs(few, notebooks_dir, Path.cwd())
    total = sweep.cells * len(runs)
    seconds = _measured(_planned_graph(runs))
    from nbutils.batch.dry_run import duration

    print(
        f"{total:,} runs are asked for. One of each notebook takes {duration(sum(seconds.values()))} of training on "
        f"this machine; all take at most {duration(sum(seconds.values()) * sweep.cells)}, less what they share."
    )
    if not typer.confirm("Go on?"):
        raise typer.Exit(1)


def print_sweep_plan(
    runs: Sequence[SweepRun], workers: int | None, console: Console, figure: Path | None = None
) -> None:
    """Prints the graph of a sweep: what is trained, how wide it is, and how long it takes on so many workers.

    Args:
        runs: Of the sweep.
        workers: How many there will be; None: a table of several numbers.
        console: Where to print.
        figure: File to draw that table to.

    Raises:
        ParameterError: The figure cannot be written.
    """
    from rich.table import Table

    from nbutils.batch.dry_run import duration
    from nbutils.batch.sweeps.simulation import critical_path, simulate

    graph = _planned_graph(runs)
    console.print(
        f"{len(runs):,} runs, {graph.asked:,} trainings behind them, {len(graph.specs):,} distinct; "
        f"{' → '.join(f'{width:,}' for width in graph.widths)} from those without a predecessor on",
        highlight=False,
    )
    if not graph.specs:
        return
    seconds = _measured(graph)
    console.print(
        f"critical path {duration(critical_path(seconds, graph.after))}; one after the other "
        f"{duration(sum(seconds.values()))}, measured on this machine from a few steps of each kind",
        highlight=False,
    )
    table = Table("workers", "time", "idle", box=None, padding=(0, 2))
    found = [simulate(seconds, graph.after, count) for count in ((workers,) if workers else _WORKERS_SHOWN)]
    for each in found:
        table.add_row(f"{each.workers:,}", duration(each.seconds), f"{each.idle:.0%}")
    console.print(table)
    if figure is not None:
        from nbutils.viz.sweep_curves import worker_curves

        drawn = worker_curves(
            [each.workers for each in found],
            [each.seconds for each in found],
            [each.idle for each in found],
            critical_path(seconds, graph.after),
        )
        try:
            drawn.savefig(figure, dpi=150)
        except (OSError, ValueError) as error:
            raise ParameterError(f"--figure {figure}: cannot be written: {error}") from None


def run_on_workers(
    runs: Sequence[SweepRun],
    out: Path,
    *,
    scheduler: str | None = None,
    cluster: Path | None = None,
    workers: int | None = None,
    devices: int = 1,
    precision: str | None = None,
    cell_limit_s: float | None = None,
    keep: int = 0,
    force: bool = False,
) -> SweepOutcome:
    """Trains what runs read, each network once, then runs them, on a cluster or on workers of this machine; shows it.

    Args:
        runs: Notebooks with their settings.
        out: See `nbutils.batch.sweeps.execution.run_sweep`, as the last three.
        scheduler: See `nbutils.batch.sweeps.clusters.connected`, as the next three.
        cluster: Its description.
        workers: Of this machine.
        devices: Of each training.
        precision: Arithmetic of all trainings; None: the best of this machine.
        cell_limit_s: Of a notebook's cell.
        keep: Former runs.
        force: Whether to replace other things.
    """
    from rich.console import Console

    from nbutils.batch.sweeps.clusters import connected
    from nbutils.batch.sweeps.execution import run_sweep
    from nbutils.batch.sweeps.live_view import SweepView
    from nbutils.batch.sweeps.run_graph import sweep_graph
    from nbutils.papers.base import PRECISION_VARIABLE, best_precision
    from nbutils.training.store_places import open_store

    precision = precision or best_precision()
    os.environ[PRECISION_VARIABLE] = precision
    graph = sweep_graph(runs)
    console = Console()
    with connected(scheduler, cluster, workers, devices) as client:
        console.print(
            f"{len(runs):,} runs; {len(graph.specs):,} distinct trainings ({graph.asked:,} behind the runs), in "
            f"{precision}",
            highlight=False,
        )
        with SweepView(console, len(graph.specs), len(runs), client.dashboard_link or "") as view:
            outcome = run_sweep(
                client,
                runs,
                graph,
                out,
                store=open_store(),
                precision=precision,
                devices=devices,
                cell_limit_s=cell_limit_s,
                keep=keep,
                force=force,
                follow=view,
            )
    console.print(
        f"{len(outcome.trained):,} trained, {len(outcome.found):,} found in the store, {len(outcome.failed):,} failed",
        highlight=False,
    )
    return outcome


def run_sweep_command(
    sweep: Sweep,
    out: Path,
    *,
    scheduler: str | None,
    cluster: Path | None,
    workers: int | None,
    devices: int,
    cell_limit_s: float | None,
) -> int:
    """Runs a sweep and writes its report; returns the exit status."""
    from rich.console import Console

    from nbutils.batch.sweeps.joined import join_runs
    from nbutils.paths import notebooks_dir
    from nbutils.reporting.report import build_report, check_page

    check_page(out)
    outcome = run_on_workers(
        sweep_runs(sweep, notebooks_dir(), Path.cwd()),
        out,
        scheduler=scheduler,
        cluster=cluster,
        workers=workers,
        devices=devices,
        precision=sweep.precision,
        cell_limit_s=cell_limit_s,
    )
    for run in outcome.runs:
        if run.error is not None:
            print_error(f"{run.job.folder.relative_to(out)} failed: {run.error}")
    console = Console()
    console.print(f"report: {build_report(out.resolve())}", markup=False, highlight=False, soft_wrap=True)
    if joined := join_runs(out.resolve()):
        console.print(f"over seeds: {joined}", markup=False, highlight=False, soft_wrap=True)
    return 0 if all(run.error is None for run in outcome.runs) else 1


def _planned_graph(runs: Sequence[SweepRun]) -> SweepGraph:
    """The graph without a look at the data."""
    from nbutils.batch.sweeps.run_graph import sweep_graph
    from nbutils.training.plan import content_of

    return sweep_graph(runs, key=content_of)


def _measured(graph: SweepGraph) -> dict[str, float]:
    """Seconds of each training of a planned graph."""
    from nbutils.training.plan import plan

    measured = plan(graph.specs.values(), graph.sizes)
    seconds = {training.content: training.seconds for training in measured.trainings}
    return {content: seconds[content] for content in graph.specs}
