"""What neurons are asked to predict: attributes where there are any, people where there are none."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from nbutils.data import SyntheticData, find_probes
from nbutils.papers import face_data
from nbutils.papers.luo2016 import load_probes, probe_labels
from nbutils.reporting import Run

DATA = SyntheticData(identities=4, images_per_identity=6, validation_images=200, pairs=20)


def test_attributes_are_predicted_where_there_are_any() -> None:
    probes = find_probes(DATA.load())

    found = probe_labels(probes, np.zeros((200, 3)))

    assert probes.attributes is not None
    np.testing.assert_array_equal(found.labels, probes.attributes)
    assert found.names == probes.names
    assert found.note == probes.note
    assert 0 < found.related.sum() < len(found.related)


def test_people_stand_in_for_attributes() -> None:
    people = np.arange(120) % 3
    probes = replace(
        find_probes(DATA.load()),
        images=np.zeros((120, 2, 2, 3), np.uint8),
        identity=people,
        identity_names=("Ann", "Bob", "Cleo"),
        attributes=None,
        known=None,
    )

    found = probe_labels(probes, np.random.default_rng(0).random((120, 4)))

    assert found.names == ("Ann", "Bob", "Cleo")
    np.testing.assert_array_equal(found.labels, people[:, None] == np.arange(3))
    assert found.known.all()
    assert found.related.all()
    assert "3 people with many images stand in" in found.note


def test_other_faces_are_recorded_in_the_run(tmp_path: Path) -> None:
    given = {"dataset": "synthetic", "preset": "smoke", "seed": 5, "probe_dataset": "synthetic", "probe_root": ""}
    run, data = Run("trial", parameters=given, out_dir=tmp_path), face_data("synthetic", preset="smoke", seed=5)

    probes = load_probes(run, data.load(), data)
    run.finish()

    assert len(probes) == 300
    assert '"synthetic": "' in (tmp_path / "provenance.json").read_text(encoding="utf-8")
