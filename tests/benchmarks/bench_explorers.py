"""How long an explorer takes to answer a control that moves, in processor time: at most 150 ms is what a hand follows.

At the sizes of the laptop preset: 6,000 pairs, 3,000 faces, 512 neurons and 40 attributes.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nbutils import viz
from nbutils.data import Faces, Pairs, SyntheticFaces
from nbutils.data.geometry.face_regions import REGIONS
from nbutils.evaluation import VerificationResult, evaluate_pairs
from nbutils.papers import luo2016, wang2017

RNG = np.random.default_rng(0)
NETWORKS = ("teacher", "/2", "/4", "/8")


def _verified(pairs: Pairs) -> VerificationResult:
    distances = RNG.normal(np.where(pairs.same, 2.0, 3.0), 1.0).clip(0)
    return evaluate_pairs(distances[:, None], np.zeros((len(distances), 1)), pairs.same, pairs.fold)


def _pairs() -> Pairs:
    number = np.arange(6000)
    return Pairs(number % 3000, (number * 7 + 1) % 3000, number % 2 == 0, number // 600)


def _images() -> np.ndarray:
    few = SyntheticFaces().render(range(60), height=61, width=53)
    return np.tile(few.images, (50, 1, 1, 1))


def _pose() -> viz.Explorer:
    few = SyntheticFaces().render(range(60), height=61, width=53)
    points = np.tile(few.landmarks, (50, 1, 1)) + RNG.normal(size=(3000, 5, 2)).astype(np.float32)
    return viz.pose_explorer(_images(), points, {"student": points + 1})


def _neighbours() -> viz.Explorer:
    faces = Faces(_images(), np.arange(3000) // 10, tuple(map(str, range(300))))
    features = {name: RNG.random((3000, 512)).astype(np.float32) for name in NETWORKS}
    return viz.neighbour_explorer(faces, features)


def _accuracies() -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    x = 0.5 + 0.4 * RNG.beta(1, 4, (512, 40))
    return x, np.arange(40) < 26, tuple(f"attribute {i}" for i in range(40))


def _browser() -> viz.Explorer:
    x, _, names = _accuracies()
    return viz.neuron_browser(_images(), RNG.random((3000, 512)).astype(np.float32), x, names)


def _selection() -> viz.Explorer:
    x, related, _ = _accuracies()
    return viz.selection_explorer(x, related, 422)


def _temperature() -> viz.Explorer:
    logits = RNG.normal(0, 4, (20, 300))
    names = [f"person {i}" for i in range(300)]
    return viz.temperature_explorer(_images()[:20], logits, names, np.arange(20), examples=_images()[:300])


def _regions() -> viz.Explorer:
    faces = SyntheticFaces().render(range(6), height=130, width=114)
    return luo2016.region_explorer(faces.images, {name: _verified(_pairs()) for name in REGIONS})


def _influence() -> viz.Explorer:
    cells = [wang2017.Cell(8, start, a, b) for start in ("Distill", "Pretrain") for a in (0.0, 1.0) for b in (0.0, 1.0)]
    score = {"accuracy": 90.0, "low": 88.0, "high": 92.0, "paper accuracy": 95.0}
    steps = np.arange(1, 33)
    history = pd.DataFrame({"epoch": steps, "step": 20 * steps, "task": 4 / steps, "soft": 2 / steps})
    table = pd.DataFrame(score, index=pd.Index(cells, tupleize_cols=False))
    return wang2017.influence_explorer(table, dict.fromkeys(cells, history), "accuracy")


EXPLORERS: dict[str, Callable[[], viz.Explorer]] = {
    "pose": _pose,
    "neighbours": _neighbours,
    "neurons": _browser,
    "pairs": lambda: viz.pair_explorer({"T1": _verified(_pairs())}, _images(), _pairs()),
    "threshold": lambda: viz.threshold_explorer({"T1": _verified(_pairs())}),
    "selection": _selection,
    "temperature": _temperature,
    "regions": _regions,
    "influence": _influence,
}


def _moves(widget: viz.Explorer) -> Iterator[Callable[[], None]]:
    """Changes of the last control that has several values, each to another value."""
    control = [each for each in widget.inputs.values() if isinstance(each, _MOVED)][-1]
    values: list[object]
    if isinstance(control, widgets.Checkbox):
        values = [False, True]
    elif isinstance(control, widgets.ToggleButtons):
        values = list(control.options)[::-1]
    else:
        steps = [control.min + (control.max - control.min) * share for share in (0.3, 0.5, 0.7, 0.9, 0.4, 0.8)]
        values = [int(step) for step in steps] if isinstance(control, widgets.IntSlider) else list(steps)
    for value in itertools.cycle(values):
        yield partial(setattr, control, "value", value)


_MOVED = (widgets.IntSlider, widgets.FloatSlider, widgets.FloatLogSlider, widgets.Checkbox, widgets.ToggleButtons)


@pytest.mark.benchmark(group="an explorer's answer, processor time", timer=time.process_time)
@pytest.mark.parametrize("name", EXPLORERS)
def test_answer(benchmark: BenchmarkFixture, name: str) -> None:
    moves = _moves(EXPLORERS[name]())
    timed: Any = benchmark
    timed.pedantic(lambda: next(moves)(), rounds=20, warmup_rounds=6)
