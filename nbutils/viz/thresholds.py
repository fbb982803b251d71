"""The distances of matched and mismatched pairs, and a threshold between them."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.evaluation import VerificationResult
from nbutils.viz.explorers import explorer


def distance_histogram(name: str, result: VerificationResult, quantile: float = 0.5) -> Figure:
    """Histograms of the distances of matched and mismatched pairs, with a threshold and the errors it makes.

    Args:
        name: The model.
        result: Its distances.
        quantile: The threshold, as a share of all pairs that lie below it.
    """
    threshold = float(np.quantile(result.distances, quantile))
    accepted = result.distances <= threshold
    missed = np.mean(~accepted[result.same])
    wrong = np.mean(accepted[~result.same])
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
    ax.axvline(threshold, color="black", linewidth=1)
    ax.set(
        xlabel="Euclidean distance",
        ylabel="pairs",
        title=f"{name}: {missed:.1%} of matched pairs rejected, {wrong:.1%} of mismatched accepted",
    )
    plt.close(figure)
    return figure


def threshold_explorer(results: Mapping[str, VerificationResult]) -> widgets.Widget:
    """`distance_histogram` with controls for model and threshold."""
    names = list(results)
    return explorer(
        lambda model, accepted: distance_histogram(model, results[model], accepted),
        model=widgets.Dropdown(options=names, value=names[-1], description="model"),
        accepted=widgets.FloatSlider(value=0.5, min=0.02, max=0.98, step=0.01, description="accepted"),
    )
