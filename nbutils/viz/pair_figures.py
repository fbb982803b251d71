"""The pairs that a threshold gets wrong, beside its place on the ROC curve."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.data.faces import Pairs
from nbutils.evaluation.verification import VerificationResult, equal_error_quantile, wrong_pairs
from nbutils.viz.explorer_widget import Explorer
from nbutils.viz.explorers import explorer, variable_name
from nbutils.viz.picture_grid import PictureGrid

Images = npt.NDArray[np.uint8]


def wrong_pair_faces(
    name: str, result: VerificationResult, images: Images, pairs: Pairs, quantile: float | None = None, shown: int = 10
) -> Figure:
    """A threshold's place on the ROC curve, and the faces of the pairs that it gets most wrong, with their distances.

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
    return _WrongPairView(images, pairs, shown).show(name, result, quantile)


def pair_explorer(results: Mapping[str, VerificationResult], images: Images, pairs: Pairs) -> Explorer:
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
        >>> [control["label"] for control in pair_explorer({"T1": result}, images, pairs).controls]
        ['model', 'accepted']
    """
    names = list(results)
    view = _WrongPairView(images, pairs, shown=10)
    given, of_images, of_pairs = (
        variable_name(value, name) for value, name in ((results, "results"), (images, "images"), (pairs, "pairs"))
    )
    return explorer(
        lambda model, accepted: view.show(model, results[model], accepted),
        lambda model, accepted: (
            f"viz.wrong_pair_faces({model!r}, {given}[{model!r}], {of_images}, {of_pairs}, {accepted:.2f})"
        ),
        model=widgets.Dropdown(options=names, value=names[-1], description="model"),
        accepted=widgets.FloatSlider(
            value=round(equal_error_quantile(results[names[-1]]), 2), min=0, max=1, step=0.01, description="accepted"
        ),
    )


class _WrongPairView:
    """The figure of `wrong_pair_faces`, to show one threshold after another."""

    def __init__(self, images: Images, pairs: Pairs, shown: int) -> None:
        self.images, self.pairs, self.shown = images, pairs, shown
        self.figure = plt.figure(figsize=(10, 4.2), layout="constrained")
        places = self.figure.add_gridspec(2, 2, width_ratios=[1, 2])
        self.curve = self.figure.add_subplot(places[:, 0])
        (self.roc,) = self.curve.plot([], [])
        (self.point,) = self.curve.plot([], [], "o", color="black")
        self.curve.set(
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
            xticks=(0, 0.5, 1),
            yticks=(0, 0.5, 1),
            xlabel="mismatched pairs accepted",
            ylabel="matched pairs accepted",
        )
        self.curve.grid(alpha=0.3)
        size = images.shape[1:3]
        self.rejected, self.accepted = (
            PictureGrid(self.figure.add_subplot(places[row, 1]), 2, shown, (size[0], size[1]), enlarged=False)
            for row in (0, 1)
        )
        # Texts of their own: labels of ticks would be measured at every drawing.
        self.distances = {
            grid: [
                grid.ax.text(grid.corner(0, i)[0] + grid.width / 2, 1.02 * len(grid.pixels), "", ha="center", va="top")
                for i in range(shown)
            ]
            for grid in (self.rejected, self.accepted)
        }
        for text in (*self.distances[self.rejected], *self.distances[self.accepted]):
            text.set(fontsize=7, in_layout=False)
        self.none = {
            grid: grid.ax.text(0.5, 0.5, "no such pair at this threshold", transform=grid.ax.transAxes, ha="center")
            for grid in (self.rejected, self.accepted)
        }
        plt.close(self.figure)

    def show(self, name: str, result: VerificationResult, quantile: float) -> Figure:
        wrong = wrong_pairs(result, quantile)
        self.roc.set_data(result.false_positive_rate, result.true_positive_rate)
        self.point.set_data([wrong.accepted_share], [1 - wrong.rejected_share])
        self.curve.set_title(f"{name}, threshold {wrong.threshold:.3g}")
        self._draw_pairs(self.rejected, wrong.rejected, result)
        self.rejected.ax.set_title(f"one person, rejected: {wrong.rejected_share:.1%} of matched pairs", fontsize=10)
        self._draw_pairs(self.accepted, wrong.accepted, result)
        self.accepted.ax.set_title(f"two people, accepted: {wrong.accepted_share:.1%} of mismatched pairs", fontsize=10)
        return self.figure

    def _draw_pairs(self, grid: PictureGrid, which: npt.NDArray[np.intp], result: VerificationResult) -> None:
        first = which[: self.shown]
        grid.show([list(self.images[self.pairs.first[first]]), list(self.images[self.pairs.second[first]])])
        for text, distance in zip_longest(self.distances[grid], result.distances[first]):
            text.set_text("" if distance is None else f"{distance:.3g}")
        self.none[grid].set_visible(not len(first))
