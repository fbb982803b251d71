"""The pairs that a threshold gets wrong, beside its place on the ROC curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from nbutils.data.faces import Pairs
from nbutils.evaluation.verification import VerificationResult, WrongPairs, equal_error_quantile, wrong_pairs
from nbutils.viz.explorers import explorer

Images = npt.NDArray[np.uint8]


def wrong_pair_faces(
    name: str, result: VerificationResult, images: Images, pairs: Pairs, quantile: float | None = None, shown: int = 10
) -> Figure:
    """A threshold's place on the ROC curve, and the faces of the pairs that it gets most wrong.

    Args:
        name: The model.
        result: Its distances of `pairs`.
        images: (N, H, W, 3) uint8, what the pairs name.
        pairs: The verification list.
        quantile: As in `wrong_pairs`; None: where both kinds of error are equally frequent.
        shown: Pairs of each kind.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Pairs
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.viz import as_png, wrong_pair_faces
        >>> images = np.random.default_rng(0).integers(256, size=(12, 8, 8, 3), dtype=np.uint8)
        >>> same, folds = np.array([True, True, True, False, False, False]), np.array([0, 1, 0, 0, 1, 1])
        >>> pairs = Pairs(np.arange(6), np.arange(6, 12), same, folds)
        >>> result = evaluate_pairs(np.zeros((6, 1)), np.array([[1], [2], [5], [4], [6], [7]]), same, folds)
        >>> figure = wrong_pair_faces("T1", result, images, pairs, shown=2)
        >>> isinstance(as_png(figure), bytes)
        True
    """
    quantile = equal_error_quantile(result) if quantile is None else quantile
    wrong = wrong_pairs(result, quantile)
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=[1, 2])
    left, right = parts
    _draw_curve(left.subplots(), name, result, wrong)
    top, bottom = right.subfigures(2, 1)
    of_matched = f"one person, rejected: {wrong.rejected_share:.1%} of matched pairs"
    _draw_pairs(top, of_matched, images, pairs, wrong.rejected, shown, result)
    of_mismatched = f"two people, accepted: {wrong.accepted_share:.1%} of mismatched pairs"
    _draw_pairs(bottom, of_mismatched, images, pairs, wrong.accepted, shown, result)
    plt.close(figure)
    return figure


def pair_explorer(results: Mapping[str, VerificationResult], images: Images, pairs: Pairs) -> widgets.Widget:
    """`wrong_pair_faces` with controls for the model and the threshold.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Pairs
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.viz import pair_explorer
        >>> images = np.random.default_rng(0).integers(256, size=(12, 8, 8, 3), dtype=np.uint8)
        >>> same, folds = np.array([True, True, True, False, False, False]), np.array([0, 1, 0, 0, 1, 1])
        >>> pairs = Pairs(np.arange(6), np.arange(6, 12), same, folds)
        >>> result = evaluate_pairs(np.zeros((6, 1)), np.array([[1], [2], [5], [4], [6], [7]]), same, folds)
        >>> [control.description for control in pair_explorer({"T1": result}, images, pairs).children[0].children]
        ['model', 'accepted']
    """
    names = list(results)
    return explorer(
        lambda model, accepted: wrong_pair_faces(model, results[model], images, pairs, accepted),
        model=widgets.Dropdown(options=names, value=names[-1], description="model"),
        accepted=widgets.FloatSlider(
            value=round(equal_error_quantile(results[names[-1]]), 2), min=0, max=1, step=0.01, description="accepted"
        ),
    )


def _draw_curve(ax: Axes, name: str, result: VerificationResult, wrong: WrongPairs) -> None:
    ax.plot(result.false_positive_rate, result.true_positive_rate)
    ax.plot([wrong.accepted_share], [1 - wrong.rejected_share], "o", color="black")
    ax.set(
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        xlabel="mismatched pairs accepted",
        ylabel="matched pairs accepted",
        title=f"{name}, threshold {wrong.threshold:.3g}",
    )
    ax.grid(alpha=0.3)


def _draw_pairs(
    part: SubFigure,
    title: str,
    images: Images,
    pairs: Pairs,
    which: npt.NDArray[np.intp],
    shown: int,
    result: VerificationResult,
) -> None:
    part.suptitle(title, fontsize=10)
    axes: Any = part.subplots(2, shown, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for column, pair in enumerate(which[:shown]):
        for ax, image in zip(axes[:, column], (pairs.first[pair], pairs.second[pair]), strict=True):
            ax.imshow(images[image], interpolation="bicubic")
        axes[1, column].set_title(f"{result.distances[pair]:.3g}", fontsize=7, pad=2)
