"""The pages and files that join the runs of a sweep: over seeds, along swept parameters, and by what made them."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nbutils.batch.sweeps.execution import TRAININGS
from nbutils.errors import NbutilsError
from nbutils.reporting.claims import WITHOUT_MEANING, is_without_meaning
from nbutils.reporting.formatting import decimal
from nbutils.reporting.over_seeds import (
    SEED,
    SeedGroup,
    claims_over_seeds,
    makers,
    metrics_frame,
    read_runs,
    seed_groups,
    swept_metrics,
    table_over_seeds,
)
from nbutils.writing import write_aside

PAGE, METRICS = "sweep.html", "metrics.parquet"


def join_runs(folder: Path) -> Path | None:
    """Writes `sweep.html` and `metrics.parquet` from the runs below a folder, if they can be joined.

    Args:
        folder: Of the runs.

    Returns:
        The page; None where no two runs differ in their seed alone, and none in one parameter of numbers alone.

    Raises:
        NbutilsError: A run's record cannot be read, or a file cannot be written.
    """
    runs = read_runs(folder)
    groups = seed_groups(runs)
    repeated, curves = [group for group in groups if len(group.runs) > 1], list(swept_metrics(groups))
    if not repeated and not curves:
        return None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nbutils.reporting"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("sweep.html").render(
        count=len(runs),
        groups=[_group(group) for group in repeated],
        curves=[_curve(*found) for found in curves],
        made_by=[_plain("Runs", makers(runs)), *_trainings(folder)],
        meaningless=WITHOUT_MEANING,
    )
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(metrics_frame(runs), preserve_index=False), content)
    try:
        write_aside(folder / METRICS, content.getvalue())
        write_aside(folder / PAGE, page)
    except OSError as error:
        raise NbutilsError(f"cannot write {error.filename or folder}: {error.strerror or error}") from error
    return folder / PAGE


def _group(group: SeedGroup) -> dict[str, Any]:
    names = sorted(file.stem for file in (group.runs[0].folder / "tables").glob("*.csv"))
    joined = [(name, table_over_seeds(group, name)) for name in names]
    claims = [
        verdict.model_dump() | {"ours": f"{_number(verdict.value)} [{_number(verdict.low)}, {_number(verdict.high)}]"}
        for verdict in claims_over_seeds(group)
    ]
    return {
        "name": group.name,
        "seeds": ", ".join(str(run.parameters.get(SEED)) for run in group.runs),
        "meaningless": is_without_meaning(group.runs[0].parameters.get("preset")),
        "claims": claims,
        "tables": [
            _shown(group.runs[0].captions.get(name, name), table)
            for name, table in joined
            if table is not None and not table.empty
        ],
    }


def _shown(caption: str, table: pd.DataFrame) -> dict[str, Any]:
    """A table over seeds, its four numbers in one cell."""
    columns = list(dict.fromkeys(table.columns.get_level_values(0)))
    rows = []
    for label in range(len(table)):
        cells = [str(table.index[label])]
        for column in columns:
            mean, spread, low, high = (float(table[column, part].iloc[label]) for part in ("mean", "SD", "low", "high"))
            if not spread:  # the same for every seed
                cells.append(f"{mean:g}")
            elif math.isfinite(mean):
                cells.append(f"{_number(mean)} ± {_number(spread)} [{_number(low)}, {_number(high)}]")
            else:
                cells.append("–")
        rows.append(cells)
    return {"caption": caption, "columns": [str(table.index.name), *columns], "rows": rows}


def _curve(notebook: str, parameter: str, frame: pd.DataFrame) -> dict[str, str]:
    from nbutils.viz.sweep_curves import swept_curves  # seconds to import: only where there is something to draw

    image = io.BytesIO()
    swept_curves(frame, parameter).savefig(image, format="png", dpi=110)
    encoded = base64.b64encode(image.getvalue()).decode()
    return {"notebook": notebook, "parameter": parameter, "image": f"data:image/png;base64,{encoded}"}


def _trainings(folder: Path) -> list[dict[str, Any]]:
    """Which workers trained how many networks, as the sweep's last command noted it."""
    file = folder / TRAININGS
    if not file.is_file():
        return []
    try:
        frame = pd.DataFrame(json.loads(file.read_text(encoding="utf-8")))
        grouped = frame.groupby(["host", "worker", "processor", "state"], as_index=False)
        counted = grouped.agg(trainings=("key", "count"), seconds=("seconds", "sum"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NbutilsError(f"{file}: not a sweep's record ({error})") from error
    return [_plain("Trainings of the last command", counted)]


def _plain(caption: str, frame: pd.DataFrame) -> dict[str, Any]:
    rows = [
        [_number(cell) if isinstance(cell, float) else str(cell) for cell in row]
        for row in frame.itertuples(index=False)
    ]
    return {"caption": caption, "columns": list(map(str, frame.columns)), "rows": rows}


def _number(value: float) -> str:
    """Enough digits to tell seeds apart."""
    return decimal(value, 0 if abs(value) >= 1000 else 2 if abs(value) >= 1 else 3)
