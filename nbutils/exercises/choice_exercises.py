"""Lesson 3, choosing neurons: the energy of Eq. 2 of Luo et al. 2016, all its choices, and one sweep of mean field."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from nbutils.exercises.base import Arguments, Exercise, Mistake
from nbutils.selection import unary_costs

Array = npt.NDArray[Any]

# --- unary-cost


def _accuracies(rng: np.random.Generator) -> Arguments:
    x = rng.uniform(0.5, 1, size=(int(rng.integers(4, 8)), 9))
    return x, rng.permutation(np.arange(9) < 5)


def _ratio(over: Array, under: Array) -> Array:
    costs: Array = np.divide(over, under, out=np.full(len(over), np.inf), where=under > 1e-12)
    return costs


def _above(x: Array, axis: int = 1) -> Array:
    found: Array = x.max(axis=axis) - x.mean(axis=axis)
    return found


_UNARY = Exercise(
    "unary-cost",
    lambda x, identity_related: unary_costs(x, identity_related),
    _accuracies,
    start="`x[:, identity_related]` are the IA columns. For each neuron: by how much is the best above the mean?",
    also=((np.array([[0.5, 0.5, 0.5, 0.5], [0.9, 0.5, 0.6, 0.5]]), np.array([True, True, False, False])),),
    mistakes=(
        Mistake(
            "A neuron that responds to nothing gets 0 / 0; it must cost infinitely much, so that nobody chooses it.",
            "Where the divisor is 0, put `np.inf`, whatever stands above it.",
            lambda x, related: _above(x[:, ~related]) / _above(x[:, related]),
        ),
        Mistake(
            "The fraction is upside down.",
            "Who should be cheap: a neuron that singles out an IA attribute, or an NA one?",
            lambda x, related: _ratio(_above(x[:, related]), _above(x[:, ~related])),
        ),
        Mistake(
            "These are the maxima alone; their means are not taken off.",
            "A neuron that knows all attributes of a kind equally well singles out none.",
            lambda x, related: x[:, ~related].max(axis=1) / x[:, related].max(axis=1),
        ),
        Mistake(
            "The mean is over all attributes, expected over those of the same kind.",
            "Each maximum has its own mean.",
            lambda x, related: _ratio(
                x[:, ~related].max(axis=1) - x.mean(axis=1), x[:, related].max(axis=1) - x.mean(axis=1)
            ),
        ),
        Mistake(
            "This is the difference; their ratio is asked for.",
            "Look at the fraction bar in Φ.",
            lambda x, related: _above(x[:, ~related]) - _above(x[:, related]),
        ),
    ),
)

# --- pairwise-similarity


def _vectors(rng: np.random.Generator) -> Arguments:
    return (rng.uniform(0.5, 1, size=(int(rng.integers(3, 7)), 8)),)


def _similarity(x: Array) -> Array:
    """Pair by pair."""
    psi = np.zeros((len(x), len(x)))
    for i, own in enumerate(x):
        for j, other in enumerate(x):
            if i != j:
                psi[i, j] = np.exp(-sum((a - b) ** 2 for a, b in zip(own, other, strict=True)) / 2)
    return psi


def _squares(x: Array) -> Array:
    found: Array = np.square(x[:, None] - x[None]).sum(axis=2)
    return found


def _without_diagonal(psi: Array) -> Array:
    found: Array = psi * (1 - np.eye(len(psi)))
    return found


_SIMILARITY = Exercise(
    "pairwise-similarity",
    _similarity,
    _vectors,
    start=(
        "`x[:, None] - x[None]` holds all differences. Square, sum over attributes, halve, "
        "exponentiate; clear the diagonal."
    ),
    mistakes=(
        Mistake(
            "The diagonal is 1: a neuron is no neighbour of its own.",
            "The sum in Eq. 2 runs over j ≠ i.",
            lambda x: np.exp(-_squares(x) / 2),
        ),
        Mistake(
            "The half in the exponent is forgotten.",
            "Look at the factor before the norm.",
            lambda x: _without_diagonal(np.exp(-_squares(x))),
        ),
        Mistake(
            "The distance is not squared.",
            "Is there a root in your norm? The formula has none.",
            lambda x: _without_diagonal(np.exp(-np.sqrt(_squares(x)) / 2)),
        ),
        Mistake(
            "The sign in the exponent is wrong: neurons far from each other come out most similar.",
            "Similarity lies between 0 and 1.",
            lambda x: _without_diagonal(np.exp(_squares(x) / 2)),
        ),
        Mistake(
            "The attributes are averaged, expected their sum.",
            "A squared norm is a sum of squares.",
            lambda x: _without_diagonal(np.exp(-_squares(x) / x.shape[1] / 2)),
        ),
    ),
)

# --- choice-energy


def _graph(rng: np.random.Generator, neurons: int) -> tuple[Array, Array, float, float]:
    """Costs, similarities, λ and the cost of leaving out."""
    costs = rng.uniform(0.3, 1.7, size=neurons)
    half = np.triu(rng.uniform(0.2, 1, size=(neurons, neurons)), 1)
    return costs, half + half.T, float(rng.uniform(0.4, 0.9)), float(rng.uniform(0.9, 1.4))


def _choice(rng: np.random.Generator) -> Arguments:
    neurons = int(rng.integers(4, 9))
    chosen = rng.permutation(np.arange(neurons) < rng.integers(2, neurons))
    return chosen, *_graph(rng, neurons)


def _energy(chosen: Array, costs: Array, similarity: Array, lam: float, left_out: float) -> float:
    """Neuron by neuron, pair by pair."""
    count = len(costs)
    found = 0.0
    for i in range(count):
        found += costs[i] if chosen[i] else left_out
        for j in range(count):
            if i != j and chosen[i] and chosen[j]:
                found += lam / (count - 1) * similarity[i, j]
    return float(found)


def _singles(y: Array, costs: Array, left_out: float) -> float:
    return float(y @ costs + left_out * (1 - y).sum())


def _pairs(y: Array, similarity: Array, lam: float) -> float:
    return float(lam * (y @ similarity @ y) / (len(y) - 1))


_ENERGY = Exercise(
    "choice-energy",
    _energy,
    _choice,
    start=(
        "Three sums: costs of the chosen, `left_out` for each other one, and the similarities of all "
        "ordered pairs chosen."
    ),
    mistakes=(
        Mistake(
            "Each pair is counted once; the double sum meets it twice.",
            "i = 1, j = 2 and i = 2, j = 1 are both in the sum.",
            lambda y, f, psi, lam, c: _singles(1.0 * y, f, c) + _pairs(1.0 * y, psi, lam) / 2,
        ),
        Mistake(
            "The cost of the neurons left out is forgotten.",
            "What is the energy of choosing nothing? Read literally, the paper's is 0, and nothing beats it.",
            lambda y, f, psi, lam, c: _singles(1.0 * y, f, 0.0) + _pairs(1.0 * y, psi, lam),
        ),
        Mistake(
            "λ is not divided by N − 1.",
            "λ multiplies the mean similarity to the others: how many others are there?",
            lambda y, f, psi, lam, c: _singles(1.0 * y, f, c) + (len(f) - 1) * _pairs(1.0 * y, psi, lam),
        ),
        Mistake(
            "λ is divided by N, expected by N − 1.",
            "A neuron is no neighbour of its own.",
            lambda y, f, psi, lam, c: _singles(1.0 * y, f, c) + (len(f) - 1) / len(f) * _pairs(1.0 * y, psi, lam),
        ),
        Mistake(
            "The similarities of all neurons are added, also of those left out.",
            "Which factor makes a pair vanish when one of the two is not chosen?",
            lambda y, f, psi, lam, c: _singles(1.0 * y, f, c) + lam / (len(f) - 1) * float(psi.sum()),
        ),
        Mistake(
            "The similarities are missing.",
            "Which term makes two neurons that say the same expensive together?",
            lambda y, f, psi, lam, c: _singles(1.0 * y, f, c),
        ),
    ),
)

# --- best-choice


def _small_graph(rng: np.random.Generator) -> Arguments:
    costs, similarity, lam, left_out = _graph(rng, 6)
    return costs, similarity, 4 * lam, left_out


def _every(neurons: int) -> list[Array]:
    return [np.array(bits, dtype=np.bool_) for bits in product((False, True), repeat=neurons)]


def _best_choice(costs: Array, similarity: Array, lam: float, left_out: float) -> Array:
    """All 2^N choices."""
    return min(_every(len(costs)), key=lambda y: _energy(y, costs, similarity, lam, left_out))


def _descended(costs: Array, similarity: Array, lam: float, left_out: float) -> Array:
    """From nothing chosen, neurons are added as long as one lowers the energy."""
    y = np.zeros(len(costs), dtype=np.bool_)
    while True:
        tried = [np.where(np.arange(len(y)) == i, True, y) for i in np.flatnonzero(~y)]
        better = min(tried, key=lambda each: _energy(each, costs, similarity, lam, left_out), default=y)
        if _energy(better, costs, similarity, lam, left_out) >= _energy(y, costs, similarity, lam, left_out):
            return y
        y = better


_BEST = Exercise(
    "best-choice",
    _best_choice,
    _small_graph,
    start=(
        "`itertools.product((False, True), repeat=N)` lists all choices. Compute the energy of each and "
        "keep the smallest."
    ),
    mistakes=(
        Mistake(
            "Each neuron decides by its own cost; the similarities play no part.",
            "Two cheap neurons may be too much alike. Compare whole choices, not single neurons.",
            lambda f, psi, lam, c: f < c,
        ),
        Mistake(
            "Neurons are added one by one; an early choice is never taken back.",
            "Greedy is fast and may miss the best. There are only 2^N choices: try all.",
            _descended,
        ),
        Mistake(
            "This is the choice of the highest energy.",
            "Minimise, do not maximise.",
            lambda f, psi, lam, c: max(_every(len(f)), key=lambda y: _energy(y, f, psi, lam, c)),
        ),
        Mistake(
            "These are the neurons left out.",
            "True means chosen.",
            lambda f, psi, lam, c: ~_best_choice(f, psi, lam, c),
        ),
    ),
    limit_s=60,
)

# --- mean-field-sweep


def _marginals(rng: np.random.Generator) -> Arguments:
    neurons = int(rng.integers(4, 9))
    return rng.uniform(0.1, 0.9, size=neurons), *_graph(rng, neurons), float(rng.uniform(0.3, 0.8))


def _sweep(q: Array, costs: Array, similarity: Array, lam: float, left_out: float, temperature: float) -> Array:
    """By differences of the expected energy: neuron i chosen, less i left out, all others as likely as q says."""
    found = []
    for i in range(len(q)):
        ends = [np.where(np.arange(len(q)) == i, value, q) for value in (0.0, 1.0)]
        energies = [_singles(y, costs, left_out) + _pairs(y, similarity, lam) for y in ends]
        found.append(1 / (1 + np.exp((energies[1] - energies[0]) / temperature)))
    return np.array(found)


def _field(q: Array, costs: Array, similarity: Array, lam: float) -> Array:
    found: Array = costs + 2 * lam / (len(q) - 1) * (similarity @ q)
    return found


def _in_turn(q: Array, costs: Array, similarity: Array, lam: float, left_out: float, temperature: float) -> Array:
    q = q.copy()
    for i in range(len(q)):
        q[i] = expit((left_out - _field(q, costs, similarity, lam)[i]) / temperature)
    return q


_SWEEP = Exercise(
    "mean-field-sweep",
    _sweep,
    _marginals,
    start="Compute all fields from the old q, then q = σ((left_out − field) / T), with σ(z) = 1 / (1 + exp(−z)).",
    mistakes=(
        Mistake(
            "The factor 2 before the similarities is missing.",
            "How often does the double sum of E hold the pair of i and j?",
            lambda q, f, psi, lam, c, t: expit((c - f - lam / (len(q) - 1) * (psi @ q)) / t),
        ),
        Mistake(
            "The sign is wrong: expensive neurons come out likely.",
            "Should a neuron with a large field be chosen or not?",
            lambda q, f, psi, lam, c, t: expit((_field(q, f, psi, lam) - c) / t),
        ),
        Mistake(
            "The temperature is forgotten.",
            "At T → 0 every q becomes 0 or 1. Where does T divide?",
            lambda q, f, psi, lam, c, t: expit(c - _field(q, f, psi, lam)),
        ),
        Mistake(
            "λ is not divided by N − 1.",
            "λ multiplies the mean similarity to the others: how many others are there?",
            lambda q, f, psi, lam, c, t: expit((c - f - 2 * lam * (psi @ q)) / t),
        ),
        Mistake(
            "The cost of leaving a neuron out is forgotten.",
            "A neuron is chosen when that is cheaper than leaving it out.",
            lambda q, f, psi, lam, c, t: expit(-_field(q, f, psi, lam) / t),
        ),
        Mistake(
            "The new q are used before the sweep ends; here all neurons look at the old ones.",
            "One sweep is one line for all neurons at once. (In turn it would work too, but it is another order.)",
            _in_turn,
        ),
        Mistake(
            "The neighbours are taken as if all were chosen.",
            "How likely is neuron j to be there? That weighs its similarity.",
            lambda q, f, psi, lam, c, t: expit((c - _field(np.ones_like(q), f, psi, lam)) / t),
        ),
    ),
)

#: In the order of the lesson.
CHOICE = (_UNARY, _SIMILARITY, _ENERGY, _BEST, _SWEEP)
