import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.selection import (
    METHODS,
    attribute_discriminativeness,
    chance_overlap,
    chosen_neurons,
    overlap,
    reduction,
    select_from_module,
    stability_over_images,
    stability_over_lambda,
    unary_costs,
)

NAMES = ("round", "red", "moving", "near")
RELATED = np.array([True, True, False, False])


class Pixels(nn.Module):
    """A network whose neurons are its pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.top = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.top(x.flatten(1))
        return answer


@pytest.fixture
def things() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """240 images of 12 pixels: three follow each attribute, more or less closely."""
    rng = np.random.default_rng(0)
    attributes = rng.random((240, 4)) < 0.5
    noise = rng.normal(0, 1, (240, 12)) * np.tile([0.3, 0.6, 1.2], 4)
    pixels = np.repeat(attributes, 3, axis=1) + noise
    return np.clip(60 * pixels + 90, 0, 255).astype(np.uint8).reshape(240, 3, 4, 1), attributes


def test_neurons_of_a_module_that_know_what_should_be_kept_are_chosen(
    things: tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]],
) -> None:
    images, attributes = things
    found = select_from_module(Pixels(), "top", images, attributes, NAMES, {"round", "red"}, count=4)
    assert set(found.selection.indices) <= set(range(6))
    table = found.table()
    assert table["chosen"].to_numpy()[:4].all()
    assert not table["chosen"].to_numpy()[4:].any()
    assert table.loc[0, "best IA"] == "round"
    assert table.loc[9, "best NA"] == "near"
    swapped = select_from_module(Pixels(), "top", images, attributes, NAMES, {"moving", "near"}, count=4)
    assert set(swapped.selection.indices) <= set(range(6, 12))


def test_what_does_not_fit(things: tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]) -> None:
    images, attributes = things
    with pytest.raises(ParameterError, match=r"attributes have shape \(239, 4\): expected \(240, 4\)"):
        select_from_module(Pixels(), "top", images, attributes[1:], NAMES, {"round", "red"})
    with pytest.raises(ParameterError, match="identity_related names 'blue'"):
        select_from_module(Pixels(), "top", images, attributes, NAMES, {"round", "blue"})
    one_sided = attributes.copy()
    one_sided[:, 2] = True
    with pytest.raises(ParameterError, match="column 2 has one value only"):
        select_from_module(Pixels(), "top", images, one_sided, NAMES, {"round", "red"})
    with pytest.raises(ParameterError, match="count is 13; expected 1 to 12"):
        select_from_module(Pixels(), "top", images, attributes, NAMES, {"round", "red"}, count=13)


def test_every_method_keeps_as_many_as_wanted(things: tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]) -> None:
    images, attributes = things
    features = images.reshape(240, 12).astype(np.float32)
    x = attribute_discriminativeness(features, attributes)
    for method in METHODS:
        for count in (1, 5, 12):
            kept = reduction(method, count, features, x, RELATED)(features)
            assert kept.shape == (240, count)
    cheapest = chosen_neurons("unary cost", 3, features, x, RELATED)
    assert unary_costs(x, RELATED)[cheapest].max() <= np.delete(unary_costs(x, RELATED), cheapest).min()
    widest = chosen_neurons("highest variance", 3, features, x, RELATED)
    assert features.var(axis=0)[widest].min() >= np.delete(features.var(axis=0), widest).max()
    assert list(chosen_neurons("random", 3, features, x, RELATED, seed=1)) != list(
        chosen_neurons("random", 3, features, x, RELATED, seed=2)
    )
    whole = reduction("PCA", 12, features, x, RELATED)(features)
    np.testing.assert_allclose(  # all components: a rotation, which leaves distances as they are
        np.linalg.norm(whole[0] - whole[1]), np.linalg.norm(features[0] - features[1]), rtol=1e-4
    )
    np.testing.assert_allclose(np.abs(whole), np.abs(PCA(12).fit_transform(features)), atol=1e-2)


def test_methods_and_counts_that_do_not_exist(things: tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]) -> None:
    images, attributes = things
    features = images.reshape(240, 12).astype(np.float32)
    x = attribute_discriminativeness(features, attributes)
    with pytest.raises(ParameterError, match="method is 'magic': expected one of selection, "):
        reduction("magic", 3, features, x, RELATED)
    for method in ("random", "PCA"):
        with pytest.raises(ParameterError, match="count is 13: expected 1 to 12"):
            reduction(method, 13, features, x, RELATED)


def test_overlap_of_random_choices_is_that_of_chance() -> None:
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(200)[:50] for _ in range(400)]
    mean = np.mean([overlap(a, b) for a, b in zip(drawn[::2], drawn[1::2], strict=True)])
    assert mean == pytest.approx(chance_overlap(50, 200), abs=0.01)
    assert overlap([1, 2], [2, 3]) == pytest.approx(1 / 3)
    assert overlap([], []) == 1


def test_a_clear_choice_is_stable_and_one_among_equals_is_not() -> None:
    rng = np.random.default_rng(0)
    attributes = rng.random((300, 4)) < 0.5
    clear = np.repeat(attributes, 3, axis=1) + 0.1 * rng.normal(size=(300, 12))
    clear += rng.normal(size=(300, 12)) * np.repeat([0, 0, 1, 1], 3)
    stable = stability_over_images(clear, attributes, RELATED, 6, samples=8)
    vague = stability_over_images(rng.normal(size=(300, 12)), attributes, RELATED, 6, samples=8)
    assert stable.overlaps.mean() > 0.9 > 0.75 > vague.overlaps.mean()
    assert stable.frequency.sum() == pytest.approx(6)
    assert stable.by_chance == pytest.approx(1 / 3)


def test_an_attribute_too_rare_to_resample() -> None:
    rng = np.random.default_rng(0)
    attributes = rng.random((50, 4)) < 0.5
    attributes[:, 1] = False
    attributes[7, 1] = True
    wide = np.concatenate([attributes, np.eye(50, dtype=bool)[:, :30]], axis=1)
    related = np.arange(34) % 2 == 0
    with pytest.raises(ParameterError, match="in so few of 50 images"):
        stability_over_images(rng.normal(size=(50, 5)), wide, related, 2, samples=5)


def test_the_choice_at_the_default_overlaps_with_itself() -> None:
    torch.manual_seed(0)
    x = 0.5 + 0.4 * torch.rand(30, 4).double().numpy()
    lams = stability_over_lambda(x, RELATED, 10, [0.0, 0.1, 5.0])
    assert lams["overlap"][1] == 1
    assert lams["mean cost Φ"].is_monotonic_increasing
