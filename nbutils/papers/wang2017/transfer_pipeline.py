"""The way of knowledge from classification to other tasks (Wang & Lan 2017, Fig. 1)."""

from __future__ import annotations

from typing import Literal

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

Task = Literal["classification", "alignment", "verification"]

_COLUMNS: dict[Task, float] = {"classification": 0.0, "alignment": 3.2, "verification": 6.4}
_LOSSES: dict[Task, str] = {
    "classification": "H(P, y)",
    "alignment": "‖R − y‖²",
    "verification": "triplet hinge of K",
}
#: Arrows from what a network starts from: both ends, and the bend.
_STARTED = (
    ((-1.0, 0.82), (0.0, 0.82), 0.0),
    ((2.0, 2.62), (3.2, 2.62), 0.0),
    ((2.0, 0.82), (3.2, 0.82), 0.0),
    ((1.0, 3.05), (7.4, 3.05), -0.25),
    ((1.0, 0.4), (7.4, 0.4), 0.25),
)
_INITIALISE, _TEACH = "tab:blue", "tab:red"


def transfer_pipeline_figure(task: Task) -> Figure:
    """Teachers above, students below, one column a task: what starts from what, and who teaches whom.

    Args:
        task: The column to stress.

    Example:
        >>> from nbutils.papers.wang2017 import transfer_pipeline_figure
        >>> len(transfer_pipeline_figure("alignment").axes)
        1
    """
    figure, ax = plt.subplots(figsize=(10, 4.2), layout="constrained")
    for name, x in _COLUMNS.items():
        strong = name == task
        ax.text(x + 1, 4.2, name, ha="center", weight="bold" if strong else "normal")
        _box(ax, x, 2.2, f"teacher\n{_LOSSES[name]}", strong=strong)
        hidden = "" if name == "classification" else " + β hidden"
        _box(ax, x, 0.4, f"student\n{_LOSSES[name]}\n+ α soft{hidden}", strong)
        _arrow(ax, (x + 1, 2.2), (x + 1, 1.25), _TEACH)
        ax.text(x + 1.08, 1.72, "soft" if name == "classification" else "soft, hidden", color=_TEACH, fontsize=9.5)
    _box(ax, -3.0, 0.4, "initial student $W_{S0}$\nH(P, y)", task == "classification")
    for start, end, bend in _STARTED:
        _arrow(ax, start, end, _INITIALISE, bend)
    ax.plot([], [], color=_INITIALISE, label="is started from")
    ax.plot([], [], color=_TEACH, label="teaches, frozen")
    ax.legend(loc="upper left", frameon=False, fontsize=9)
    ax.set(xlim=(-3.2, 8.6), ylim=(-0.5, 4.6))
    ax.axis("off")
    plt.close(figure)
    return figure


def _box(ax: Axes, x: float, y: float, text: str, strong: bool) -> None:
    edge, fill = ("black", "#ffe9b3") if strong else ("grey", "#f4f4f4")
    ax.add_patch(FancyBboxPatch((x, y), 2, 0.85, boxstyle="round,pad=0.0,rounding_size=0.12", ec=edge, fc=fill))
    ax.text(x + 1, y + 0.42, text, ha="center", va="center", fontsize=9.5)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, bend: float = 0.0) -> None:
    style = f"arc3,rad={bend}"
    ax.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=colour, connectionstyle=style, shrinkA=0)
    )
