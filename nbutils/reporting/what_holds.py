"""Every claim beside its verdicts on all data sets: where the papers' order appears, and where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class JudgedRun:
    """What one run says of claims.

    Attributes:
        name: The notebook.
        setting: Data set, preset and seeds, and what else tells two runs of a notebook apart.
        anchor: Of the run on the page.
        claims: Its verdicts, as the page shows them, each with its claim's name as "claim".
        remarks: What must be known before they are believed.
    """

    name: str
    setting: str
    anchor: str
    claims: list[dict[str, Any]]
    remarks: list[str]


@dataclass
class ClaimAcross:
    """A claim with its verdicts: for each setting those of its runs."""

    text: str
    source: str
    paper: str
    measure: str
    cells: list[list[dict[str, Any]]]


@dataclass
class NotebookClaims:
    """The claims that a notebook judges, and the settings in which it did."""

    name: str
    settings: list[str]
    claims: list[ClaimAcross]


@dataclass
class WhatHolds:
    """The claims of each notebook, and what the runs remark."""

    notebooks: list[NotebookClaims]
    remarks: list[tuple[JudgedRun, list[str]]]


def what_holds(runs: Sequence[JudgedRun]) -> WhatHolds:
    """Joins the verdicts of many runs: for each notebook a row a claim, a column a setting.

    Args:
        runs: In the order of the page; those without claims are left out.
    """
    judged = [run for run in runs if run.claims]
    names = dict.fromkeys(run.name for run in judged)
    return WhatHolds(
        [_of_notebook(name, [run for run in judged if run.name == name]) for name in names],
        [(run, run.remarks) for run in judged if run.remarks],
    )


def _of_notebook(name: str, runs: Sequence[JudgedRun]) -> NotebookClaims:
    settings = list(dict.fromkeys(run.setting for run in runs))
    claims: dict[str, ClaimAcross] = {}
    for run in runs:
        for claim in run.claims:
            row = claims.setdefault(
                claim["claim"],
                ClaimAcross(claim["text"], claim["source"], claim["paper"], claim["measure"], [[] for _ in settings]),
            )
            row.cells[settings.index(run.setting)].append(claim | {"anchor": run.anchor})
    return NotebookClaims(name, settings, list(claims.values()))
