"""Mean field for the choice of neurons, the energy of Luo et al. 2016 (Eq. 2) closed by a cost of not choosing.

For y in {0, 1}^N, 1 meaning chosen::

    E(y) = sum_i f_i y_i + sum_i c (1 - y_i) + lam / (N - 1) sum_i sum_{j != i} Psi_ij y_i y_j

The paper's sums over pairs grow with N, and its Psi is close to 1 for most pairs, since x lies in [0.5, 1].
So `lam` here multiplies a neuron's *mean* similarity to the others (its Psi summed over the chosen ones,
divided by N - 1): it means the same for 12 neurons and for 3,072. The paper's own lambda is lam / (N - 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit, rel_entr

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Temperatures of the annealing, in units of the costs, where a neutral neuron costs 1 and is the softest choice.
TEMPERATURES: tuple[float, ...] = tuple(0.5**step for step in range(8))
_SWEEPS = 50
_TOLERANCE = 1e-3
_IMPROVES = -1e-12


@dataclass(frozen=True, eq=False)
class MeanField:
    """A solution of `mean_field` for N neurons."""

    chosen: BoolArray
    """(N,) the choice y."""
    marginals: FloatArray
    """(N,) probability q_i of being chosen in the field of the final choice, at the last temperature."""
    energy: float
    """E(y) of the choice."""
    trace: FloatArray
    """Free energy after every sweep, never rising; its last entry is `energy`."""
    cost_of_not_choosing: float
    """c: as given, or the one at which the wanted count is chosen."""


def energy(
    y: npt.ArrayLike, unary: FloatArray, pairwise: FloatArray, lam: float, cost_of_not_choosing: float
) -> FloatArray:
    """E(y) of one choice, or of many at once.

    Args:
        y: (..., N) choices, 0 or 1 (or marginals between, which give the expected energy).
        unary: (N,) costs f of choosing; +inf for a neuron that can never be chosen.
        pairwise: (N, N) symmetric similarities Psi; the diagonal is ignored.
        lam: weight of the mean similarity.
        cost_of_not_choosing: c, the cost of every neuron left out.

    Returns:
        (...) energies.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import energy
        >>> unary = np.array([0.5, 2.0])
        >>> choices = [[0, 0], [1, 0], [0, 1], [1, 1]]
        >>> energy(choices, unary, np.zeros((2, 2)), lam=0.1, cost_of_not_choosing=1.0)  # best: the first neuron alone
        array([2. , 1.5, 3. , 2.5])
    """
    y = np.asarray(y, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        costs = np.where(y > 0, y * unary, 0.0) + cost_of_not_choosing * (1 - y)
    pairs = ((y @ pairwise - y * np.diagonal(pairwise)) * y).sum(axis=-1)
    return np.asarray(costs.sum(axis=-1) + lam / max(len(unary) - 1, 1) * pairs)


def similarity(discriminativeness: FloatArray) -> FloatArray:
    """Psi_ij = exp(-||x_i - x_j||² / 2) of Eq. 2, with zeros on the diagonal.

    Args:
        discriminativeness: (N, attributes) vectors x.

    Returns:
        (N, N) symmetric similarities in [0, 1].

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import similarity
        >>> similarity(np.array([[0.5, 0.9], [0.5, 0.9], [0.9, 0.5]])).round(2)
        array([[0.  , 1.  , 0.85],
               [1.  , 0.  , 0.85],
               [0.85, 0.85, 0.  ]])
    """
    x = discriminativeness - discriminativeness.mean(axis=0)
    half = (x**2).sum(axis=1) / 2
    psi: FloatArray = x @ x.T
    psi -= half[:, None]
    psi -= half
    np.minimum(psi, 0, out=psi)
    np.exp(psi, out=psi)
    np.fill_diagonal(psi, 0)
    return psi


def mean_field(
    unary: FloatArray,
    pairwise: FloatArray,
    lam: float,
    cost_of_not_choosing: float = 1.0,
    count: int | None = None,
) -> MeanField:
    """Minimise E(y) by mean field (Jordan et al. 1999), annealed from temperature 1 to 1/128.

    Marginals q_i minimise the free energy E(q) + T KL(q || 1/2), in parallel: each sweep moves the logits part of
    the way to -field / T. The step is the exact minimiser of an upper bound of the free energy, so no sweep raises
    it; nor does cooling, as KL >= 0. Psi is positive semi-definite, which makes the free energy convex for
    T >= lam / (2 (N - 1)): there the solution depends on no order and no start. Neurons with q > 1/2 are chosen;
    then single flips and exchanges of two neurons go on for as long as one lowers E(y).

    With a `count`, every sweep keeps sum(q) = count: the cost of not choosing becomes the Lagrange multiplier of the
    count. The neurons of the highest marginals are chosen (equal ones by index) and only exchanges follow.
    The cost reported lies midway between the fields of the last neuron chosen and the first one left out.

    Args:
        unary: (N,) costs of choosing; +inf for a neuron that can never be chosen.
        pairwise: (N, N) symmetric similarities in [0, 1] with a zero diagonal (see `similarity`).
        lam: weight of the mean similarity, at least 0.
        cost_of_not_choosing: c; without effect where a count is given.
        count: the wanted number, from 1 to the number of finite costs.

    Returns:
        The choice with its marginals, energy and trace.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import mean_field
        >>> solution = mean_field(np.array([0.5, 2.0, 0.7]), np.zeros((3, 3)), lam=0.1)
        >>> solution.chosen, round(solution.energy, 2)
        (array([ True, False,  True]), 2.2)
    """
    able = np.isfinite(unary)
    neurons = len(unary)
    costs = np.asarray(unary[able], dtype=np.float64)
    psi = pairwise if able.all() else pairwise[np.ix_(able, able)]
    weight = lam / max(neurons - 1, 1)

    trace, q = _anneal(costs, psi, weight, cost_of_not_choosing, count)
    y = q > 0.5 if count is None else _highest(q, count)
    y, field = _descend(y, costs, psi, weight, cost_of_not_choosing if count is None else None)
    cost = cost_of_not_choosing if count is None else _multiplier(y, field)
    offset = cost * ((neurons - len(costs)) if count is None else (neurons - count))

    chosen, marginals = np.zeros(neurons, dtype=np.bool_), np.zeros(neurons)
    chosen[able] = y
    marginals[able] = expit((cost - field) / TEMPERATURES[-1])
    final = float(energy(chosen, unary, pairwise, lam, cost))
    return MeanField(chosen, marginals, final, np.append(np.array(trace) + offset, final), cost)


def _anneal(
    costs: FloatArray, psi: FloatArray, weight: float, cost: float, count: int | None
) -> tuple[list[float], FloatArray]:
    """The free energy after every sweep, and the marginals at the last temperature."""
    neurons = len(costs)
    trace: list[float] = []
    q = np.full(neurons, 0.5 if count is None else count / max(neurons, 1))
    if neurons == 0 or count == neurons:
        return trace, q
    # The mean similarity acts on the number chosen alone, which each sweep solves exactly. Only the rest of Psi,
    # much smaller, needs damping: by half a bound of its largest eigenvalue, as KL has curvature 4 or more.
    mean = weight * float(psi.sum()) / max(neurons * (neurons - 1), 1)
    damping = float(np.abs(weight * psi - mean).sum(axis=1).max()) / 2
    logits = logit(q)
    for temperature in TEMPERATURES:
        for _ in range(_SWEEPS):
            pairs = weight * (psi @ q)
            entropy = float((rel_entr(q, 0.5) + rel_entr(1 - q, 0.5)).sum())
            unpaired = q @ costs + (0.0 if count is not None else cost * float((1 - q).sum()))
            trace.append(float(unpaired + q @ pairs) + temperature * entropy)
            field = costs + 2 * (pairs - mean * q.sum()) - (cost if count is None else 0.0)
            logits = (damping * logits - field) / (temperature + damping)
            logits += _shift(logits, count, 2 * mean / (temperature + damping))
            before, q = q, expit(logits)
            if np.abs(q - before).max() < _TOLERANCE:
                break
    return trace, q


def _shift(logits: FloatArray, count: int | None, slope: float) -> float:
    """The shift t of all logits: to sum(q) = count, or, free, to t = -slope sum(q)."""
    if count is not None:
        return float(brentq(lambda t: expit(logits + t).sum() - count, -logits.max() - 40, -logits.min() + 40))
    if slope == 0:
        return 0.0
    return float(brentq(lambda t: expit(logits + t).sum() + t / slope, -slope * len(logits), 0.0))


def _highest(q: FloatArray, count: int) -> BoolArray:
    y = np.zeros(len(q), dtype=np.bool_)
    y[np.argsort(-q, kind="stable")[:count]] = True
    return y


def _descend(
    y: BoolArray, costs: FloatArray, psi: FloatArray, weight: float, cost: float | None
) -> tuple[BoolArray, FloatArray]:
    """Flip (if a cost is given) or exchange neurons, the best move first, while E(y) falls; y and its field."""
    y = y.copy()
    field = costs + 2 * weight * (psi @ y)
    while True:
        best, flips = _best_exchange(y, field, psi, weight)
        if cost is not None and len(y):
            changes = np.where(y, cost - field, field - cost)
            first = int(changes.argmin())
            if changes[first] <= best:
                best, flips = float(changes[first]), [first]
        if best > _IMPROVES:
            return y, field
        for neuron in flips:
            y[neuron] = ~y[neuron]
            field += 2 * weight * psi[neuron] * (1 if y[neuron] else -1)


def _best_exchange(y: BoolArray, field: FloatArray, psi: FloatArray, weight: float) -> tuple[float, list[int]]:
    """The exchange of a chosen neuron for another that lowers E(y) most, and by how much."""
    if y.all() or not y.any():
        return 0.0, []
    # An exchange gains at most 2 weight (as Psi <= 1) over the difference of the fields: few pairs can gain.
    out = np.flatnonzero(y & (field > field[~y].min() - 2 * weight))
    into = np.flatnonzero(~y & (field < field[y].max() + 2 * weight))
    if not (len(out) and len(into)):
        return 0.0, []
    changes = field[into] - field[out][:, None] - 2 * weight * psi[np.ix_(out, into)]
    row, column = np.unravel_index(changes.argmin(), changes.shape)
    return float(changes[row, column]), [int(out[row]), int(into[column])]


def _multiplier(y: BoolArray, field: FloatArray) -> float:
    """A cost of not choosing at which no single flip of y lowers E(y)."""
    last = float(field[y].max())
    return (last + float(field[~y].min())) / 2 if not y.all() else last + TEMPERATURES[-1]
