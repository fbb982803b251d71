"""The commands `nbutils data …`: which data sets there are, and what of one is on disk; get, pack and compare them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nbutils.batch.command_errors import errors
from nbutils.batch.terminal import plain, wide_console
from nbutils.errors import DataError

if TYPE_CHECKING:
    from nbutils.data.collection import Collection
    from nbutils.data.manifest import Manifest
    from nbutils.data.upkeep.findings import Report

# Anything heavier is imported in the command that needs it: `nbutils --help` must answer at once.

data_app = typer.Typer(help="Data sets: list, describe, check, fetch, pack, compare.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a data set, or path of your own manifest (.yml).")]
Root = Annotated[str, typer.Option(help="Folder or file of the data set, or its URL.", show_default=False)]
LayoutOption = Annotated[str | None, typer.Option(help="Its layout; recognised if not given.", show_default=False)]
_MARKS = {"ok": "[green]✓[/green]", "note": "[yellow]·[/yellow]", "fault": "[red]✗[/red]"}


@data_app.command("list")
def list_command() -> None:
    """Show the data sets that have a manifest."""
    from rich.table import Column, Table

    from nbutils.data.manifest import known_manifests, load_manifest
    from nbutils.paths import MANIFEST_DIR

    heads = (Column("name", no_wrap=True), "title", "access", "images", "identities", "annotations")
    table = Table(*heads, box=None, padding=(0, 2, 0, 0))
    with errors():
        known = known_manifests()
        if not known:
            raise DataError(f"no manifests in {MANIFEST_DIR}")
        for name in known:
            m = load_manifest(name)
            about = "≈ " if m.rounded else ""
            counts = (f"{about}{count:,}" if count else "any" for count in (m.images, m.identities))
            table.add_row(name, m.title, m.access, *counts, ", ".join(m.annotations))
    wide_console().print(table)


@data_app.command("describe")
def describe_command(name: Name) -> None:
    """Show all that a manifest says: terms, known problems, files, layouts, splits, crop."""
    from rich.table import Table

    from nbutils.data.layouts.base import known_layouts
    from nbutils.data.manifest import load_manifest

    with errors():
        m = load_manifest(name)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows: list[tuple[str, str]] = [
        ("title", m.title),
        ("homepage", m.homepage or "none"),
        ("licence", m.licence),
        ("access", m.access),
        ("images, people", _counts(m)),
        ("annotations", ", ".join(m.annotations)),
        *(("citation", text) for text in m.citation),
        *(("note", text) for text in m.notes),
        *(("file", " ".join(filter(None, (f.name, f.digest, f.url)))) for f in m.files),
        *([("how to get it", m.how_to_get)] if m.how_to_get else []),
        *([("take instead", ", ".join(m.substitutes))] if m.substitutes else []),
        *(("layout", f"{layout}: {known_layouts()[layout].shape}") for layout in m.layouts),
        *(("split", f"{s.rule}{f', {s.share:g} held out' if s.share else ''}: {s.note}") for s in m.splits),
        ("crop", m.crop),
    ]
    shown = ""
    for label, text in rows:
        table.add_row("" if label == shown else f"[bold]{label}[/bold]", plain(text))
        shown = label
    wide_console().print(table)


@data_app.command("check")
def check_command(
    name: Name,
    root: Root,
    layout: LayoutOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare a data set on disk with its manifest, every image included; status 1 where something is amiss."""
    from nbutils.data.manifest import load_manifest
    from nbutils.data.upkeep.check import check_collection

    with errors():
        manifest = load_manifest(name)
        report = check_collection(_open(name, root, layout), manifest)
    if as_json:
        print(report.model_dump_json(indent=1))
    else:
        _show(report)
    raise typer.Exit(0 if report.sound else 1)


@data_app.command("fetch")
def fetch_command(
    name: Name, root: Annotated[Path, typer.Option(help="Folder for the files.", show_default=False)]
) -> None:
    """Get the files that have a public address, check their digests; once more goes on where it stopped."""
    from nbutils.data.manifest import load_manifest
    from nbutils.data.upkeep.fetch import fetch_files

    with errors():
        manifest = load_manifest(name)
        got, lacking = fetch_files(manifest, root)
    for path in got:
        print(path)
    if lacking:
        print(f"No public address serves {', '.join(lacking)}. {manifest.how_to_get or ''}")


@data_app.command("pack")
def pack_command(
    name: Name,
    root: Root,
    out: Annotated[Path, typer.Option(help="Folder of the pack, which must not exist.", show_default=False)],
    layout: LayoutOption = None,
    height: Annotated[int, typer.Option(help="Rows of each crop, with the margin for random crops.")] = 61,
    width: Annotated[int, typer.Option(help="Columns of each crop, likewise.")] = 53,
    quarantine: Annotated[bool, typer.Option("--quarantine", help="Set damaged images aside and list them.")] = False,
) -> None:
    """Decode and crop every image once, into one memory-mapped array. Interrupted, the same command continues."""
    from nbutils.data.cropping import crop_rule
    from nbutils.data.manifest import load_manifest
    from nbutils.data.pack import info as form
    from nbutils.data.pack.packer import pack_collection

    with errors("what is packed is kept: the same command continues"):
        manifest = load_manifest(name)
        collection = _open(name, root, layout)
        rule = crop_rule(collection, manifest.crop)
        info = pack_collection(collection, out, rule, height, width, title=manifest.title, quarantine=quarantine)
    print(f"{out}: {info.images:,} crops of {height}×{width} pixels ({rule}), {info.identities:,} identities")
    if collection.missing and not quarantine:
        print(f"{len(collection.missing):,} images that are listed are missing, and are marked so in the pack")
    if info.quarantined:
        print(f"{info.quarantined:,} images were set aside: see {out / form.QUARANTINE}")


@data_app.command("overlap")
def overlap_command(
    first: Annotated[str, typer.Argument(help="Folder or file of a data set, its URL, or a .txt list of people.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    show: Annotated[int, typer.Option(min=1, help="How many of each kind to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of them as JSON instead.")] = False,
) -> None:
    """Find the people that two data sets share, by name, and images that look the same."""
    import json

    from nbutils.data.people_names import shared_people
    from nbutils.data.upkeep.overlap import near_duplicates
    from nbutils.data.upkeep.survey import survey_collection

    with errors():
        sides = [_side(place) for place in (first, second)]
        people = shared_people(*(names for _, names in sides))
        images = []
        one, two = (collection for collection, _ in sides)
        if one is not None and two is not None:
            pairs, bits = near_duplicates(survey_collection(one).looks, survey_collection(two).looks)
            images = [(one.names[a], two.names[b], d) for (a, b), d in zip(pairs.tolist(), bits.tolist(), strict=True)]
    if as_json:
        print(json.dumps({"people": people, "images": images}, indent=1, ensure_ascii=False))
        return
    print(f"{len(people):,} people with equal names")
    for a, b in people[:show]:
        print(f"  {a}" if a == b else f"  {a} = {b}")
    print(f"{len(images):,} pairs of images that look the same")
    for a, b, distance in images[:show]:
        print(f"  {a} = {b} ({distance} of 128 bits differ)")


def _open(name: str, root: str, layout: str | None) -> Collection:
    """The data set on disk; a form that its manifest does not name is opened all the same, and said so by `check`."""
    from nbutils.data.layouts.base import open_collection
    from nbutils.data.manifest import load_manifest

    if load_manifest(name).access == "embedded":
        raise DataError(f"{name} is embedded in this project or its libraries: there are no files of it")
    return open_collection(root, layout)


def _side(place: str) -> tuple[Collection | None, list[str]]:
    from nbutils.data.bucket_copy import local_root
    from nbutils.data.layouts.base import open_collection
    from nbutils.data.upkeep.overlap import read_identity_list

    path = local_root(place)
    if path.is_file() and path.suffix == ".txt":
        return None, read_identity_list(path)
    collection = open_collection(path)
    return collection, list(collection.identity_names)


def _show(report: Report) -> None:
    from rich.table import Table

    table = Table("", "what", "found", "expected", box=None, padding=(0, 2, 0, 0))
    for finding in report.findings:
        table.add_row(_MARKS[finding.level], finding.what, plain(finding.found), plain(finding.expected))
    console = wide_console()
    console.print(f"{report.title} in {report.root} ({report.layout})", markup=False, highlight=False, soft_wrap=True)
    console.print(table)
    for finding in report.findings:
        if finding.examples:
            console.print(f"\n{finding.what}, for example", markup=False, highlight=False)
        for example in finding.examples:
            console.print(f"  {example}", markup=False, highlight=False, soft_wrap=True)


def _counts(m: Manifest) -> str:
    if m.images is None and m.identities is None:
        return "any number"
    about = "about " if m.rounded else ""
    return ", ".join(f"{about}{count:,}" if count else "any number" for count in (m.images, m.identities))
