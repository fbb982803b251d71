from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from nbutils.errors import ParameterError
from nbutils.selection import drop_inhibitive, energy, mean_field, select_neurons, similarity, unary_costs

IA = np.array([True] * 4 + [False] * 3)
Floats = npt.NDArray[np.float64]


def _accuracies(neurons: int, seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(0.5, 1.0, (neurons, 7))


def _direct_energy(y: Floats, costs: Floats, psi: Floats, lam: float, not_choosing: float) -> float:
    """E(y) of Eq. 2 by loops: λ multiplies the mean similarity, each neuron left out costs `not_choosing`."""
    n = len(y)
    total = 0.0
    for i in range(n):
        total += costs[i] if y[i] else not_choosing
        for j in range(n):
            if i != j:
                total += lam / (n - 1) * psi[i, j] * y[i] * y[j]
    return total


def test_similarity_is_the_gaussian_of_eq_2() -> None:
    x = _accuracies(5, 0)
    expected = np.exp(-0.5 * ((x[:, None] - x[None]) ** 2).sum(axis=2)) * (1 - np.eye(5))
    np.testing.assert_allclose(similarity(x), expected, atol=1e-12)


def test_unary_cost_is_the_quotient_of_eq_2() -> None:
    x = _accuracies(6, 1)
    expected = [(r[~IA].max() - r[~IA].mean()) / (r[IA].max() - r[IA].mean()) for r in x]
    np.testing.assert_allclose(unary_costs(x, IA), expected)


def test_mean_field_finds_the_best_of_all_4096_subsets() -> None:
    subsets = np.array(list(product([0.0, 1.0], repeat=12)))
    found = 0
    for seed in range(20):
        x = _accuracies(12, seed)
        lam = (0.0, 0.1, 1.0, 5.0)[seed % 4]
        chosen = select_neurons(x, IA, lam=lam)
        costs, psi = unary_costs(x, IA), similarity(x)
        pairs = np.einsum("si,ij,sj->s", subsets, psi, subsets) * lam / 11
        energies = subsets @ costs + (1 - subsets).sum(axis=1) + pairs
        own = _direct_energy(chosen.mask.astype(float), costs, psi, lam, 1.0)
        assert chosen.energy == pytest.approx(own)
        assert own >= energies.min() - 1e-9
        found += bool(own <= energies.min() + 1e-9)
    assert found >= 19


def test_energy_equals_loops() -> None:
    x = _accuracies(8, 3)
    costs, psi = unary_costs(x, IA), similarity(x)
    y = np.array([1, 0, 1, 1, 0, 0, 1, 0], bool)
    assert energy(y, costs, psi, 0.7, 1.3) == pytest.approx(_direct_energy(y.astype(float), costs, psi, 0.7, 1.3))


def test_the_trace_never_rises() -> None:
    for seed in range(5):
        trace = select_neurons(_accuracies(60, seed), IA, lam=2.0).energy_trace
        assert len(trace) > 1
        assert (np.diff(trace) <= 1e-9).all()


def test_without_pairs_the_cheap_ones_are_chosen() -> None:
    x = _accuracies(50, 4)
    chosen = select_neurons(x, IA, lam=0.0, cost_of_not_choosing=0.9)
    np.testing.assert_array_equal(chosen.indices, np.flatnonzero(unary_costs(x, IA) < 0.9))


@pytest.mark.parametrize("count", [1, 7, 30, 59])
def test_the_wanted_count_is_chosen(count: int) -> None:
    assert len(select_neurons(_accuracies(60, 5), IA, count=count).indices) == count


def test_a_constant_neuron_is_never_chosen_and_nothing_is_nan() -> None:
    x = _accuracies(20, 6)
    x[[3, 11]] = 0.5
    chosen = select_neurons(x, IA, count=18)
    assert not {3, 11} & set(chosen.indices.tolist())
    assert np.isfinite(chosen.marginals).all()
    assert np.isposinf(chosen.unary_costs[[3, 11]]).all()
    assert (chosen.groups[[3, 11]] == "inhibitive").all()
    with pytest.raises(ParameterError, match="19"):
        select_neurons(x, IA, count=19)


def test_groups_follow_the_level() -> None:
    x = np.full((4, 7), 0.55)
    x[0, 0] = x[2, 0] = x[1, 5] = x[2, 5] = 0.8
    assert select_neurons(x, IA).groups.tolist() == ["IA", "NA", "IA+NA", "inhibitive"]


def test_without_attributes_inhibitive_neurons_are_dropped_and_it_says_so() -> None:
    x = np.array([[0.5, 0.52], [0.9, 0.5], [0.5, 0.61]])
    chosen = drop_inhibitive(x, selective_at=0.6)
    assert chosen.indices.tolist() == [1, 2]
    assert "inhibitive" in chosen.note
    with pytest.raises(ParameterError):
        drop_inhibitive(x, selective_at=0.95)


@pytest.mark.parametrize("options", [{"lam": -1.0}, {"count": 0}, {"cost_of_not_choosing": -0.1}])
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(options))):
        select_neurons(_accuracies(5, 0), IA, **options)  # type: ignore[arg-type]


def test_mean_field_takes_the_cheaper_of_two_equal_neurons() -> None:
    psi = np.array([[0.0, 1.0], [1.0, 0.0]])
    result = mean_field(np.array([0.5, 0.6]), psi, 10.0, 1.0)
    assert np.flatnonzero(result.chosen).tolist() == [0]
