import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.axes import Axes

from nbutils.data.faces import Pairs
from nbutils.evaluation import VerificationResult, equal_error_quantile, evaluate_pairs, wrong_pairs
from nbutils.viz import pair_explorer, wrong_pair_faces


@pytest.fixture
def verified() -> tuple[VerificationResult, Pairs]:
    rng = np.random.default_rng(0)
    pairs = Pairs(np.arange(40), np.arange(40, 80), np.arange(40) % 2 == 0, np.arange(40) // 10)
    distances = rng.normal(np.where(pairs.same, 2, 3), 1)
    return evaluate_pairs(distances[:, None], np.zeros((40, 1)), pairs.same, pairs.fold), pairs


@pytest.mark.parametrize("quantile", [0.0, 0.3, 0.7, 1.0])
def test_wrong_pairs_by_brute_force(verified: tuple[VerificationResult, Pairs], quantile: float) -> None:
    result, _ = verified
    wrong = wrong_pairs(result, quantile)
    rejected, accepted = wrong.rejected, wrong.accepted
    said_same = result.distances <= wrong.threshold
    assert set(rejected) | set(accepted) == set(np.flatnonzero(said_same != result.same))
    assert result.same[rejected].all()
    assert not result.same[accepted].any()
    assert (np.diff(result.distances[rejected]) <= 0).all()
    assert (np.diff(result.distances[accepted]) >= 0).all()
    assert (wrong.rejected_share, wrong.accepted_share) == (len(rejected) / 20, len(accepted) / 20)


def test_both_errors_are_equal_where_the_figure_stands(verified: tuple[VerificationResult, Pairs]) -> None:
    result, _ = verified
    wrong = wrong_pairs(result, equal_error_quantile(result))
    assert abs(wrong.rejected_share - wrong.accepted_share) <= 1 / 20


def test_the_figure_shows_the_faces_of_the_worst_pairs(verified: tuple[VerificationResult, Pairs]) -> None:
    result, pairs = verified
    images = np.arange(80, dtype=np.uint8)[:, None, None, None] * np.ones((4, 4, 3), np.uint8)
    figure = wrong_pair_faces("S", result, images, pairs, 0.5, shown=3)
    wrong = wrong_pairs(result, 0.5)
    rejected, accepted = wrong.rejected, wrong.accepted
    drawn = [np.asarray(ax.images[0].get_array())[0, 0, 0] for ax in figure.findobj(Axes) if ax.images]
    wanted = np.concatenate([rejected[:3], rejected[:3] + 40, accepted[:3], accepted[:3] + 40])
    assert sorted(drawn) == sorted(wanted)


def test_the_explorer_draws_anew_as_its_controls_move(verified: tuple[VerificationResult, Pairs]) -> None:
    result, pairs = verified
    images = np.random.default_rng(0).integers(0, 256, (80, 4, 4, 3), dtype=np.uint8)
    box = pair_explorer({"T1": result, "S": result}, images, pairs)
    controls, picture = box.children
    assert isinstance(picture, widgets.Image)
    before = picture.value
    controls.children[1].value = 0.1
    assert picture.value != before
