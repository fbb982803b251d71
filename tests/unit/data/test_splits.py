from pathlib import Path

import numpy as np
import pytest

from nbutils.data.held_out import shuffled
from nbutils.data.splits import SplitRule, draw_split, load_split
from nbutils.errors import DataError, ParameterError

IDENTITY = np.repeat(np.arange(50), np.arange(1, 51))


def test_the_order_is_the_same_everywhere() -> None:
    """Computed once and kept: another platform or NumPy must give the same numbers."""
    assert shuffled(12, 0).tolist() == [5, 0, 1, 4, 8, 7, 11, 3, 6, 9, 2, 10]
    assert sorted(shuffled(1000, 5)) == list(range(1000))
    assert (shuffled(1000, 5) != shuffled(1000, 6)).any()
    places = np.argsort([shuffled(100, seed) for seed in range(200)], axis=1).mean(axis=0)
    assert np.abs(places - 49.5).max() < 5 * 28.9 / np.sqrt(200)  # nobody is preferred


def test_eighty_twenty_by_image() -> None:
    split = draw_split("images", IDENTITY, 0.2, seed=1)
    assert split.held_out.sum() == round(0.2 * len(IDENTITY))
    assert split.digest == draw_split("images", IDENTITY, 0.2, seed=1).digest
    assert split.digest != draw_split("images", IDENTITY, 0.2, seed=2).digest


def test_parts_of_people_share_nobody() -> None:
    unknown = np.concatenate([IDENTITY, [-1, -1]])
    held_out = draw_split("identities", unknown, 0.2).held_out
    assert len(np.unique(IDENTITY[held_out[:-2]])) == 10
    assert not set(unknown[held_out]) & set(unknown[~held_out])
    assert not held_out[-2:].any()


def test_everybody_keeps_images_to_learn_from() -> None:
    held_out = draw_split("images_of_each", IDENTITY, 0.5).held_out
    assert set(IDENTITY[~held_out]) == set(range(50))


@pytest.mark.parametrize("rule", ["images", "images_of_each", "identities"])
def test_a_stored_split_comes_back_or_is_refused(tmp_path: Path, rule: SplitRule) -> None:
    split = draw_split(rule, IDENTITY, 0.3, seed=4)
    path = tmp_path / "split.json"
    split.save(path)
    back = load_split(path)
    np.testing.assert_array_equal(back.held_out, split.held_out)
    path.write_text(path.read_text().replace('"seed": 4', '"seed": 5'))
    with pytest.raises(DataError, match=r"split\.json: .*digest"):
        load_split(path)
    path.write_text("[]")
    with pytest.raises(DataError, match=r"split\.json"):
        load_split(path)
    with pytest.raises(DataError, match=r"none\.json: cannot be read"):
        load_split(tmp_path / "none.json")


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan"), 1e-9])
def test_shares_out_of_range(share: float) -> None:
    with pytest.raises(ParameterError, match="share"):
        draw_split("images", IDENTITY, share)
