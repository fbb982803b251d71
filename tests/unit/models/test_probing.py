import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from nbutils.errors import DataError, ParameterError
from nbutils.models import DeepID2Plus, PlainNetwork, extract_features, module_features

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 64, 48, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = resnet18(weights=None)
    return network


def test_the_mean_of_torchvisions_last_map_is_what_its_classifier_reads(network: nn.Module) -> None:
    seen: list[Tensor] = []
    handle = network.get_submodule("fc").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    found = module_features(network, "layer4", IMAGES, batch_size=5)
    handle.remove()
    np.testing.assert_allclose(found, seen[0].numpy(), rtol=1e-4, atol=1e-5)
    assert network.training


def test_batches_do_not_matter_and_the_maximum_is_above_the_mean(network: nn.Module) -> None:
    whole = module_features(network, "layer1.0.relu", IMAGES)
    np.testing.assert_allclose(module_features(network, "layer1.0.relu", IMAGES, batch_size=2), whole, atol=1e-5)
    assert (module_features(network, "layer1.0.relu", IMAGES, pooling="max") >= whole).all()


def test_the_top_hidden_layer_by_its_path() -> None:
    torch.manual_seed(0)
    teacher, images = DeepID2Plus(3, width=4), IMAGES[:, :55, :47]
    np.testing.assert_allclose(module_features(teacher, "group8", images), extract_features(teacher, images), atol=1e-5)


def test_a_module_that_does_not_exist(network: nn.Module) -> None:
    with pytest.raises(ParameterError, match=r"ResNet has no module 'layer4.1.rellu': the nearest are layer4.1.relu"):
        module_features(network, "layer4.1.rellu", IMAGES)
    with pytest.raises(ParameterError, match="has no module '': the nearest are conv1, bn1"):
        module_features(network, "", IMAGES)


def test_features_that_are_not_finite() -> None:
    class Root(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :4].sqrt()

    network = nn.Sequential(OrderedDict(root=Root()))
    images = np.full((3, 2, 2, 1), 255, np.uint8)
    images[1, 1, 0] = 0
    with pytest.raises(DataError, match=r"'root' responds nan to image 1 in neuron 2 \(1 places in all\)"):
        module_features(network, "root", images)


def test_modules_that_cannot_be_probed(network: nn.Module) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.idle, self.pair = nn.Linear(2, 2), nn.LSTM(4, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.pair(x.flatten(2))[0].sum()  # type: ignore[no-any-return]

    images = IMAGES[:, :2, :2]
    for path, message in (("idle", "does not run"), ("pair", "returns tuple: expected a tensor")):
        with pytest.raises(ParameterError, match=message):
            module_features(Odd(), path, images)
    with pytest.raises(ParameterError, match="pooling is 'sum'"):
        module_features(network, "layer1", IMAGES, pooling="sum")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="images has none"):
        module_features(network, "layer1", IMAGES[:0])


def test_a_plain_network_gives_the_layers_that_are_named() -> None:
    network = PlainNetwork(resnet18(num_classes=7), (55, 47), features="avgpool").eval()
    images = torch.randn(2, 3, 55, 47)
    outputs = network(images)
    assert outputs.features.shape == (2, 512)
    torch.testing.assert_close(network.root.get_submodule("fc")(outputs.features), outputs.output)
    copied = copy.deepcopy(network)
    torch.testing.assert_close(copied(images).features, outputs.features)
    assert "output" not in PlainNetwork(resnet18(num_classes=7), (55, 47), "layer4", None).eval()(images)
    with pytest.raises(ParameterError, match="has no module 'avgpol': the nearest are avgpool"):
        PlainNetwork(resnet18(), (55, 47), features="avgpol")
    with pytest.raises(ParameterError, match=r"gives output of \(2, 512, 1, 1, 1\)"):
        PlainNetwork(nn.Sequential(resnet18(num_classes=512), nn.Unflatten(1, (512, 1, 1, 1))), (55, 47))(images)
