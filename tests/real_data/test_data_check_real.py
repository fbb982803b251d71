from pathlib import Path

import pytest

from nbutils.data.layouts.base import open_collection
from nbutils.data.manifest import load_manifest
from nbutils.data.pack.packer import pack_collection
from nbutils.data.sources.on_disk import FolderData
from nbutils.data.upkeep.check import check_collection
from nbutils.data.upkeep.findings import Report
from tests.support.real_lfw import ROOT, needs_lfw

LISTS = ("peopleDevTrain.txt", "peopleDevTest.txt", "pairsDevTest.txt")

pytestmark = needs_lfw(*LISTS)


@pytest.fixture(scope="module")
def report() -> Report:
    return check_collection(open_collection(ROOT), load_manifest("lfw"), progress=False)


def test_the_report_counts_what_is_on_disk(report: Report) -> None:
    """Counted again by the file system and by reading the lists as plain text."""
    (folder,) = ROOT.glob("lfw*/")
    there = {file.name for file in folder.glob("*/*.jpg")}
    promised = set()
    for name in LISTS[:2]:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()[1:]:
            person, _, count = line.partition("\t")
            promised |= {f"{person}_{number:04d}.jpg" for number in range(1, int(count) + 1)}
    counts = report.counts
    assert counts["images"] == len(there)
    assert counts["listed"] == len(promised | there)
    assert counts["missing"] == len(promised - there)
    assert counts["identities"] == len({file.parent.name for file in folder.glob("*/*.jpg")})
    assert counts["undecodable"] == 0
    assert report.sound == (len(there) == 13_233)


def test_the_development_pairs_are_whole(report: Report) -> None:
    assert report.counts["pairs"] == 1_000
    assert report.counts["pairs_usable"] == 1_000


def test_lists_are_as_published(report: Report) -> None:
    lists = [finding for finding in report.findings if finding.what.startswith("file ") and ".txt" in finding.what]
    assert len(lists) >= len(LISTS)
    assert {finding.found for finding in lists} == {"as published"}


def test_a_pack_gives_the_faces_of_its_folder(tmp_path: Path) -> None:
    pack_collection(open_collection(ROOT), tmp_path / "pack", "lfw", 61, 53, progress=False)
    folder, packed = (FolderData(dataset="lfw", root=root).load() for root in (ROOT, tmp_path / "pack"))
    assert packed.fingerprint == folder.fingerprint
