"""What people get wrong with selection, folds and deployment: one clear error each."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import resnet18

from nbutils.data.pairs import draw_pairs
from nbutils.data.sources.embedded import SyntheticData
from nbutils.errors import DataError, ParameterError
from nbutils.evaluation import check_onnx, evaluate_pairs, export_onnx
from nbutils.models import MobileIDStudent, module_features
from nbutils.selection import attribute_discriminativeness, select_neurons

RNG = np.random.default_rng(0)
FEATURES = RNG.random((30, 5))
ATTRIBUTES = np.tile([[True, False, True, False], [False, True, True, False], [True, True, False, True]], (10, 1))
RELATED = np.array([True, True, False, False])


def test_an_attribute_of_one_class_only() -> None:
    attributes = ATTRIBUTES.copy()
    attributes[:, 2] = True
    with pytest.raises(ParameterError, match=r"^attributes: column 2 has one value only; expected images with and"):
        attribute_discriminativeness(FEATURES, attributes)


def test_fewer_images_than_a_fold_needs() -> None:
    message = r"^3 images of 2 people, of which 1 matched and 1 mismatched pairs can be drawn: expected 2 of each"
    with pytest.raises(DataError, match=message):
        draw_pairs(np.array([0, 0, 1]), 100, RNG)
    with pytest.raises(DataError, match="1 matched and 1 mismatched pairs can be drawn"):
        SyntheticData(identities=2, images_per_identity=2, validation_images=2, pairs=2).load()
    with pytest.raises(ParameterError, match=r"^folds puts all matched pairs into one fold"):
        evaluate_pairs(FEATURES, FEATURES[::-1], np.arange(30) < 3, np.arange(30) // 3)


def test_a_module_path_that_does_not_exist() -> None:
    with pytest.raises(ParameterError, match=r"^ResNet has no module 'layer_4': the nearest are layer4, "):
        module_features(resnet18(weights=None), "layer_4", np.zeros((1, 64, 64, 3), np.uint8))


def test_features_with_nan() -> None:
    features = FEATURES.copy()
    features[7, 3] = np.nan
    with pytest.raises(ParameterError, match=r"^features of neuron 3 hold nan at image 7; expected finite"):
        attribute_discriminativeness(features, ATTRIBUTES)


def test_a_count_larger_than_the_neurons_that_respond() -> None:
    features = FEATURES.copy()
    features[:, [1, 4]] = 0.5
    x = attribute_discriminativeness(features, ATTRIBUTES)
    with pytest.raises(ParameterError, match=r"^count is 4; expected 1 to 3, the neurons of 5 that respond"):
        select_neurons(x, RELATED, count=4)


@pytest.mark.slow
def test_an_onnx_file_that_disagrees_with_its_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = RNG.integers(0, 256, (3, 55, 47, 3), dtype=np.uint8)
    student = MobileIDStudent(out_features=4, width=2)
    export_onnx(student, tmp_path / "S.onnx", images)
    with torch.no_grad():
        student.output.weight[1, 2] += 1
    with pytest.raises(DataError, match=r"S\.onnx: disagrees with its network's weights: .* export it again$"):
        check_onnx(tmp_path / "S.onnx", student, images)
