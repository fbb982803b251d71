"""Where the real LFW lies, and the marks of tests that need it."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("NBUTILS_TEST_LFW") or Path(__file__).parents[2].parent / "shared" / "lfw")


def needs_lfw(*lists: str) -> list[pytest.MarkDecorator]:
    """Marks of a module that reads these lists; it is skipped, with the reason, where one is missing."""
    return [
        pytest.mark.slow,
        pytest.mark.real_data,
        pytest.mark.skipif(
            not all((ROOT / name).is_file() for name in lists),
            reason=f"no real LFW in {ROOT} ({', '.join(lists)}); name its folder in NBUTILS_TEST_LFW",
        ),
    ]


def part_of_lfw(folder: Path, pairs: int) -> Path:
    """Makes `folder` a small copy of LFW: who has eight to ten training images, the first pairs of each kind."""
    rows = [line.split("\t") for line in (ROOT / "peopleDevTrain.txt").read_text().splitlines()[1:]]
    kept = [row for row in rows if 8 <= int(row[1]) <= 10]
    first, *lines = (ROOT / "pairsDevTest.txt").read_text().splitlines()
    each = int(first.split()[0])
    chosen = [*lines[:pairs], *lines[each : each + pairs]]
    people = {row[0] for row in kept} | {word for line in chosen for word in line.split("\t") if not word.isdigit()}
    for person in sorted(people):
        shutil.copytree(ROOT / "lfw-deepfunneled" / person, folder / "lfw-deepfunneled" / person)
    (folder / "peopleDevTrain.txt").write_text("\n".join([str(len(kept)), *map("\t".join, kept)]) + "\n")
    (folder / "pairsDevTest.txt").write_text("\n".join([str(pairs), *chosen]) + "\n")
    return folder
