"""Decodes images of unknown origin to RGB pixels; one clear error for what is damaged, too large or no image."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageOps

from nbutils.errors import DataError

#: Formats that face data sets come in; others are refused unseen.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM")
#: An image that promises more is refused before its pixels are decoded (a decompression bomb); OpenCV warps no side
#: of 32,767 pixels or more.
MAX_PIXELS, MAX_SIDE = 50_000_000, 30_000
_ORIENTATION, _FIRST_ON_ITS_SIDE = 0x0112, 5
#: A JPEG's own scales: its 8 × 8 blocks decode to 4 × 4, 2 × 2 or 1 × 1 pixels at a fraction of the work.
_REDUCTIONS = (8, 4, 2)
#: A scale is large enough if it leaves so many pixels for one of the use, in height and in width.
_ENOUGH = 0.8
#: Images of more pixels are decoded one at a time, so that memory stays bounded on any number of cores.
_LARGE = 4_000_000
_one_large_image = Lock()

#: How many times smaller an image of this height and width will be used; may refuse it by a DataError.
Shrink = Callable[[int, int], float]


class Decoded(NamedTuple):
    """Pixels (⌈height / reduction⌉, ⌈width / reduction⌉, 3) uint8 of an image of height × width pixels."""

    pixels: npt.NDArray[np.uint8]
    reduction: int
    height: int
    width: int


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
        DataError: If it is no whole image of a known format, or of more than `MAX_PIXELS` pixels or `MAX_SIDE` a side.

    Example:
        >>> from nbutils.data import decode_image
        >>> decode_image(b"P5 2 1 255 " + bytes([0, 200]), "two grey pixels").tolist()
        [[[0, 0, 0], [200, 200, 200]]]
    """
    return decode_reduced(content, name, lambda _height, _width: 1).pixels


def decode_reduced(content: bytes, name: str, shrink: Shrink) -> Decoded:
    """Decodes one image at the smallest of a JPEG's own scales that is (nearly) large enough for its use.

    Args:
        content: As in `decode_image`.
        name: Likewise.
        shrink: Given the height and width of the whole image, how many times smaller it will be used.

    Raises:
        DataError: As `decode_image`, and what `shrink` raises.
    """
    plain = _plain_jpeg(content)
    if plain is not None:
        reduction = _reduction(*plain, name, shrink)
        height, width = (-(-side // reduction) for side in plain)
        with suppress(Exception), _turn(height * width):  # what simplejpeg finds damaged is left to Pillow
            pixels = simplejpeg.decode_jpeg(content, min_height=height, min_width=width, min_factor=reduction)
            return Decoded(pixels, reduction, *plain)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            _check_size(height, width, name)
            with _turn(height * width):
                if image.getexif().get(_ORIENTATION, 1) >= _FIRST_ON_ITS_SIDE:
                    width, height = height, width
                reduction = _reduction(height, width, name, shrink)
                if image.format != "JPEG":
                    reduction = 1
                elif reduction > 1:
                    image.draft(image.mode, (image.width // reduction, image.height // reduction))
                return Decoded(_rgb(image), reduction, height, width)
    except DataError:
        raise
    except Exception as error:  # on damaged files Pillow raises nearly anything, IndexError and struct.error included
        raise DataError(f"{name}: not a whole image ({', '.join(FORMATS)}): {error}") from error


def _plain_jpeg(content: bytes) -> tuple[int, int] | None:
    """(height, width) of a JPEG in the usual colours without an Exif orientation, else None."""
    if not content.startswith(b"\xff\xd8") or b"Exif\0" in content:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    except Exception:  # damaged: Pillow says how
        return None
    return (height, width) if colours in ("YCbCr", "Gray") else None


def _reduction(height: int, width: int, name: str, shrink: Shrink) -> int:
    _check_size(height, width, name)
    times = shrink(height, width)
    return next((reduction for reduction in _REDUCTIONS if reduction * _ENOUGH <= times), 1)


def _check_size(height: int, width: int, name: str) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        most = f"{MAX_PIXELS:,} in all, {MAX_SIDE:,} a side"
        raise DataError(f"{name}: {width}×{height} pixels, expected at most {most}")


def _turn(pixels: int) -> AbstractContextManager[object]:
    return _one_large_image if pixels > _LARGE else nullcontext()


def _rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    image.load()
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip instead of scale
        grey = np.asarray(image).astype(np.int64)
        image = Image.fromarray((grey >> 8).clip(0, 255).astype(np.uint8))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))
