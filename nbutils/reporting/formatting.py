"""Tables for people: rounded alike in HTML, Markdown and LaTeX; the CSV keeps full precision.

Names may come from a data set of unknown origin: in no file do they become a formula, a tag, a link or a command.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from html import escape
from pathlib import Path

import pandas as pd

from nbutils.writing import as_formula, no_formula

#: Rows above which a table scrolls in itself, so that a page can be read on below it.
LONG_TABLE = 100
MISSING = "–"
SIGNIFICANT = 4
#: Last words of columns that tell the error of the estimate before them.
_ERRORS = ("low", "high", "SE")
MOST_DECIMALS = 6

#: Controls, and marks that turn the direction of writing, so that a text shows otherwise than it reads.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")


def rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` as text, numeric columns with decimals for four significant digits of their largest number.

    An estimate and what is told of its error after it ("low", "high", "SE") have the same number of them, no more than
    the error leaves a meaning. Column levels are joined into one name; a missing or non-finite number becomes a dash.
    """
    flat = flattened(frame)
    columns = [flat.iloc[:, place] for place in range(flat.shape[1])]
    groups: list[list[pd.Series]] = []
    for column in columns:
        if groups and _last_word(column) in _ERRORS:
            groups[-1].append(column)
        else:
            groups.append([column])
    columns = [_column(column, _common_decimals(group)) for group in groups for column in group]
    text = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=flat.index)
    text.columns = [str(name) for name in flat.columns]
    return text


def flattened(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with one level of column names; its index, unless it merely counts rows, as first columns."""
    flat = frame.copy()
    if isinstance(flat.columns, pd.MultiIndex):
        flat.columns = [" ".join(str(part) for part in parts if str(part)) for parts in flat.columns]
    counts_rows = isinstance(flat.index, pd.RangeIndex) and flat.index.name is None
    return flat.reset_index(drop=counts_rows)


def numeric_columns(frame: pd.DataFrame) -> list[bool]:
    """Whether each column of the flattened `frame` holds numbers, and so is set flush right."""
    flat = flattened(frame)
    return [_is_number(flat.iloc[:, place]) for place in range(flat.shape[1])]


def csv(frame: pd.DataFrame) -> str:
    """Comma-separated values in full precision.

    A text, a column's name included, that a spreadsheet would run as a formula gets an apostrophe before it; see
    `nbutils.writing.no_formula`. Numbers stay as they are.
    """
    return str(_texts(flattened(frame), no_formula).to_csv(index=False, lineterminator="\n"))


def read_csv(path: Path) -> pd.DataFrame:
    """The table that `csv` wrote; an empty cell is missing.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no CSV.
    """
    return _texts(pd.read_csv(path, keep_default_na=False, na_values=[""]), as_formula)


def markdown(frame: pd.DataFrame, caption: str, note: str = "") -> str:
    """GitHub-flavoured Markdown table below its caption, and above its note; HTML and links in them are escaped."""
    text, numbers = rounded(frame), numeric_columns(frame)
    lines = [
        _markdown_row(text.columns),
        _markdown_row(["---:" if number else "---" for number in numbers]),
        *(_markdown_row(row) for row in text.itertuples(index=False)),
    ]
    below = f"\n{_markdown_text(note)}\n" if note else ""
    return f"{_markdown_text(caption)}\n\n" + "\n".join(lines) + "\n" + below


def latex(frame: pd.DataFrame, caption: str, label: str) -> str:
    """A `table` environment with booktabs rules; text is escaped, controls of the direction of writing are dropped."""
    text, numbers = rounded(frame), numeric_columns(frame)
    text.columns = [_latex_text(name) for name in text.columns]
    return str(
        text.map(_latex_text).to_latex(
            index=False,
            escape=False,
            caption=_latex_text(caption),
            label=f"tab:{label}",
            position="tbp",
            column_format="".join("r" if number else "l" for number in numbers),
        )
    )


def decimal(value: float, decimals: int) -> str:
    """`value` with a fixed number of decimals and a true minus sign; a dash where it is not finite."""
    if not math.isfinite(value):
        return MISSING
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")  # + 0.0: zero has no sign


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """An estimate with its interval, such as "0.12 [−0.31, 0.55]"; what is None or not finite becomes a dash."""
    found = [math.nan if number is None else number for number in (value, low, high)]
    # A share of neurons needs one place more than a difference in points.
    decimals = 2 if any(abs(number) >= 0.1 for number in found) else 3
    estimate, first, last = (decimal(number, decimals) for number in found)
    return f"{estimate} [{first}, {last}]"


def probability(p: float | None) -> str:
    """A p-value as text; empty where there is none."""
    if p is None:
        return ""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def _texts(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """`frame` with its texts, columns' names included, changed."""

    def changed(cell: object) -> object:
        return change(cell) if isinstance(cell, str) else cell

    columns = [
        column if _is_number(column) else column.map(changed)
        for column in (frame.iloc[:, place] for place in range(frame.shape[1]))
    ]
    found = pd.concat(columns, axis=1) if columns else frame.copy()
    found.columns = [changed(name) for name in frame.columns]
    return found


def _column(column: pd.Series, decimals: int) -> pd.Series:
    if not _is_number(column):
        return column.map(lambda cell: MISSING if cell is None or cell is pd.NA or cell != cell else str(cell))
    return column.astype(float).map(lambda value: decimal(value, decimals))


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _last_word(column: pd.Series) -> str:
    return (str(column.name).split() or [""])[-1]


def _common_decimals(group: list[pd.Series]) -> int:
    """Of an estimate and its errors: two significant digits of the narrowest interval, two decimals at least."""
    most = max(map(_decimals, group))
    errors = {_last_word(column): column.astype(float) for column in group[1:] if _is_number(column)}
    widths = errors.get("SE", pd.Series(dtype=float))
    if {"low", "high"} <= set(errors):
        widths = errors["high"] - errors["low"]
    narrow = min((width for width in widths if math.isfinite(width) and width > 0), default=None)
    return most if narrow is None else min(most, max(2, 1 - math.floor(math.log10(narrow))))


def _decimals(column: pd.Series) -> int:
    finite = [abs(value) for value in column.astype(float) if math.isfinite(value)] if _is_number(column) else []
    if not any(finite):
        return 0
    most = min(MOST_DECIMALS, max(0, SIGNIFICANT - 1 - math.floor(math.log10(max(finite)))))
    for fewer in range(most):  # printed numbers have fewer; zeros that end a whole column are not theirs
        if all(math.isclose(value, round(value, fewer), rel_tol=1e-9) for value in finite):
            return fewer
    return most


def _markdown_row(cells: object) -> str:
    return "| " + " | ".join(_markdown_text(str(cell)).replace("|", "\\|") for cell in cells) + " |"  # type: ignore[attr-defined]


def _markdown_text(text: str) -> str:
    """One line, without tags, without links."""
    plain = escape(_one_line(text).replace("\\", "\\\\"), quote=False)
    return plain.replace("](", "]\\(").replace("][", "]\\[")


def _one_line(text: str) -> str:
    return _UNSEEN.sub("", " ".join(text.splitlines()))


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": "--",
    "†": r"\dag{}",
    "×": r"$\times$",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
}


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in _one_line(text))
