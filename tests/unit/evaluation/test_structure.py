import torch
from torch import nn

from nbutils.evaluation import count_parameters, in_groups, layer_table, with_shared_filters
from nbutils.models import DeepID2Plus, DeepID3, MobileIDStudent
from nbutils.viz import parameter_bars


def test_the_layers_hold_all_parameters_of_a_network() -> None:
    for network in (DeepID2Plus(7, width=4), DeepID3(7, width=4), MobileIDStudent(9, width=4)):
        layers, counted = layer_table(network), count_parameters(network)
        assert layers["parameters"].sum() == counted.training
        assert layers.loc[~layers["training_only"], "parameters"].sum() == counted.inference
        assert in_groups(layers)["parameters"].sum() == counted.training


def test_a_layer_is_described_by_its_own_output() -> None:
    layers = layer_table(DeepID2Plus(7, width=4))
    row = layers.loc["group5"]
    assert (row["kind"], row["kernel"], row["channels"], row["height"], row["width"]) == ("lconv", 3, 4, 10, 8)
    assert row["parameters"] == 10 * 8 * (4 * 4 * 9 + 4)
    assert list(layers.index[:3]) == ["group1", "group2.0", "group3"]
    assert layers.loc["supervision.1.3", "training_only"]


def test_only_convolutions_that_follow_directly_are_joined() -> None:
    groups = in_groups(layer_table(DeepID3(7, width=4)))
    first = groups.loc["group1.0"]
    assert first["parameters"] == (3 * 9 * 4 + 4) + (4 * 9 * 4 + 4)
    assert list(groups["kind"][:4]) == ["conv", "pool", "conv", "pool"]
    assert {"group9.0", "group9.2"} <= set(groups.index)


def test_the_network_is_left_as_it_was() -> None:
    network = MobileIDStudent(9, width=4).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    layer_table(network)
    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules() if isinstance(module, nn.Module))


def test_the_figure_has_a_bar_for_each_layer_with_parameters() -> None:
    layers = layer_table(DeepID2Plus(7, width=4))
    figure = parameter_bars({"T1": layers})
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert len(labels) == (layers["parameters"] > 0).sum()
    assert labels[2] == "group 5, lconv 3×3, 4"


def test_shared_filters_are_those_of_convolutions_with_the_same_kernels() -> None:
    with torch.device("meta"):
        teacher, student = DeepID2Plus(), MobileIDStudent()
        convolutions = [nn.Conv2d(3, 128, 4), nn.Conv2d(128, 128, 3), nn.Conv2d(128, 128, 3), nn.Conv2d(128, 128, 2)]
        shared = nn.Sequential(*convolutions, nn.Linear(128 * 4 * 3, 512))
    assert with_shared_filters(teacher) == sum(parameter.numel() for parameter in shared.parameters())
    assert with_shared_filters(student) == count_parameters(student).inference
