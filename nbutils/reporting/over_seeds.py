"""Runs that differ in their seed alone, joined: tables with mean, spread and interval over seeds, claims judged so."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from nbutils.errors import NbutilsError
from nbutils.evaluation.intervals import seed_interval
from nbutils.reporting.claims import ClaimVerdict, correct, judge
from nbutils.reporting.formatting import numeric_columns, read_csv
from nbutils.reporting.report import find_runs
from nbutils.reporting.run_folder import RECORDS

SEED = "seed"
#: Beginnings of columns with a paper's own numbers, which have no seed, and ends of those with one seed's uncertainty,
#: in whose place the interval over seeds stands.
_PRINTED, _UNCERTAINTY = ("paper", "printed"), ("low", "high", "SE")


@dataclass(frozen=True)
class ReadRun:
    """The records of a complete run.

    Attributes:
        place: Its folder below that of all runs.
        folder: Its folder.
        notebook: Name of its notebook.
        parameters: All of them.
        metrics: By name; NaN where there is no value.
        claims: Its verdicts.
        provenance: Machine, versions and commit that made it.
        captions: Of its tables, by name, without the setting.
    """

    place: str
    folder: Path
    notebook: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    claims: Sequence[ClaimVerdict]
    provenance: Mapping[str, Any]
    captions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one notebook with one setting, a seed each.

    Attributes:
        notebook: Its name.
        setting: The parameters that differ among the notebook's groups.
        runs: In the order of their seeds.
    """

    notebook: str
    setting: Mapping[str, Any]
    runs: tuple[ReadRun, ...]

    @property
    def name(self) -> str:
        """Notebook and setting in words."""
        return ", ".join([self.notebook, *(f"{name} = {value}" for name, value in self.setting.items())])


def read_runs(folder: Path) -> list[ReadRun]:
    """The complete runs below a folder.

    Raises:
        NbutilsError: A record cannot be read.
    """
    return [_read(run, folder) for run in find_runs(folder) if all((run / name).is_file() for name in RECORDS)]


def metrics_frame(runs: Iterable[ReadRun]) -> pd.DataFrame:
    """All metrics of all runs with all parameters, one row a metric.

    Returns:
        Columns "run", "notebook", "metric", "value", and one for each parameter ("parameter.seed"), empty where a
        notebook has none of that name, as text where its types differ.

    Example:
        >>> from pathlib import Path
        >>> run = ReadRun("seed=1/trial", Path("trial"), "trial", {"seed": 1}, {"auc": 60.0}, (), {})
        >>> metrics_frame([run]).iloc[0].to_dict()
        {'run': 'seed=1/trial', 'notebook': 'trial', 'metric': 'auc', 'value': 60.0, 'parameter.seed': 1}
    """
    rows = [
        {"run": run.place, "notebook": run.notebook, "metric": metric, "value": value}
        | {f"parameter.{name}": given for name, given in run.parameters.items()}
        for run in runs
        for metric, value in run.metrics.items()
    ]
    frame = pd.DataFrame(rows, columns=None if rows else ["run", "notebook", "metric", "value"])
    for column in frame.columns.drop(["run", "notebook", "metric", "value"]):
        if len({type(value) for value in frame[column].dropna()}) > 1:
            frame[column] = frame[column].map(str, na_action="ignore")
    return frame


def seed_groups(runs: Sequence[ReadRun]) -> list[SeedGroup]:
    """Groups runs that differ in nothing but the seed, the notebooks in order."""
    found: list[SeedGroup] = []
    for notebook in sorted({run.notebook for run in runs}):
        own = [run for run in runs if run.notebook == notebook]
        names = dict.fromkeys(name for run in own for name in run.parameters if name != SEED)
        differing = [name for name in names if len({json.dumps(run.parameters.get(name)) for run in own}) > 1]
        groups: dict[str, list[ReadRun]] = {}
        for run in own:
            groups.setdefault(json.dumps([run.parameters.get(name) for name in differing]), []).append(run)
        for members in groups.values():
            members.sort(key=lambda run: run.parameters.get(SEED, 0))
            setting = {name: members[0].parameters.get(name) for name in differing}
            found.append(SeedGroup(notebook, setting, tuple(members)))
    return found


def table_over_seeds(group: SeedGroup, name: str) -> pd.DataFrame | None:
    """A table of the runs, its numbers joined over seeds.

    Args:
        group: Of runs.
        name: Of the table.

    Returns:
        The rows of the table by the text of its first column; for each column of estimates that are ours, four columns:
        mean, SD, and the ends of Student's interval over seeds (95 %). None where a run lacks the table, or the tables
        differ in their rows.

    Raises:
        NbutilsError: A table cannot be read.
    """
    tables = []
    for run in group.runs:
        file = run.folder / "tables" / f"{name}.csv"
        if not file.is_file():
            return None
        try:
            tables.append(read_csv(file))
        except (OSError, ValueError) as error:
            raise NbutilsError(f"{file}: not a readable table ({error})") from error
    first = tables[0]
    labels = [list(map(str, table.iloc[:, 0])) for table in tables]
    if any(own != labels[0] for own in labels) or any(list(table) != list(first) for table in tables):
        return None
    columns: dict[tuple[str, str], list[float]] = {}
    for column, is_number in [*zip(first.columns, numeric_columns(first), strict=True)][1:]:
        if not is_number or str(column).startswith(_PRINTED) or str(column).split()[-1] in _UNCERTAINTY:
            continue
        joined = [_over_seeds([float(table[column].iloc[row]) for table in tables]) for row in range(len(first))]
        for place, part in enumerate(("mean", "SD", "low", "high")):
            columns[str(column), part] = [values[place] for values in joined]
    return pd.DataFrame(columns, index=pd.Index(labels[0], name=str(first.columns[0])))


def claims_over_seeds(group: SeedGroup) -> list[ClaimVerdict]:
    """Every claim that all runs judge, judged by the interval of its values over seeds, then corrected (Holm)."""
    found = []
    for claim in group.runs[0].claims if group.runs else ():
        values = [own.value for run in group.runs for own in run.claims if own.claim == claim.claim]
        if len(values) < len(group.runs) or not all(map(math.isfinite, values)):
            continue
        ours = seed_interval(values)
        found.append(
            claim.model_copy(
                update={
                    "value": ours.estimate,
                    "low": ours.low,
                    "high": ours.high,
                    "interval": ours.how,
                    "verdict": judge(ours.low, ours.high, relation=claim.relation, reference=claim.reference),
                    "seeds": len(values),
                    "p_value": ours.p_value(claim.reference),
                    "level": ours.level,
                }
            )
        )
    return correct(found)


def swept_metrics(groups: Sequence[SeedGroup]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Metrics of a notebook along each parameter of numbers that was swept alone.

    Yields:
        Notebook, parameter, and a frame with columns "metric", the parameter, "mean", "low", "high".
    """
    for notebook in dict.fromkeys(group.notebook for group in groups):
        own = [group for group in groups if group.notebook == notebook]
        names = list(own[0].setting)
        if len(own) < 2 or len(names) != 1 or not all(_is_number(group.setting[names[0]]) for group in own):
            continue
        rows = [
            {"metric": metric, names[0]: group.setting[names[0]], "mean": mean, "low": low, "high": high}
            for group in sorted(own, key=lambda group: float(group.setting[names[0]]))
            for metric in group.runs[0].metrics
            for mean, _, low, high in [_over_seeds([run.metrics.get(metric, math.nan) for run in group.runs])]
            if math.isfinite(mean)
        ]
        yield notebook, names[0], pd.DataFrame(rows)


def makers(runs: Iterable[ReadRun]) -> pd.DataFrame:
    """Which processors, versions and commits made how many runs."""
    rows = []
    for run in runs:
        machine, git, packages = (run.provenance.get(part) or {} for part in ("machine", "git", "packages"))
        commit = str(git.get("commit", ""))[:10]
        rows.append(
            {
                "processor": f"{machine.get('processor', '')}, {machine.get('cores', '')} cores",
                "accelerator": machine.get("accelerator") or "none",
                "commit": f"{commit} with uncommitted changes" if git.get("dirty") else commit,
                "Python": run.provenance.get("python", ""),
                "nbutils": packages.get("nbutils", ""),
                "torch": packages.get("torch", ""),
            }
        )
    if not rows:
        return pd.DataFrame()
    return pd.DataFrame(rows).value_counts(sort=False).rename("runs").reset_index()


def _over_seeds(values: Sequence[float]) -> tuple[float, float, float, float]:
    """Mean, SD, and the ends of the interval; NaN where a value is missing, or there is one seed."""
    if not all(map(math.isfinite, values)):
        return math.nan, math.nan, math.nan, math.nan
    ours = seed_interval(values)
    spread = float(pd.Series(values).std()) if len(values) > 1 else math.nan
    return ours.estimate, spread, ours.low, ours.high


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read(run: Path, folder: Path) -> ReadRun:
    try:
        metrics, claims, provenance, artefacts = (
            json.loads((run / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("metrics", "claims", "provenance", "artefacts")
        )
        setting = f" {artefacts['setting']}"
        return ReadRun(
            run.relative_to(folder).as_posix(),
            run,
            provenance["notebook"],
            provenance["parameters"],
            {name: math.nan if value is None else float(value) for name, value in metrics.items()},
            [ClaimVerdict.model_validate(_with_nan(claim)) for claim in claims],
            provenance,
            {item["name"]: item["caption"].removesuffix(setting) for item in artefacts["items"]},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise NbutilsError(f"{run}: not a run's records ({type(error).__name__}: {error})") from error


def _with_nan(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim whose numbers that are not finite were written as null."""
    return claim | {name: math.nan for name in ("value", "low", "high") if claim.get(name) is None}
