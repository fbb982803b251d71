"""What a table of scores shows, in sentences made of its own numbers and intervals."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from nbutils.errors import ParameterError

#: Rows that a sentence names; of more, those that lie furthest away and how many follow.
_MOST_NAMED = 6


def what_differs(table: pd.DataFrame, measure: str, reference: str) -> list[str]:
    """Which rows have the highest and lowest score, and which differ from a reference beyond their intervals.

    Args:
        table: One row a model, with the columns `measure`, "difference", "difference low" and "difference high", as
            `compare_models` makes it; the differences are to the reference.
        measure: Name of the score's column.
        reference: Name of the reference; it need not be a row.

    Returns:
        Two sentences or three.

    Raises:
        ParameterError: A column is missing.

    Example:
        >>> import pandas as pd
        >>> from nbutils.evaluation import what_differs
        >>> table = pd.DataFrame(
        ...     {"AUC": [95.0, 92.0, 94.8], "difference": [None, -3.0, -0.2], "difference low": [None, -4.0, -0.9],
        ...      "difference high": [None, -2.0, 0.5]}, index=["selection", "labels", "logits"])
        >>> for sentence in what_differs(table, "AUC", "selection"):
        ...     print(sentence)
        What we see: the highest AUC is 95.00 (selection), the lowest 92.00 (labels).
        One row lies below selection, with an interval that excludes 0: labels (−3.00).
        One row cannot be told apart from selection: logits.
    """
    needed = (measure, "difference", "difference low", "difference high")
    missing = [column for column in needed if column not in table]
    if missing:
        raise ParameterError(f"table has no column {missing[0]!r}: expected {', '.join(needed)}")
    shown = table[measure].round(2)
    highest, lowest = (_listed(map(str, shown.index[shown == end])) for end in (shown.max(), shown.min()))
    sentences = [
        f"What we see: the highest {measure} is {shown.max():.2f} ({highest}), the lowest {shown.min():.2f} ({lowest})."
    ]
    compared = table[table["difference low"].notna() & (table.index != reference)]
    above, below = compared["difference low"] > 0, compared["difference high"] < 0
    for rows, word in ((compared[above], "above"), (compared[below], "below")):
        if len(rows):
            ordered = rows["difference"]
            if len(rows) > _MOST_NAMED:
                ordered = ordered.sort_values(key=abs, ascending=False, kind="stable")
            named = [f"{name} ({difference:+.2f})".replace("(-", "(−") for name, difference in ordered.items()]
            sentences.append(f"{_lie(len(rows), f'{word} {reference}')}: {_listed(named)}.")
    alike = compared[~above & ~below]
    if len(alike) == len(compared) > 1:
        other = "Neither of the two" if len(alike) == 2 else f"None of the {len(alike)}"
        sentences.append(f"{other} other rows can be told apart from {reference}.")
    elif len(alike):
        names = _listed(map(str, alike.index))
        sentences.append(f"{_count(len(alike))} cannot be told apart from {reference}: {names}.")
    return sentences


def _lie(rows: int, where: str) -> str:
    if rows == 1:
        return f"One row lies {where}, with an interval that excludes 0"
    return f"{rows} rows lie {where}, with intervals that exclude 0"


def _count(rows: int) -> str:
    return "One row" if rows == 1 else f"{rows} rows"


def _listed(names: Iterable[str]) -> str:
    """Names after each other, by semicolons where a name has a comma; of many, the first."""
    names = list(names)
    if len(names) > _MOST_NAMED:
        names = [*names[: _MOST_NAMED - 1], f"and {len(names) - _MOST_NAMED + 1} more"]
    return ("; " if any("," in name for name in names) else ", ").join(names)
