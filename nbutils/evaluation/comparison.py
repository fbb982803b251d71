"""Several models on the same pairs, and how fast they learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nbutils.data.faces import FaceData
from nbutils.errors import ParameterError
from nbutils.evaluation.interval import Interval
from nbutils.evaluation.intervals import Results, verification_interval
from nbutils.evaluation.verification import VerificationResult, verify
from nbutils.training.trainer import TrainingResult


def verify_networks(
    results: Mapping[str, Sequence[TrainingResult]], faces: FaceData
) -> dict[str, list[VerificationResult]]:
    """Verifies the test pairs by each network, by the Euclidean distance of its features.

    Args:
        results: Row to its networks, one a seed.
        faces: With pairs.

    Returns:
        Row to its results, likewise, as `compare_models` takes them.

    Example:
        >>> from nbutils.data import SyntheticData
        >>> from nbutils.evaluation import verify_networks
        >>> faces = SyntheticData(identities=2, images_per_identity=2, validation_images=2, pairs=20).load()
        >>> verify_networks({}, faces)
        {}
    """
    return {
        name: [verify(each.features(faces.test.images), faces.test, faces.pairs) for each in found]
        for name, found in results.items()
    }


def verification_differences(
    results: Mapping[str, Results], compared: Mapping[str, tuple[str, str]]
) -> dict[str, Interval]:
    """The AUC of one model less that of another, paired, in points.

    Args:
        results: Model name to its result, or to one for each of the same seeds; all on the same pairs.
        compared: What a difference is called, to its two models. Where there is no such model, there is no difference.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs, verification_differences
        >>> same, folds = np.arange(100) % 2 == 0, np.arange(100) // 10
        >>> first, noise = np.random.default_rng(0).normal(size=(2, 100, 8))
        >>> second = np.where(same[:, None], first, 0)
        >>> results = {f"{n}": evaluate_pairs(first, second + n * noise, same, folds) for n in (1, 3)}
        >>> found = verification_differences(results, {"noise": ("1", "3"), "none": ("1", "0")})
        >>> {name: round(difference.estimate, 1) for name, difference in found.items()}
        {'noise': 34.0}
    """
    return {
        name: verification_interval(results[first], minus=results[second]).scaled(100)
        for name, (first, second) in compared.items()
        if first in results and second in results
    }


def compare_models(results: Mapping[str, Results], reference: str) -> pd.DataFrame:
    """AUC of each model with its interval, and its difference to a reference model, in percent.

    Args:
        results: Model name to its result, or to one for each of the same seeds; all on the same pairs.
        reference: The name of the model that the others are compared with.

    Returns:
        Indexed by model: AUC, low, high (95 %); with several seeds, the standard deviation of AUC over them;
        difference, difference low, difference high (paired, 95 %; NaN for the reference itself); accuracy and its
        standard error over the folds, both the means over seeds.

    Raises:
        ParameterError: If `reference` is not among the results.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import compare_models, evaluate_pairs
        >>> rng = np.random.default_rng(0)
        >>> same, folds = np.arange(100) % 2 == 0, np.arange(100) // 10
        >>> first, noise = rng.normal(size=(2, 100, 8))
        >>> second = np.where(same[:, None], first, 0)
        >>> clean = evaluate_pairs(first, second + noise, same, folds)
        >>> noisy = evaluate_pairs(first, second + 3 * noise, same, folds)
        >>> compare_models({"clean": clean, "noisy": noisy}, reference="clean")[["AUC", "difference"]].round(1)
                AUC  difference
        model
        clean  80.9         NaN
        noisy  46.9       -34.0
    """
    if reference not in results:
        raise ParameterError(f"reference is {reference!r}: expected one of {', '.join(results)}")
    rows = {}
    for name, found in results.items():
        own = verification_interval(found)
        each = [found] if isinstance(found, VerificationResult) else found
        row = {"AUC": own.estimate, "low": own.low, "high": own.high}
        if len(each) > 1:
            row["SD over seeds"] = float(np.std([result.auc for result in each], ddof=1))
        if name != reference:
            difference = verification_interval(found, minus=results[reference])
            row |= {
                "difference": difference.estimate,
                "difference low": difference.low,
                "difference high": difference.high,
            }
        rows[name] = row | {
            "accuracy": float(np.mean([result.accuracy for result in each])),
            "accuracy SE": float(np.mean([result.accuracy_error for result in each])),
        }
    return 100 * pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def images_to_share(history: pd.DataFrame, share: float = 0.9) -> float:
    """Training images seen until the loss has fallen by a share of its whole fall (Luo et al. 2016, Fig. 6).

    Losses of different objectives have no common unit, so each is measured by its own fall from the first to the
    last epoch. Linear between epochs; NaN where the loss did not fall, as in a training of few steps.

    Args:
        history: Columns images and loss, one row an epoch; see `nbutils.training.engine.fit`.
        share: Of the fall, in (0, 1].

    Raises:
        ParameterError: If the share is out of range.

    Example:
        >>> import pandas as pd
        >>> from nbutils.evaluation import images_to_share
        >>> history = pd.DataFrame({"images": [10, 20, 30], "loss": [5.0, 2.0, 1.0]})
        >>> images_to_share(history, 0.75)
        20.0
    """
    if not 0 < share <= 1:
        raise ParameterError(f"share is {share}, expected a value in (0, 1]")
    loss, images = history["loss"].to_numpy(), history["images"].to_numpy()
    target = loss[0] - share * (loss[0] - loss[-1])
    if not loss[-1] < loss[0]:
        return float("nan")
    after = int((loss <= target).argmax())
    part = (loss[after - 1] - target) / (loss[after - 1] - loss[after])
    return float(images[after - 1] + part * (images[after] - images[after - 1]))
