"""The engine against torchdistill: the same student, teacher, images, augmentation, batches, optimiser and objective.

Each measurement is a process of its own, and the ways take turns; a ratio is of two neighbours in time. Both
libraries run with freed memory returned to the system, glibc's default, and with it kept, as the engine always has it.
NBUTILS_BENCHMARK_ROUNDS says how many turns there are (3). The README's figure is drawn here.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
import torch
from torch.utils.benchmark import Timer

from nbutils.evaluation import multiply_adds
from nbutils.papers import best_precision
from nbutils.reporting.provenance import processor_name
from tests.benchmarks.distillation_peers import BATCH, INPUT, TEMPERATURE, WAYS, Measured, networks
from tests.benchmarks.own_process import measured

pytest.importorskip("torchdistill", reason="torchdistill is a development dependency")

ROUNDS = int(os.environ.get("NBUTILS_BENCHMARK_ROUNDS", "3"))
LIBRARIES = ("torchdistill", "nbutils")
ALLOCATORS = ("default", "kept")
#: How far first losses may lie apart, as a share: the order of sums, and bf16's eight bits.
TOLERANCE = {"32-true": 1e-4, "bf16-mixed": 2e-2}
#: The README's.
FIGURE = Path(__file__).with_name("throughput.svg")


def _measured(way: str, objective: str, precision: str, allocator: str) -> Measured:
    return Measured(**measured("distillation_peers", way, objective, precision, allocator))


def _peak(precision: str) -> float:
    """What a large product of matrices reaches, in operations a second."""
    side = torch.randn(2048, 2048, dtype=torch.bfloat16 if precision == "bf16-mixed" else torch.float32)
    seconds = Timer("side @ side", globals={"side": side}, num_threads=torch.get_num_threads()).blocked_autorange()
    return 2 * 2048**3 / seconds.median


def _operations(objective: str) -> int:
    """Of one image: the teacher forwards; the student forwards and, at twice the cost, backwards."""
    teacher, student = networks(objective)
    image = torch.zeros(1, 3, *INPUT)
    return 2 * (multiply_adds(teacher, image) + 3 * multiply_adds(student, image))


@pytest.mark.parametrize("precision", dict.fromkeys(["32-true", best_precision()]))
@pytest.mark.parametrize("objective", ["soft", "neurons"])
def test_against_torchdistill(objective: str, precision: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows, whole = [], _operations(objective) / _peak(precision)
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
        share = {"our share of the peak, %": 100 * whole * np.median(speeds["nbutils"])}
        rows.append({"freed memory": allocator, **medians, **spread, **share})
    table = pd.DataFrame(rows).set_index("freed memory")
    with capsys.disabled():
        print(f"\n{objective}, {precision}, first losses equal, {ROUNDS} rounds\n{table.round(2).to_string()}")


def test_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Soft targets with labels, in the processor's best arithmetic, freed memory as each way has it by itself."""
    precision = best_precision()
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        found = {
            way: _measured(way, "soft", precision, "kept" if way.startswith("nbutils") else "default") for way in WAYS
        }
        for way, one in found.items():
            assert one.first_loss == pytest.approx(found["torchdistill"].first_loss, rel=TOLERANCE[precision]), (
                f"{way} does not train the same"
            )
            speeds[way].append(one.images_per_second)
    table = pd.DataFrame(speeds)
    with capsys.disabled():
        ratios = table.div(table["torchdistill"], axis=0)
        print(f"\n{ratios.describe().loc[['min', '50%', 'max']].T.round(2).to_string()}")
    _draw(table, precision)


def _draw(speeds: pd.DataFrame, precision: str) -> None:
    medians = speeds.median()
    sns.set_theme(style="whitegrid")
    figure, axes = plt.subplots(figsize=(8.6, 2.9), layout="constrained")
    ours, theirs = sns.color_palette()[0], "0.6"
    colours = [ours if way.startswith("nbutils") else theirs for way in WAYS]
    axes.barh([*WAYS], medians, color=colours)
    reach = [medians - speeds.min(), speeds.max() - medians]
    axes.errorbar(medians, [*WAYS], xerr=reach, fmt="none", color="black", capsize=3)
    for row, (way, speed) in enumerate(medians.items()):
        times = speed / medians["torchdistill"]
        axes.annotate(f" {speed:,.0f}  ({times:.1f}×)", (speeds[way].max(), row), va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * float(speeds.max().max()))
    axes.set_xlabel(f"images a second, times the students trained (median, least and most of {len(speeds)})")
    axes.grid(visible=False, axis="y")
    arithmetic = "float32" if precision == "32-true" else "bf16"
    axes.set_title(
        f"T1 teaches S: soft targets, t = {TEMPERATURE:g}, with labels, width 32, batches of {BATCH}\n"
        f"{processor_name()}, {torch.get_num_threads()} threads, {arithmetic}",
        fontsize=10,
    )
    figure.savefig(FIGURE, metadata={"Date": None})
