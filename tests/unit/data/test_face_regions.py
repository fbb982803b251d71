import re

import numpy as np
import pytest
import torch

from nbutils.data.geometry.face_regions import REGIONS, cut_region, mirrored_region
from nbutils.data.geometry.template import LARGE_INPUT, SMALL_INPUT, template
from nbutils.data.synthetic import SyntheticFaces
from nbutils.errors import ParameterError
from nbutils.models import DeepID2Plus, MobileIDStudent


def test_regions_hold_their_point_and_fit() -> None:
    assert list(REGIONS) == ["left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner", "whole_face"]
    fractions = (template(55, 47) + 0.5) / [47, 55]
    for (x, y), box in zip(fractions, list(REGIONS.values())[:5], strict=True):
        assert 0 <= box.left < x < box.right <= 1
        assert 0 <= box.top < y < box.bottom <= 1
        assert (box.right - box.left, box.bottom - box.top) == pytest.approx((0.5, 0.5))
    for region, box in REGIONS.items():
        other = REGIONS[mirrored_region(region)]
        assert (1 - box.right, box.top, 1 - box.left, box.bottom) == pytest.approx(other, abs=0.01)


@pytest.mark.parametrize("region", REGIONS)
def test_regions_of_tensors_and_arrays_are_the_same_pixels(region: str) -> None:
    images = SyntheticFaces().render([0, 21, 42], *LARGE_INPUT).images
    cut = cut_region(images, region, SMALL_INPUT)
    assert cut.shape == (3, 55, 47, 3)
    assert cut.dtype == np.uint8
    np.testing.assert_array_equal(cut_region(images[1], region, SMALL_INPUT), cut[1])
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    found = cut_region(tensor, region, SMALL_INPUT)
    assert found.shape == (3, 3, 55, 47)
    shown = (found + 1) * 127.5
    assert np.abs(shown.permute(0, 2, 3, 1).numpy() - cut).max() < 1.6  # rounding of the uint8 path
    box = REGIONS[region]
    part = images[:, round(box.top * 112) : round(box.bottom * 112), round(box.left * 96) : round(box.right * 96)]
    assert abs(float(cut.mean()) - float(part.mean())) < 1


def test_every_region_is_an_input_of_t1_and_the_student() -> None:
    crops = torch.zeros(2, 3, *SMALL_INPUT)
    assert MobileIDStudent.input_size == DeepID2Plus.input_size == SMALL_INPUT
    for region in REGIONS:
        assert cut_region(crops, region).shape == crops.shape
    assert cut_region(crops, "whole_face").data_ptr() == crops.data_ptr()


def test_an_unknown_region() -> None:
    with pytest.raises(ParameterError, match=re.escape("region is 'ear', expected one of left_eye")):
        cut_region(torch.zeros(1, 3, 8, 8), "ear")
