"""Figures of the choice that Eq. 2 makes (Luo et al. 2016), and a slider over it."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.selection.neurons import GROUPS, LAMBDA, NeuronSelection, select_neurons, unary_costs
from nbutils.viz.explorer_widget import Explorer, Shown
from nbutils.viz.explorers import explorer, variable_name

FloatArray = npt.NDArray[np.float64]

_STATES = ("chosen", "dropped")
_COLOURS = dict(zip(_STATES, ("tab:blue", "tab:orange"), strict=True))


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
    return _ChoiceView(x, identity_related).show(selection)


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
    above_zero = sweep.loc[sweep[parameter] > 0, parameter]
    figure, axes = plt.subplots(1, len(names), figsize=(3.4 * len(names), 3), layout="constrained", squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        ax.plot(sweep[parameter], sweep[name], marker=".")
        ax.set(xlabel=parameter, ylabel=name)
        ax.grid(alpha=0.3)
        if above_zero.max() >= 100 * above_zero.min():  # zero has its place beside the powers of ten
            ax.set_xscale("symlog", linthresh=above_zero.min())
    plt.close(figure)
    return figure


def selection_explorer(x: FloatArray, identity_related: npt.NDArray[np.bool_], count: int) -> Explorer:
    """Sliders for λ and the count that solve Eq. 2 again as they move, and say what λ has exchanged.

    λ runs over the powers of ten in which the choice changes: below, Φ alone decides; above, the similarity alone.

    Args:
        x: (neurons, attributes) balanced accuracies.
        identity_related: (attributes,) True for IA.
        count: Neurons to choose at first. Few can be exchanged where nearly all are chosen: half of them show most.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import selection_explorer
        >>> related = np.array([True, True, False, False])
        >>> accuracies = np.random.default_rng(0).uniform(0.5, 1, (30, 4))
        >>> widget = selection_explorer(accuracies, related, count=10)
        >>> [control["label"] for control in widget.controls]
        ['λ', 'count']
    """
    most = int(np.isfinite(unary_costs(x, identity_related)).sum())
    view = _ChoiceView(x, identity_related)
    given = f"{variable_name(x, 'x')}, {variable_name(identity_related, 'identity_related')}"

    @lru_cache(maxsize=256)
    def choose(lam: float, wanted: int) -> NeuronSelection:
        return select_neurons(x, identity_related, lam=lam, count=wanted)

    def draw(lam: float, wanted: int) -> Shown:
        selection = choose(lam, wanted)
        exchanged = int((selection.mask & ~choose(0.0, wanted).mask).sum())
        says = f"λ = {lam:.3g} exchanges {exchanged} of the {wanted} neurons that Φ alone (λ = 0) chooses."
        return Shown(view.show(selection), says)

    return explorer(
        draw,
        lambda lam, wanted: (
            f"viz.chosen_against_dropped(select_neurons({given}, lam={lam:.4g}, count={wanted}), {given})"
        ),
        lam=widgets.FloatLogSlider(value=LAMBDA, min=-1, max=2, step=0.125, description="λ"),
        wanted=widgets.IntSlider(value=min(count, most), min=1, max=most, description="count"),
    )


class _ChoiceView:
    """The figure of `chosen_against_dropped`, to show one choice after another."""

    def __init__(self, x: FloatArray, identity_related: npt.NDArray[np.bool_]) -> None:
        self.figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
        ia, na = 100 * x[:, identity_related].max(axis=1), 100 * x[:, ~identity_related].max(axis=1)
        self.points = left.scatter(ia, na, s=20, alpha=0.7, edgecolors="white", linewidths=0.3)
        left.axline((60, 60), slope=1, color="grey", linewidth=0.8)
        left.set(xlabel="best IA attribute, balanced accuracy in %", ylabel="best NA attribute, in %")
        places = range(len(GROUPS))
        self.bars = {name: right.barh(places, [0] * len(GROUPS), label=name, color=_COLOURS[name]) for name in _STATES}
        right.set(xlabel="neurons", xlim=(0, 1.02 * len(x)), ylim=(len(GROUPS) - 0.5, -0.5))
        right.set_yticks(places, GROUPS)
        right.legend(loc="lower right", frameon=False)
        plt.close(self.figure)

    def show(self, selection: NeuronSelection) -> Figure:
        chosen = selection.mask
        self.points.set_facecolors([_COLOURS[_STATES[not each]] for each in chosen])
        counts = {
            name: [int((selection.groups[of] == group).sum()) for group in GROUPS]
            for name, of in zip(_STATES, (chosen, ~chosen), strict=True)
        }
        for row, (first, second) in enumerate(zip(*(counts[name] for name in _STATES), strict=True)):
            self.bars["chosen"][row].set_width(first)
            self.bars["dropped"][row].set(x=first, width=second)
        return self.figure
