"""Hand-made descriptors that neurons are compared with (Luo et al. 2016, Fig. 1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from skimage.color import rgb2gray
from skimage.feature import hog, local_binary_pattern

#: Cells of the grid, down and across.
_GRID = 8
_LBP_CODES = 10


def lbp_features(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Histograms of uniform local binary patterns (8 neighbours, radius 1) in an 8×8 grid of cells.

    Args:
        images: (N, H, W, 3) uint8.

    Returns:
        (N, 640) float32, shares of the pixels of each cell.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import lbp_features
        >>> lbp_features(np.zeros((2, 61, 53, 3), np.uint8)).shape
        (2, 640)
    """
    rows = np.linspace(0, images.shape[1], _GRID + 1).astype(int)
    columns = np.linspace(0, images.shape[2], _GRID + 1).astype(int)
    features = np.empty((len(images), _GRID, _GRID, _LBP_CODES), np.float32)
    for image, own in zip(images, features, strict=True):
        grey = (255 * rgb2gray(image)).astype(np.uint8)
        codes = local_binary_pattern(grey, 8, 1, "uniform").astype(int)
        for i in range(_GRID):
            for j in range(_GRID):
                cell = codes[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
                own[i, j] = np.bincount(cell.ravel(), minlength=_LBP_CODES) / cell.size
    return features.reshape(len(images), -1)


def hog_features(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Histograms of oriented gradients: 9 orientations, 8×8 pixels a cell, 2×2 cells a block.

    Args:
        images: (N, H, W, 3) uint8.

    Returns:
        (N, F) float32.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import hog_features
        >>> hog_features(np.zeros((2, 61, 53, 3), np.uint8)).shape
        (2, 1620)
    """
    return np.stack([hog(rgb2gray(image), feature_vector=True) for image in images]).astype(np.float32)
