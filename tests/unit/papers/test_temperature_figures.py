import numpy as np
import pandas as pd

from nbutils.papers.luo2016 import error_against_temperature, temperature_line

ERRORS = pd.DataFrame(
    {"error": [1.0, 3.0, 2.0], "low": [0.5, 2.0, 1.5], "high": [2.0, 4.0, 2.5], "paper error": [0.63, 1.24, 0.92]},
    index=["T", "soft t=1", "logits"],
)


def test_errors_of_logits_stand_at_the_end_of_the_temperatures() -> None:
    left, right = error_against_temperature(ERRORS, {"soft t=1": 1.0, "logits": np.inf}, ("T",)).axes
    assert list(left.lines[0].get_ydata()) == [3, 2]  # type: ignore[arg-type]
    assert list(right.lines[0].get_ydata()) == [1.24, 0.92]  # type: ignore[arg-type]
    assert [label.get_text() for label in left.get_xticklabels()] == ["1", "∞"]


def test_the_logits_stand_at_the_end_of_the_temperatures() -> None:
    rows = ["ensemble", "soft t=10", "soft t=1", "logits", "neurons"]
    table = pd.DataFrame({"AUC": range(90, 95), "low": 89, "high": 96, "paper AUC": range(5)}, index=rows)
    axes = temperature_line(table).axes
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["1", "10", "∞ (logits)"]
    assert np.asarray(axes[1].get_lines()[0].get_ydata()).tolist() == [2, 1, 3]
