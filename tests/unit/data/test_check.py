import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nbutils.data.collection import TRAIN, Collection
from nbutils.data.layouts.base import open_collection, write_collection
from nbutils.data.manifest import Manifest, ManifestFile, load_manifest
from nbutils.data.pack.packer import pack_collection
from nbutils.data.upkeep.check import check_collection
from nbutils.data.upkeep.findings import Finding, Report
from tests.support.collections import rendered

MANIFEST = load_manifest("lfw").model_copy(
    update={"images": 21, "identities": 7, "files": (), "layouts": ("image_list",)}
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_collection(rendered(), tmp_path / "data", "image_list")
    return tmp_path / "data"


def _check(root: Path | Collection, manifest: Manifest = MANIFEST) -> Report:
    return check_collection(open_collection(root) if isinstance(root, Path) else root, manifest, progress=False)


def _finding(report: Report, what: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.what.startswith(what)]
    return found


def test_a_whole_data_set_is_sound(root: Path) -> None:
    report = _check(root)
    assert report.sound
    assert report.counts["images"] == 21
    assert _finding(report, "images that are there").expected == "21 printed"
    assert _finding(report, "identities with fewer than 4").found == "7 (with 4 or more: 0)"
    assert json.loads(report.model_dump_json())["counts"] == report.counts


def test_damage_is_found(root: Path) -> None:
    images = sorted(root.rglob("*.jpg"))
    images[3].write_bytes(images[3].read_bytes()[:-900])
    shutil.copy(images[5], images[6])
    images[8].unlink()
    report = _check(root)
    assert not report.sound
    assert (
        report.counts | {"images": 19, "undecodable": 1, "missing": 1, "duplicates": 1, "look_alikes": 1}
        == report.counts
    )
    assert images[3].name in _finding(report, "images that cannot be decoded").examples[0]
    assert images[8].name in _finding(report, "images listed and missing").examples[0]
    assert _finding(report, "images with the bytes of another").level == "note"
    names = [str(image.relative_to(root)) for image in images]
    assert _finding(report, "images with the bytes of another").examples[0].startswith(f"{names[5]} = {names[6]}")


def test_numbers_short_of_the_printed_ones_are_faults_and_rounded_ones_are_not(root: Path) -> None:
    printed = MANIFEST.model_copy(update={"images": 22, "identities": 6})
    assert _finding(_check(root, printed), "images that are there").level == "fault"
    assert _finding(_check(root, printed), "identities with images").level == "note"
    about = printed.model_copy(update={"rounded": True})
    assert _finding(_check(root, about), "images that are there").level == "ok"
    assert _finding(_check(root, about), "images that are there").expected == "about 22 printed"


def test_published_digests(root: Path) -> None:
    (root / "list.txt").write_bytes(b"abc")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    for digest, level in ((abc, "ok"), (abc[::-1], "note")):
        files = (ManifestFile(name="list.txt", digest=f"sha256:{digest}"), ManifestFile(name="other.txt"))
        report = _check(root, MANIFEST.model_copy(update={"files": files}))
        assert _finding(report, "file list.txt").level == level
        assert _finding(report, "published files that are not there").found == "other.txt"


def test_values_out_of_range() -> None:
    faces = rendered()
    assert faces.attributes is not None
    assert faces.landmarks is not None
    attributes, landmarks = faces.attributes.copy(), faces.landmarks.copy()
    attributes[0], attributes[1:] = 1, -1  # none is constant
    attributes[:, 7], attributes[0, 2] = 1, 0
    landmarks[4, 1] = 250, 10
    landmarks[5] = np.nan
    report = _check(replace(faces, attributes=attributes, landmarks=landmarks))
    assert _finding(report, "attributes").found == "0 not −1, 0 or 1; 1 unknown; 1 constant"
    assert "Big_Nose is 1 on every image" in _finding(report, "attributes").examples
    points = _finding(report, "key points")
    assert (points.level, points.found) == ("fault", "1 images with points outside; 1 without")
    assert points.examples == ("4.jpg",)


def test_pairs_are_held_against_people_and_partition() -> None:
    faces = rendered()
    assert faces.pairs is not None
    assert faces.partition is not None
    usual = _check(faces)
    assert _finding(usual, "people both to train on and in pairs").found == "0"
    lying = replace(faces, pairs=replace(faces.pairs, same=~faces.pairs.same), partition=np.full(21, TRAIN, np.int8))
    report = _check(lying)
    assert _finding(report, "pairs that the identities contradict").found == str(len(faces.pairs))
    assert _finding(report, "people both to train on and in pairs").found == "3"
    absent = int(faces.pairs.first[0])
    report = _check(replace(faces, missing={absent: f"list.txt:1: image {absent} does not exist"}))
    touched = (faces.pairs.first == absent) | (faces.pairs.second == absent)
    assert report.counts["pairs_usable"] == (~touched).sum()


def test_lfw_reports_each_list(tmp_path: Path) -> None:
    write_collection(rendered(), tmp_path / "lfw", "lfw")
    (tmp_path / "lfw" / "pairsDevTrain.txt").write_text("1\nPerson_0\t1\t2\nPerson_0\t1\tNobody\t1\n", encoding="utf-8")
    report = _check(tmp_path / "lfw")
    other = _finding(report, "pairs of pairsDevTrain.txt")
    assert (other.found, other.expected, other.level) == ("1 (1 matched)", "2 listed", "fault")
    assert _finding(report, "images listed and missing").found == "1: 1 by pairsDevTrain.txt"


def test_a_pack_is_checked_by_its_digests(tmp_path: Path) -> None:
    pack_collection(rendered(), tmp_path / "pack", "whole", 61, 53, progress=False)
    assert _finding(_check(tmp_path / "pack"), "digests of the pack").level == "ok"
    content = bytearray((tmp_path / "pack" / "images.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "pack" / "images.npy").write_bytes(content)
    assert "image 20" in _finding(_check(tmp_path / "pack"), "digests of the pack").examples[0]
