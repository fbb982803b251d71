import numpy as np
import pytest
import torch

from nbutils.data.geometry.face_regions import REGIONS, cut_region
from nbutils.errors import ParameterError
from nbutils.models import DeepID2Plus, DeepID3, MobileIDStudent, View, extract_features
from nbutils.training import ModelSpec, Teacher, ViewSpec


def test_a_network_with_a_view_is_the_network_of_its_region() -> None:
    torch.manual_seed(0)
    plain = DeepID2Plus(7, width=4).eval()
    seeing = DeepID2Plus(7, width=4).eval()
    seeing.load_state_dict(plain.state_dict())
    seeing.look_at("nose", (112, 96))
    images = torch.rand(3, 3, 112, 96) * 2 - 1
    assert seeing.input_size == (112, 96)
    assert DeepID2Plus.input_size == (55, 47)
    torch.testing.assert_close(seeing(images).features, plain(cut_region(images, "nose", (55, 47))).features)


def test_a_spec_builds_networks_of_different_inputs_for_one_crop() -> None:
    view = ViewSpec(region="whole_face", height=112, width=96)
    student = ModelSpec(kind="MobileIDStudent", options={"width": 4}, view=view)
    assert student.input_size == DeepID3.input_size == (112, 96)
    assert ModelSpec(kind="MobileIDStudent").input_size == MobileIDStudent.input_size == (55, 47)
    images = np.random.default_rng(0).integers(0, 256, (2, 122, 106, 3), dtype=np.uint8)
    assert extract_features(student.build(9), images, "output").shape == (2, 9)


def test_an_ensemble_joins_the_neurons_of_its_regions_in_order() -> None:
    networks = []
    for region in REGIONS:
        network = DeepID2Plus(5, width=4).eval()
        network.look_at(region, (112, 96))
        networks.append(network)
    images = torch.rand(2, 3, 112, 96) * 2 - 1
    targets = Teacher(networks)(images)
    assert targets.neurons.shape == (2, 3072)
    for position, (region, network) in enumerate(zip(REGIONS, networks, strict=True)):
        network.view, network.input_size = None, (55, 47)
        own = network(cut_region(images, region, (55, 47)))
        torch.testing.assert_close(targets.neurons[:, 512 * position : 512 * (position + 1)], own.features)
        assert targets.each is not None
        torch.testing.assert_close(targets.each[position], own.output)


def test_a_view_is_exact_in_mixed_precision_too() -> None:
    images = torch.rand(2, 3, 112, 96) * 2 - 1
    view = View("nose", (55, 47))
    with torch.autocast("cpu", torch.bfloat16):
        seen = view(images)
        assert view(images.bfloat16()).dtype == torch.float32
    torch.testing.assert_close(seen, cut_region(images, "nose", (55, 47)))


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(ParameterError, match="'chin', expected one of left_eye"):
        ViewSpec(region="chin", height=112, width=96)
