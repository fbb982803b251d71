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
from nbutils.evaluation import VerificationResult
from nbutils.viz.explorers import explorer

Images = npt.NDArray[np.uint8]


def equal_error_quantile(result: VerificationResult) -> float:
    """The share of pairs below the threshold at which as many matched pairs are rejected as mismatched accepted."""
    gap = np.abs(1 - result.true_positive_rate - result.false_positive_rate)
    threshold = result.thresholds[int(gap.argmin())]
    return float((result.distances <= threshold).mean())


def wrong_pairs(
    result: VerificationResult, quantile: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], float]:
    """The matched pairs that a threshold rejects, and the mismatched ones that it accepts, the worst first.

    Args:
        result: Distances of the pairs.
        quantile: The threshold, as a share of all pairs that lie below it, in [0, 1].

    Returns:
        Positions of the rejected matched pairs, furthest first; of the accepted mismatched ones, nearest first; the
        threshold.
    """
    threshold = float(np.quantile(result.distances, quantile))
    rejected = np.flatnonzero(result.same & (result.distances > threshold))
    accepted = np.flatnonzero(~result.same & (result.distances <= threshold))
    rejected = rejected[np.argsort(-result.distances[rejected], kind="stable")]
    return rejected, accepted[np.argsort(result.distances[accepted], kind="stable")], threshold


def errors_at(
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
    """
    quantile = equal_error_quantile(result) if quantile is None else quantile
    rejected, accepted, threshold = wrong_pairs(result, quantile)
    missed, wrong = len(rejected) / result.same.sum(), len(accepted) / (~result.same).sum()
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=[1, 2])
    left, right = parts
    _draw_curve(left.subplots(), name, result, wrong, 1 - missed, threshold)
    top, bottom = right.subfigures(2, 1)
    _draw_pairs(top, f"one person, rejected: {missed:.1%} of matched pairs", images, pairs, rejected, shown, result)
    _draw_pairs(
        bottom, f"two people, accepted: {wrong:.1%} of mismatched pairs", images, pairs, accepted, shown, result
    )
    plt.close(figure)
    return figure


def pair_explorer(results: Mapping[str, VerificationResult], images: Images, pairs: Pairs) -> widgets.Widget:
    """`errors_at` with controls for the model and the threshold."""
    names = list(results)
    return explorer(
        lambda model, accepted: errors_at(model, results[model], images, pairs, accepted),
        model=widgets.Dropdown(options=names, value=names[-1], description="model"),
        accepted=widgets.FloatSlider(
            value=round(equal_error_quantile(results[names[-1]]), 2), min=0, max=1, step=0.01, description="accepted"
        ),
    )


def _draw_curve(ax: Axes, name: str, result: VerificationResult, wrong: float, right: float, threshold: float) -> None:
    ax.plot(result.false_positive_rate, result.true_positive_rate)
    ax.plot([wrong], [right], "o", color="black")
    ax.set(
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        xlabel="mismatched pairs accepted",
        ylabel="matched pairs accepted",
        title=f"{name}, threshold {threshold:.3g}",
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
