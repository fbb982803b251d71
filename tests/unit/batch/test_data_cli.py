import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nbutils.batch.cli import app
from nbutils.data.layouts.base import open_collection, write_collection
from nbutils.data.manifest import known_manifests
from tests.support.collections import rendered

MANIFEST = """\
title: Faces of the lab
homepage: null
licence: ours
citation: []
access: not public
notes: [Everybody shown agreed.]
annotations: [identity]
images: 21
identities: 7
"""


def _run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", *map(str, words)])
    return result.exit_code, result.output


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own data set, and its manifest beside it."""
    write_collection(rendered(), tmp_path / "faces", "image_folder")
    (tmp_path / "faces.yml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def test_every_manifest_is_listed() -> None:
    status, output = _run("list")
    assert status == 0
    assert all(re.search(rf"^{name} ", output, re.MULTILINE) for name in known_manifests())


@pytest.mark.parametrize("name", known_manifests())
def test_every_manifest_is_described(name: str) -> None:
    status, output = _run("describe", name)
    assert status == 0
    assert "licence" in output
    assert "note" in output


def test_an_own_data_set_is_checked_and_packed_by_its_own_manifest(own: Path) -> None:
    status, output = _run("check", own / "faces.yml", "--root", own / "faces")
    assert status == 0, output
    assert "21 printed" in output
    size = ("--height", "20", "--width", "18")
    status, output = _run("pack", own / "faces.yml", "--root", own / "faces", "--out", own / "pack", *size)
    assert status == 0, output
    assert "21 crops of 20×18 pixels (whole), 7 identities" in output
    packed = open_collection(own / "pack")
    assert packed.crops is not None
    assert packed.crops.shape == (21, 20, 18, 3)
    assert _run("check", own / "faces.yml", "--root", own / "pack")[0] == 0


def test_json_is_for_programs(own: Path) -> None:
    next((own / "faces").rglob("*.jpg")).write_bytes(b"no image")
    result = CliRunner().invoke(app, ["data", "check", str(own / "faces.yml"), "--root", str(own / "faces"), "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["counts"]["undecodable"] == 1


def test_damaged_images_are_set_aside_and_listed(own: Path) -> None:
    damaged = next((own / "faces").rglob("*.jpg"))
    damaged.write_bytes(b"no image")
    words = ("pack", own / "faces.yml", "--root", own / "faces", "--out", own / "pack")
    status, output = _run(*words)
    assert status == 2
    assert damaged.name in output
    assert "--quarantine" in output
    status, output = _run(*words, "--quarantine")
    assert status == 0, output
    assert "1 images were set aside" in output
    assert damaged.name in (own / "pack" / "quarantine.csv").read_text(encoding="utf-8")


def test_overlap_of_people_and_images(own: Path) -> None:
    (own / "people.txt").write_text("person 3\nSomebody Else\n", encoding="utf-8")
    status, output = _run("overlap", own / "faces", own / "people.txt")
    assert status == 0, output
    assert "1 people with equal names\n  Person_3 = person 3\n" in output
    result = CliRunner().invoke(app, ["data", "overlap", str(own / "faces"), str(own / "faces"), "--json"])
    found = json.loads(result.stdout)
    assert len(found["people"]) == 7
    assert np.unique([one for one, two, bits in found["images"] if one == two and bits == 0]).size == 21


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("describe", "nobody"), "no manifest 'nobody'"),
        (("check", "lfw", "--root", "nowhere"), "nowhere: there is no such folder"),
        (("check", "synthetic", "--root", "."), "embedded in this project"),
        (("fetch", "ms_celeb_1m", "--root", "new"), "no public address serves it"),
        (("pack", "digits", "--root", ".", "--out", "new"), "embedded in this project"),
        (("overlap", "nowhere", "."), "nowhere: there is no such"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, output = _run(*words)
    assert status == 2
    assert output.startswith("error: ")
    assert says in output
    assert not list(tmp_path.iterdir())
