"""Fig. 3 whole, T1 and six students from an empty store, by the engine and by torchdistill; AUCs beside each other.

Each is a process of its own, in float32 and in the processor's best arithmetic. NBUTILS_BENCHMARK_ROUNDS says how often
they take turns (1 here: a turn is minutes), NBUTILS_BENCHMARK_EPOCHS how long the networks are trained (4).
"""

import os

import pandas as pd
import pytest

from nbutils.papers import Precision, best_precision
from tests.benchmarks.fig3_peers import EPOCHS, PEER, WAYS, Measured
from tests.benchmarks.own_process import measured

pytest.importorskip("torchdistill", reason="torchdistill is a development dependency")

ROUNDS = int(os.environ.get("NBUTILS_BENCHMARK_ROUNDS", "1"))


@pytest.mark.parametrize("precision", dict.fromkeys(["32-true", best_precision()]))
def test_fig3_whole(precision: Precision, capsys: pytest.CaptureFixture[str]) -> None:
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    auc: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS):
        for way in WAYS:
            found = Measured(**measured("fig3_peers", way, precision))
            seconds[way].append(found.seconds)
            auc[way] = found.auc
    assert len({tuple(each) for each in auc.values()}) == 1, "they do not train the same networks"
    table = pd.DataFrame(seconds)
    ratios = table.rdiv(table[PEER], axis=0)
    with capsys.disabled():
        print(f"\n{precision}, {EPOCHS} epochs each, {ROUNDS} rounds; seconds, and times as fast as torchdistill")
        print(pd.DataFrame({"seconds": table.median(), "times as fast": ratios.median()}).round(2).to_string())
        print(f"AUC, %\n{pd.DataFrame(auc).round(2).to_string()}")
