import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nbutils.data.faces import Faces, Pairs
from nbutils.data.pairs import draw_pairs
from nbutils.errors import ParameterError
from nbutils.evaluation import neuron_subsets


def _case() -> tuple[np.ndarray, Faces, Pairs, np.ndarray]:
    """Six neurons of which two are dead; 0 and 1 tell people apart, 3 and 5 are noise."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(30), 4)
    features = rng.normal(size=(30, 6))[who] + rng.normal(size=(120, 6)) * [0.3, 0.5, 1, 4, 1, 4]
    live = np.array([True, True, False, True, False, True])
    faces = Faces(np.zeros((120, 1, 1, 3), np.uint8), who, tuple(f"person {number}" for number in range(30)))
    return features * live, faces, draw_pairs(who, 100, rng), live


def test_each_row_is_the_auc_of_its_neurons() -> None:
    features, faces, pairs, live = _case()
    table = neuron_subsets(features, faces, pairs, np.array([0, 1]), live, draws=60, seed=3)

    def auc(neurons: list[int]) -> float:
        apart = features[pairs.first][:, neurons] - features[pairs.second][:, neurons]
        return 100 * float(roc_auc_score(pairs.same, -np.linalg.norm(apart, axis=1)))

    assert table["neurons"].to_dict() == {"chosen": 2, "all": 4, "random": 2, "dropped": 2}
    for name, neurons in {"chosen": [0, 1], "all": [0, 1, 3, 5], "dropped": [3, 5]}.items():
        assert table.loc[name, "AUC"] == pytest.approx(auc(neurons))
    of_all = [auc([a, b]) for a in (0, 1, 3, 5) for b in (0, 1, 3, 5) if a < b]
    assert table.loc["random", "AUC"] == pytest.approx(np.mean(of_all), abs=4)
    assert table.loc["random", "low"] == pytest.approx(min(of_all))
    assert table.loc["random", "high"] == pytest.approx(max(of_all))
    auc_of, to_chosen = table["AUC"].to_dict(), table["difference"].to_dict()
    assert to_chosen["random"] == pytest.approx(auc_of["random"] - auc_of["chosen"])
    assert np.isnan(to_chosen["chosen"])


def test_where_all_are_chosen_nothing_is_dropped() -> None:
    features, faces, pairs, live = _case()
    table = neuron_subsets(features, faces, pairs, np.flatnonzero(live), live, draws=2)
    assert list(table.index) == ["chosen", "all", "random"]
    np.testing.assert_allclose(np.ptp(table["AUC"]), 0, atol=1e-9)


def test_a_dead_neuron_cannot_be_chosen() -> None:
    features, faces, pairs, live = _case()
    with pytest.raises(ParameterError, match="chosen names 2 neurons: expected one or more, all of them live"):
        neuron_subsets(features, faces, pairs, np.array([0, 2]), live)
