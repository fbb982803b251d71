"""A value computed by hand beside the package's own: they must agree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nbutils.errors import ParameterError
from nbutils.exercises.comparing import alike, as_array


def side_by_side(values: Mapping[str, tuple[object, object]]) -> pd.DataFrame:
    """Values by hand and the package's, with how far they are apart.

    Args:
        values: Name of each quantity to its value by hand and the package's: numbers, arrays or tensors.

    Returns:
        Columns "by hand" and "package" (of an array its mean), "numbers compared" and
        "largest difference".

    Raises:
        ParameterError: A value by hand is not the package's.

    Example:
        >>> import numpy as np
        >>> from nbutils.exercises import side_by_side
        >>> side_by_side({"mean": ((1 + 2) / 2, np.mean([1, 2]))})
              by hand  package  numbers compared  largest difference
        mean      1.5      1.5                 1                   0
    """
    rows = {}
    for name, (hand, package) in values.items():
        if not alike(package, hand):
            raise ParameterError(f"{name}: by hand it is not what the package says; expected the same")
        own, theirs = (np.asarray(as_array(value), np.float64) for value in (hand, package))
        finite = np.isfinite(theirs)
        rows[name] = {
            "by hand": own[finite].mean(),
            "package": theirs[finite].mean(),
            "numbers compared": own.size,
            "largest difference": np.abs(own[finite] - theirs[finite]).max(initial=0.0),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    counts = [name for name in frame if frame[name].mod(1).eq(0).all()]  # shown as such, not as 1.977e+03
    return frame.astype(dict.fromkeys(counts, int))
