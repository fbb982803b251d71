"""How well each neuron alone predicts each binary attribute (the vectors x_i of Luo et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch

from nbutils.errors import ParameterError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Neurons copied into contiguous columns at a time: 64 x 20,000 float32 are 5 MB.
_BLOCK = 64
#: The largest image count whose scores, at most n²/4, fit an int32.
_INT32_IMAGES = 92_681


def attribute_discriminativeness(
    features: npt.ArrayLike | torch.Tensor, attributes: npt.ArrayLike, known: npt.ArrayLike | None = None
) -> FloatArray:
    """Balanced accuracy of every neuron as a classifier of every attribute.

    Entry (i, j) is x_i(j) of Luo et al. 2016 (Eq. 2): (TPR + TNR) / 2 of neuron i at its best threshold and in its
    best polarity, both of which the paper leaves open. It is exact over all cuts between distinct responses; equal
    responses, such as the zeros after a ReLU, are never separated. A constant neuron gets 0.5 throughout.

    Args:
        features: (images, neurons) responses, finite.
        attributes: (images, attributes) booleans, or zeros and ones; each attribute with both values.
        known: (images, attributes) booleans; an attribute's accuracies are over the images where it is known. None:
            everywhere.

    Returns:
        (neurons, attributes) balanced accuracies in [0.5, 1], where 0.5 is chance.

    Raises:
        ParameterError: the shapes disagree, a response is not finite, or an attribute has one known value only.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import attribute_discriminativeness
        >>> responses = np.array([[0.1, 0.9], [0.2, 0.1], [0.8, 0.8], [0.9, 0.2]])
        >>> smiling = np.array([[False], [False], [True], [True]])
        >>> attribute_discriminativeness(responses, smiling)  # the first neuron separates them
        array([[1.  ],
               [0.75]])
    """
    responses, present, absent = _check(features, attributes, known)
    positive, negative = present.sum(axis=0, dtype=np.float64), absent.sum(axis=0, dtype=np.float64)
    scores = np.empty((responses.shape[1], present.shape[1]))

    def score(neuron: int, column: npt.NDArray[np.floating], weights: npt.NDArray[np.signedinteger]) -> None:
        running = _running_scores(column, weights)
        if running.shape[1]:
            scores[neuron] = np.maximum(running.max(axis=1), -running.min(axis=1).astype(np.int64))
        else:
            scores[neuron] = 0

    _each_neuron(responses, present, absent, score)
    # The cut below every response scores zero, so no result falls under 0.5.
    return np.asarray(0.5 + np.maximum(scores, 0) * (0.5 / (positive * negative)))


def chance_level(attributes: npt.ArrayLike, known: npt.ArrayLike | None = None, *, alpha: float = 0.01) -> FloatArray:
    """The balanced accuracy that a neuron without information stays below, given how many images there are.

    The best threshold makes 2 x accuracy - 1 a two-sample Kolmogorov-Smirnov statistic, whose tail is at most
    2 exp(-2 d² P N / (P + N)) for P images with the attribute and N without (asymptotically). Shared out over the
    attributes (Bonferroni), an uninformative neuron passes any of them with probability `alpha` at most.

    Args:
        attributes: (images, attributes) booleans, or zeros and ones; each attribute with both values.
        known: (images, attributes) booleans, where they are known; None: everywhere.
        alpha: the probability that an uninformative neuron reaches the level for some attribute.

    Returns:
        (attributes,) levels in (0.5, 1].

    Raises:
        ParameterError: an attribute has one value only, or `alpha` lies outside (0, 1).

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import chance_level
        >>> half_of_them = np.arange(1000)[:, None] % 2 == 0
        >>> chance_level(half_of_them).round(3), chance_level(half_of_them[:100]).round(3)  # fewer images, more luck
        (array([0.551]), array([0.663]))
    """
    if not 0 < alpha < 1:
        raise ParameterError(f"alpha is {alpha}; expected a probability between 0 and 1")
    present, absent = _check_attributes(attributes, known)
    positive, negative = present.sum(axis=0, dtype=np.float64), absent.sum(axis=0, dtype=np.float64)
    distance = np.sqrt(np.log(2 * present.shape[1] / alpha) / 2 * (1 / positive + 1 / negative))
    return np.asarray(0.5 + 0.5 * np.minimum(distance, 1.0))


def _running_scores(
    column: npt.NDArray[np.floating], weights: npt.NDArray[np.signedinteger]
) -> npt.NDArray[np.signedinteger]:
    """(attributes, cuts) integers P N (TPR - FPR) of every cut of one neuron's responses, from the highest cut down."""
    # No cut falls among the lowest responses: after a ReLU they are often most of them and need no sorting.
    lowest = column.min()
    images = np.flatnonzero(column > lowest)
    order = images[np.argsort(-column[images])]
    below = np.append(column[order[1:]], lowest)[: len(order)]
    running = np.cumsum(weights.take(order, axis=1), axis=1, dtype=weights.dtype)
    between = column[order] > below
    if not between.all():
        running = running[:, between]
    return running


def _each_neuron(
    responses: npt.NDArray[np.floating],
    present: BoolArray,
    absent: BoolArray,
    visit: Callable[[int, npt.NDArray[np.floating], npt.NDArray[np.signedinteger]], None],
) -> None:
    """Call `visit(neuron, contiguous column, weights)` for every neuron, on as many threads as torch uses."""
    images = len(present)
    dtype = np.int32 if images <= _INT32_IMAGES else np.int64
    # Integers N for an image with the attribute, -P for one without and 0 where it is unknown: their sums are
    # P N (TPR - FPR), exactly.
    weights = (present.T * absent.sum(axis=0)[:, None] - absent.T * present.sum(axis=0)[:, None]).astype(dtype)

    def block(start: int) -> None:
        columns = np.ascontiguousarray(responses[:, start : start + _BLOCK].T)
        for offset, column in enumerate(columns):
            visit(start + offset, column, weights)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(block, range(0, responses.shape[1], _BLOCK)))


def _check(
    features: npt.ArrayLike | torch.Tensor, attributes: npt.ArrayLike, known: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.floating], BoolArray, BoolArray]:
    if isinstance(features, torch.Tensor):
        features = features.detach().cpu()
        features = (features if features.dtype == torch.float64 else features.float()).numpy()
    responses = np.asarray(features)
    if responses.dtype not in (np.float32, np.float64):
        responses = responses.astype(np.float64)
    if responses.ndim != 2:
        raise ParameterError(f"features has shape {responses.shape}; expected (images, neurons)")
    present, absent = _check_attributes(attributes, known)
    if len(responses) != len(present):
        raise ParameterError(f"features has {len(responses)} images, attributes has {len(present)}; expected the same")
    # A sum over a neuron's responses is finite unless one of them is not (or it overflows: then look closely).
    with np.errstate(over="ignore", invalid="ignore"):
        suspects = np.flatnonzero(~np.isfinite(responses.sum(axis=0, dtype=np.float64)))
    for neuron in suspects:
        faulty = np.flatnonzero(~np.isfinite(responses[:, neuron]))
        if len(faulty):
            raise ParameterError(
                f"features of neuron {neuron} hold {responses[faulty[0], neuron]} at image {faulty[0]}; "
                "expected finite numbers"
            )
    return responses, present, absent


def _check_attributes(attributes: npt.ArrayLike, known: npt.ArrayLike | None) -> tuple[BoolArray, BoolArray]:
    """(images, attributes) each: known to be present, known to be absent."""
    given = np.asarray(attributes)
    if given.ndim != 2:
        raise ParameterError(f"attributes has shape {given.shape}; expected (images, attributes)")
    present = given.astype(np.bool_)
    if given.dtype != np.bool_ and not np.array_equal(present, given):
        raise ParameterError("attributes holds other values than 0 and 1; expected booleans")
    where = np.ones_like(present) if known is None else np.asarray(known)
    if where.dtype != np.bool_ or where.shape != present.shape:
        raise ParameterError(f"known has shape {where.shape} and type {where.dtype}; expected {present.shape} booleans")
    present, absent = present & where, ~present & where
    one_sided = np.flatnonzero(~(present.any(axis=0) & absent.any(axis=0)))
    if len(one_sided):
        names = ", ".join(map(str, one_sided))
        raise ParameterError(f"attributes: column {names} has one value only; expected images with and without it")
    return present, absent
