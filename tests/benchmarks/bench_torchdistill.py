"""The engine against torchdistill: the same student, teacher, images, augmentation, batches, optimiser and objective.

Each measurement is a process of its own, and the two libraries take turns; a ratio is of two neighbours in time. Both
run with freed memory returned to the system, glibc's default, and with it kept, as the engine always has it.
NBUTILS_BENCHMARK_ROUNDS says how many turns there are (3).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbutils.papers import best_precision
from tests.benchmarks.distillation_peers import Measured

pytest.importorskip("torchdistill", reason="torchdistill is a development dependency")

ROUNDS = int(os.environ.get("NBUTILS_BENCHMARK_ROUNDS", "3"))
LIBRARIES = ("torchdistill", "nbutils")
ALLOCATORS = ("default", "kept")
#: How far first losses may lie apart, as a share: the order of sums, and bf16's eight bits.
TOLERANCE = {"32-true": 1e-4, "bf16-mixed": 2e-2}


def _measured(library: str, objective: str, precision: str, allocator: str) -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.distillation_peers", library, objective, precision, allocator]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("precision", dict.fromkeys(["32-true", best_precision()]))
@pytest.mark.parametrize("objective", ["soft", "neurons"])
def test_against_torchdistill(objective: str, precision: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for allocator in ALLOCATORS:
        speeds = {library: np.empty(ROUNDS) for library in LIBRARIES}
        for turn in range(ROUNDS):
            found = {each: _measured(each, objective, precision, allocator) for each in LIBRARIES}
            theirs, ours = (found[library].first_loss for library in LIBRARIES)
            assert ours == pytest.approx(theirs, rel=TOLERANCE[precision]), "they do not train the same"
            for library in LIBRARIES:
                speeds[library][turn] = found[library].images_per_second
        ratios = speeds["nbutils"] / speeds["torchdistill"]
        medians = {f"{library}, images/s": np.median(values) for library, values in speeds.items()}
        spread = {"times as fast": np.median(ratios), "least": ratios.min(), "most": ratios.max()}
        rows.append({"freed memory": allocator, **medians, **spread})
    table = pd.DataFrame(rows).set_index("freed memory")
    with capsys.disabled():
        print(f"\n{objective}, {precision}, first losses equal, {ROUNDS} rounds\n{table.round(2).to_string()}")
