"""How a teacher from a file or a function wants its faces."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt, model_validator

from nbutils.errors import ParameterError
from nbutils.training.base import Frozen


class FaceInput(Frozen):
    """How a teacher wants its faces; they are resampled (bilinear, antialiased) from the student's crops.

    Attributes:
        height: Pixels; None: those of the crops, or what the file says.
        width: Likewise.
        low: Value of a black pixel.
        high: Value of a white one.
        axes: Order of the axes.
        channels: Order of the colours.

    Example:
        >>> from nbutils.training import FaceInput
        >>> FaceInput(height=112, width=112, low=-1, high=1, channels="BGR").axes
        'NCHW'
    """

    height: PositiveInt | None = None
    width: PositiveInt | None = None
    low: float = 0.0
    high: float = 255.0
    axes: Literal["NCHW", "NHWC"] = "NCHW"
    channels: Literal["RGB", "BGR"] = "RGB"

    @model_validator(mode="after")
    def _consistent(self) -> FaceInput:
        if not self.low < self.high:
            raise ParameterError(f"pixels from {self.low:g} to {self.high:g}: expected the black value below the white")
        if (self.height is None) != (self.width is None):
            raise ParameterError("expected both height and width, or neither")
        return self

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width), where they are given."""
        return (self.height, self.width) if self.height and self.width else None
