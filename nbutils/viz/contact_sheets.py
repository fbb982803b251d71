"""Contact sheets of faces."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.data.faces import Faces


def contact_sheet(faces: Faces, people: int = 6, images: int = 8) -> Figure:
    """The first images of the first people, one person a row.

    Args:
        faces: Any split.
        people: Rows.
        images: Columns; a row ends early where a person has fewer.

    Example:
        >>> from nbutils.data import Faces, SyntheticFaces
        >>> from nbutils.viz import contact_sheet
        >>> faces = SyntheticFaces(images_per_identity=3).render(range(6), height=32, width=32)
        >>> figure = contact_sheet(Faces(faces.images, faces.identity, ("Ann", "Bob")), people=2, images=3)
        >>> len(figure.axes)
        6
    """
    people = min(people, faces.num_identities)
    height, width = faces.images.shape[1:3]
    figure, axes = plt.subplots(people, images, figsize=(images, people * height / width), squeeze=False)
    for row, line in enumerate(axes):
        own = np.flatnonzero(faces.identity == row)
        for column, ax in enumerate(line):
            ax.axis("off")
            if column < len(own):
                ax.imshow(faces.images[own[column]], cmap="gray", interpolation="bicubic")
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, wspace=0.03, hspace=0.03)
    plt.close(figure)
    return figure
