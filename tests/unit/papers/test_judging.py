"""Claims judged in a run: each by its own interval, under the paper's name for it."""

from pathlib import Path

import pytest

from nbutils.errors import ParameterError
from nbutils.evaluation import Interval
from nbutils.papers import judge_claims
from nbutils.reporting import Run


def test_each_claim_is_judged_by_its_interval_and_recorded(tmp_path: Path) -> None:
    run = Run("trial", parameters={"dataset": "synthetic", "preset": "laptop"}, out_dir=tmp_path)
    gain, loss = Interval(1, 0.5, 2), Interval(-1, -2, -0.5)

    first = judge_claims(run, "luo2016", {"fig3-selection-over-neurons": gain})
    both = judge_claims(run, "luo2016", {"fig3-selection-over-labels": loss})

    assert first.frame["verdict"].tolist() == ["holds"]
    assert both.frame["verdict"].tolist() == ["holds", "does not hold"]
    with pytest.raises(ParameterError, match="did you mean 'fig3-selection-over-neurons'"):
        judge_claims(run, "luo2016", {"fig3-selection-over-neuron": gain})
