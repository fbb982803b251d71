from pathlib import Path

import numpy as np
import pandas as pd

from nbutils.reporting.formatting import csv, decimal, flattened, latex, markdown, read_csv, rounded


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
    assert text["infinite"].tolist() == ["–", "1.25"]


def test_an_estimate_and_its_bounds_have_the_same_number_of_decimals() -> None:
    frame = pd.DataFrame(
        {"AUC": [91.36, 99.2], "low": [90.1, 98.0], "high": [92.4, 100.0], "change": [0, -0.012], "change low": [-3, 2]}
    )
    text = rounded(frame)
    assert text.iloc[1].tolist() == ["99.20", "98.00", "100.00", "−0.012", "2.000"]
    assert text["high"].tolist() == ["92.40", "100.00"]


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert (decimal(-0.001, 2), decimal(-0.006, 2), decimal(0.0, 0)) == ("0.00", "−0.01", "0")


def test_decimals_end_where_the_error_leaves_no_meaning() -> None:
    few = pd.DataFrame(
        {"difference": [-5.1674, 0], "low": [-7.2, 0], "high": [-3.1, 0], "accuracy": 83.9231, "accuracy SE": 0.3992}
    )
    assert rounded(few).iloc[0].tolist() == ["−5.17", "−7.20", "−3.10", "83.92", "0.40"]
    fine = pd.DataFrame({"difference": [-0.01206], "difference low": [-0.03086], "difference high": [0.00675]})
    assert rounded(fine).iloc[0].tolist() == ["−0.012", "−0.031", "0.007"]


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


def test_no_cell_of_a_csv_is_a_formula(tmp_path: Path) -> None:
    words = ["=cmd|' /C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "'=1", "-", "-1.5", "+2e3", "Ann", None]
    frame = pd.DataFrame({"=name": words, "number": np.linspace(-1, 1, len(words))}, index=[f"={n}" for n in range(11)])

    text = csv(frame)

    lines = text.splitlines()
    assert lines[0] == "index,'=name,number"
    assert lines[1] == "'=0,'=cmd|' /C calc'!A0,-1.0"
    cells = [line.split(",")[1] for line in lines[1:]]
    assert cells == [
        "'=cmd|' /C calc'!A0",
        "'+1+cmd",
        "'-2+3",
        "'@SUM(A1)",
        "'\t=1",
        "''=1",
        "'-",
        "-1.5",
        "+2e3",
        "Ann",
        "",
    ]
    (tmp_path / "t.csv").write_text(text)
    pd.testing.assert_frame_equal(read_csv(tmp_path / "t.csv"), flattened(frame))


def test_no_tag_and_no_link_in_markdown() -> None:
    evil = "<img src=x onerror=alert(1)> & [x](javascript:alert(1)) [x][y] a\\|b\nc\r\nd"
    safe = "&lt;img src=x onerror=alert(1)&gt; &amp; [x]\\(javascript:alert(1)) [x]\\[y] a\\\\{}b c d"
    text = markdown(pd.DataFrame({evil: [evil]}), evil, evil)
    caption, rows, note = text.split("\n\n")
    assert caption == note.rstrip("\n") == safe.format("|")
    row = "| " + safe.format("\\|") + " |"
    assert rows.split("\n") == [row, "| --- |", row]


def test_no_control_of_direction_in_latex() -> None:
    marks = "".join(map(chr, [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
    text = latex(pd.DataFrame({f"a{marks}b": [f"A\u202enn{marks}\x00\x1b[0m\n\nz"]}), f"c{marks}d\n\ne", "t")
    assert not set(text) & {*marks, "\0", "\x1b"}
    for plain in ("ab", "Ann[0m  z", "cd  e"):
        assert plain in text
