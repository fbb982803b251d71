"""Encoded images of unknown origin to RGB pixels: whole, small enough, and in one form, or one clear error."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from nbutils.errors import DataError

#: Formats that face data sets come in; others are refused unseen.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM")
#: An image that promises more is refused before its pixels are decoded (a decompression bomb).
MAX_PIXELS = 50_000_000
_ORIENTATION = 0x0112


def decode_image(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Decodes one image.

    Conversions: greyscale and palettes become RGB; CMYK becomes RGB without a colour profile; of 16 bits a channel
    the upper 8 are kept; transparency is dropped; an EXIF orientation is applied, so that the face is upright.

    Args:
        content: The encoded image, of one of `FORMATS`.
        name: What an error calls the image.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: If it is no whole image of a known format, or of more than `MAX_PIXELS` pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise DataError(f"{name}: {width}×{height} pixels, expected at most {MAX_PIXELS:,} in all")
            return _rgb(image)
    except DataError:
        raise
    except Exception as error:  # on damaged files Pillow raises nearly anything, IndexError and struct.error included
        raise DataError(f"{name}: not a whole image ({', '.join(FORMATS)}): {error}") from error


def _rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    image.load()
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip instead of scale
        grey = np.asarray(image).astype(np.int64)
        image = Image.fromarray((grey >> 8).clip(0, 255).astype(np.uint8))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))
