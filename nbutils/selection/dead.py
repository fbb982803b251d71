"""Neurons that say nothing: they respond to every image alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def dead_neurons(responses: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """(neurons,) True for those that respond to every image alike; after a ReLU, mostly with zero.

    They are inhibitive to all attributes (Luo et al. 2016, observation 3), and never chosen.

    Args:
        responses: (images, neurons).

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import dead_neurons
        >>> dead_neurons(np.array([[0.0, 1.0], [0.0, 2.0]]))
        array([ True, False])
    """
    alike: npt.NDArray[np.bool_] = responses.max(axis=0) == responses.min(axis=0)
    return alike
