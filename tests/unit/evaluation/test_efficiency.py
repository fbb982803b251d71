import pytest
from torch import nn

from nbutils.errors import ParameterError
from nbutils.evaluation import count_parameters


class Supervised(nn.Module):
    training_only = ("supervision", "classifier")

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 3)  # 15
        self.supervision = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])  # 2 × 8
        self.classifier = nn.Linear(3, 5)  # 20
        self.classifier_norm = nn.BatchNorm1d(3)  # 6: its name only begins like the classifier's


def test_plain_modules_need_everything() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 4), nn.Linear(10, 5, bias=False))
    count = count_parameters(model)
    assert count.training == count.inference == 8 * 3 * 4 * 4 + 8 + 50


def test_training_only_parts_are_left_out_of_inference() -> None:
    count = count_parameters(Supervised())
    assert (count.training, count.inference) == (57, 21)


def test_networks_inside_an_ensemble() -> None:
    count = count_parameters(nn.ModuleList([Supervised(), Supervised()]))
    assert (count.training, count.inference) == (114, 42)


def test_frozen_parameters_count() -> None:
    model = nn.Linear(4, 3).requires_grad_(False)
    assert count_parameters(model).inference == 15


def test_shared_parameters_count_once() -> None:
    model = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
    model["b"].weight = model["a"].weight
    assert count_parameters(model).training == 16 + 4 + 4


@pytest.mark.parametrize("order", [("body", "head"), ("head", "body")])
def test_a_parameter_shared_with_a_training_part_is_needed(order: tuple[str, str]) -> None:
    class Shared(nn.Module):
        training_only = ("head",)

    model, shared = Shared(), nn.Linear(4, 4)
    for name in order:
        model.add_module(name, shared)
    count = count_parameters(model)
    assert (count.training, count.inference) == (20, 20)


def test_unknown_part_is_refused() -> None:
    class Wrong(nn.Module):
        training_only = ("clasifier",)

    with pytest.raises(ParameterError, match="training_only of Wrong names 'clasifier'"):
        count_parameters(Wrong())
