import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from nbutils.errors import ParameterError
from nbutils.selection import attribute_discriminativeness, chance_level, class_discriminativeness


def _by_brute_force(response: np.ndarray, attribute: np.ndarray) -> float:
    """Every threshold in both polarities, scored by scikit-learn."""
    best = 0.5
    for threshold in np.unique(response):
        above = response >= threshold
        for guess in (above, ~above):
            best = max(best, balanced_accuracy_score(attribute, guess))
    return best


def test_equals_all_thresholds_and_polarities_with_ties() -> None:
    rng = np.random.default_rng(0)
    features = np.maximum(rng.normal(size=(60, 7)).round(1), 0)
    features[:, 6] = 3.0
    attributes = rng.random((60, 5)) < [0.5, 0.1, 0.9, 0.3, 0.05]
    attributes[:2] = [[True] * 5, [False] * 5]
    x = attribute_discriminativeness(features, attributes)
    expected = [[_by_brute_force(f, a) for a in attributes.T] for f in features.T]
    np.testing.assert_allclose(x, expected, atol=1e-12)
    assert (x[6] == 0.5).all()


def test_unknown_attributes_count_for_nothing() -> None:
    """Of each attribute, the same as over the images alone where it is known."""
    rng = np.random.default_rng(1)
    features = np.maximum(rng.normal(size=(80, 5)).round(1), 0)
    attributes, known = rng.random((80, 3)) < [0.5, 0.2, 0.8], rng.random((80, 3)) < [0.9, 0.5, 0.7]
    x = attribute_discriminativeness(features, attributes, known)
    level = chance_level(attributes, known)
    for j in range(3):
        rows = known[:, j]
        np.testing.assert_allclose(x[:, [j]], attribute_discriminativeness(features[rows], attributes[rows][:, [j]]))
        alpha = 0.01 / 3  # shared out over three attributes
        assert level[j] == pytest.approx(chance_level(attributes[rows][:, [j]], alpha=alpha)[0])
    with pytest.raises(ParameterError, match="column 1 has one value only"):
        attribute_discriminativeness(features, attributes, known & ~(attributes & [False, True, False]))


def test_a_perfect_neuron_in_either_polarity_has_one() -> None:
    attribute = np.arange(20) < 8
    x = attribute_discriminativeness(np.stack([attribute * 2.0, -attribute.astype(float)], axis=1), attribute[:, None])
    np.testing.assert_array_equal(x, 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_response_that_is_not_finite_is_refused(value: float) -> None:
    features = np.ones((4, 3))
    features[2, 1] = value
    with pytest.raises(ParameterError, match="neuron 1"):
        attribute_discriminativeness(features, np.array([[True], [False]] * 2))


def test_an_attribute_of_one_class_is_refused() -> None:
    with pytest.raises(ParameterError):
        attribute_discriminativeness(np.random.default_rng(0).normal(size=(4, 3)), np.ones((4, 1), bool))


def test_classes_stand_in_for_attributes_one_against_the_rest() -> None:
    rng = np.random.default_rng(1)
    identity = np.repeat([0, 1, 2], [30, 25, 3])
    features = rng.normal(size=(58, 4))
    result = class_discriminativeness(features, identity)
    assert result.classes.tolist() == [0, 1]
    expected = attribute_discriminativeness(features, identity[:, None] == [0, 1])
    np.testing.assert_array_equal(result.values, expected)
