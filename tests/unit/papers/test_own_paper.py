"""A third paper is its own folder and its notebooks: a copy of the package with one finds it everywhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nbutils

pytestmark = pytest.mark.slow

PAPER = '''"""A paper of one's own."""
from nbutils.papers.base import face_data
from nbutils.papers.luo2016.single_network import t1


def trainings(dataset, preset, seed):
    return {"teachers": [t1(face_data(dataset, "", preset, s), preset, s) for s in (seed, seed + 1)]}


NOTEBOOKS = {"own2030/01_first": trainings}
'''
PRINTED = """
title: T
authors: [A]
venue: V
tables:
  t: {title: T, source: S, index: m, rows: [{m: a, x: 1}, {m: b, x: 2}]}
claims: [{id: c, text: T, source: S, measure: m, relation: less, table: t, rows: [a, b]}]
"""
ASK = """
from nbutils.batch.planned_trainings import notebook_trainings
from nbutils.papers import claim, printed

specs, sizes = notebook_trainings("own2030/01_first", {"dataset": "synthetic", "preset": "paper", "seed": 3})
print([(spec.name, spec.seed) for spec in specs], sizes)
print(printed("own2030", "t")["x"].tolist(), claim("own2030", "c").printed)
"""


def test_a_third_paper_is_found_by_its_folder(tmp_path: Path) -> None:
    package = tmp_path / "nbutils"
    shutil.copytree(Path(nbutils.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    folder = package / "papers" / "own2030"
    folder.mkdir()
    (folder / "__init__.py").write_text(PAPER)
    (folder / "printed.yml").write_text(PRINTED)
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["[('T1', 3), ('T1', 4)] {}", "[1, 2] a 1, b 2 (−1)"], done.stderr
