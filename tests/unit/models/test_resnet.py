import copy

import pytest
import torch
from torchvision.models import resnet50 as torchvision_resnet50

from nbutils.errors import ParameterError
from nbutils.models import FaceResNet, resnet50


def _count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_teacher_is_torchvisions_resnet_50_but_for_the_input_norm_and_the_heads() -> None:
    with torch.device("meta"):
        ours, theirs = resnet50(1, 1000), torchvision_resnet50(num_classes=1000)
    added = _count(ours.input_norm) + _count(ours.points)
    assert _count(ours) - added == _count(theirs)
    mine = {name: value.shape for name, value in ours.state_dict().items()}
    for name, value in theirs.state_dict().items():
        assert mine[name.replace("fc.", "classifier.")] == value.shape


@pytest.mark.slow
def test_with_torchvisions_weights_it_computes_what_torchvision_does() -> None:
    theirs = torchvision_resnet50(num_classes=7).double().eval()
    ours = resnet50(1, 7).double().eval()
    missing, unexpected = ours.load_state_dict(
        {name.replace("fc.", "classifier."): value for name, value in theirs.state_dict().items()}, strict=False
    )
    assert not unexpected
    assert {name.split(".")[0] for name in missing} == {"input_norm", "points"}
    images = torch.randn(2, 3, 224, 224, dtype=torch.float64)
    norm = ours.input_norm
    with torch.no_grad():
        torch.testing.assert_close(ours(images).output, theirs(images / (1 + norm.eps) ** 0.5))


@pytest.mark.parametrize("divisor", [2, 4, 8])
def test_every_layers_kernels_are_divided(divisor: int) -> None:
    with torch.device("meta"):
        teacher, student = resnet50(1, 5), resnet50(divisor, 5)
    pairs = zip(teacher.modules(), student.modules(), strict=True)
    convolutions = [(a, b) for a, b in pairs if isinstance(a, torch.nn.Conv2d) and isinstance(b, torch.nn.Conv2d)]
    assert len(convolutions) == 1 + 3 * 16 + 4
    assert all(a.out_channels == divisor * b.out_channels for a, b in convolutions)
    assert student.num_features == 2048 // divisor


def test_a_small_one_gives_all_that_the_tasks_read() -> None:
    model = FaceResNet(9, divisor=4, depth=14, width=16, height=55, breadth=47)
    out = model(torch.randn(2, 3, 55, 47))
    assert out.features.shape == (2, 128)
    assert out.output.shape == (2, 9)
    assert out.points is not None
    assert out.points.shape == (2, 5, 2)
    assert out.middle is not None
    assert out.middle.shape == (2, 32, 7, 6)


def test_what_it_cannot_be_is_refused() -> None:
    for options in ({"depth": 34}, {"divisor": 3}, {"divisor": 0}, {"height": 16}):
        with pytest.raises(ParameterError, match="expected"):
            FaceResNet(9, **options)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_gradient_of_a_narrow_shortcut_is_that_of_double_precision(width: int) -> None:
    """Which oneDNN's strided 1×1 convolution fails, with wrong values or a corrupted heap (its issue 6035)."""
    torch.manual_seed(0)
    model = FaceResNet(9, depth=14, width=width, height=55, breadth=47)
    shortcut = model.get_submodule("layer2.0.downsample")
    assert isinstance(shortcut, torch.nn.Sequential)
    shortcut = shortcut[:-1]  # without the batch norm
    shortcut.to(memory_format=torch.channels_last)
    images = torch.randn(32, 4 * width, 14, 12).to(memory_format=torch.channels_last)
    wanted = torch.randn(32, 8 * width, 7, 6).to(memory_format=torch.channels_last)
    (single,) = torch.autograd.grad(shortcut(images), list(shortcut.parameters()), wanted)
    (double,) = torch.autograd.grad(shortcut.double()(images.double()), list(shortcut.parameters()), wanted.double())
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("width", [2, 32])
def test_narrow_or_not_it_computes_the_same_under_the_same_names(width: int) -> None:
    ours = FaceResNet(9, depth=14, width=width, height=55, breadth=47).double().eval()
    plain = copy.deepcopy(ours)
    for stage, inputs in ((plain.layer2, 4 * width), (plain.layer3, 8 * width), (plain.layer4, 16 * width)):
        shortcut = torch.nn.Sequential(
            torch.nn.Conv2d(inputs, 2 * inputs, 1, stride=2, bias=False), torch.nn.BatchNorm2d(2 * inputs)
        )
        stage.get_submodule("0").downsample = shortcut.double().eval()
    plain.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, 55, 47, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(ours(images).output, plain(images).output)
