import numpy as np
import numpy.typing as npt
import pytest

from nbutils.data.geometry.face_regions import REGIONS
from nbutils.errors import ParameterError
from nbutils.evaluation import VerificationResult, evaluate_pairs
from nbutils.papers import luo2016
from nbutils.papers.luo2016.region_figures import _RegionView

RNG = np.random.default_rng(0)
SAME = np.arange(60) % 2 == 0
FEATURES: dict[str, list[npt.NDArray[np.float64]]] = {name: list(RNG.normal(size=(2, 60, 4))) for name in REGIONS}


def _results() -> dict[str, VerificationResult]:
    return {name: evaluate_pairs(a, b, SAME, np.arange(60) // 6) for name, (a, b) in FEATURES.items()}


def test_joined_distances_are_those_of_joined_features() -> None:
    chosen = ["nose", "left_eye", "whole_face"]
    a, b = (np.concatenate([FEATURES[name][side] for name in chosen], axis=1) for side in (0, 1))
    whole = evaluate_pairs(a, b, SAME, np.arange(60) // 6)
    assert luo2016.joined_auc(_results(), chosen) == pytest.approx(whole.auc)
    assert luo2016.joined_auc(_results(), ["nose"]) == pytest.approx(_results()["nose"].auc)
    with pytest.raises(ParameterError, match="no network is chosen"):
        luo2016.joined_auc(_results(), [])


def test_a_regions_row_is_itself_and_the_others() -> None:
    results = _results()
    table = luo2016.region_table(results)
    others = [name for name in REGIONS if name != "nose"]
    assert table.loc["nose", "AUC alone"] == pytest.approx(100 * results["nose"].auc)
    assert table.loc["nose", "AUC without it"] == pytest.approx(100 * luo2016.joined_auc(results, others))


def test_the_explorer_follows_its_boxes() -> None:
    results = _results()
    explorer = luo2016.region_explorer(RNG.integers(0, 256, (2, 122, 106, 3), dtype=np.uint8), results)
    first, *others = explorer.inputs.values()
    assert f"{100 * luo2016.joined_auc(results, list(results)):.2f}" in explorer.says
    for tick in others:
        tick.value = False
    assert f"{100 * results['left_eye'].auc:.2f}" in explorer.says
    first.value = False
    assert explorer.says.startswith("No region is ticked")
    assert explorer.picture == b""


def test_regions_that_are_not_chosen_leave_their_places_empty() -> None:
    names = list(REGIONS)
    view = _RegionView(RNG.integers(0, 200, (2, 122, 106, 3), dtype=np.uint8), names)
    view.show(names[1:3])
    empty = [(view.grid.cell(1 + row, 1) == 255).all() for row in range(len(names))]
    assert empty == [name not in names[1:3] for name in names]
    assert [name for name, boxes in view.boxes.items() if boxes[0].get_visible()] == names[1:3]
