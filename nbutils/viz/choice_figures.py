"""All choices of a few neurons by their energy, and the way that mean field takes among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

FloatArray = npt.NDArray[np.float64]

#: Width of the band in which the choices of one count are spread.
_BAND = 0.7


def energies_of_choices(choices: npt.NDArray[np.bool_], energies: FloatArray, path: FloatArray) -> Figure:
    """Every choice by its count and energy (Luo et al. 2016, Eq. 2), with a path of marginals among them.

    Args:
        choices: (choices, N), all of them.
        energies: (choices,) E(y).
        path: (steps, 2) sum of the marginals and their expected energy; the last step is where it ends.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import energies_of_choices
        >>> choices = np.array([[False, False], [False, True], [True, False], [True, True]])
        >>> figure = energies_of_choices(choices, np.array([2.0, 1.5, 3.0, 2.5]), np.array([[1.0, 2.2], [1.0, 1.5]]))
        >>> figure.axes[0].get_xlabel()
        'neurons chosen'
    """
    figure, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    counts, best = choices.sum(axis=1), int(energies.argmin())
    # Within a band the choices stand in the order of their energies, so that one lies beside the other.
    place = np.empty(len(counts))
    for count in np.unique(counts):
        members = np.flatnonzero(counts == count)
        place[members[np.argsort(energies[members])]] = np.linspace(-0.5, 0.5, len(members)) * (len(members) > 1)
    ax.scatter(counts + _BAND * place, energies, s=4, color="0.7", linewidths=0, label=f"{len(choices):,} choices")
    ax.plot(*path.T, color="C0", linewidth=1.5, label="mean field, expected energy")
    ax.plot(*path[0], marker="s", color="C0", linestyle="", label="its start")
    ax.plot(*path[-1], "oC1", fillstyle="none", markersize=12, markeredgewidth=2, label="its end")
    ax.plot(counts[best], energies[best], marker="x", color="black", linestyle="", label="the best choice")
    ax.set(xlabel="neurons chosen", ylabel="energy E(y)", xticks=range(choices.shape[1] + 1))
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    plt.close(figure)
    return figure
