"""Images of other kinds than RGB of 8 bits: one documented conversion each, or one error before any memory is taken."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from nbutils.data.decode import MAX_PIXELS, decode_image
from nbutils.errors import DataError

RGB = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)
TURNED = {
    1: RGB, 2: RGB[:, ::-1], 3: RGB[::-1, ::-1], 4: RGB[::-1], 5: RGB.transpose(1, 0, 2), 6: np.rot90(RGB, -1),
    7: RGB[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(RGB, 1),
}  # fmt: skip


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, colour: int, pixels: bytes) -> bytes:
    """A PNG by its specification: Pillow writes no 16-bit colours."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(pixels, 9)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def decoded(content: bytes) -> npt.NDArray[np.uint8]:
    return decode_image(content, "some image")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "JPEG", "WEBP"])
def test_grey_becomes_three_equal_channels(kind: str) -> None:
    grey = np.kron(np.array([[20, 200], [90, 140]], np.uint8), np.ones((16, 16), np.uint8))
    found = decoded(saved(Image.fromarray(grey), kind))
    assert found.shape == (32, 32, 3)
    assert np.ptp(found.astype(int), axis=2).max() <= 2  # WebP keeps no grey
    np.testing.assert_allclose(found[..., 0][4:12, 4:12], 20, atol=4)


def test_palettes_and_transparency() -> None:
    palette = Image.fromarray(RGB).quantize(24)
    np.testing.assert_array_equal(decoded(saved(palette)), np.asarray(palette.convert("RGB")))
    layers = np.dstack([RGB, np.zeros((6, 4), np.uint8)])
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(layers, "RGBA"))), RGB)
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(layers[..., 2:], "LA")))[..., 1], RGB[..., 2])


def test_cmyk_becomes_rgb() -> None:
    """Printed colours, inverted as Adobe's JPEGs have them: full cyan, magenta, yellow and black."""
    inks = np.kron(np.eye(4, dtype=np.uint8)[None] * 255, np.ones((16, 16, 1), np.uint8))
    found = decoded(saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=95))
    wanted = np.array([[0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]])
    np.testing.assert_allclose(found[8, 8::16], wanted, atol=8)


def test_of_16_bits_the_upper_8_are_kept() -> None:
    grey = np.arange(0, 65536, 2731).astype(np.uint16).reshape(4, 6)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in grey)
    np.testing.assert_array_equal(decoded(png(6, 4, 16, 0, rows))[..., 1], grey >> 8)
    colours = grey.reshape(4, 2, 3)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colours)
    np.testing.assert_array_equal(decoded(png(2, 4, 16, 2, rows)), colours >> 8)


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_turned_images_are_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(Image.fromarray(RGB), kind, exif=exif, lossless=True)
    np.testing.assert_array_equal(decoded(content), TURNED[orientation])


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "content",
    [
        png(50_000, 50_000, 8, 2, b""),
        png(2**31 - 1, 2**31 - 1, 8, 2, b""),
        png(30_001, 10, 8, 2, b""),
        png(10_000, 5_001, 1, 0, bytes(5_001 * 1_251)),  # whole, of a few kilobytes
        b"P6 60000 60000 255\n",
        saved(Image.fromarray(RGB), "BMP")[:18] + struct.pack("<ii", 30_000, 30_000) + bytes(100),
        saved(Image.fromarray(RGB), "JPEG").replace(struct.pack(">HH", 6, 4), struct.pack(">HH", 65_500, 65_500)),
    ],
    ids=["PNG", "PNG of 2^62", "long PNG", "small file", "PPM", "BMP", "JPEG"],
)
def test_decompression_bombs(content: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=rf"some image: .*(expected at most {MAX_PIXELS:,}|not a whole image)"):
            decoded(content)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "ICO", "JPEG2000"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(DataError, match="some image: not a whole image \\(JPEG, PNG, WEBP, BMP, PPM\\)"):
        decoded(saved(Image.fromarray(RGB).resize((16, 16)), kind))
