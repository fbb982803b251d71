"""What the regions of the ensemble are worth (Luo et al. 2016, Fig. 5): alone, together, and each left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from nbutils.errors import ParameterError
from nbutils.evaluation.verification import VerificationResult


def joined_auc(results: Mapping[str, VerificationResult], chosen: Sequence[str]) -> float:
    """AUC of the joined features of several networks: squared Euclidean distances add up.

    Args:
        results: Network to its result; all on the same pairs.
        chosen: Which to join, one or more.

    Raises:
        ParameterError: If none is chosen.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.papers.luo2016 import joined_auc
        >>> same, folds = np.array([True, True, False, False]), np.array([0, 1, 0, 1])
        >>> results = {
        ...     region: evaluate_pairs(np.zeros((4, 1)), np.array(distances)[:, None], same, folds)
        ...     for region, distances in {"nose": [1, 4, 3, 2], "left_eye": [2, 1, 2, 5]}.items()
        ... }
        >>> results["nose"].auc, joined_auc(results, ["nose", "left_eye"])
        (0.5, 0.75)
    """
    if not chosen:
        raise ParameterError("no network is chosen: expected one or more")
    squares = sum(results[name].distances ** 2 for name in chosen)
    return float(roc_auc_score(results[chosen[0]].same, -np.asarray(squares)))


def region_table(results: Mapping[str, VerificationResult]) -> pd.DataFrame:
    """AUC of each region alone, and of all others without it, in percent.

    Args:
        results: Region to the result of its T1.

    Returns:
        Indexed by region, in words: AUC alone, AUC without it.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.papers.luo2016 import region_table
        >>> same, folds = np.array([True, True, False, False]), np.array([0, 1, 0, 1])
        >>> results = {
        ...     region: evaluate_pairs(np.zeros((4, 1)), np.array(distances)[:, None], same, folds)
        ...     for region, distances in {"nose": [1, 4, 3, 2], "left_eye": [2, 1, 2, 5]}.items()
        ... }
        >>> region_table(results)
                  AUC alone  AUC without it
        region
        nose           50.0            87.5
        left eye       87.5            50.0
    """
    names = list(results)
    alone = [100 * results[name].auc for name in names]
    without = [100 * joined_auc(results, [other for other in names if other != name]) for name in names]
    words = pd.Index([name.replace("_", " ") for name in names], name="region")
    return pd.DataFrame({"AUC alone": alone, "AUC without it": without}, index=words)
