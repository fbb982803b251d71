"""Figures of verification: ROC curves, and the distances of pairs with a threshold between them."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.evaluation.verification import VerificationResult, wrong_pairs
from nbutils.viz.explorers import explorer


def roc_curves(results: Mapping[str, VerificationResult]) -> Figure:
    """ROC curves, the rate of false acceptances on a logarithmic axis.

    Args:
        results: Model name to its result.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.viz import roc_curves
        >>> distances, same = np.array([1, 2, 5, 4, 6, 7]), np.array([True, True, True, False, False, False])
        >>> result = evaluate_pairs(np.zeros((6, 1)), distances[:, None], same, np.array([0, 1, 0, 0, 1, 1]))
        >>> roc_curves({"T1": result}).axes[0].get_xscale()
        'log'
    """
    figure, ax = plt.subplots(figsize=(8.5, 4.5), layout="constrained")
    for colour, (name, result) in zip(sns.color_palette(n_colors=len(results)), results.items(), strict=True):
        label = f"{name} (AUC {100 * result.auc:.2f} %)"
        ax.plot(result.false_positive_rate, result.true_positive_rate, color=colour, label=label)
    least = max(1 / max((~result.same).sum() for result in results.values()), 1e-4)
    ax.set(
        xscale="log", xlim=(least, 1), ylim=(0, 1), xlabel="mismatched pairs accepted", ylabel="matched pairs accepted"
    )
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    ax.grid(alpha=0.3)
    plt.close(figure)
    return figure


def distance_histogram(name: str, result: VerificationResult, quantile: float = 0.5) -> Figure:
    """Histograms of the distances of matched and mismatched pairs, with a threshold and the errors it makes.

    Args:
        name: The model.
        result: Its distances.
        quantile: The threshold, as a share of all pairs that lie below it.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.viz import distance_histogram
        >>> distances, same = np.array([1, 2, 5, 4, 6, 7]), np.array([True, True, True, False, False, False])
        >>> result = evaluate_pairs(np.zeros((6, 1)), distances[:, None], same, np.array([0, 1, 0, 0, 1, 1]))
        >>> distance_histogram("T1", result).axes[0].get_xlabel()
        'Euclidean distance'
    """
    errors = wrong_pairs(result, quantile)
    figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
    kinds = np.where(result.same, "one person", "two people")
    sns.histplot(
        x=result.distances,
        hue=kinds,
        hue_order=["one person", "two people"],
        bins=50,
        element="step",
        alpha=0.35,
        ax=ax,
    )
    ax.axvline(errors.threshold, color="black", linewidth=1)
    ax.set(
        xlabel="Euclidean distance",
        ylabel="pairs",
        title=f"{name}: {errors.rejected_share:.1%} of matched pairs rejected, "
        f"{errors.accepted_share:.1%} of mismatched accepted",
    )
    plt.close(figure)
    return figure


def threshold_explorer(results: Mapping[str, VerificationResult]) -> widgets.Widget:
    """`distance_histogram` with controls for model and threshold.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.viz import threshold_explorer
        >>> distances, same = np.array([1, 2, 5, 4, 6, 7]), np.array([True, True, True, False, False, False])
        >>> result = evaluate_pairs(np.zeros((6, 1)), distances[:, None], same, np.array([0, 1, 0, 0, 1, 1]))
        >>> [control.description for control in threshold_explorer({"T1": result}).children[0].children]
        ['model', 'accepted']
    """
    names = list(results)
    return explorer(
        lambda model, accepted: distance_histogram(model, results[model], accepted),
        model=widgets.Dropdown(options=names, value=names[-1], description="model"),
        accepted=widgets.FloatSlider(value=0.5, min=0.02, max=0.98, step=0.01, description="accepted"),
    )
