"""Contact sheets of faces."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.data.faces import Faces

#: Between people side by side, as a share of an image.
_GAP = 0.3


def contact_sheet(faces: Faces, people: int = 6, images: int = 8) -> Figure:
    """The first images of the first people, one person a row, or several side by side where they have few images.

    Args:
        faces: Any split.
        people: How many.
        images: Of one person at most, and in a row.

    Example:
        >>> from nbutils.data import Faces, SyntheticFaces
        >>> from nbutils.viz import contact_sheet
        >>> faces = SyntheticFaces(images_per_identity=3).render(range(6), height=32, width=32)
        >>> figure = contact_sheet(Faces(faces.images, faces.identity, ("Ann", "Bob")), people=2, images=3)
        >>> len(figure.axes)
        6
    """
    own = [np.flatnonzero(faces.identity == person)[:images] for person in range(min(people, faces.num_identities))]
    most = max(map(len, own))
    abreast = max(1, images // (most + 1))
    widths = (([1.0] * most + [_GAP]) * abreast)[:-1]
    rows = math.ceil(len(own) / abreast)
    height, width = faces.images.shape[1:3]
    size = (sum(widths), rows * height / width)
    figure, axes = plt.subplots(rows, len(widths), figsize=size, squeeze=False, width_ratios=widths)
    for ax in axes.flat:
        ax.axis("off")
    for person, places in enumerate(own):
        row, block = divmod(person, abreast)
        for ax, place in zip(axes[row, block * (most + 1) :], places, strict=False):
            ax.imshow(faces.images[place], cmap="gray", interpolation="bicubic")
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, wspace=0.03, hspace=0.03)
    plt.close(figure)
    return figure
