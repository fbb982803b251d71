"""Every explorer on small data, under the names that a notebook's cells would have in scope."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from nbutils import viz
from nbutils.data import Faces, Pairs
from nbutils.data.geometry.face_regions import REGIONS
from nbutils.evaluation import VerificationResult, evaluate_pairs
from nbutils.papers import luo2016, wang2017
from nbutils.selection import select_neurons

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 61, 53, 3), dtype=np.uint8)
POINTS = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], np.float32) + RNG.random((40, 5, 2), np.float32)
PAIRS = Pairs(np.arange(40), np.arange(40)[::-1].copy(), np.arange(40) % 2 == 0, np.arange(40) // 4)
RESPONSES = RNG.random((40, 30), dtype=np.float32)
RESPONSES[:, 3] = 0
X = 0.5 + 0.5 * RNG.random((30, 4))
CELLS = [wang2017.Cell(8, start, a, 0.0) for start in ("Distill", "Pretrain") for a in (0.0, 1.0)]
SCORES = pd.DataFrame(
    {"top-1": [1.0, 2.0, 3.0, 4.0], "low": 0.5, "high": 5.0, "paper top-1": 2.0},
    index=pd.Index(CELLS, tupleize_cols=False),
)
HISTORY = pd.DataFrame({"epoch": [0, 1], "step": [5, 10], "loss": [3.0, 2.0], "task": [2.0, 1.5]})


def _verified(seed: int) -> VerificationResult:
    distances = np.random.default_rng(seed).normal(np.where(PAIRS.same, 2, 3), 1).clip(0)
    return evaluate_pairs(distances[:, None], np.zeros((40, 1)), PAIRS.same, PAIRS.fold)


#: What a notebook's cells would have in scope, under the names that the code of an explorer uses outside of one.
GIVEN: dict[str, Any] = {
    "images": IMAGES,
    "true": POINTS,
    "predicted": {"a": POINTS, "b": POINTS + 2},
    "faces": Faces(IMAGES, np.arange(40) // 4, tuple("abcdefghij")),
    "features": {"net": RESPONSES, "other": RESPONSES[:, :9]},
    "responses": RESPONSES,
    "x": X,
    "names": ("Male", "Bald", "Smiling", "Wearing_Necktie"),
    "identity_related": np.array([True, True, False, False]),
    "results": {"T1": _verified(0), "S": _verified(1)},
    "pairs": PAIRS,
    "logits": RNG.normal(0, 4, (40, 4)),
    "labels": np.arange(40) % 4,
    "examples": IMAGES[:4],
    "table": SCORES,
    "histories": dict.fromkeys(CELLS, HISTORY),
    "viz": viz,
    "luo2016": luo2016,
    "wang2017": wang2017,
    "select_neurons": select_neurons,
}
G = SimpleNamespace(**GIVEN)

EXPLORERS: dict[str, Callable[[], viz.Explorer]] = {
    "pose": lambda: viz.pose_explorer(G.images, G.true, G.predicted),
    "neighbours": lambda: viz.neighbour_explorer(G.faces, G.features),
    "neurons": lambda: viz.neuron_browser(G.images, G.responses, G.x, G.names),
    "selection": lambda: viz.selection_explorer(G.x, G.identity_related, 12),
    "pairs": lambda: viz.pair_explorer(G.results, G.images, G.pairs),
    "threshold": lambda: viz.threshold_explorer(G.results),
    "temperature": lambda: viz.temperature_explorer(G.images, G.logits, G.names, G.labels),
    "temperature, with examples": lambda: viz.temperature_explorer(
        G.images, G.logits, G.names, G.labels, examples=G.examples
    ),
    "regions": lambda: luo2016.region_explorer(IMAGES[:3], {name: _verified(i) for i, name in enumerate(REGIONS)}),
    "influence": lambda: wang2017.influence_explorer(G.table, G.histories, "top-1"),
}
