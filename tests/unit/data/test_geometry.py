import numpy as np
import pytest
from skimage.transform import AffineTransform
from skimage.transform import warp as reference_warp

from nbutils.data.geometry.template import (
    LARGE_INPUT,
    SMALL_INPUT,
    Box,
    aligned_box,
    box_to_crop,
    check_inside,
    face_box,
    landmarks_to_crop,
    move_points,
    template,
)
from nbutils.data.geometry.warp import from_reduced, shrinkage, warp
from nbutils.data.synthetic import SyntheticFaces
from nbutils.errors import DataError, ParameterError


def _similarity(scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def _smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 9 + phase) * np.cos(y / 7 - phase) for phase in (0, 1, 2)]
    return (127 + 120 * np.stack(waves, axis=2)).astype(np.uint8)


@pytest.mark.parametrize("size", [(55, 47), (112, 96), (224, 224)])
def test_a_moved_template_is_found_again_exactly(size: tuple[int, int]) -> None:
    moved = _similarity(1.7, 23, (31, -4))
    matrix = landmarks_to_crop(move_points(template(*size), moved), *size)
    whole = np.vstack([matrix, [0, 0, 1]]) @ np.vstack([moved, [0, 0, 1]])
    np.testing.assert_allclose(whole, np.eye(3), atol=1e-9)


def test_the_similarity_is_the_least_squares_one() -> None:
    """Umeyama's closed form is the solution of a linear system in (a, b, x, y): [a −b; b a] p + (x, y)."""
    points = np.random.default_rng(0).uniform(0, 200, (5, 2))
    x, y = points.T
    one, zero = np.ones(5), np.zeros(5)
    system = np.vstack([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, across, down = np.linalg.lstsq(system, template(55, 47).T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(landmarks_to_crop(points, 55, 47), [[a, -b, across], [b, a, down]], atol=1e-9)


def test_the_template_is_the_fixed_box_of_the_mean_lfw_face() -> None:
    eyes = template(132, 113)[:2]  # scale 1
    np.testing.assert_allclose(eyes[1] - eyes[0], [44, 0], atol=1e-9)
    np.testing.assert_allclose(eyes.mean(axis=0), [125 - 68.5 - 0, 112 - 60], atol=1e-9)
    for size in (SMALL_INPUT, LARGE_INPUT):
        marks = template(*size)
        assert ((marks > 0) & (marks < [size[1], size[0]])).all()


@pytest.mark.parametrize("size", [(61, 53), (122, 106)])
@pytest.mark.parametrize("reduced", [1, 2])
def test_aligned_faces_have_their_eyes_where_the_template_has_them(size: tuple[int, int], reduced: int) -> None:
    eyes = (np.array([[69.0, 111.0], [108.0, 111.0]]) + 0.5) / reduced - 0.5
    matrix = box_to_crop(aligned_box(218 // reduced, 178 // reduced, *size), *size)
    np.testing.assert_allclose(move_points(eyes, matrix), template(*size)[:2], atol=1e-9)


def test_an_aligned_face_of_other_proportions_is_refused() -> None:
    with pytest.raises(DataError, match="200×218 pixels: expected the proportions of CelebA's aligned images, 178×218"):
        aligned_box(218, 200, 61, 53)


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7, 3.2])
def test_a_warp_puts_pixels_where_the_map_says(scale: float) -> None:
    picture = _smooth(240, 200)
    matrix = landmarks_to_crop(move_points(template(55, 47), _similarity(scale, -12, (20, 15))), 55, 47)
    crop = warp(picture, matrix, 55, 47, black=True)
    inverse = AffineTransform(np.vstack([matrix, [0, 0, 1]])).inverse
    other = reference_warp(picture, inverse, output_shape=(55, 47), order=3)
    inside = other.min(axis=2) > 0
    assert inside.mean() > 0.9
    assert np.abs(crop - 255 * other)[inside].mean() < (2 if scale < 2 else 8)  # scikit-image does not average


@pytest.mark.parametrize("times", [2, 4])
def test_the_map_of_a_reduced_image(times: int) -> None:
    picture = _smooth(240, 200)
    matrix = box_to_crop(face_box(61, 53), 61, 53)
    reduced = picture.reshape(240 // times, times, 200 // times, times, 3).mean((1, 3)).astype(np.uint8)
    whole, from_less = warp(picture, matrix, 61, 53), warp(reduced, from_reduced(matrix, times), 61, 53)
    assert np.abs(whole.astype(int) - from_less).mean() < 5
    assert shrinkage(from_reduced(matrix, times)) == pytest.approx(shrinkage(matrix) / times)


@pytest.mark.parametrize("times", [2, 3, 10])
def test_whole_blocks_become_their_mean(times: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20 * times, 16 * times, 3), np.uint8)
    crop = warp(picture, box_to_crop(Box(0, 0, 16 * times, 20 * times), 20, 16), 20, 16)
    means = picture.reshape(20, times, 16, times, 3).mean((1, 3))
    assert np.abs(crop - means).max() <= 1


def test_shrinking_averages_what_it_passes_over() -> None:
    """A chessboard of single pixels, ten times too large, becomes even grey and no pattern."""
    board = np.repeat((np.indices((600, 600)).sum(axis=0) % 2 * 255)[..., None], 3, axis=2).astype(np.uint8)
    marks = move_points(template(55, 47), _similarity(9.7, 5, (60, 20)))
    crop = warp(board, landmarks_to_crop(marks, 55, 47), 55, 47)
    assert abs(crop.mean() - 127.5) < 2
    assert crop.std() < 6


def test_what_lies_outside_is_black_or_the_edge_continued() -> None:
    white = np.full((20, 20, 3), 255, np.uint8)
    matrix = np.array([[1.0, 0, 10], [0, 1, 0]])
    assert warp(white, matrix, 20, 20).min() == 255
    crop = warp(white, matrix, 20, 20, black=True)
    assert (crop[:, :10] == 0).all()
    assert (crop[:, 10:] == 255).all()


def test_embedded_faces_land_on_the_template() -> None:
    marks = SyntheticFaces().render(np.arange(40) * 20, 128, 128).landmarks
    moved = np.stack([move_points(points, landmarks_to_crop(points, 55, 47)) for points in marks])
    resized = (marks + 0.5) * [47 / 128, 55 / 128] - 0.5
    off, before = (np.linalg.norm(points - template(55, 47), axis=2).mean() for points in (moved, resized))
    assert off < 0.6 * before


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (np.full((5, 2), 7.0), "not all in one place"),
        (np.full((5, 2), np.nan), "not all in one place"),
        (np.zeros((4, 2)), "five of them"),
    ],
)
def test_impossible_key_points(points: np.ndarray, says: str) -> None:
    with pytest.raises(DataError, match=says):
        landmarks_to_crop(points, 55, 47)


def test_key_points_outside_the_image() -> None:
    with pytest.raises(DataError, match="inside the 20 × 30 pixels"):
        check_inside(np.array([[1, 1], [5, 1], [3, 3], [1, 5], [5, 99.0]]), 30, 20)
    with pytest.raises(DataError, match="inside the 20 × 30 pixels"):
        check_inside(np.full((5, 2), np.nan), 30, 20)
    check_inside(np.array([[-0.5, 29.5], [19.5, 0]]), 30, 20)


def test_points_move_with_the_fixed_box() -> None:
    picture = np.zeros((250, 250, 3), np.uint8)
    picture[150:154, 110:114] = 255
    matrix = box_to_crop(face_box(66, 56), 66, 56)
    crop = warp(picture, matrix, 66, 56)
    y, x = np.unravel_index(crop.sum(axis=2).argmax(), (66, 56))
    assert np.abs(move_points(np.array([111.5, 151.5]), matrix) - [x, y]).max() <= 0.5 + 1e-9


def test_a_size_out_of_range() -> None:
    with pytest.raises(ParameterError, match="0 × 10"):
        face_box(0, 10)
