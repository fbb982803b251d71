"""What a choice of neurons could win: verification by the chosen, by all, by as many random ones, by the dropped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.data.faces import Faces, Pairs
from nbutils.errors import ParameterError
from nbutils.evaluation.comparison import compare_models
from nbutils.evaluation.verification import VerificationResult, verify


def neuron_subsets(
    features: npt.NDArray[np.floating],
    faces: Faces,
    pairs: Pairs,
    chosen: npt.NDArray[np.int64],
    live: npt.NDArray[np.bool_],
    *,
    draws: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """AUC of a network by parts of its neurons, in percent; no student is trained.

    Args:
        features: (N, F) responses to the faces.
        faces: The N faces that `pairs` index.
        pairs: To verify by Euclidean distance.
        chosen: Positions of the chosen neurons.
        live: (F,) True for neurons that respond; a chosen one is live.
        draws: Random choices, of as many live neurons as are chosen.
        seed: Of the draws.

    Returns:
        Rows "chosen", "all", "random" and, where there are any, "dropped" (live, not chosen). Columns: neurons, and
        AUC, low, high and difference of `compare_models`, the difference being to "chosen". Of "random": the mean over
        the draws, and the 2.5 and 97.5 % quantiles of single draws, in which the luck of the pairs is not contained.

    Raises:
        ParameterError: Shapes disagree, no neuron is chosen, or a chosen one is not live.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Faces, Pairs
        >>> from nbutils.evaluation import neuron_subsets
        >>> rng = np.random.default_rng(0)
        >>> who = np.repeat(np.arange(50), 2)
        >>> features = rng.normal(size=(50, 4))[who] + rng.normal(size=(100, 4)) * [0.1, 0.1, 3, 3]
        >>> faces = Faces(np.zeros((100, 1, 1, 3), np.uint8), who, tuple(f"person {number}" for number in range(50)))
        >>> first = np.arange(0, 100, 2)
        >>> same = np.repeat([True, False], 50)
        >>> pairs = Pairs(np.tile(first, 2), np.append(first + 1, (first + 3) % 100), same, np.arange(100) % 10)
        >>> table = neuron_subsets(features, faces, pairs, np.array([0, 1]), np.ones(4, bool))
        >>> table[["neurons", "AUC"]].round(0)
                 neurons    AUC
        neurons of
        chosen           2  100.0
        all              4   57.0
        random           2   61.0
        dropped          2   54.0
    """
    neurons = features.shape[1]
    if live.shape != (neurons,) or live.dtype != np.bool_:
        raise ParameterError(f"live has shape {live.shape} and type {live.dtype}: expected ({neurons},) booleans")
    if not len(chosen) or not live[chosen].all():
        raise ParameterError(f"chosen names {len(chosen)} neurons: expected one or more, all of them live")
    able = np.flatnonzero(live)
    dropped = np.setdiff1d(able, chosen)

    def verified(kept: npt.NDArray[np.int64]) -> VerificationResult:
        return verify(features[:, kept], faces, pairs)

    parts = {"chosen": chosen, "all": able} | ({"dropped": dropped} if len(dropped) else {})
    table = compare_models({name: verified(kept) for name, kept in parts.items()}, "chosen")
    table = table.filter(["AUC", "low", "high", "difference", "difference low", "difference high"])
    table.insert(0, "neurons", [len(kept) for kept in parts.values()])
    rng = np.random.default_rng(seed)
    auc = np.array([100 * verified(np.sort(rng.permutation(able)[: len(chosen)])).auc for _ in range(draws)])
    low, high = np.quantile(auc, [0.025, 0.975])
    own = table.loc["chosen", "AUC"]
    table.loc["random"] = [len(chosen), auc.mean(), low, high, auc.mean() - own, low - own, high - own]
    table["neurons"] = table["neurons"].astype(int)
    return table.rename_axis("neurons of").reindex(
        [name for name in ("chosen", "all", "random", "dropped") if name in table.index]
    )
