"""Figures of what neurons respond to (Luo et al. 2016, Figs. 1, 2a and 2b)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.selection.dead import dead_neurons
from nbutils.selection.neurons import GROUPS
from nbutils.viz.explorer_widget import Explorer, Shown
from nbutils.viz.explorers import explorer, variable_name

_LEVELS = ("low", "medium", "high")
#: Attributes that a neuron is shown with.
_BARS = 12


def attribute_dots(best: pd.DataFrame) -> Figure:
    """For each attribute, the balanced accuracy of the best single feature of each representation (Fig. 1).

    Args:
        best: Indexed by attribute; one column a representation, in [0.5, 1].

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import attribute_dots
        >>> best = pd.DataFrame({"T1": [0.6, 0.9], "LBP": [0.55, 0.7]}, index=["Bald", "Male"])
        >>> [label.get_text() for label in attribute_dots(best).axes[0].get_yticklabels()]  # the best comes first
        ['Male', 'Bald']
    """
    order = best.sort_values(best.columns[0], ascending=False)
    y = np.arange(len(order))
    figure, ax = plt.subplots(figsize=(6.8, 0.22 * len(order) + 1.3), layout="constrained")
    ax.hlines(y, 100 * order.min(axis=1), 100 * order.max(axis=1), color="0.75", linewidth=1.5, zorder=1)
    for marker, (name, values) in zip(cycle("osDv"), order.items()):
        ax.plot(100 * values, y, marker, markersize=6, label=str(name))
    ax.set(xlim=(50, 101), ylim=(len(order) - 0.4, -0.6), xlabel="balanced accuracy of the best single feature, %")
    ax.set_yticks(y, [str(name).replace("_", " ") for name in order.index])
    figure.legend(loc="outside lower center", ncols=len(order.columns), frameon=False)
    ax.grid(axis="x", alpha=0.3)
    plt.close(figure)
    return figure


def mean_faces(
    images: npt.NDArray[np.uint8],
    responses: npt.NDArray[np.float32],
    neurons: Sequence[int] | npt.NDArray[np.int64],
    titles: Sequence[str],
) -> Figure:
    """Mean face of the images with the lowest, middle and highest tenth of a neuron's responses (Fig. 2a).

    Args:
        images: (N, H, W, 3) uint8.
        responses: (N, neurons) features.
        neurons: Positions of the neurons to show, one a column.
        titles: One a neuron.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import mean_faces
        >>> images = np.random.default_rng(0).integers(256, size=(20, 8, 8, 3), dtype=np.uint8)
        >>> responses = np.arange(40, dtype=np.float32).reshape(20, 2)
        >>> len(mean_faces(images, responses, [0, 1], ["first", "second"]).axes)  # low, middle and high response of two
        6
    """
    figure, axes = plt.subplots(3, len(neurons), figsize=(1.5 * len(neurons) + 0.8, 5.4), squeeze=False)
    for column, (neuron, title) in enumerate(zip(neurons, titles, strict=True)):
        means = _means_by_level(images, responses[:, neuron])
        for row, (level, mean) in enumerate(zip(_LEVELS, means, strict=True)):
            ax = axes[row, column]
            ax.imshow(mean, interpolation="bicubic")
            ax.set(xticks=[], yticks=[])
            if column == 0:
                ax.set_ylabel(f"{level}\nresponse")
            if row == 0:
                ax.set_title(title, fontsize=10)
    figure.subplots_adjust(wspace=0.05, hspace=0.05, left=0.16 / len(neurons) ** 0.5, right=0.99, bottom=0.01, top=0.9)
    plt.close(figure)
    return figure


def group_heat_map(
    x: npt.NDArray[np.float64],
    groups: npt.NDArray[np.str_],
    identity_related: npt.NDArray[np.bool_],
    names: Sequence[str],
    count: int = 80,
    seed: int = 0,
) -> Figure:
    """Balanced accuracies of random neurons, sorted into the four groups (Fig. 2b).

    Args:
        x: (neurons, attributes) from `attribute_discriminativeness`.
        groups: (neurons,) entries of `GROUPS`.
        identity_related: (attributes,) True for IA; where all are, the group IA is called selective.
        names: Of the attributes.
        count: Neurons to draw.
        seed: Of the drawing.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import group_heat_map
        >>> accuracies = np.random.default_rng(0).uniform(0.5, 1, (30, 4))
        >>> groups = np.array(["inhibitive", "IA", "NA"] * 10)
        >>> related, names = np.array([True, True, False, False]), ("Male", "Bald", "Smiling", "Blurry")
        >>> figure = group_heat_map(accuracies, groups, related, names, count=30)
        >>> sorted(text.get_text().split()[0] for text in figure.axes[0].texts)
        ['IA', 'NA', 'inhibitive']
    """
    drawn = np.sort(np.random.default_rng(seed).choice(len(x), min(count, len(x)), replace=False))
    drawn = drawn[np.argsort([GROUPS.index(str(g)) for g in groups[drawn]], kind="stable")]
    rows = np.argsort(~identity_related, kind="stable")
    figure, ax = plt.subplots(figsize=(10, 0.22 * len(names) + 1.6), layout="constrained")
    labels = [names[i].replace("_", " ") for i in rows]
    sns.heatmap(
        100 * x[drawn][:, rows].T,
        ax=ax,
        cmap="viridis",
        vmin=50,
        yticklabels=labels,
        xticklabels=False,
        cbar_kws={"label": "balanced accuracy, %"},
    )
    ax.tick_params(axis="y", labelsize=9)
    divided = not identity_related.all()
    if divided:
        ax.axhline(identity_related.sum(), color="white", linewidth=2)
    edge = 0
    for group in GROUPS:
        width = int((groups[drawn] == group).sum())
        if width:
            ax.axvline(edge, color="white", linewidth=2)
            label = group if divided or group != "IA" else "selective"
            ax.text(edge + width / 2, -0.5, f"{label}\n{width}", ha="center", va="bottom", fontsize=10)
        edge += width
    line = "; IA attributes above the line, NA below" if divided else ""
    ax.set_xlabel(f"{len(drawn)} random neurons of {len(x)}, in groups{line}")
    plt.close(figure)
    return figure


def neuron_browser(
    images: npt.NDArray[np.uint8],
    responses: npt.NDArray[np.float32],
    x: npt.NDArray[np.float64],
    names: tuple[str, ...],
) -> Explorer:
    """One neuron at a time: its mean faces at low, medium and high response, and its best attributes.

    A dead neuron, which responds to every face alike, has neither, and is said to be dead. Arguments as `neuron_view`.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import neuron_browser
        >>> images = np.random.default_rng(0).integers(256, size=(20, 8, 8, 3), dtype=np.uint8)
        >>> responses = np.arange(40, dtype=np.float32).reshape(20, 2)
        >>> widget = neuron_browser(images, responses, np.array([[0.9, 0.5], [0.5, 0.8]]), ("Male", "Bald"))
        >>> widget.inputs["neuron"].value  # the neuron with the best attribute
        0
    """
    dead = dead_neurons(responses)
    view = _NeuronView(images.shape[1:3], names)
    given = ", ".join(
        variable_name(value, name)
        for value, name in ((images, "images"), (responses, "responses"), (x, "x"), (names, "names"))
    )

    def draw(neuron: int) -> Shown:
        if dead[neuron]:
            among = f"{dead.sum()} of {len(x)} are"
            return Shown(None, f"Neuron {neuron} is dead: it responds to every face alike, as {among}.")
        return Shown(view.show(images, responses, x, neuron))

    best = int(np.where(dead, 0, x.max(axis=1)).argmax())
    return explorer(
        draw,
        lambda neuron: f"viz.neuron_view({given}, {neuron})",
        neuron=widgets.IntSlider(value=best, min=0, max=len(x) - 1, description="neuron"),
    )


def neuron_view(
    images: npt.NDArray[np.uint8],
    responses: npt.NDArray[np.float32],
    x: npt.NDArray[np.float64],
    names: tuple[str, ...],
    neuron: int,
) -> Figure:
    """What one neuron responds to: its mean faces at low, medium and high response, and its best attributes.

    Args:
        images: (N, H, W, 3) uint8.
        responses: (N, neurons) features.
        x: (neurons, attributes) balanced accuracies.
        names: Of the attributes.
        neuron: Which.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import neuron_view
        >>> images = np.random.default_rng(0).integers(256, size=(20, 8, 8, 3), dtype=np.uint8)
        >>> responses = np.arange(40, dtype=np.float32).reshape(20, 2)
        >>> figure = neuron_view(images, responses, np.array([[0.9, 0.5], [0.5, 0.8]]), ("Male", "Bald"), 1)
        >>> figure.axes[3].get_title()
        'neuron 1'
    """
    return _NeuronView(images.shape[1:3], names).show(images, responses, x, neuron)


def neuron_bars(accuracies: npt.NDArray[np.float64], names: tuple[str, ...], most: int = _BARS) -> Figure:
    """The attributes that one neuron predicts best.

    Args:
        accuracies: (attributes,) balanced accuracies of the neuron.
        names: Of the attributes.
        most: Bars.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import neuron_bars
        >>> figure = neuron_bars(np.array([0.9, 0.6, 0.7]), ("Male", "Bald", "Smiling"), most=2)
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['Male', 'Smiling']
    """
    order = np.argsort(-accuracies)[:most]
    figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
    ax.barh([names[i].replace("_", " ") for i in order], 100 * accuracies[order])
    ax.invert_yaxis()
    ax.set(xlim=(50, 100), xlabel="balanced accuracy, %")
    plt.close(figure)
    return figure


class _NeuronView:
    """The figure of `neuron_view`, to show one neuron after another."""

    def __init__(self, shape: tuple[int, ...], names: tuple[str, ...]) -> None:
        self.names = [name.replace("_", " ") for name in names]
        shown = min(_BARS, len(names))
        self.figure = plt.figure(figsize=(7.4, 4.8), layout="constrained")
        places = self.figure.add_gridspec(3, 2, width_ratios=[1, 3])
        self.faces = []
        for row, level in enumerate(_LEVELS):
            ax = self.figure.add_subplot(places[row, 0])
            self.faces.append(ax.imshow(np.zeros((*shape, 3)), interpolation="bicubic"))
            ax.set(xticks=[], yticks=[], ylabel=f"{level}\nresponse")
        self.ax = self.figure.add_subplot(places[:, 1])
        self.bars = self.ax.barh(range(shown), np.zeros(shown))
        self.ax.set(xlim=(50, 100), xlabel="balanced accuracy, %", ylim=(shown - 0.4, -0.6))
        # Whatever names follow have room beside the longest.
        self.ax.set_title("neuron")
        self.ax.set_yticks(range(shown), sorted(self.names, key=len)[-shown:])
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")
        plt.close(self.figure)

    def show(
        self,
        images: npt.NDArray[np.uint8],
        responses: npt.NDArray[np.float32],
        x: npt.NDArray[np.float64],
        neuron: int,
    ) -> Figure:
        for face, mean in zip(self.faces, _means_by_level(images, responses[:, neuron]), strict=True):
            face.set_data(mean)
        order = np.argsort(-x[neuron])[: len(self.bars)]
        for bar, value in zip(self.bars, x[neuron, order], strict=True):
            bar.set_width(100 * value)
        self.ax.set_yticklabels([self.names[i] for i in order])
        self.ax.set_title(f"neuron {neuron}")
        return self.figure


def _means_by_level(images: npt.NDArray[np.uint8], responses: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float64]]:
    """Mean faces, in [0, 1], of the lowest, middle and highest tenth of one neuron's responses."""
    tenth = max(len(images) // 10, 1)
    middle = (len(images) - tenth) // 2
    order = np.argsort(responses, kind="stable")
    return [images[part].mean(axis=0) / 255 for part in (order[:tenth], order[middle : middle + tenth], order[-tenth:])]
