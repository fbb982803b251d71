"""The cells of Wang & Lan's Tables 3 to 5 as values: their place in the print, and what α and β alone change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.evaluation.scores import Values, score_difference
from nbutils.papers.printed_tables import beside, printed

Start: TypeAlias = Literal["Pretrain", "Distill", "Scratch"]
#: The network that is no student, in tables and among trainings.
TEACHER = "teacher"
#: The students' divisors.
DIVISORS = (2, 4, 8)
#: α and β of the columns of Tables 3 to 5.
INFLUENCES = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0))
#: What the students of Tables 3 to 5 start from.
START_NAMES: tuple[Start, ...] = ("Pretrain", "Distill")

_NONE = "–"
#: How wide a student is, by its divisor.
_WIDTHS = {2: "half as wide", 4: "a quarter as wide", 8: "an eighth as wide"}


@dataclass(frozen=True)
class Cell:
    """A student of another task.

    Attributes:
        divisor: Of the widths of ResNet-50: 2, 4 or 8.
        start: What its weights start from.
        alpha: Weight of the soft predictions.
        beta: Weight of the teacher's last hidden layer.

    Example:
        >>> from nbutils.papers.wang2017 import Cell
        >>> cell = Cell(8, "Distill", alpha=0.5, beta=0.0)
        >>> str(cell), str(cell.alone)
        ('an eighth as wide, from Distill, soft targets (α = 0.5)', 'an eighth as wide, from Distill, no targets')
    """

    divisor: int
    start: Start
    alpha: float
    beta: float

    def __str__(self) -> str:
        return f"{self.student}, {self.weights}"

    @property
    def student(self) -> str:
        """Its size and start in words, such as "an eighth as wide, from Distill"."""
        return f"{_WIDTHS[self.divisor]}, from {self.start}"

    @property
    def network(self) -> str:
        """The student's size, as the paper writes it: "/8"."""
        return f"/{self.divisor}"

    @property
    def weights(self) -> str:
        """What it learns from beside the truth, such as "soft targets (α = 0.5)" or "no targets"."""
        targets = {f"soft targets (α = {self.alpha:g})": self.alpha, f"hidden layer (β = {self.beta:g})": self.beta}
        return " and ".join(text for text, weight in targets.items() if weight) or "no targets"

    @property
    def alone(self) -> Cell:
        """The same student without targets."""
        return replace(self, alpha=0.0, beta=0.0)


#: What networks of a table are called by: a cell, or a name such as "teacher" where α and β do not apply.
Name: TypeAlias = Cell | str


def in_words(name: str) -> str:
    """A network's name in Table 2, with its size in words; a name without a size stays as it is.

    Example:
        >>> from nbutils.papers.wang2017 import in_words
        >>> in_words("Ours /8"), in_words("teacher")
        ('an eighth as wide, Ours', 'teacher')
    """
    which, _, divisor = name.partition(" /")
    return f"{_WIDTHS[int(divisor)]}, {which}" if divisor else name


def printed_row(table: str, name: Name) -> str:
    """The name that the printed table's data give a row: "/2 Distill 1 0" for a cell, without its size in Table 3."""
    if isinstance(name, str):
        return name
    row = f"{name.start} {name.alpha:g} {name.beta:g}"
    return row if table == "table3" else f"{name.network} {row}"


def beside_cells(table: str, ours: pd.DataFrame, *, column: str) -> pd.DataFrame:
    """Our numbers with the printed ones in front of them; see `nbutils.papers.beside`.

    Args:
        table: Printed table of the paper, such as "table3".
        ours: Indexed by cells and names.
        column: The printed column.

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers.wang2017 import Cell, beside_cells
        >>> ours = pd.DataFrame({"NRMSE": [5.0]}, index=[Cell(8, "Distill", 0.0, 1.0)])
        >>> list(beside_cells("table3", ours, column="NRMSE").columns)
        ['paper NRMSE', 'NRMSE']
    """
    rows = ours.set_axis([printed_row(table, name) for name in ours.index], axis=0)
    return beside("wang2017", table, rows, column=column).set_axis(ours.index, axis=0)


def by_fields(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows, indexed by network, start, α and β; a name that is no cell has dashes for the last three.

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers.wang2017 import TEACHER, Cell, by_fields
        >>> table = pd.DataFrame({"accuracy": [90.0, 95.0]}, index=[Cell(8, "Distill", 0.5, 0.0), TEACHER])
        >>> by_fields(table)
                               accuracy
        network start   α   β
        /8      Distill 0.5 0      90.0
        teacher –       –   –      95.0
    """
    rows = [
        (name.network, name.start, f"{name.alpha:g}", f"{name.beta:g}")
        if isinstance(name, Cell)
        else (str(name), _NONE, _NONE, _NONE)
        for name in table.index
    ]
    return table.set_axis(pd.MultiIndex.from_tuples(rows, names=["network", "start", "α", "β"]), axis=0)


def influences(
    values: Values[Any],
    people: npt.NDArray[np.int64] | None = None,
    *,
    higher_is_better: bool,
    table: str | None = None,
    column: str | None = None,
) -> pd.DataFrame:
    """What each target alone changes, and so whether to keep it (the practice of section 4.2.3).

    Args:
        values: By cell; names that are no cells are passed over, and so are cells with both targets.
        people: (N,) the person of each image; None: images are independent.
        higher_is_better: True for accuracies, False for errors.
        table: Printed table that has the same cells; None: the paper prints no such differences.
        column: Its column of scores.

    Returns:
        A row a start and target: network, start, target, "paper difference" (NaN where not printed), difference to no
        target in points, low, high, and "keep", "drop", or "undecided" where the interval holds 0.

    Example:
        >>> import numpy as np
        >>> from nbutils.papers.wang2017 import Cell, influences
        >>> right = np.arange(100)[None] < 80
        >>> alone, soft = Cell(8, "Distill", 0.0, 0.0), Cell(8, "Distill", 1.0, 0.0)
        >>> found = influences({alone: right, soft: np.arange(100)[None] < 90}, higher_is_better=True)
        >>> found[["network", "target", "difference", "decision"]]
          network        target  difference decision
        0      /8  soft (α = 1)        10.0     keep
    """
    scores = {} if table is None else dict(printed("wang2017", table)[column].items())
    rows = []
    for cell in values:
        if not isinstance(cell, Cell) or (cell.alpha > 0) == (cell.beta > 0) or cell.alone not in values:
            continue
        found = score_difference(values, [cell], [cell.alone], people)
        low, high = (found.low, found.high) if higher_is_better else (-found.high, -found.low)
        theirs = [scores.get(printed_row(table or "", name), float("nan")) for name in (cell, cell.alone)]
        rows.append(
            {
                "network": cell.network,
                "start": cell.start,
                "target": f"soft (α = {cell.alpha:g})" if cell.alpha else f"hidden (β = {cell.beta:g})",
                "paper difference": theirs[0] - theirs[1],
                "difference": found.estimate,
                "low": found.low,
                "high": found.high,
                "decision": "keep" if low > 0 else "drop" if high < 0 else "undecided",
            }
        )
    return pd.DataFrame(rows)


def where_both_help(found: pd.DataFrame) -> list[Cell]:
    """The students to be taught by both targets at once (section 4.2.3): those whom each of the two alone helps.

    Args:
        found: From `influences`.

    Example:
        >>> import numpy as np
        >>> from nbutils.papers.wang2017 import Cell, influences, where_both_help
        >>> right = {(0.0, 0.0): 50, (0.0, 1.0): 70, (1.0, 0.0): 80}
        >>> values = {Cell(8, "Distill", *weights): np.arange(100)[None] < count for weights, count in right.items()}
        >>> [str(cell) for cell in where_both_help(influences(values, higher_is_better=True))]
        ['an eighth as wide, from Distill, soft targets (α = 1) and hidden layer (β = 1)']
    """
    kept: dict[tuple[str, str], list[str]] = {}
    for network, start, verdict in zip(found["network"], found["start"], found["decision"], strict=True):
        kept.setdefault((network, start), []).append(verdict)
    starts: dict[str, Start] = {name: name for name in START_NAMES}
    return [
        Cell(int(network[1:]), starts[start], 1.0, 1.0)
        for (network, start), verdicts in kept.items()
        if verdicts == ["keep", "keep"]
    ]
