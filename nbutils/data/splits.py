"""Splits of a whole data set, kept in files: the rule, the seed and the images held out, under a digest."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from nbutils.data.held_out import held_out_images, shuffled
from nbutils.errors import DataError, ParameterError, first_fault
from nbutils.writing import write_aside

#: "images": some of all images, as both papers split (80/20 at random); "images_of_each": likewise, but every
#: person keeps some to train on; "identities": all images of some people, so that no person is in both parts.
SplitRule = Literal["images", "images_of_each", "identities"]


class Split(BaseModel):
    """Which images of a data set are held out.

    Attributes:
        rule: how they were drawn.
        share: of the images (or people) held out, in (0, 1).
        seed: of the draw.
        images: number of images of the data set.
        bits: the mask, eight images a byte, in base64.
        digest: SHA-256 (hex) of all of the above.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: SplitRule
    share: Annotated[float, Field(gt=0, lt=1)]
    seed: NonNegativeInt
    images: PositiveInt
    bits: str
    digest: str

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.digest != _digest(self.rule, self.share, self.seed, self.images, self.bits):
            raise ValueError("the digest is not that of the content")
        if len(base64.b64decode(self.bits, validate=True)) != -(-self.images // 8):
            raise ValueError(f"the mask is not one of {self.images} images")
        return self

    @property
    def held_out(self) -> npt.NDArray[np.bool_]:
        """(images,) bool, True for those held out."""
        packed = np.frombuffer(base64.b64decode(self.bits), np.uint8)
        return np.unpackbits(packed, count=self.images).astype(np.bool_)

    def save(self, path: Path) -> None:
        """Writes the split as JSON, whole or not at all."""
        write_aside(path, self.model_dump_json(indent=1) + "\n")


def load_split(path: Path) -> Split:
    """Reads a split.

    Raises:
        DataError: naming the file, if it is no split or has been altered.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from nbutils.data import draw_split, load_split
        >>> split = draw_split("identities", np.array([0, 0, 1, 1, 2, 2]), 0.34)
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "split.json")
        ...     _ = file.write_text(split.model_dump_json())
        ...     load_split(file) == split
        True
    """
    try:
        return Split.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        raise DataError(f"{path}: {first_fault(error)}") from error


def draw_split(rule: SplitRule, identity: npt.NDArray[np.int64], share: float, seed: int = 0) -> Split:
    """Draws a split; equal on every platform.

    Args:
        rule: One of `SplitRule`.
        identity: (N,) of every image, −1 for unlabelled ones; "images" uses its length alone.
        share: Held out, of the images or of the people, rounded to whole ones.
        seed: Of the draw.

    Raises:
        ParameterError: If the share is out of range, or nothing would be held out or left.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import draw_split
        >>> draw_split("images", np.zeros(10, np.int64), 0.2).held_out.sum().item()
        2
    """
    if not 0 < share < 1:
        raise ParameterError(f"the share held out is {share}: expected a value in (0, 1)")
    held_out = _RULES[rule](np.asarray(identity), share, seed)
    if not held_out.any() or held_out.all():
        raise ParameterError(f"a share of {share} of {len(held_out)} images holds out {held_out.sum()}: expected some")
    bits = base64.b64encode(np.packbits(held_out).tobytes()).decode()
    digest = _digest(rule, share, seed, len(held_out), bits)
    return Split(rule=rule, share=share, seed=seed, images=len(held_out), bits=bits, digest=digest)


def _some_images(identity: npt.NDArray[np.int64], share: float, seed: int) -> npt.NDArray[np.bool_]:
    held_out = np.zeros(len(identity), np.bool_)
    held_out[shuffled(len(identity), seed)[: round(share * len(identity))]] = True
    return held_out


def _some_people(identity: npt.NDArray[np.int64], share: float, seed: int) -> npt.NDArray[np.bool_]:
    people = np.unique(identity[identity >= 0])
    return np.isin(identity, people[_some_images(people, share, seed)])


_RULES = {"images": _some_images, "images_of_each": held_out_images, "identities": _some_people}


def _digest(*content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()
