"""Data sets by URL, from moto's server, which answers as S3 does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("obstore", reason="needs nbutils[cluster]")
pytest.importorskip("moto.server", reason="needs moto's server")

from nbutils.batch.parameters import check_parameters
from nbutils.data import FolderData, bucket_copy, open_collection
from nbutils.data.bucket_copy import is_there, local_root
from nbutils.errors import DataError
from nbutils.paths import notebooks_dir
from tests.support.buckets import bucket, bucket_server

__all__ = ["bucket", "bucket_server"]

FACES = "s3://trainings/sets/faces"


@pytest.fixture(autouse=True)
def _a_new_process() -> None:
    bucket_copy._copied.cache_clear()


def _image(grey: int) -> bytes:
    return b"P5 2 1 255 " + bytes([grey, grey])


@pytest.fixture
def faces(bucket: Any) -> Any:  # noqa: ANN401
    """A bucket with an image folder of two people."""
    for name, grey in {"Ann/1.pgm": 1, "Ann/2.pgm": 2, "Bob/1.pgm": 3}.items():
        bucket.put_object(Bucket="trainings", Key=f"sets/faces/{name}", Body=_image(grey))
    bucket.put_object(Bucket="trainings", Key="sets/faces2/Cat/1.pgm", Body=_image(9))
    return bucket


def _greys() -> list[int]:
    bucket_copy._copied.cache_clear()
    opened = open_collection(FACES)
    return sorted(int(opened.image(at)[0, 0, 0]) for at in range(len(opened)))


def _fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the objects that are fetched from now on."""
    names: list[str] = []
    copy_one = bucket_copy._Place._copy_one

    def noting(place: bucket_copy._Place, name: str, file: Path) -> None:
        names.append(name)
        copy_one(place, name, file)

    monkeypatch.setattr(bucket_copy._Place, "_copy_one", noting)
    return names


def test_an_image_folder_in_a_bucket_is_opened_by_its_url(faces: Any) -> None:  # noqa: ANN401
    opened = open_collection(FACES + "/")
    assert (opened.layout, opened.identity_names, opened.root.name) == ("image_folder", ("Ann", "Bob"), "faces")
    assert _greys() == [1, 2, 3]


def test_a_copy_follows_the_bucket_and_fetches_what_changed_alone(faces: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    _greys()
    faces.put_object(Bucket="trainings", Key="sets/faces/Ann/1.pgm", Body=_image(7))  # of the same size
    faces.delete_object(Bucket="trainings", Key="sets/faces/Bob/1.pgm")
    fetched = _fetched(monkeypatch)
    assert _greys() == [2, 7]
    assert fetched == ["faces/Ann/1.pgm"]
    (local_root(FACES) / "Ann" / "2.pgm").unlink()
    assert _greys() == [2, 7]
    assert fetched == ["faces/Ann/1.pgm", "faces/Ann/2.pgm"]


def test_what_came_before_a_failure_is_not_fetched_again(faces: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    copy_one = bucket_copy._Place._copy_one

    def failing(place: bucket_copy._Place, name: str, file: Path) -> None:
        if name.endswith("Bob/1.pgm"):
            raise DataError("the network is gone")
        copy_one(place, name, file)

    monkeypatch.setattr(bucket_copy, "_AT_ONCE", 1)
    with monkeypatch.context() as broken:
        broken.setattr(bucket_copy._Place, "_copy_one", failing)
        with pytest.raises(DataError, match="the network is gone"):
            open_collection(FACES)
    asked = _fetched(monkeypatch)
    assert _greys() == [1, 2, 3]
    assert "faces/Bob/1.pgm" in asked
    assert len(asked) < 3


def test_one_file_is_copied_alone(faces: Any) -> None:  # noqa: ANN401
    found = local_root(f"{FACES}/Ann/2.pgm")
    assert found.read_bytes() == _image(2)
    assert [file.name for file in found.parent.iterdir() if file.suffix == ".pgm"] == ["2.pgm"]


@pytest.mark.slow
def test_a_spec_holds_the_url_and_reads_the_same_faces_as_from_disk(faces: Any, tmp_path: Path) -> None:  # noqa: ANN401
    for person in range(24):
        for image in range(4):
            grey = 10 * person + image
            content = b"P5 61 53 255 " + bytes([grey]) * (61 * 53)
            faces.put_object(Bucket="trainings", Key=f"sets/many/p{person}/{image}.pgm", Body=content)
            file = tmp_path / "many" / f"p{person}" / f"{image}.pgm"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    roots = ("s3://trainings/sets/many", tmp_path / "many")
    by_url, on_disk = (FolderData(dataset="casia_webface", root=root) for root in roots)
    assert FolderData.model_validate_json(by_url.model_dump_json()) == by_url
    assert by_url.root == "s3://trainings/sets/many"
    np.testing.assert_array_equal(by_url.load().train.images, on_disk.load().train.images)
    assert by_url.fingerprint() == on_disk.fingerprint()


def test_what_is_not_there_is_said_in_one_sentence(faces: Any) -> None:  # noqa: ANN401
    with pytest.raises(DataError, match=r"^s3://trainings/sets/none: there is no such folder or file$"):
        open_collection("s3://trainings/sets/none")
    with pytest.raises(DataError, match=r"^s3://trainings: expected a file or folder in a bucket"):
        open_collection("s3://trainings")
    with pytest.raises(DataError, match=r"^cannot use foo://sets: "):
        open_collection("foo://sets/faces")
    assert is_there(FACES)
    assert not is_there("s3://trainings/sets/none")
    assert not is_there("s3://absent/faces")


def test_names_that_lead_out_of_the_copy_are_refused(faces: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    place = bucket_copy._Place(FACES)
    monkeypatch.setattr(place._obstore, "list", lambda *_, **__: [[{"path": "faces/../../x", "size": 1, "e_tag": "1"}]])
    with pytest.raises(DataError, match=r"expected files below it, found 'faces/\.\./\.\./x'"):
        place.listed()


def test_a_notebook_takes_a_url_as_its_root(tmp_path: Path) -> None:
    name = "luo2016/05_compressing_a_single_network"
    given = {"dataset": "lfw", "data_root": FACES}
    checked = check_parameters({name: notebooks_dir() / f"{name}.ipynb"}, list(given.items()), working_dir=tmp_path)
    assert checked == {name: given}
