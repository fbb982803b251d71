"""Part of real LFW as its folder, as a pack, and as records with a `.bin` of pairs: one notebook, the same results."""

import json
from pathlib import Path

import numpy as np
import pytest

from nbutils.batch.notebooks import find_notebooks
from nbutils.batch.runner import Job, run_jobs
from nbutils.data.collection import TRAIN
from nbutils.data.layouts.base import open_collection, write_collection
from nbutils.data.pack.packer import pack_collection
from nbutils.paths import notebooks_dir
from tests.support.real_lfw import needs_lfw, part_of_lfw

NOTEBOOK = "luo2016/05_compressing_a_single_network"

pytestmark = [
    *needs_lfw("peopleDevTrain.txt", "pairsDevTest.txt"),
    pytest.mark.notebook,
    pytest.mark.usefixtures("forked_runs"),
]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The data parameters of each form; all hold the same encoded images, the pack their crops."""
    folder = tmp_path_factory.mktemp("forms")
    root = part_of_lfw(folder / "lfw", pairs=100)
    whole = open_collection(root)
    pack_collection(whole, folder / "pack", "lfw", 61, 53, progress=False)
    assert whole.partition is not None
    there = [at for at in np.flatnonzero(whole.partition == TRAIN).tolist() if at not in whole.missing]
    write_collection(whole.take(there), folder / "records", "recordio")
    write_collection(whole, folder / "pairs", "pair_bin")
    return {
        "folder": {"data_root": str(root)},
        "pack": {"data_root": str(folder / "pack")},
        "records": {"data_root": str(folder / "records"), "pairs_root": str(folder / "pairs" / "pairs.bin")},
    }


def test_the_notebook_gives_equal_results(
    forms: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics, fingerprints = {}, {}
    for form, parameters in forms.items():
        # One store: what is trained on a pack is what was trained on the folder, since the faces are the same bytes.
        monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "store"))
        job = Job(NOTEBOOK, find_notebooks(notebooks_dir())[NOTEBOOK], tmp_path / form, {
            "preset": "smoke", "dataset": "lfw", **parameters,
        })  # fmt: skip
        assert run_jobs([job])[0].error is None
        metrics[form] = json.loads((tmp_path / form / "metrics.json").read_text())
        fingerprints[form] = json.loads((tmp_path / form / "provenance.json").read_text())["data"]
    assert fingerprints["pack"] == fingerprints["folder"]
    # Records know people by numbers, and the pairs know no people: other names, so that all is trained again.
    assert fingerprints["records"] != fingerprints["folder"]
    assert 50 < metrics["folder"]["auc/T1"] < 100
    assert metrics["pack"] == metrics["folder"]
    assert metrics["records"] == metrics["folder"]
