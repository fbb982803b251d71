"""Would the choice be the same on other validation images, or at another λ?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.errors import ParameterError
from nbutils.selection.baselines import Features, FloatArray, overlap
from nbutils.selection.discriminativeness import attribute_discriminativeness
from nbutils.selection.neurons import LAMBDA, select_neurons

#: Draws of the validation images that may fail, for each that is wanted, because an attribute has one value in them.
_PATIENCE = 20


@dataclass(frozen=True, eq=False)
class Stability:
    """Choices over resampled validation images.

    Attributes:
        frequency: (N,) share of the resamples in which each neuron is chosen.
        overlaps: (samples,) Jaccard index of each choice with that on all images.
        by_chance: Expected index of two random choices of that size: what no stability at all looks like.
    """

    frequency: FloatArray
    overlaps: FloatArray
    by_chance: float


def stability_over_images(
    features: Features,
    attributes: npt.NDArray[np.bool_],
    identity_related: npt.NDArray[np.bool_],
    count: int,
    *,
    known: npt.NDArray[np.bool_] | None = None,
    lam: float = LAMBDA,
    samples: int = 20,
    seed: int = 0,
) -> Stability:
    """Chooses neurons again and again, each time by validation images drawn with replacement.

    Args:
        features: (images, N) responses.
        attributes: (images, A) bool.
        identity_related: (A,) True for IA.
        count: Neurons to choose.
        known: (images, A) bool, where the attributes are known; None: everywhere.
        lam: λ of Eq. 2.
        samples: Resamples.
        seed: Of the draws.

    Raises:
        ParameterError: As of `select_neurons`; or an attribute is so rare that most resamples lack it.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import stability_over_images
        >>> rng = np.random.default_rng(0)
        >>> attributes = rng.random((100, 4)) < 0.5
        >>> responses = attributes[:, [0, 1, 2, 3, 0, 2]] + rng.normal(size=(100, 6))
        >>> stability_over_images(responses, attributes, np.array([True, True, False, False]), 3, samples=5).frequency
        array([0.8, 0.8, 0.4, 0. , 1. , 0. ])
    """
    known = np.ones(attributes.shape, np.bool_) if known is None else known
    reference = select_neurons(
        attribute_discriminativeness(features, attributes, known), identity_related, count=count, lam=lam
    ).indices
    rng = np.random.default_rng(seed)
    chosen = np.zeros((samples, features.shape[1]), np.bool_)
    for row in chosen:
        drawn = _draw(attributes & known, ~attributes & known, rng)
        x = attribute_discriminativeness(features[drawn], attributes[drawn], known[drawn])
        row[select_neurons(x, identity_related, count=count, lam=lam).indices] = True
    overlaps = np.array([overlap(np.flatnonzero(row), reference) for row in chosen])
    return Stability(chosen.mean(axis=0), overlaps, chance_overlap(count, features.shape[1]))


def stability_over_lambda(
    discriminativeness: FloatArray,
    identity_related: npt.NDArray[np.bool_],
    count: int,
    lams: Sequence[float],
    *,
    reference: float = LAMBDA,
) -> pd.DataFrame:
    """Overlap of the choices at several λ with that at one of them.

    Returns:
        One row a λ: λ, the overlap with the choice at `reference`, and the mean cost Φ of the chosen.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import stability_over_lambda
        >>> accuracies = np.random.default_rng(0).uniform(0.5, 1, size=(20, 4))
        >>> stability_over_lambda(accuracies, np.array([True, True, False, False]), 10, [0.1, 100.0]).round(2)
               λ  overlap  mean cost Φ
        0    0.1     1.00         0.34
        1  100.0     0.54         0.70
    """
    at = select_neurons(discriminativeness, identity_related, count=count, lam=reference)
    rows = []
    for lam in lams:
        found = select_neurons(discriminativeness, identity_related, count=count, lam=lam)
        cost = float(found.unary_costs[found.indices].mean())
        rows.append({"λ": lam, "overlap": overlap(found.indices, at.indices), "mean cost Φ": cost})
    return pd.DataFrame(rows)


def chance_overlap(count: int, neurons: int) -> float:
    """Jaccard index of two independent random choices, at its expected intersection count² / N.

    Example:
        >>> from nbutils.selection import chance_overlap
        >>> round(chance_overlap(400, 512), 3)  # two random choices of most neurons are much alike
        0.641
    """
    common = count**2 / neurons
    return common / (2 * count - common)


def _draw(
    present: npt.NDArray[np.bool_], absent: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """A resample in which every attribute still has both values."""
    images = len(present)
    for _ in range(_PATIENCE):
        drawn = rng.integers(images, size=images)
        if present[drawn].any(axis=0).all() and absent[drawn].any(axis=0).all():
            return drawn
    rarest = int(np.minimum(present.sum(axis=0), absent.sum(axis=0)).argmin())
    raise ParameterError(
        f"attribute {rarest} has one of its values in so few of {images} images that resamples lack it: expected more"
    )
