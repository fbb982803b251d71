"""What `nbutils run --dry-run` prints."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from nbutils.batch.terminal import size
from nbutils.training.plan import Plan

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def print_plan(plan: Plan, console: Console) -> None:
    """Prints the graph of trainings, each with what it needs, and the sums."""
    if not plan.trainings:
        console.print("no trainings outside the notebooks' own cells: nothing to estimate")
        return
    table = Table(title="trainings in an order in which they can run", title_justify="left", box=None, padding=(0, 1))
    table.add_column("training", no_wrap=True)
    table.add_column("after")
    table.add_column("network")
    for column in ("images", "people", "epochs", "steps", "parameters", "images/s", "time", "memory", "disk"):
        table.add_column(column, justify="right", no_wrap=True)
    for training in plan.trainings:
        table.add_row(
            training.name,
            ", ".join(training.after) or "–",
            training.network,
            f"{training.images:,}",
            f"{training.identities:,}",
            str(training.epochs),
            f"{training.steps:,}",
            f"{training.parameters / 1e6:.3g} M",
            f"{training.images_per_second:,.0f}"
            if training.images_per_second >= 10
            else f"{training.images_per_second:.2g}",
            duration(training.seconds),
            size(training.memory),
            size(training.disk),
        )
    console.print(table)
    console.print(
        f"\nin all {duration(plan.seconds)} one after the other, {size(plan.memory)} of memory at most, "
        f"{size(plan.disk)} of disk.",
        highlight=False,
    )
    console.print(
        f"Measured on {plan.measured_on} from a few steps of each kind of training, for an empty store; without the "
        "time to read or render the images, and without what the notebooks compute afterwards. Memory counts all "
        "images, which a pack leaves on disk.",
        highlight=False,
    )


def duration(seconds: float) -> str:
    """The largest unit and the next: "3 h 20 min"."""
    rest, parts = round(seconds), [""] * len(_UNITS)
    for place, (unit, name) in enumerate(_UNITS):
        if rest >= unit:
            parts[place] = f"{rest // unit:,} {name}"
            rest %= unit
    first = next((place for place, part in enumerate(parts) if part), 0)
    return " ".join(filter(None, parts[first : first + 2])) or "< 1 s"
