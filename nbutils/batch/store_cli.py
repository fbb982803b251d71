"""The commands `nbutils store …`: what was trained and where it came from, and what of it is of no use any more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbutils.batch.command_errors import errors, print_error
from nbutils.batch.terminal import plain, printable, size, wide_console

if TYPE_CHECKING:
    from nbutils.training.inventory import Entry, Inventory
    from nbutils.training.pruning import Prunable

# Anything heavier is imported in the command that needs it: `nbutils --help` must answer at once.

store_app = typer.Typer(help="Trained networks: list, show, prune.", no_args_is_help=True)

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Folder of the store; NBUTILS_STORE, or runs/store, if not given.", show_default=False
    ),
]
#: States of what no present key reaches.
_USELESS = ("stale", "left over")
_COLOURS = {"reached": "green", "stale": "yellow", "left over": "yellow", "damaged": "red"}
_KEY_DIGITS = 12


@store_app.command("list")
def list_command(
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Only what today's code does not reach.")] = False,
) -> None:
    """Show what the store holds: made by which notebook, when, how large, and whether today's code reaches it."""
    with errors():
        inventory = _read(store)
    entries = [entry for entry in inventory.entries if not stale or entry.state in _USELESS]
    if as_json:
        print(json.dumps([_as_json(entry) for entry in entries], indent=1))
        return
    if entries:
        _print_entries(entries)
    ours = [entry for entry in entries if entry.kind != "foreign"]
    useless = [entry for entry in entries if entry.state in _USELESS]
    line = f"{len(ours):,} entries, {_sum(ours)} in {inventory.root}"
    if useless:
        line += f"; {len(useless):,} of no use to today's code, {_sum(useless)}: see nbutils store prune"
    print(printable(line))


@store_app.command("show")
def show_command(
    key: Annotated[str, typer.Argument(help="A key, or an unambiguous beginning of one.", show_default=False)],
    store: StoreOption = None,
) -> None:
    """Show one entry: its spec, its metrics, where it came from, its files, and why today's code misses it."""
    from rich.table import Table

    from nbutils.training.result_files import damage_of

    with errors():
        entry = _read(store).find(key)
        metrics = _metrics(entry)
        damage = damage_of(entry.path) if entry.is_result else None
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    content = entry.content
    rows = [
        ("key", entry.key),
        ("kind", entry.kind),
        ("name", entry.name),
        ("state", entry.state),
        *(("why", reason) for reason in entry.why),
        *([("damage", damage)] if damage else []),
        ("notebook", entry.notebook),
        ("made", _when(entry.made)),
        ("host", entry.host),
        ("torch", entry.torch),
        ("folder", str(entry.path)),
        *([("data", content.data)] if content else []),
        *((("teacher", each) for each in content.teachers) if content else ()),
        *([("starts from", content.initialise_from)] if content and content.initialise_from else []),
        *(("file", f"{name}  {size(count)}") for name, count in entry.files.items()),
        *(("not ours", name) for name in entry.strange),
    ]
    shown = ""
    for label, text in rows:
        if text:
            table.add_row("" if label == shown else f"[bold]{label}[/bold]", plain(text))
            shown = label
    console = wide_console()
    console.print(table)
    for title, values in (("spec", entry.spec), ("metrics", metrics)):
        if values:
            console.print(f"\n[bold]{title}[/bold]")
            for line in _lines(values, "  "):
                console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


@store_app.command("prune")
def prune_command(
    store: StoreOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
) -> None:
    """Remove what no present key reaches, what ended processes left, and lock files that nobody holds."""
    from nbutils.training.pruning import prunable, prune

    with errors("what was not removed yet is whole: the same command continues"):
        chosen = prunable(_read(store))
        _print_left(chosen)
        if not chosen.entries and not chosen.locks and not chosen.specs:
            print(printable(f"nothing to remove from {chosen.root}"))
            return
        if chosen.entries:
            _print_entries(chosen.entries)
        what = f"{len(chosen.entries):,} entries, {size(chosen.size)}, and {len(chosen.locks):,} lock files"
        if chosen.specs:
            what += f", and {len(chosen.specs):,} specs that were to be trained more than a day ago"
        if not (yes or typer.confirm(f"Remove {what}?")):
            print("nothing was removed")
            raise typer.Exit(1)
        pruned = prune(chosen)
    print(f"removed {len(pruned.entries):,} entries, {_sum(pruned.entries)}, and {pruned.locks:,} lock files")
    for line in pruned.left:
        print_error(printable(f"not removed: {line}"))
    raise typer.Exit(1 if pruned.left else 0)


def _read(store: Path | None) -> Inventory:
    from nbutils.paths import default_store
    from nbutils.training.inventory import read_inventory

    return read_inventory(store or default_store())


def _print_entries(entries: list[Entry] | tuple[Entry, ...]) -> None:
    from rich.table import Column, Table

    heads = (
        Column("key", no_wrap=True),
        Column("kind", no_wrap=True),
        "name",
        "notebook",
        Column("made", no_wrap=True),
        Column("size", justify="right", no_wrap=True),
        Column("state", no_wrap=True),
        "why",
    )
    table = Table(*heads, box=None, padding=(0, 2, 0, 0))
    for entry in entries:
        colour = _COLOURS.get(entry.state, "default")
        more = f", and {len(entry.why) - 1} more" if len(entry.why) > 1 else ""
        table.add_row(
            entry.key[:_KEY_DIGITS],
            entry.kind,
            plain(entry.name),
            plain(entry.notebook),
            _when(entry.made),
            size(entry.size) if entry.files else "",
            f"[{colour}]{entry.state}[/{colour}]" if entry.kind != "foreign" else "",
            plain(entry.why[0]) + more if entry.why else "",
        )
    wide_console().print(table)


def _print_left(chosen: Prunable) -> None:
    for entry, reason in chosen.left:
        print(printable(f"left alone: {entry.path.name} ({reason})"))
    for name in chosen.foreign:
        print(printable(f"left alone: {name} (not the store's)"))


def _as_json(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "kind": entry.kind,
        "name": entry.name,
        "state": entry.state,
        "why": entry.why,
        "notebook": entry.notebook,
        "made": _when(entry.made) or None,
        "bytes": entry.size,
        "host": entry.host,
        "torch": entry.torch,
        "path": str(entry.path),
    }


def _metrics(entry: Entry) -> Mapping[str, Any]:
    """Metrics of a training; of anything else none."""
    if "metrics.json" not in entry.files:
        return {}
    from nbutils.training.inventory import read_mapping

    return read_mapping(entry.path / "metrics.json")


def _lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A mapping to read: what is empty left out, a predecessor's spec by its name alone."""
    for name, each in value.items():
        if each is None or each in ({}, [], ""):
            continue
        if name in ("teacher", "initialise_from"):
            found = [one.get("name", "") if isinstance(one, dict) else one for one in _as_list(each)]
            yield f"{indent}{name}: {', '.join(map(str, found))}"
        elif isinstance(each, dict):
            yield f"{indent}{name}:"
            yield from _lines(each, indent + "  ")
        elif isinstance(each, str) and "\n" in each:
            yield f"{indent}{name}:"
            yield from (f"{indent}  {line}" for line in each.splitlines())
        else:
            yield f"{indent}{name}: {each if isinstance(each, str) else json.dumps(each)}"


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _when(made: float | None) -> str:
    if made is None:
        return ""
    try:
        return datetime.fromtimestamp(made).astimezone().isoformat(" ", "minutes")[:16]
    except (ValueError, OverflowError, OSError):
        return ""


def _sum(entries: list[Entry] | tuple[Entry, ...]) -> str:
    return size(sum(entry.size for entry in entries))
