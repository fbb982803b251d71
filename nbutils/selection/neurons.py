"""Neuron selection: which of a teacher's hidden features a student regresses (Luo et al. 2016, Eq. 2)."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nbutils.errors import ParameterError
from nbutils.selection.mean_field_inference import mean_field, similarity

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: The four groups of neurons of Luo et al.'s Fig. 2b, in its order.
GROUPS: tuple[str, ...] = ("IA", "NA", "IA+NA", "inhibitive")

#: Balanced accuracy from which a neuron counts as selective to an attribute; see `select_neurons`.
SELECTIVE_AT = 0.6

#: λ of Eq. 2 where none is given, times a neuron's mean similarity to the others; the paper prints none.
LAMBDA = 0.1

#: Differences of a maximum and a mean below this are rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class NeuronSelection:
    """The neurons chosen, and why. Arrays of length N have one entry for every neuron of the teacher."""

    indices: npt.NDArray[np.int64]
    """(chosen,) the chosen neurons, ascending."""
    marginals: FloatArray
    """(N,) q_i, the probability of being chosen in the field of the others; above 1/2 where chosen."""
    unary_costs: FloatArray
    """(N,) f(x_i) of Eq. 2; +inf for a neuron that is never chosen."""
    groups: npt.NDArray[np.str_]
    """(N,) one of `GROUPS`."""
    energy_trace: FloatArray
    """Free energy after every sweep, never rising, ending with `energy`; empty without mean field."""
    rule: str
    """``"mean field"``, ``"inhibitive dropped"`` or ``"random"``."""
    note: str
    """What a reader must know of the way this choice was made, as a sentence."""
    selective_at: FloatArray
    """(attributes,) balanced accuracy from which a neuron was selective."""
    energy: float | None = None
    """E(y) of the choice (see `nbutils.selection.mean_field_inference`)."""
    lam: float | None = None
    """Weight of the mean similarity."""
    cost_of_not_choosing: float | None = None
    """As given, or found for the wanted count."""

    @property
    def mask(self) -> BoolArray:
        """(N,) True where chosen."""
        chosen = np.zeros(len(self.groups), dtype=np.bool_)
        chosen[self.indices] = True
        return chosen

    def on(self, faces: str) -> NeuronSelection:
        """The same, with a note that says on which faces the choice was made."""
        return replace(self, note=f"{self.note} Chosen on {faces}")


def unary_costs(discriminativeness: npt.ArrayLike, identity_related: npt.ArrayLike) -> FloatArray:
    """f(x) of Eq. 2: (max - mean) of x over the NA attributes, divided by the same over the IA attributes.

    Small for neurons that single out an identity-related attribute, large for those that single out a non-related
    one; 1 is neutral. Where x is the same for all IA attributes, as for a constant neuron (0 / 0), it is +inf.

    Args:
        discriminativeness: (neurons, attributes) balanced accuracies in [0.5, 1].
        identity_related: (attributes,) True for IA, False for NA; at least two of each.

    Returns:
        (neurons,) costs, at least 0, never NaN.

    Raises:
        ParameterError: the shapes disagree, an accuracy lies outside [0.5, 1], or IA or NA has fewer than two.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import unary_costs
        >>> accuracies = np.array([[0.9, 0.5, 0.6, 0.5], [0.6, 0.5, 0.9, 0.5], [0.5, 0.5, 0.5, 0.5]])
        >>> unary_costs(accuracies, [True, True, False, False])  # an IA neuron, an NA neuron, a constant one
        array([0.25, 4.  ,  inf])
    """
    x = _check_discriminativeness(discriminativeness)
    related = _check_partition(identity_related, x.shape[1])
    above_ia = x[:, related].max(axis=1) - x[:, related].mean(axis=1)
    above_na = x[:, ~related].max(axis=1) - x[:, ~related].mean(axis=1)
    costs = np.full(len(x), np.inf)
    np.divide(np.maximum(above_na, 0), above_ia, out=costs, where=above_ia > _ROUNDING)
    return costs


def neuron_groups(
    discriminativeness: npt.ArrayLike,
    identity_related: npt.ArrayLike,
    *,
    selective_at: npt.ArrayLike = SELECTIVE_AT,
) -> npt.NDArray[np.str_]:
    """The group of every neuron: selective to some IA, some NA, both, or (inhibitive) to no attribute.

    Args:
        discriminativeness: (neurons, attributes) balanced accuracies in [0.5, 1].
        identity_related: (attributes,) True for IA, False for NA.
        selective_at: the accuracy from which a neuron is selective to an attribute: one, or (attributes,).

    Returns:
        (neurons,) entries of `GROUPS`.

    Raises:
        ParameterError: the shapes disagree, or a value lies outside its range.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import neuron_groups
        >>> accuracies = np.array([[0.9, 0.5], [0.5, 0.8], [0.7, 0.7], [0.5, 0.5]])
        >>> neuron_groups(accuracies, np.array([True, False])).tolist()
        ['IA', 'NA', 'IA+NA', 'inhibitive']
    """
    x = _check_discriminativeness(discriminativeness)
    related = _as_partition(identity_related, x.shape[1])
    selective = x >= _check_level(selective_at, x.shape[1])
    to_ia, to_na = selective[:, related].any(axis=1), selective[:, ~related].any(axis=1)
    names: npt.NDArray[np.str_] = np.array(GROUPS)[np.select([to_ia & to_na, to_ia, to_na], [2, 0, 1], default=3)]
    return names


def select_neurons(
    discriminativeness: npt.ArrayLike,
    identity_related: npt.ArrayLike,
    *,
    lam: float = LAMBDA,
    cost_of_not_choosing: float = 1.0,
    count: int | None = None,
    selective_at: npt.ArrayLike = SELECTIVE_AT,
) -> NeuronSelection:
    """Choose neurons by mean field on the fully connected graph of Luo et al. 2016 (Eq. 2).

    The paper leaves three things open, which are parameters here. Read literally, choosing nothing is optimal: so
    every neuron left out costs `cost_of_not_choosing`, 1 being the cost f of a neutral neuron; or a `count` is
    wanted, and the cost that yields it is found. The weight of the pairs, `lam`, multiplies a neuron's mean
    similarity to the others (see `nbutils.selection.mean_field_inference`); at the default, a neuron that resembles
    all others must be 0.2 better than neutral to be chosen along with them, which leaves most neurons of a good
    teacher in, as in the paper. Inhibitive neurons take part with the cost that Eq. 2 gives them, unless that is
    0 / 0.

    The groups describe the choice and do not enter it. The default level of 0.6 is above chance for attributes with
    100 images or more; `chance_level` gives the level that the images at hand call for.

    Args:
        discriminativeness: (neurons, attributes) balanced accuracies from `attribute_discriminativeness`.
        identity_related: (attributes,) True for IA, False for NA; at least two of each.
        lam: weight of the mean similarity, at least 0.
        cost_of_not_choosing: cost of each neuron left out, at least 0; without effect where a count is given.
        count: the wanted number of neurons, from 1 to the number whose cost is finite.
        selective_at: the accuracy from which a neuron is selective to an attribute: one, or (attributes,).

    Returns:
        The selection; `energy_trace`, `marginals` and `cost_of_not_choosing` are those of the solution.

    Raises:
        ParameterError: a parameter is out of its range, the shapes disagree, or too few neurons respond.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import select_neurons
        >>> accuracies = np.array([[0.9, 0.5, 0.55, 0.5], [0.55, 0.5, 0.9, 0.5], [0.8, 0.5, 0.5, 0.55]])
        >>> selection = select_neurons(accuracies, [True, True, False, False])
        >>> selection.indices, selection.unary_costs.round(2), selection.groups.tolist()
        (array([0, 2]), array([0.13, 8.  , 0.17]), ['IA', 'NA', 'IA'])
    """
    x = _check_discriminativeness(discriminativeness)
    costs = unary_costs(x, identity_related)
    groups = neuron_groups(x, identity_related, selective_at=selective_at)
    for name, value in (("lam", lam), ("cost_of_not_choosing", cost_of_not_choosing)):
        if not (np.isfinite(value) and value >= 0):
            raise ParameterError(f"{name} is {value}; expected a finite number, at least 0")
    responding = int(np.isfinite(costs).sum())
    if count is not None:
        count = _check_count(count, responding, len(x))
    solution = mean_field(costs, similarity(x), lam, cost_of_not_choosing, count)
    given = f"a cost of not choosing of {cost_of_not_choosing:g}" if count is None else f"a wanted count of {count}"
    note = f"Eq. 2 by mean field with λ = {lam:g} and {given}."
    if responding < len(x):
        silent = len(x) - responding
        note += f" {silent} neurons tell nothing of any identity-related attribute (x = 0.5), and are left out."
    return NeuronSelection(
        indices=np.flatnonzero(solution.chosen),
        marginals=solution.marginals,
        unary_costs=costs,
        groups=groups,
        energy_trace=solution.trace,
        rule="mean field",
        note=note,
        selective_at=_check_level(selective_at, x.shape[1]),
        energy=solution.energy,
        lam=lam,
        cost_of_not_choosing=solution.cost_of_not_choosing,
    )


def drop_inhibitive(
    discriminativeness: npt.ArrayLike, *, selective_at: npt.ArrayLike = SELECTIVE_AT
) -> NeuronSelection:
    """Keep every neuron that is selective to something: the rule of Luo et al. 2016 for MNIST.

    For data without attributes, where Eq. 2 has no NA to weigh against IA. The columns are usually classes against
    the rest (`nbutils.selection.class_discriminativeness`, whose `chance` suits `selective_at`), and all count as
    identity-related: kept neurons are in group IA at cost 0, dropped ones are inhibitive at cost +inf.

    Args:
        discriminativeness: (neurons, columns) balanced accuracies in [0.5, 1].
        selective_at: the accuracy from which a neuron is selective to a column: one, or (columns,).

    Returns:
        The selection, without an energy.

    Raises:
        ParameterError: a value lies outside its range, or no neuron is selective.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import drop_inhibitive
        >>> selection = drop_inhibitive(np.array([[0.9, 0.5], [0.5, 0.5], [0.5, 0.8]]))
        >>> selection.indices, selection.groups.tolist()
        (array([0, 2]), ['IA', 'inhibitive', 'IA'])
    """
    x = _check_discriminativeness(discriminativeness)
    level = _check_level(selective_at, x.shape[1])
    kept = (x >= level).any(axis=1)
    if not kept.any():
        raise ParameterError(
            f"selective_at is {level.min():g} or more, which no neuron reaches (highest {x.max():.3f}): "
            "expected a level that leaves neurons to select"
        )
    return NeuronSelection(
        indices=np.flatnonzero(kept),
        marginals=np.asarray(kept, dtype=np.float64),
        unary_costs=np.where(kept, 0.0, np.inf),
        groups=np.where(kept, "IA", "inhibitive"),
        energy_trace=np.empty(0),
        rule="inhibitive dropped",
        note=f"Without attributes Eq. 2 does not apply: the {int((~kept).sum())} inhibitive neurons of {len(x)} are "
        "dropped and all others kept, as the paper does on MNIST.",
        selective_at=level,
    )


def choose_at_random(live: npt.ArrayLike, count: int, seed: int) -> NeuronSelection:
    """As many neurons as another choice has, at random among those that respond: what every choice has to beat.

    Args:
        live: (N,) True for neurons whose response is not constant.
        count: Of neurons, from 1 to the number that respond.
        seed: Of the draw.

    Returns:
        The selection, without an energy; as nothing is asked of attributes, all live neurons are in group IA at cost 0.

    Raises:
        ParameterError: `live` is no vector of booleans, or `count` is out of its range.

    Example:
        >>> from nbutils.selection import choose_at_random
        >>> choose_at_random([True, False, True, True], 3, seed=0).indices
        array([0, 2, 3])
    """
    responds = np.asarray(live)
    if responds.dtype != np.bool_ or responds.ndim != 1:
        raise ParameterError(f"live has shape {responds.shape} and type {responds.dtype}; expected (neurons,) booleans")
    able = np.flatnonzero(responds)
    if not 1 <= count <= len(able):
        raise ParameterError(
            f"count is {count}; expected 1 to {len(able)}, the neurons of {len(responds)} that respond"
        )
    return NeuronSelection(
        indices=np.sort(np.random.default_rng(seed).permutation(able)[:count]).astype(np.int64),
        marginals=np.where(responds, count / len(able), 0.0),
        unary_costs=np.where(responds, 0.0, np.inf),
        groups=np.where(responds, "IA", "inhibitive"),
        energy_trace=np.empty(0),
        rule="random",
        note=f"{count} of {len(able)} live neurons at random (seed {seed}).",
        selective_at=np.empty(0),
    )


def _check_discriminativeness(discriminativeness: npt.ArrayLike) -> FloatArray:
    x = np.asarray(discriminativeness, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape:
        raise ParameterError(f"discriminativeness has shape {x.shape}; expected (neurons, attributes)")
    # Written so that NaN fails too.
    bad = np.argwhere(~((x >= 0.5 - _ROUNDING) & (x <= 1 + _ROUNDING)))
    if len(bad):
        neuron, attribute = map(int, bad[0])
        raise ParameterError(
            f"discriminativeness of neuron {neuron} for attribute {attribute} is {x[neuron, attribute]}; "
            "expected a balanced accuracy in [0.5, 1]"
        )
    return x


def _as_partition(identity_related: npt.ArrayLike, attributes: int) -> BoolArray:
    related = np.asarray(identity_related)
    if related.dtype != np.bool_ or related.shape != (attributes,):
        raise ParameterError(
            f"identity_related has shape {related.shape} and type {related.dtype}; expected ({attributes},) booleans"
        )
    return related


def _check_partition(identity_related: npt.ArrayLike, attributes: int) -> BoolArray:
    related = _as_partition(identity_related, attributes)
    identity = int(related.sum())
    # The maximum of one attribute is its mean: the ratio of Eq. 2 would be 0 or infinite for every neuron.
    if identity < 2 or attributes - identity < 2:
        raise ParameterError(
            f"identity_related has {identity} IA and {attributes - identity} NA attributes; expected two of each or "
            "more (without attributes, use drop_inhibitive)"
        )
    return related


def _check_level(selective_at: npt.ArrayLike, attributes: int) -> FloatArray:
    level = np.asarray(selective_at, dtype=np.float64)
    if level.shape not in ((), (attributes,)) or not ((level > 0.5) & (level <= 1)).all():
        raise ParameterError(f"selective_at is {selective_at!r}; expected one value in (0.5, 1], or {attributes}")
    return np.array(np.broadcast_to(level, (attributes,)))


def _check_count(count: int, responding: int, neurons: int) -> int:
    try:
        wanted = operator.index(count)
    except TypeError:
        raise ParameterError(f"count is {count!r}; expected a whole number") from None
    if not 1 <= wanted <= responding:
        raise ParameterError(
            f"count is {wanted}; expected 1 to {responding}, the neurons of {neurons} that respond to an "
            "identity-related attribute"
        )
    return wanted
