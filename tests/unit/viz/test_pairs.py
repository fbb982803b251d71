import numpy as np
import pytest

from nbutils.data.faces import Pairs
from nbutils.evaluation import VerificationResult, equal_error_quantile, evaluate_pairs, wrong_pairs
from nbutils.viz import wrong_pair_faces


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
    grids = [ax for ax in figure.axes if ax.images]
    drawn = {int(value) for ax in grids for value in np.unique(np.asarray(ax.images[0].get_array()))}
    assert drawn - {255} == {int(i) for which in (rejected[:3], accepted[:3]) for i in (*which, *(which + 40))}
    texts = [[text.get_text() for text in ax.texts if text.get_visible()] for ax in grids]
    assert texts == [[f"{result.distances[i]:.3g}" for i in which[:3]] for which in (rejected, accepted)]


def test_where_no_pair_is_wrong_the_figure_says_so(verified: tuple[VerificationResult, Pairs]) -> None:
    result, pairs = verified
    figure = wrong_pair_faces("S", result, np.zeros((80, 4, 4, 3), np.uint8), pairs, 1.0)
    rejected, accepted = (ax for ax in figure.axes if ax.images)
    notes = [[text for text in ax.texts if text.get_text().startswith("no such pair")] for ax in (rejected, accepted)]
    assert [note.get_visible() for (note,) in notes] == [True, False]
    assert "0.0%" in rejected.get_title()
