from itertools import product

import numpy as np

from nbutils.selection import energy
from nbutils.viz import energies_of_choices


def test_every_choice_is_a_point_in_the_band_of_its_count() -> None:
    choices = np.array(list(product((False, True), repeat=5)))
    energies = energy(choices, np.linspace(0.5, 1.5, 5), np.full((5, 5), 0.5), 0.4, 1.0)

    (axes,) = energies_of_choices(choices, energies, np.array([[2.5, 4.0], [2.0, energies.min()]])).axes

    points = np.asarray(axes.collections[0].get_offsets())
    assert np.array_equal(points[:, 1], energies)
    assert np.array_equal(np.round(points[:, 0]), choices.sum(axis=1))
    path, start, end, best = (np.asarray(line.get_xydata()).tolist() for line in axes.lines)
    assert path == [start[0], end[0]] == [[2.5, 4.0], [2.0, energies.min()]]
    assert best == [[choices[energies.argmin()].sum(), energies.min()]]
