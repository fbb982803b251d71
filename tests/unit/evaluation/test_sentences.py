import numpy as np
import pandas as pd
import pytest

from nbutils.errors import ParameterError
from nbutils.evaluation import what_differs


def _table(low: list[float], high: list[float]) -> pd.DataFrame:
    names = ["own", *(f"row {place}" for place in range(len(low) - 1))]
    middle = (np.array(low) + np.array(high)) / 2
    frame = {"AUC": 90 + np.nan_to_num(middle), "difference": middle, "difference low": low, "difference high": high}
    return pd.DataFrame(frame, index=names)


def test_rows_are_sorted_by_what_their_intervals_say() -> None:
    table = _table([np.nan, 0.5, 0.1, -2.0, -0.5, 0.0], [np.nan, 1.5, 0.3, -1.0, 0.5, 0.4])
    first, above, below, alike = what_differs(table, "AUC", "own")
    assert "highest AUC is 91.00 (row 0), the lowest 88.50 (row 2)" in first
    assert above == "2 rows lie above own, with intervals that exclude 0: row 0 (+1.00), row 1 (+0.20)."
    assert below == "One row lies below own, with an interval that excludes 0: row 2 (−1.50)."
    assert alike == "2 rows cannot be told apart from own: row 3, row 4."


def test_names_with_commas_stand_apart_and_rows_that_are_all_alike_are_counted() -> None:
    table = _table([np.nan, 1.0, 0.5, -1.0], [np.nan, 2.0, 1.5, 1.0])
    table.index = pd.Index(["own", "wide, names", "wide, logits", "narrow"])
    assert what_differs(table, "AUC", "own")[1].endswith("exclude 0: wide, names (+1.50); wide, logits (+1.00).")
    alike = what_differs(_table([np.nan, -1.0, -1.0], [np.nan, 1.0, 1.0]), "AUC", "own")[1]
    assert alike == "Neither of the two other rows can be told apart from own."


def test_of_many_rows_the_furthest_are_named_and_the_others_counted() -> None:
    below = [-float(place) for place in range(1, 10)]
    table = _table(
        [np.nan, *(middle - 0.1 for middle in below), *[-1.0] * 8], [np.nan, *(m + 0.1 for m in below), *[1.0] * 8]
    )
    _, sentence, alike = what_differs(table, "AUC", "own")
    named = ", ".join(f"row {place - 1} (−{place}.00)" for place in (9, 8, 7, 6, 5))
    assert sentence == f"9 rows lie below own, with intervals that exclude 0: {named}, and 4 more."
    assert alike == "8 rows cannot be told apart from own: row 9, row 10, row 11, row 12, row 13, and 3 more."


def test_without_other_rows_there_is_nothing_to_compare() -> None:
    assert len(what_differs(_table([np.nan], [np.nan]), "AUC", "own")) == 1


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ParameterError, match="no column 'difference low'"):
        what_differs(_table([1.0], [2.0]).drop(columns="difference low"), "AUC", "own")
