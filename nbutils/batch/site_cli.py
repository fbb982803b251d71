"""The command `nbutils site`: a site of runs to read offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nbutils.batch.command_errors import errors

# Anything heavier is imported in the command that needs it: `nbutils --help` must answer at once.


def site_command(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of runs; runs/ of the project or of the working folder if not given.", show_default=False
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; a site that is there is replaced.")] = Path("site"),
    student: Annotated[
        str, typer.Option(help="Name of the training whose network compares faces in the site.")
    ] = "selection",
) -> None:
    """Make a site of runs to read offline: notebooks, report, lessons, API, search, and a student to try."""
    from nbutils.batch.site.site_building import build_site
    from nbutils.paths import runs_dir

    with errors("the former site is kept"):
        site = build_site(runs or [runs_dir()], out, student=student)
        for remark in site.remarks:
            print(remark)
        print(f"site: {site.index.resolve()} ({site.size / 1e6:.1f} MB)")
