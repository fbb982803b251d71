import os
from pathlib import Path

import numpy as np
import pytest

from nbutils.data import SyntheticData, SyntheticFaces, render_cache
from nbutils.data.synthetic import SyntheticBatch

INDICES = np.arange(6)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(render_cache, "rendered_faces_dir", lambda: tmp_path / "faces")
    monkeypatch.setattr(render_cache, "LEAST_IMAGES", 5)
    return tmp_path / "faces"


def _no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SyntheticFaces, "render", lambda *_: pytest.fail("faces were drawn again"))


def _same(first: SyntheticBatch, second: SyntheticBatch) -> None:
    for name in ("images", "identity", "attributes", "landmarks", "pose"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_faces_are_drawn_once_and_read_as_they_were(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = SyntheticFaces(seed=3, images_per_identity=2)
    drawn = faces.render(INDICES, 20, 16)
    _same(render_cache.render(faces, INDICES, 20, 16), drawn)
    _no_drawing(monkeypatch)
    again = render_cache.render(faces, INDICES, 20, 16)
    _same(again, drawn)
    again.images[:] = 0  # one's own arrays, not the file's


@pytest.mark.parametrize(
    ("faces", "indices", "size"),
    [
        (SyntheticFaces(4, 2), INDICES, (20, 16)),
        (SyntheticFaces(3, 3), INDICES, (20, 16)),
        (SyntheticFaces(3, 2, 1.5), INDICES, (20, 16)),
        (SyntheticFaces(3, 2), INDICES + 1, (20, 16)),
        (SyntheticFaces(3, 2), INDICES, (20, 17)),
    ],
)
def test_other_faces_are_others(
    folder: Path, faces: SyntheticFaces, indices: np.ndarray, size: tuple[int, int]
) -> None:
    render_cache.render(SyntheticFaces(3, 2), INDICES, 20, 16)
    _same(render_cache.render(faces, indices, *size), faces.render(indices, *size))
    assert len(list(folder.iterdir())) == 2


def test_faces_of_other_code_are_drawn_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render_cache.render(SyntheticFaces(), INDICES, 20, 16)
    monkeypatch.setattr(render_cache, "_code", lambda: "another")
    render_cache.render(SyntheticFaces(), INDICES, 20, 16)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut short", "a flipped bit", "empty"])
def test_what_is_damaged_is_drawn_again(folder: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    wanted = render_cache.render(SyntheticFaces(), INDICES, 20, 16)
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes({"cut short": content[:500], "a flipped bit": content, "empty": b""}[damage]))
    _same(render_cache.render(SyntheticFaces(), INDICES, 20, 16), wanted)
    assert "its faces are drawn again" in caplog.text


def test_what_was_longest_unused_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        render_cache.render(SyntheticFaces(seed), INDICES, 20, 16)
    sizes = [file.stat().st_size for file in folder.iterdir()]
    monkeypatch.setattr(render_cache, "MOST_BYTES", 3 * max(sizes))
    for seed, age in ((0, 10), (1, 30), (2, 20)):
        file = folder / f"{render_cache._key(SyntheticFaces(seed), INDICES, 20, 16)}.npz"
        os.utime(file, (1e9 - age, 1e9 - age))
    render_cache.render(SyntheticFaces(0), INDICES, 20, 16)  # used
    render_cache.render(SyntheticFaces(3), INDICES, 20, 16)
    kept = {file.stem for file in folder.iterdir()}
    assert kept == {render_cache._key(SyntheticFaces(seed), INDICES, 20, 16) for seed in (0, 2, 3)}


def test_where_nothing_can_be_kept_faces_are_drawn(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file in the folder's place")
    _same(render_cache.render(SyntheticFaces(), INDICES, 20, 16), SyntheticFaces().render(INDICES, 20, 16))
    assert "cannot be kept" in caplog.text


def test_a_population_is_read_the_second_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = SyntheticData(identities=4, images_per_identity=4, validation_images=6, pairs=20)
    first = data.read()
    _no_drawing(monkeypatch)
    second = data.read()
    assert second.fingerprint == first.fingerprint
