"""MobileFaceNet and the vision transformer: counts, a second implementation, shapes, gradients, ONNX."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer as TorchvisionTransformer

from nbutils.errors import ParameterError
from nbutils.evaluation import export_onnx
from nbutils.models import FaceNetwork, MobileFaceNet, VisionTransformer
from nbutils.training import ModelSpec

SMALL = [
    MobileFaceNet(7, width=8, embedding=16, height=55, breadth=47),
    VisionTransformer(7, depth=2, width=16, heads=2),
    VisionTransformer(7, depth=1, width=16, heads=4, patch=11, pooling="mean", height=33, breadth=30),
]
EACH = pytest.mark.parametrize("network", SMALL, ids=lambda network: f"{type(network).__name__}-{network.input_size}")


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _mobilefacenet(height: int, breadth: int) -> tuple[int, int]:
    """Weights of the convolutions and slopes of Table 1's network, and the channels that batch norm follows on."""
    weights, slopes, normed = 27 * 64 + 9 * 64, 2 * 64, 2 * 64
    inputs = 64
    for expansion, outputs, repeats in ((2, 64, 5), (4, 128, 1), (2, 128, 6), (4, 128, 1), (2, 128, 2)):
        for _ in range(repeats):
            hidden = expansion * inputs
            weights += inputs * hidden + 9 * hidden + hidden * outputs
            slopes, normed, inputs = slopes + 2 * hidden, normed + 2 * hidden + outputs, outputs
    weights += 128 * 512 + height * breadth * 512 + 512 * 128
    return weights + slopes + 512, normed + 512 + 512 + 128


def test_mobilefacenet_has_the_printed_number_of_parameters() -> None:
    with torch.device("meta"):
        network = MobileFaceNet(10, height=112, breadth=112)
    convolutions, channels = _mobilefacenet(7, 7)
    without_classifier = _count(network) - _count(network.classifier)
    assert without_classifier == convolutions + 2 * channels == 1_003_136
    assert convolutions + channels == 993_344  # batch norm folded into biases; the paper prints 0.99 million
    with torch.device("meta"):
        usual = MobileFaceNet(10)
    assert usual.input_size == (112, 96)
    assert _count(usual) - _count(usual.classifier) == sum(_mobilefacenet(7, 6)) + channels


@pytest.mark.parametrize(("size", "last"), [((112, 112), (7, 7)), ((112, 96), (7, 6)), ((55, 47), (4, 3))])
def test_mobilefacenet_has_the_maps_of_table_1(size: tuple[int, int], last: tuple[int, int]) -> None:
    network = MobileFaceNet(5, height=size[0], breadth=size[1]).eval()
    seen: list[tuple[int, ...]] = []
    for module in (network.conv1, network.conv2, *network.bottlenecks, network.conv3, network.global_depthwise):
        module.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape[1:])))
    with torch.no_grad():
        network(torch.zeros(1, 3, *size))
    rows, columns = zip(*[(-(-size[0] // 2**n), -(-size[1] // 2**n)) for n in range(1, 5)], strict=True)
    maps = list(zip(rows, columns, strict=True))
    assert maps[-1] == last
    channels = [64, 64, *[64] * 5, *[128] * 7, *[128] * 3, 512]
    levels = [0, 0, *[1] * 5, *[2] * 7, *[3] * 3, 3]
    assert seen[:-1] == [(c, *maps[level]) for c, level in zip(channels, levels, strict=True)]
    assert seen[-1] == (512, 1, 1)


def test_mobilefacenets_shortcuts_are_where_the_shape_stays() -> None:
    network = MobileFaceNet(5, width=8)
    shortcuts = [block.has_shortcut for block in network.bottlenecks if hasattr(block, "has_shortcut")]
    assert shortcuts == [False, *[True] * 4, False, *[True] * 6, False, *[True] * 2]


def test_the_transformer_has_the_parameters_of_vit_b() -> None:
    with torch.device("meta"):
        network = VisionTransformer(1000, depth=12, width=768, heads=12, patch=16, height=224, breadth=224)
    assert _count(network) == 86_567_656  # as torchvision's documentation of vit_b_16 counts


def test_with_torchvisions_weights_the_transformer_computes_what_torchvision_does() -> None:
    theirs = TorchvisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=16, mlp_dim=64, num_classes=5
    )
    nn.init.normal_(theirs.heads.head.weight)  # which torchvision starts from 0
    nn.init.normal_(theirs.class_token)
    names = {
        "conv_proj": "patches",
        "class_token": "class_token",
        "encoder.pos_embedding": "positions",
        "encoder.ln": "norm",
        "heads.head": "classifier",
    }
    for layer in range(2):
        mine, there = f"blocks.{layer}", f"encoder.layers.encoder_layer_{layer}"
        names |= {
            f"{there}.ln_1": f"{mine}.norm1",
            f"{there}.ln_2": f"{mine}.norm2",
            f"{there}.self_attention.in_proj": f"{mine}.attention.queries_keys_values",
            f"{there}.self_attention.out_proj": f"{mine}.attention.projection",
            f"{there}.mlp.0": f"{mine}.perceptron.0",
            f"{there}.mlp.3": f"{mine}.perceptron.2",
        }
    state = {}
    for name, value in theirs.state_dict().items():
        there = next(each for each in names if name.startswith(each) and name[len(each) :][:1] in ("", ".", "_"))
        state[names[there] + name[len(there) :].replace("_", ".")] = value
    ours = VisionTransformer(5, depth=2, width=16, heads=4, patch=8, height=32, breadth=32)
    ours.load_state_dict(state)
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images).output, theirs.eval()(images))


def test_padding_lets_every_pixel_count() -> None:
    network = VisionTransformer(3, depth=1, width=16, heads=2, patch=8, pooling="mean")
    images = torch.zeros(1, 3, 55, 47, requires_grad=True)
    loss: torch.Tensor = network(images).output.square().sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert network.positions.shape == (1, 7 * 6, 16)
    assert images.grad is not None
    assert (images.grad.abs().sum(dim=1) > 0).all()


@EACH
def test_the_outputs_follow_from_the_features_and_gradients_reach_all(network: FaceNetwork) -> None:
    network.train()
    outputs = network(torch.randn(4, 3, *network.input_size, generator=torch.Generator().manual_seed(0)))
    assert outputs.output.shape == (4, 7)
    assert outputs.features.shape == (4, 16)
    torch.testing.assert_close(network.output_from(outputs.features), outputs.output)
    network.zero_grad()
    loss = nn.functional.cross_entropy(outputs.output, torch.tensor([0, 1, 2, 3]))
    loss.backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@EACH
def test_features_start_neither_at_nothing_nor_beyond_all_bounds(network: FaceNetwork) -> None:
    network.train()
    with torch.no_grad():
        features = network(torch.rand(16, 3, *network.input_size) * 2 - 1).features
    assert 0.2 < float(features.std()) < 5


@pytest.mark.slow
@EACH
def test_the_onnx_file_agrees(network: FaceNetwork, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, *network.input_size, 3), dtype=np.uint8)
    assert export_onnx(network.eval(), tmp_path / "student.onnx", images) < 1e-3


def test_a_spec_makes_them_by_name() -> None:
    spec = ModelSpec("MobileFaceNet", options={"width": 8, "height": 55, "breadth": 47})
    assert spec.input_size == (55, 47)
    assert ModelSpec("VisionTransformer", options={"pooling": "mean"}).input_size == (55, 47)
    with pytest.raises(ParameterError, match="MobileFaceNet takes no 'size'; it takes width, embedding, height"):
        ModelSpec("MobileFaceNet", options={"size": 8})


def test_what_they_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"the input is 15 × 96 pixels: expected at least 16 × 16"):
        MobileFaceNet(5, height=15)
    with pytest.raises(ParameterError, match="width is 30: expected a multiple of the 4 heads"):
        VisionTransformer(5, width=30)
    with pytest.raises(ParameterError, match="pooling is 'max': expected 'class' or 'mean'"):
        VisionTransformer(5, pooling="max")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="patch is 0: expected at least 1"):
        VisionTransformer(5, patch=0)
