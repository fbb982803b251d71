import numpy as np
import pandas as pd

from nbutils.reporting.formatting import flattened, markdown, rounded


def test_decimals_follow_the_largest_number_of_a_column() -> None:
    frame = pd.DataFrame(
        {
            "percent": [98.4321, 0.5],
            "small": [0.00123456, 0.0001],
            "thousands": [12345.67, 2.5],
            "whole": [3.0, np.nan],
            "signed": [-0.4567, 0.1],
            "infinite": [np.inf, 1.25],
        }
    )

    text = rounded(frame)

    assert text["percent"].tolist() == ["98.43", "0.50"]
    assert text["small"].tolist() == ["0.001235", "0.000100"]
    assert text["thousands"].tolist() == ["12346", "2"]
    assert text["whole"].tolist() == ["3", "–"]
    assert text["signed"].tolist() == ["−0.4567", "0.1000"]
    assert text["infinite"].tolist() == ["–", "1.250"]


def test_text_bools_and_zeros_stay_as_they_are() -> None:
    text = rounded(pd.DataFrame({"word": ["NA", None], "flag": [True, False], "zero": [0.0, 0.0]}))

    assert text.to_numpy().tolist() == [["NA", "True", "0"], ["–", "False", "0"]]


def test_levels_of_columns_are_joined_and_a_named_index_kept() -> None:
    columns = pd.MultiIndex.from_tuples([("ours", "AUC"), ("ours", ""), ("paper", "AUC")])
    frame = pd.DataFrame([[1, 2, 3]], columns=columns, index=pd.Index(["a"], name="method"))

    assert list(flattened(frame).columns) == ["method", "ours AUC", "ours", "paper AUC"]
    assert list(flattened(frame.reset_index(drop=True)).columns) == ["ours AUC", "ours", "paper AUC"]


def test_a_table_without_rows_is_still_a_table() -> None:
    assert markdown(pd.DataFrame({"a": [], "b": []}, dtype=str), "C") == "C\n\n| a | b |\n| --- | --- |\n"
