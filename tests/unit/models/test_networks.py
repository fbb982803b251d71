from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from nbutils.data import batches
from nbutils.evaluation import count_parameters
from nbutils.models import (
    DeepID2Plus,
    DeepID3,
    FaceNetwork,
    LocallyConnected2d,
    MobileIDStudent,
    deployed_student,
    extract_features,
)

TEACHER_MAPS = [(52, 44), (26, 22), (24, 20), (12, 10), (10, 8), (5, 4), (4, 3)]
STUDENT_MAPS = [(52, 44), (26, 22), (24, 20), (12, 10), (10, 8), (5, 4)]


@pytest.mark.parametrize(("network", "maps"), [(DeepID2Plus, TEACHER_MAPS), (MobileIDStudent, STUDENT_MAPS)])
def test_every_map_has_the_size_of_table_1(network: type[FaceNetwork], maps: list[tuple[int, int]]) -> None:
    model = network()
    seen: list[torch.Size] = []
    for name, module in model.named_children():
        if name.startswith("group") and len(seen) < len(maps):
            module.register_forward_hook(lambda _m, _i, out: seen.append(out.shape))
    model.eval()(torch.zeros(1, 3, 55, 47))
    assert [tuple(shape[2:]) for shape in seen[: len(maps)]] == maps
    assert {shape[1] for shape in seen[: len(maps)]} == {128}


def test_parameters_follow_from_table_1() -> None:
    conv1, conv2 = 3 * 128 * 16 + 128, 128 * 128 * 9 + 128
    lconv1, lconv2 = 10 * 8 * (128 * 128 * 9 + 128), 4 * 3 * (128 * 128 * 4 + 128)
    top = 128 * 4 * 3 * 512 + 512
    classifier = 512 * 12294 + 12294
    heads = sum(128 * h * w * 512 + 512 + classifier for h, w in ((26, 22), (12, 10), (5, 4)))
    counted = count_parameters(DeepID2Plus())
    assert counted.inference == conv1 + conv2 + lconv1 + lconv2 + top
    assert counted.training == counted.inference + classifier + heads
    student = conv1 + 2 * conv2 + (128 * 20 * 500 + 500) + (500 * 512 + 512) + (512 * 422 + 422)
    assert count_parameters(MobileIDStudent()).inference == student


def test_t2_has_the_maps_and_the_parameters_of_table_1() -> None:
    model = DeepID3().eval()
    seen: dict[str, torch.Size] = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: getattr(out, "shape", None)}))
    with torch.no_grad():
        model(torch.zeros(1, 3, 112, 96))
    shapes: list[tuple[int, ...]] = [
        (64, 112, 96),
        (64, 56, 48),
        (96, 56, 48),
        (96, 28, 24),
        (192, 28, 24),
        (192, 14, 12),
        (256, 14, 12),
    ]
    shapes += [(256, 7, 6), (256, 3, 2), (512,)]
    assert [tuple(seen[f"group{number}"][1:]) for number in range(1, 11)] == shapes
    assert tuple(seen["group9.0"][1:]) == (256, 5, 4)
    channels = [3, 64, 64, 96, 96, 192, 192, 256, 256]
    convolutions = sum(9 * a * b + b for a, b in pairwise(channels))
    local = (5 * 4 + 3 * 2) * (9 * 256 * 256 + 256)
    classifier = 512 * 12294 + 12294
    maps = ((96, 28, 24), (192, 14, 12), (256, 7, 6))  # as printed: 17 M, 8 M and 3 M to 256 neurons, 3 M to the people
    heads = sum(c * h * w * 256 + 256 + 256 * 12294 + 12294 for c, h, w in maps)
    counted = count_parameters(model)
    assert counted.inference == convolutions + local + 256 * 3 * 2 * 512 + 512
    assert counted.training == counted.inference + classifier + heads
    assert counted.training == 61_148_312  # 62 M printed


def test_the_published_student_has_its_own_sizes() -> None:
    convolutions = 3 * 64 * 16 + 64 + 2 * (64 * 64 * 9 + 64)
    top = 64 * 20 * 500 + 500 + 500 * 500 + 500 + 500 * 422 + 422
    assert count_parameters(deployed_student()).inference == convolutions + top


def test_a_locally_connected_layer_equals_loops() -> None:
    layer = LocallyConnected2d(3, 4, (5, 6), 2)
    nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, 5, 6)
    out = layer(x)
    assert out.shape == (2, 4, 4, 5)
    for row in range(4):
        for column in range(5):
            patch = x[:, :, row : row + 2, column : column + 2].permute(0, 2, 3, 1).flatten(1)
            position = row * 5 + column
            expected = patch @ layer.weight[position] + layer.bias[position]
            torch.testing.assert_close(out[:, :, row, column], expected)


@pytest.mark.parametrize("network", [DeepID2Plus, DeepID3])
def test_supervision_speaks_in_training_only(network: type[DeepID2Plus | DeepID3]) -> None:
    model = network(7, width=4)
    images = torch.zeros(2, 3, *network.input_size)
    assert [head.shape for head in model(images).supervision] == [(2, 7)] * 3
    assert model.eval()(images).supervision == ()


def test_features_of_many_images_equal_one_pass_and_leave_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_PIXELS_ON_CPU", 2 * 55 * 47)
    model = MobileIDStudent(9, width=4)
    images = np.random.default_rng(0).integers(0, 256, (5, 55, 47, 3), dtype=np.uint8)
    features = extract_features(model, images, "output")
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    np.testing.assert_allclose(features, model.eval()(x).output.detach().numpy(), atol=1e-5)
    assert MobileIDStudent(9, width=4).train().training
    model.train()
    extract_features(model, images)
    assert model.training
