"""The distances of matched and mismatched pairs, and a threshold between them."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
import seaborn as sns
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.evaluation import VerificationResult


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
    """Shows `distance_histogram` of the last model, and, in a live notebook, sliders for model and threshold."""
    model = widgets.Dropdown(options=list(results), value=list(results)[-1], description="model")
    quantile = widgets.FloatSlider(value=0.5, min=0.02, max=0.98, step=0.01, description="accepted")
    picture = widgets.Output()

    def draw(_: object = None) -> None:
        with picture:
            picture.clear_output(wait=True)
            display(distance_histogram(model.value, results[model.value], quantile.value))  # type: ignore[no-untyped-call]

    for control in (model, quantile):
        control.observe(draw, names="value")
    display(distance_histogram(model.value, results[model.value], quantile.value))  # type: ignore[no-untyped-call]
    return widgets.VBox([widgets.HBox([model, quantile]), picture])
