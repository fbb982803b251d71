"""Figures of verification: ROC curves, and the distances of pairs with a threshold between them."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.evaluation.verification import VerificationResult, wrong_pairs
from nbutils.viz.explorer_widget import Explorer
from nbutils.viz.explorers import explorer, variable_name

#: What a pair shows, and whether it is one person.
_KINDS = {"one person": True, "two people": False}
_BINS = 50


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
    return _DistanceView().show(name, result, quantile)


def threshold_explorer(results: Mapping[str, VerificationResult]) -> Explorer:
    """`distance_histogram` with controls for model and threshold.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.viz import threshold_explorer
        >>> distances, same = np.array([1, 2, 5, 4, 6, 7]), np.array([True, True, True, False, False, False])
        >>> result = evaluate_pairs(np.zeros((6, 1)), distances[:, None], same, np.array([0, 1, 0, 0, 1, 1]))
        >>> [control["label"] for control in threshold_explorer({"T1": result}).controls]
        ['model', 'accepted']
    """
    names = list(results)
    view, given = _DistanceView(), variable_name(results, "results")
    return explorer(
        lambda model, accepted: view.show(model, results[model], accepted),
        lambda model, accepted: f"viz.distance_histogram({model!r}, {given}[{model!r}], {accepted:.2f})",
        model=widgets.Dropdown(options=names, value=names[-1], description="model"),
        accepted=widgets.FloatSlider(value=0.5, min=0.02, max=0.98, step=0.01, description="accepted"),
    )


class _DistanceView:
    """The figure of `distance_histogram`, to show one result after another."""

    def __init__(self) -> None:
        self.figure, self.ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
        colours = dict(zip(_KINDS, sns.color_palette(n_colors=len(_KINDS)), strict=True))
        self.areas = {
            kind: self.ax.stairs([0], fill=True, alpha=0.35, color=colour, label=kind)
            for kind, colour in colours.items()
        }
        self.outlines = {kind: self.ax.stairs([0], color=colour) for kind, colour in colours.items()}
        self.line = self.ax.axvline(0, color="black", linewidth=1)
        self.ax.set(xlabel="Euclidean distance", ylabel="pairs")
        self.ax.legend(loc="upper right", frameon=False)
        plt.close(self.figure)

    def show(self, name: str, result: VerificationResult, quantile: float) -> Figure:
        errors = wrong_pairs(result, quantile)
        edges = np.histogram_bin_edges(result.distances, _BINS)
        counts = {kind: np.histogram(result.distances[result.same == same], edges)[0] for kind, same in _KINDS.items()}
        for kind, values in counts.items():
            for steps in (self.areas[kind], self.outlines[kind]):
                steps.set_data(values, edges)
        self.line.set_xdata([errors.threshold, errors.threshold])
        self.ax.set(
            xlim=(edges[0], edges[-1]),
            ylim=(0, 1.05 * max(values.max() for values in counts.values())),
            title=f"{name}: {errors.rejected_share:.1%} of matched pairs rejected, "
            f"{errors.accepted_share:.1%} of mismatched accepted",
        )
        return self.figure
