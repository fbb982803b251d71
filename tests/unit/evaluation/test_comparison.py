import numpy as np
import pandas as pd
import pytest

from nbutils.errors import ParameterError
from nbutils.evaluation import (
    compare_models,
    evaluate_pairs,
    images_to_share,
    verification_differences,
    verification_interval,
)
from nbutils.evaluation.verification import VerificationResult


def _result(noise: float) -> VerificationResult:
    rng = np.random.default_rng(3)
    same = np.arange(200) % 2 == 0
    a = rng.normal(size=(200, 4))
    b = np.where(same[:, None], a, rng.normal(size=(200, 4))) + noise * rng.normal(size=(200, 4))
    return evaluate_pairs(a, b, same, np.arange(200) // 2 % 10)


def test_differences_are_the_paired_intervals_in_points() -> None:
    good, bad = _result(0.1), _result(2.0)
    table = compare_models({"good": good, "bad": bad}, "good")
    expected = verification_interval(bad, minus=good)
    assert table.loc["bad", "difference"] == pytest.approx(100 * (bad.auc - good.auc))
    assert table.loc["bad", "difference high"] == pytest.approx(100 * expected.high)
    assert table["difference"].isna().tolist() == [True, False]
    with pytest.raises(ParameterError, match="'teacher'"):
        compare_models({"good": good}, "teacher")


def test_named_differences_are_those_of_the_models_that_there_are() -> None:
    results = {"good": [_result(0.1), _result(0.3)], "bad": [_result(2.0), _result(1.5)]}

    found = verification_differences(results, {"gain": ("good", "bad"), "loss": ("bad", "good"), "none": ("bad", "T")})

    assert list(found) == ["gain", "loss"]
    expected = verification_interval(results["good"], minus=results["bad"])
    assert (found["gain"].low, found["gain"].high) == pytest.approx((100 * expected.low, 100 * expected.high))
    assert found["loss"].estimate == pytest.approx(-found["gain"].estimate)


def test_several_seeds_are_averaged_and_their_spread_shown() -> None:
    good, bad = [_result(0.1), _result(0.3)], [_result(2.0), _result(1.5)]
    table = compare_models({"good": good, "bad": bad}, "good")
    assert table.loc["bad", "AUC"] == pytest.approx(50 * (bad[0].auc + bad[1].auc))
    assert table.loc["bad", "SD over seeds"] == pytest.approx(100 * abs(bad[0].auc - bad[1].auc) / np.sqrt(2))
    assert table.loc["bad", "difference low"] == pytest.approx(100 * verification_interval(bad, minus=good).low)
    assert "SD over seeds" not in compare_models({"good": good[0]}, "good").columns


def test_steps_to_a_share_of_a_straight_fall() -> None:
    history = pd.DataFrame({"images": [10, 20, 30, 40, 50], "loss": [5.0, 4.0, 3.0, 2.0, 1.0]})
    assert images_to_share(history, 0.5) == pytest.approx(30)
    assert images_to_share(history, 0.9) == pytest.approx(46)


def test_a_loss_that_did_not_fall_has_no_such_step() -> None:
    assert np.isnan(images_to_share(pd.DataFrame({"images": [1, 2], "loss": [1.0, 1.0]})))
