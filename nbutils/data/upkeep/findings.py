"""Lines of a report on a data set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

#: "fault": something is missing or damaged; "note": to be known; "ok": as it should be.
Level = Literal["ok", "note", "fault"]

#: So many cases are shown of each kind.
EXAMPLES = 5
#: Printed numbers that are rounded may be off by so much.
ROUNDED = 0.05


class Finding(BaseModel):
    """One line of a report.

    Attributes:
        level: how grave it is.
        what: what was looked at.
        found: what is there.
        expected: what should be there, where something is known.
        examples: some of the cases, at most a few.
    """

    model_config = ConfigDict(frozen=True)

    level: Level
    what: str
    found: str
    expected: str = ""
    examples: tuple[str, ...] = ()


class Report(BaseModel):
    """Everything found about a data set on disk.

    Attributes:
        title: of the data set.
        root: where it is.
        layout: its form.
        counts: numbers by name, for programs.
        findings: the report, line by line.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    root: str
    layout: str
    counts: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no fault."""
        return all(finding.level != "fault" for finding in self.findings)


def counted(what: str, found: int, printed: int | None, rounded: bool) -> Finding:
    """A number that is there beside the printed one."""
    if printed is None:
        return Finding(level="ok", what=what, found=f"{found:,}")
    near = abs(found - printed) <= printed * ROUNDED if rounded else found == printed
    about = "about " if rounded else ""
    return Finding(
        level="ok" if near else "fault" if found < printed else "note",
        what=what,
        found=f"{found:,}",
        expected=f"{about}{printed:,} printed",
    )


def some(cases: Iterable[str]) -> tuple[str, ...]:
    """The first few of many cases."""
    return tuple(case for case, _ in zip(cases, range(EXAMPLES), strict=False))
