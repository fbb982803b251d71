"""Joins the runs below a folder into one page: the papers' numbers beside ours, verdicts, pictures."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from nbutils.errors import NbutilsError, ParameterError
from nbutils.paths import default_store, runs_dir
from nbutils.reporting.claims import WITHOUT_MEANING, caveats, is_without_meaning
from nbutils.reporting.formatting import LONG_TABLE, interval, numeric_columns, probability, read_csv, rounded
from nbutils.reporting.run_folder import FORMER, PAGE, read_marker
from nbutils.reporting.views import least_width
from nbutils.reporting.what_holds import JudgedRun, what_holds
from nbutils.writing import write_aside

INDEX = "index.html"
#: In the first bytes of a page of ours, by which it is known.
_GENERATOR = '<meta name="generator" content="nbutils report">'
_HEAD = 1024
#: What a run leaves once it is over: one of these.
_ENDS = ("status.json", "artefacts.json")
_ORDER = ("holds", "does not hold", "undecided")


@dataclass
class TableCard:
    """A table as the page shows it; `printed` marks the columns that hold the paper's own numbers."""

    name: str
    caption: str
    note: str
    files: dict[str, str]
    columns: list[str] = field(default_factory=list)
    numeric: list[bool] = field(default_factory=list)
    printed: list[bool] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class RunCard:
    """A run as the page shows it; all paths are relative to the page."""

    name: str
    anchor: str
    title: str
    failed: bool
    meaningless: bool
    error: str
    setting: str
    started: str
    wall_time: str
    tables: list[TableCard]
    figures: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    remarks: list[str]
    parameters: dict[str, Any]
    verdicts: dict[str, int]
    corrected: dict[str, int]
    facts: list[tuple[str, str]]
    links: list[tuple[str, str]]


def find_runs(folder: Path) -> list[Path]:
    """Folders of runs below `folder`, in order of path, without stored trainings and unfinished and former runs."""
    stores = (default_store(), runs_dir() / "store")
    found = []
    for place, names, _ in os.walk(folder):
        here = Path(place)
        if _is_run(here):
            found.append(here)
            names[:] = []
        elif here != folder and here.name.endswith(FORMER):
            names[:] = []
        names[:] = sorted(name for name in names if not name.startswith(".") and (here / name).resolve() not in stores)
        found += [here / name for name in names if (here / name).is_symlink() and _is_run(here / name)]
    return sorted(found)


def check_page(folder: Path, *, force: bool = False) -> None:
    """Refuse to write the report of `folder` over a file that is no report, unless `force`.

    Raises:
        ParameterError: `index.html` is somebody's own.
    """
    page = folder / INDEX
    try:
        if page.is_dir() or (page.exists() and not force and not _is_report(page)):
            raise ParameterError(
                f"{page} exists and is no report: choose another folder, or move it away"
                + ("" if page.is_dir() else "; 'nbutils run --force' replaces it")
            )
    except OSError as error:
        raise ParameterError(f"cannot write {page}: {error.strerror or error}") from error


def build_report(folder: Path, *, force: bool = False) -> Path:
    """Write `index.html` in `folder` from the runs below it.

    Args:
        folder: of the runs.
        force: whether an `index.html` that is no report is replaced.

    Returns:
        The page's path.

    Raises:
        NbutilsError: there is no run below `folder`, a run's record cannot be read, or the page cannot be written.
        ParameterError: `index.html` is somebody's own.
    """
    check_page(folder, force=force)
    page = render_report(folder)
    try:
        write_aside((folder / INDEX).resolve(), page)
    except OSError as error:
        raise NbutilsError(f"cannot write {folder / INDEX}: {error.strerror or error}") from error
    return folder / INDEX


def render_report(folder: Path) -> str:
    """The page that `build_report` writes; paths in it are relative to `folder`.

    Raises:
        NbutilsError: as `build_report`.
    """
    runs = [_card(run, folder) for run in find_runs(folder)] if folder.is_dir() else []
    if not runs:
        raise NbutilsError(f"no run below {folder}: make one with 'nbutils run quickstart'")
    runs.sort(key=lambda run: (not run.failed, run.name))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nbutils.reporting"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html").render(
        runs=runs,
        holds=what_holds([_across(run) for run in runs]),
        meaningless=WITHOUT_MEANING,
        long_table=LONG_TABLE,
        failed=sum(run.failed for run in runs),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _across(run: RunCard) -> JudgedRun:
    """A run as the section across runs shows it: its setting names the faces that its neurons were chosen on, too."""
    named = {"probe_dataset": "neurons chosen on", "targets": "targets", "teacher_file": "teacher"}
    given = {text: str(run.parameters.get(name) or "") for name, text in named.items()}
    further = [f"{text}: {Path(value).name}" for text, value in given.items() if value]
    return JudgedRun(run.name, ", ".join([run.setting, *further]), run.anchor, run.claims, run.remarks)


def _is_run(folder: Path) -> bool:
    return any((folder / end).is_file() for end in _ENDS) and read_marker(folder) is not None


def _is_report(page: Path) -> bool:
    with page.open("rb") as file:
        return _GENERATOR.encode() in file.read(_HEAD)


def _card(run: Path, folder: Path) -> RunCard:
    try:
        return _read_card(run, folder)
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise NbutilsError(f"{run}: not a run's records ({type(error).__name__}: {error})") from error


def _read_card(run: Path, folder: Path) -> RunCard:
    where = run.relative_to(folder).as_posix()
    base = "" if where == "." else f"{where}/"
    status, artefacts, provenance = (_read(run / f"{name}.json") for name in ("status", "artefacts", "provenance"))
    claims = _read(run / "claims.json") or []
    items = artefacts.get("items", [])
    name = status.get("notebook") or artefacts.get("notebook") or where
    # A run from JupyterLab has no status: its records say that it is complete.
    failed = status.get("status", "ok" if provenance else "failed") != "ok"
    error = status.get("error") or {}
    counted, corrected = (Counter(claim.get(word) for claim in claims) for word in ("verdict", "corrected"))
    seconds = status.get("wall_time_s", provenance.get("wall_time_s"))
    parameters = provenance.get("parameters", {})
    return RunCard(
        name=name,
        anchor="run-" + "".join(character if character.isalnum() else "-" for character in where),
        title=status.get("title") or artefacts.get("title") or name,
        failed=failed,
        meaningless=is_without_meaning(parameters.get("preset")),
        error=": ".join(part for part in (error.get("name"), error.get("message")) if part),
        setting=str(artefacts.get("setting", "")).strip("()"),
        started=str(status.get("started") or provenance.get("started") or "")[:16].replace("T", " "),
        wall_time="" if seconds is None else _duration(seconds),
        tables=[_table(run, base, item) for item in items if item["kind"] == "table"],
        figures=[_figure(run, base, item) for item in items if item["kind"] == "figure"],
        claims=[_claim(claim, parameters.get("preset")) for claim in claims],
        remarks=artefacts.get("remarks", []),
        parameters=parameters,
        verdicts={verdict: counted[verdict] for verdict in _ORDER},
        corrected={verdict: corrected[verdict] for verdict in _ORDER},
        facts=_facts(provenance),
        links=[
            (text, base + file)
            for text, file in (
                ("page", PAGE),
                ("executed notebook", "executed.ipynb"),
                ("metrics", "metrics.json"),
                ("provenance", "provenance.json"),
                ("error", "error.txt"),
            )
            if (run / file).is_file()
        ],
    )


def _read(path: Path) -> Any:  # noqa: ANN401
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NbutilsError(f"{path}: not a readable record ({error})") from error


def _linked(base: str, item: dict[str, Any]) -> dict[str, str]:
    return {kind: base + file for kind, file in item["files"].items()}


def _figure(run: Path, base: str, item: dict[str, Any]) -> dict[str, Any]:
    file = run / item["files"]["png"]
    try:
        with file.open("rb") as png:
            least = least_width(png.read(24))
    except OSError as error:
        raise NbutilsError(f"{file}: not a readable figure ({error})") from error
    return {**item, "files": _linked(base, item), "least_width": least}


def _table(run: Path, base: str, item: dict[str, Any]) -> TableCard:
    # "NA" is the name of a group of neurons here, not a missing number.
    file = run / item["files"]["csv"]
    try:
        frame = read_csv(file)
    except (OSError, ValueError) as error:
        raise NbutilsError(f"{file}: not a readable table ({error})") from error
    text = rounded(frame)
    columns = [str(column) for column in text.columns]
    return TableCard(
        name=item["name"],
        caption=item["caption"],
        note=item["note"],
        files=_linked(base, item),
        columns=columns,
        numeric=numeric_columns(frame),
        printed=[column.startswith(("paper", "printed")) for column in columns],
        rows=[list(row) for row in text.itertuples(index=False)],
    )


def _claim(claim: dict[str, Any], preset: object) -> dict[str, Any]:
    ours = interval(*(claim[key] for key in ("value", "low", "high")))
    p, corrected = (probability(claim.get(key)) for key in ("p_value", "corrected_p_value"))
    # Runs of before had no corrected verdicts.
    lacking = {"corrected": None, "caveats": caveats(claim.get("seeds"), preset)}
    return {**lacking, **claim, "ours": ours, "p": p, "corrected_p": corrected}


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _without_folders(value: object) -> object:
    """`value`, of a path its last part alone: where things lie on a machine is in provenance.json."""
    return f"…/{Path(value).name}" if isinstance(value, str) and Path(value).is_absolute() else value


def _facts(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    if not provenance:
        return []
    machine, git, packages = (provenance[part] or {} for part in ("machine", "git", "packages"))
    commit = str(git.get("commit", ""))[:10]
    facts = {
        "parameters": ", ".join(
            f"{name} = {_without_folders(value)}" for name, value in provenance["parameters"].items()
        ),
        "commit": f"{commit} with uncommitted changes" if commit and git.get("dirty") else commit,
        "processor": f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB",
        "accelerator": machine.get("accelerator") or "none",
        "software": f"Python {provenance['python']}, "
        + ", ".join(f"{name} {packages[name]}" for name in ("nbutils", "torch", "numpy") if name in packages),
        "data": ", ".join(f"{part} {digest}" for part, digest in provenance["data"].items()),
    }
    return [(name, text) for name, text in facts.items() if text]
