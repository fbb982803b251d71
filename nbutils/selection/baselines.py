"""Other ways to come from N neurons to as many numbers as Eq. 2 chooses: what the selection has to beat."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from nbutils.errors import ParameterError
from nbutils.selection.neurons import LAMBDA, select_neurons, unary_costs

FloatArray = npt.NDArray[np.float64]
Features = npt.NDArray[np.floating]
#: Maps (images, N) responses to (images, count).
Reduction = Callable[[Features], Features]

#: In the order of their tables.
METHODS: tuple[str, ...] = ("selection", "unary cost", "highest variance", "random", "PCA")


def reduction(
    method: str,
    count: int,
    features: Features,
    discriminativeness: FloatArray,
    identity_related: npt.NDArray[np.bool_],
    *,
    lam: float = LAMBDA,
    seed: int = 0,
) -> Reduction:
    """A way to keep `count` numbers of each image, fitted on validation images.

    Args:
        method: One of `METHODS`. "selection": Eq. 2 by mean field; "unary cost": the cheapest neurons by Φ alone, one
            by one; "highest variance"; "random"; "PCA": the first principal components, which are no neurons.
        count: How many.
        features: (images, N) responses of the validation images.
        discriminativeness: (N, attributes) of them.
        identity_related: (attributes,) True for IA.
        lam: λ of Eq. 2.
        seed: Of the random neurons.

    Returns:
        The map from responses to what is kept.

    Raises:
        ParameterError: An unknown method, or a count that it cannot give.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import reduction
        >>> responses = np.random.default_rng(0).normal(size=(20, 5))
        >>> keep = reduction("PCA", 2, responses, np.full((5, 4), 0.7), np.array([True, True, False, False]))
        >>> keep(responses[:3]).shape
        (3, 2)
    """
    if method == "PCA":
        most = min(features.shape)
        if not 1 <= count <= most:
            raise ParameterError(f"count is {count}: expected 1 to {most} principal components")
        fitted = PCA(count, svd_solver="full").fit(features)
        return lambda responses: np.asarray(fitted.transform(responses))
    chosen = chosen_neurons(method, count, features, discriminativeness, identity_related, lam=lam, seed=seed)
    return lambda responses: responses[:, chosen]


def chosen_neurons(
    method: str,
    count: int,
    features: Features,
    discriminativeness: FloatArray,
    identity_related: npt.NDArray[np.bool_],
    *,
    lam: float = LAMBDA,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """The neurons that a method of `METHODS` other than PCA keeps, ascending; arguments as for `reduction`.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import chosen_neurons
        >>> responses = np.array([[0.0, 1.0, 5.0], [0.0, 2.0, 9.0]])
        >>> related = np.array([True, True, False, False])
        >>> chosen_neurons("highest variance", 1, responses, np.full((3, 4), 0.7), related)
        array([2])
    """
    neurons = features.shape[1]
    if not 1 <= count <= neurons:
        raise ParameterError(f"count is {count}: expected 1 to {neurons} neurons")
    if method == "selection":
        return select_neurons(discriminativeness, identity_related, count=count, lam=lam).indices
    if method == "unary cost":
        order = np.argsort(unary_costs(discriminativeness, identity_related), kind="stable")
    elif method == "highest variance":
        order = np.argsort(-features.var(axis=0), kind="stable")
    elif method == "random":
        order = np.random.default_rng(seed).permutation(neurons)
    else:
        raise ParameterError(f"method is {method!r}: expected one of {', '.join(METHODS)}")
    return np.sort(order[:count]).astype(np.int64)


def overlap(first: Iterable[int], second: Iterable[int]) -> float:
    """Jaccard index of two choices: neurons in both ÷ neurons in either; 1 for equal ones, 1 for two empty ones.

    Example:
        >>> from nbutils.selection import overlap
        >>> overlap([1, 2, 3], [2, 3, 4])
        0.5
    """
    a, b = set(map(int, first)), set(map(int, second))
    return len(a & b) / len(a | b) if a | b else 1.0
