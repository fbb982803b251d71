"""Figures of the choice that Eq. 2 makes (Luo et al. 2016), and a slider over it."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.selection.neurons import GROUPS, LAMBDA, NeuronSelection, select_neurons
from nbutils.viz.explorers import explorer

FloatArray = npt.NDArray[np.float64]


def energy_trace(selection: NeuronSelection) -> Figure:
    """Free energy after every sweep of mean field.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import select_neurons
        >>> from nbutils.viz import energy_trace
        >>> related = np.array([True, True, False, False])
        >>> accuracies = np.random.default_rng(0).uniform(0.5, 1, (30, 4))
        >>> energy_trace(select_neurons(accuracies, related, count=10)).axes[0].get_xlabel()
        'sweep'
    """
    figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
    ax.plot(selection.energy_trace)
    ax.set(xlabel="sweep", ylabel="free energy")
    ax.grid(alpha=0.3)
    plt.close(figure)
    return figure


def chosen_against_dropped(
    selection: NeuronSelection, x: FloatArray, identity_related: npt.NDArray[np.bool_]
) -> Figure:
    """Each neuron by its best IA and its best NA attribute, chosen or dropped; and the groups of both.

    Args:
        selection: The choice.
        x: (neurons, attributes) balanced accuracies.
        identity_related: (attributes,) True for IA.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import select_neurons
        >>> from nbutils.viz import chosen_against_dropped
        >>> related = np.array([True, True, False, False])
        >>> accuracies = np.random.default_rng(0).uniform(0.5, 1, (30, 4))
        >>> figure = chosen_against_dropped(select_neurons(accuracies, related, count=10), accuracies, related)
        >>> len(figure.axes)
        2
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    state = np.where(selection.mask, "chosen", "dropped")
    ia, na = 100 * x[:, identity_related].max(axis=1), 100 * x[:, ~identity_related].max(axis=1)
    sns.scatterplot(x=ia, y=na, hue=state, hue_order=["chosen", "dropped"], s=18, alpha=0.7, ax=left)
    left.axline((60, 60), slope=1, color="grey", linewidth=0.8)
    left.set(xlabel="best IA attribute, balanced accuracy in %", ylabel="best NA attribute, in %")
    counts = pd.crosstab(selection.groups, state).reindex(
        index=list(GROUPS), columns=["chosen", "dropped"], fill_value=0
    )
    counts.rename_axis(columns=None).plot.barh(stacked=True, ax=right)
    right.invert_yaxis()
    right.set(xlabel="neurons", ylabel="")
    plt.close(figure)
    return figure


def sweep_lines(sweep: pd.DataFrame, parameter: str) -> Figure:
    """What a sweep of one parameter changes.

    Args:
        sweep: One row a value of `parameter`; the other columns are drawn, one panel each.
        parameter: Column of the abscissa.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import sweep_lines
        >>> sweep = pd.DataFrame({"λ": [0.0, 0.1, 1.0], "chosen": [12, 10, 3], "AUC": [95.0, 95.2, 91.0]})
        >>> [axes.get_ylabel() for axes in sweep_lines(sweep, "λ").axes]
        ['chosen', 'AUC']
    """
    names = [str(name) for name in sweep.columns if name != parameter]
    figure, axes = plt.subplots(1, len(names), figsize=(3.4 * len(names), 3), layout="constrained", squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        ax.plot(sweep[parameter], sweep[name], marker=".")
        ax.set(xlabel=parameter, ylabel=name)
        ax.grid(alpha=0.3)
    plt.close(figure)
    return figure


def selection_explorer(x: FloatArray, identity_related: npt.NDArray[np.bool_], count: int) -> widgets.Widget:
    """Sliders for λ and the count that solve Eq. 2 again as they move.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import selection_explorer
        >>> related = np.array([True, True, False, False])
        >>> accuracies = np.random.default_rng(0).uniform(0.5, 1, (30, 4))
        >>> widget = selection_explorer(accuracies, related, count=10)
        >>> [slider.description for slider in widget.children[0].children]
        ['λ', 'count']
    """
    most = int((x > 0.5).any(axis=1).sum())
    lam = widgets.FloatSlider(value=LAMBDA, min=0, max=2, step=0.05, description="λ", continuous_update=False)
    wanted = widgets.IntSlider(value=min(count, most), min=1, max=most, description="count", continuous_update=False)
    return explorer(
        lambda lam, wanted: chosen_against_dropped(
            select_neurons(x, identity_related, lam=lam, count=wanted), x, identity_related
        ),
        lam=lam,
        wanted=wanted,
    )
