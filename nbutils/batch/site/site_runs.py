"""The runs that a site shows, and the places that their documents have in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbutils.batch.worker import EXECUTED
from nbutils.errors import NbutilsError
from nbutils.reporting.report import find_runs
from nbutils.reporting.run_folder import PAGE, read_marker


@dataclass(frozen=True)
class SiteRun:
    """A run in a site.

    Attributes:
        folder: Of the run.
        root: The folder of runs that it was found below.
        notebook: The notebook's name.
        title: The notebook's, or its name.
        document: Name of its document, such as "luo2016/05_compressing_a_single_network".
        error: Why it failed; empty where it is complete.
        parameters: Those that it ran with, as far as it got to record them.
        items: Its tables and figures, as its record lists them.
    """

    folder: Path
    root: Path
    notebook: str
    title: str
    document: str
    error: str
    parameters: dict[str, Any]
    items: list[dict[str, Any]]

    @property
    def has_page(self) -> bool:
        """Whether there is something to read: the executed notebook or a page."""
        return (self.folder / EXECUTED).is_file() or (self.folder / PAGE).is_file()

    @property
    def preset(self) -> str:
        """Its preset; empty where it is not known."""
        return str(self.parameters.get("preset", ""))


def find_site_runs(folders: Iterable[Path]) -> list[SiteRun]:
    """The runs below folders; of runs of one notebook, each has a document of its own.

    Raises:
        NbutilsError: There is no run, or one of the folders is none.
    """
    found: list[SiteRun] = []
    for root in folders:
        if not root.is_dir():
            raise NbutilsError(f"{root}: no such folder, expected one of runs")
        for run in find_runs(root):
            found.append(_read(run, root, {each.document for each in found}))
    if not found:
        where = ", ".join(map(str, folders))
        raise NbutilsError(f"no run below {where}: make one with 'nbutils run quickstart'")
    return found


def _read(run: Path, root: Path, taken: set[str]) -> SiteRun:
    status, artefacts, provenance = (_record(run / f"{name}.json") for name in ("status", "artefacts", "provenance"))
    marker = read_marker(run)
    notebook = str(marker.notebook if marker else run.name)
    failure = status.get("error") or {}
    error = ": ".join(str(part) for part in (failure.get("name"), failure.get("message")) if part)
    if not error and status.get("status", "ok" if provenance else "failed") != "ok":
        error = "it did not finish"
    return SiteRun(
        folder=run,
        root=root,
        notebook=notebook,
        title=str(status.get("title") or artefacts.get("title") or notebook),
        document=_free(notebook, root.name, taken),
        error=error,
        parameters=provenance.get("parameters", {}),
        items=artefacts.get("items", []),
    )


def _free(notebook: str, root: str, taken: set[str]) -> str:
    """A name that no other document has."""
    named = [notebook, f"{root}/{notebook}", *(f"{root}/{n}/{notebook}" for n in range(2, len(taken) + 3))]
    return next(name for name in named if name not in taken)


def _record(file: Path) -> dict[str, Any]:
    """A record of a run; empty where it is missing or cannot be read, which the report then says."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
