"""Which neurons a training chooses: shares, random ones, other faces to look at."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from nbutils.data import AttributeFaces, SyntheticData
from nbutils.data.layouts.base import write_collection
from nbutils.errors import ParameterError
from nbutils.models import MobileIDStudent
from nbutils.papers.luo2016 import chosen_row, fig3, fig4, large_face_data, share_students
from nbutils.training import SelectionSpec, Store, Teacher, TrainingSpec, choose_neurons, train
from tests.support.collections import rendered
from tests.unit.training.conftest import MakeSpec

DATA = SyntheticData(identities=4, images_per_identity=2, validation_images=300, pairs=20)


@pytest.fixture(scope="module")
def half_dead() -> Teacher:
    """Of whose 512 neurons 100 never respond."""
    torch.manual_seed(0)
    network = MobileIDStudent(4, width=4)
    original = network.forward

    def forward(images: torch.Tensor) -> object:
        outputs = original(images)
        outputs["features"] = torch.cat([outputs["features"][:, :-100], torch.zeros(len(images), 100)], dim=1)
        return outputs

    network.forward = forward  # type: ignore[method-assign, assignment]
    return Teacher([network])


def test_a_share_is_one_of_the_live_neurons(half_dead: Teacher) -> None:
    data = DATA.load()
    assert data.validation is not None
    live = np.ptp(half_dead.features(data.validation.images), axis=0) > 0
    assert 100 < live.sum() <= 412
    chosen = choose_neurons(half_dead, data, SelectionSpec(share=0.5))
    assert len(chosen.indices) == round(0.5 * live.sum())
    assert live[chosen.indices].all()
    assert "Chosen on 300 validation images of 300 people (embedded faces" in chosen.note


def test_random_neurons_are_live_and_drawn_by_their_seed(half_dead: Teacher) -> None:
    data = DATA.load()
    first, again, other = (
        choose_neurons(half_dead, data, SelectionSpec(share=0.31, random=seed)) for seed in (0, 0, 1)
    )
    assert first.rule == "random"
    assert first.indices.max() < 412
    np.testing.assert_array_equal(first.indices, again.indices)
    assert (
        len(first.indices)
        == len(other.indices)
        == len(choose_neurons(half_dead, data, SelectionSpec(share=0.31)).indices)
    )
    assert set(first.indices) != set(other.indices)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"count": 3, "share": 0.5}, "count is 3 and share 0.5: expected one of them"),
        ({"random": 0}, "a random choice has a count or a share"),
        ({"random": 0, "share": 0.5, "lam": 0.1}, "and no lam"),
        ({"share": 1.5}, "share"),
    ],
)
def test_fields_that_do_not_agree(fields: dict[str, float], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        SelectionSpec(**fields)


@pytest.mark.parametrize("field", ["count", "share", "lam"])
def test_without_attributes_nothing_of_eq_2_is_silently_ignored(
    make_student: MakeSpec, tmp_path: Path, field: str
) -> None:
    spec = make_student(selection=SelectionSpec(**{field: 1}))
    with pytest.raises(ParameterError, match=f"the selection has {field}, for Eq. 2, which needs attributes"):
        train(spec, store=Store(tmp_path / "store"), progress=False)
    assert not list((tmp_path / "store").glob("*/weights.safetensors"))  # not even the teacher's


def test_the_key_follows_the_probe_and_not_its_place(make_student: MakeSpec, tmp_path: Path) -> None:
    write_collection(rendered(64), tmp_path / "one", "image_list")
    shutil.copytree(tmp_path / "one", tmp_path / "two")

    def key(name: str) -> str:
        probe = AttributeFaces(dataset="celeba", root=tmp_path / name)
        return make_student(selection=SelectionSpec(share=0.5, probe=probe)).key

    assert key("one") == key("two") != make_student(selection=SelectionSpec(share=0.5)).key
    table = tmp_path / "two" / "images.csv"
    shutil.copytree(tmp_path / "one", tmp_path / "three")
    table = tmp_path / "three" / "images.csv"
    table.write_text(table.read_text().replace(",-1", ",1", 1))
    assert key("three") != key("one")
    spec = make_student(
        selection=SelectionSpec(share=0.5, probe=AttributeFaces(dataset="celeba", root=tmp_path / "one"))
    )
    assert TrainingSpec.model_validate_json(spec.model_dump_json()) == spec
    assert "nbutils.data.sources.attribute_faces" in spec.code()


def test_the_row_without_attributes_bears_no_name_of_eq_2(make_student: MakeSpec) -> None:
    lfw = make_student().data
    assert chosen_row(fig3(lfw, "smoke")) == "inhibitive dropped"
    assert fig3(lfw, "smoke")["inhibitive dropped"].selection == SelectionSpec()
    assert all(name.startswith("random") for name in share_students(lfw, "smoke"))
    probed = fig3(lfw, "smoke", probe=DATA)
    assert probed["selection"].selection == SelectionSpec(share=422 / 512, probe=DATA)
    assert chosen_row(fig4(large_face_data("synthetic", preset="smoke"), "smoke")) == "selection"
