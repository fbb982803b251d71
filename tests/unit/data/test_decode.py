import io
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from nbutils.data.decode import decode_image, decode_reduced
from nbutils.data.synthetic import SyntheticFaces
from nbutils.errors import DataError


def _face(height: int, width: int) -> Image.Image:
    return Image.fromarray(SyntheticFaces(0, 1).render(np.array([3]), height, width).images[0])


def _encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **cast(dict[str, Any], options))
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_decodes_as_pillow_decodes_it(mode: str, progressive: bool) -> None:
    content = _encoded(_face(61, 53).convert(mode), quality=90, progressive=progressive)
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(decode_image(content, "x"), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("exif", [False, True])
@pytest.mark.parametrize(("times", "reduction"), [(1.5, 1), (1.6, 2), (6.3, 4), (100.0, 8)])
def test_a_reduced_jpeg_is_the_mean_of_its_pixels(times: float, reduction: int, exif: bool) -> None:
    told = Image.Exif()
    told[0x0112] = 1
    content = _encoded(_face(122, 101), quality=95, subsampling=0, exif=told if exif else b"")
    seen: list[tuple[int, int]] = []

    def shrink(height: int, width: int) -> float:
        seen.append((height, width))
        return times

    whole, reduced = decode_image(content, "x"), decode_reduced(content, "x", shrink)
    assert seen == [(122, 101)]
    assert (reduced.height, reduced.width, reduced.reduction) == (122, 101, reduction)
    assert reduced.pixels.shape == (-(-122 // reduction), -(-101 // reduction), 3)
    rows, columns = 122 // reduction, 101 // reduction
    blocks = whole[: rows * reduction, : columns * reduction].reshape(rows, reduction, columns, reduction, 3)
    assert np.abs(reduced.pixels[:rows, :columns] - blocks.mean(axis=(1, 3))).mean() < 2


def test_a_turned_jpeg_is_upright_and_reduced() -> None:
    face, told = _face(96, 64), Image.Exif()
    told[0x0112] = 6  # stored on its side: to be turned by a quarter, clockwise
    content = _encoded(face.transpose(Image.Transpose.ROTATE_90), quality=95, exif=told)
    assert np.abs(decode_image(content, "x").astype(int) - np.asarray(face)).mean() < 4
    reduced = decode_reduced(content, "x", lambda height, width: height / 48 if (height, width) == (96, 64) else 1)
    assert (reduced.height, reduced.width, reduced.reduction) == (96, 64, 2)
    assert np.abs(reduced.pixels.astype(int) - np.asarray(face.reduce(2))).mean() < 4


def test_other_formats_are_never_reduced() -> None:
    face = _face(64, 64)
    found = decode_reduced(_encoded(face, "PNG"), "x", lambda _height, _width: 8)
    assert found.reduction == 1
    np.testing.assert_array_equal(found.pixels, np.asarray(face))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_truncation_is_an_error(kind: str) -> None:
    content = _encoded(_face(40, 40), kind)
    for length in range(0, len(content) - 20, 7):
        with pytest.raises(DataError, match=r"^mine\.x: "):
            decode_image(content[:length], "mine.x")
