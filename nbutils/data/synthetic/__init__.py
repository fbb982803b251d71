"""The embedded faces: each is drawn from (seed, index) alone, with its ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.synthetic.appearance import appearance
from nbutils.data.synthetic.population import image_attributes, person_attributes
from nbutils.data.synthetic.render import draw
from nbutils.errors import ParameterError
from nbutils.memory import keep_freed_memory

#: Pixels drawn at once, of whole faces: their layers stay in the processor's cache.
_PIXELS = 2**18


@dataclass(frozen=True, eq=False)
class SyntheticBatch:
    """n drawn faces with their ground truth."""

    images: npt.NDArray[np.uint8]
    """(n, height, width, 3) RGB."""
    identity: npt.NDArray[np.int64]
    """(n,) number of the person."""
    attributes: npt.NDArray[np.bool_]
    """(n, 40) in the order of `nbutils.data.attributes.ATTRIBUTES`."""
    landmarks: npt.NDArray[np.float32]
    """(n, 5, 2) x, y in pixels: left eye, right eye, nose tip, left and right mouth corner, as the viewer sees them."""
    pose: npt.NDArray[np.float32]
    """(n, 3) yaw, pitch, roll in degrees."""


class SyntheticFaces:
    """An endless population; image `index` shows person `index // images_per_identity`.

    Args:
        seed: Of the population.
        images_per_identity: Images of each person.
        variation: How strongly pose, light, position and noise differ between images, as a multiple.

    Raises:
        ParameterError: If the seed is negative, or there is no image of a person or no such multiple.

    Example:
        >>> from nbutils.data import SyntheticFaces
        >>> batch = SyntheticFaces(seed=1, images_per_identity=2).render([0, 1, 2], height=32, width=32)
        >>> batch.images.shape, batch.identity.tolist()
        ((3, 32, 32, 3), [0, 0, 1])
    """

    def __init__(self, seed: int = 0, images_per_identity: int = 20, variation: float = 1.0) -> None:
        if seed < 0 or images_per_identity < 1:
            raise ParameterError(
                f"seed is {seed} and images_per_identity {images_per_identity}; expected at least 0 and 1"
            )
        if not 0 <= variation < float("inf"):
            raise ParameterError(f"variation is {variation}: expected a multiple, 0 or more")
        self.seed = seed
        self.images_per_identity = images_per_identity
        self.variation = variation

    def render(self, indices: npt.ArrayLike, height: int = 64, width: int = 64) -> SyntheticBatch:
        """Draws faces, each the same bits whatever is drawn beside it, on all cores.

        Args:
            indices: (n,) whole numbers from 0.
            height: Of the images, in pixels; at least 16.
            width: Likewise. The frame holds the same part of the scene at any size.

        Raises:
            ParameterError: If an index is no whole number or negative, or the size too small.
        """
        index = np.asarray(indices)
        if index.ndim != 1 or not np.issubdtype(index.dtype, np.integer) or (index < 0).any():
            raise ParameterError(
                f"indices are {index.dtype} of shape {index.shape}; expected (n,) whole numbers from 0"
            )
        if height < 16 or width < 16:
            raise ParameterError(f"height × width is {height} × {width}; expected at least 16 × 16")
        index = index.astype(np.int64)
        people = index // self.images_per_identity
        has = person_attributes(self.seed, people)
        has |= image_attributes(self.seed, people, index, has)
        pose = np.empty((len(index), 3), np.float32)
        images = np.empty((len(index), height, width, 3), np.uint8)
        landmarks = np.empty((len(index), 5, 2), np.float32)

        keep_freed_memory()
        at_once = max(_PIXELS // (height * width), 1)
        for start in range(0, len(index), at_once):
            part = slice(start, start + at_once)
            own = {name: values[part] for name, values in has.items()}
            look = appearance(self.seed, people[part], index[part], own, self.variation)
            drawn, marks = draw(look, height, width)
            images[part] = drawn.numpy()
            landmarks[part] = (marks + 1) / 2 * [width, height] - 0.5
            pose[part] = look.pose
        attributes = np.stack([has[name] for name in ATTRIBUTES], axis=1)
        return SyntheticBatch(images, people, attributes, landmarks, pose)
