import numpy as np
import pytest
import torch

from nbutils.errors import ParameterError
from nbutils.exercises import side_by_side


def test_arrays_and_tensors_stand_side_by_side_with_their_difference() -> None:
    table = side_by_side({"a": (np.array([1.0, 2.0, np.inf]), torch.tensor([1.0, 2.0 + 1e-5, torch.inf]))})
    assert table.loc["a", "numbers compared"] == 3
    assert table.loc["a", "largest difference"] == pytest.approx(1e-5, rel=0.1)


@pytest.mark.parametrize("package", [2.0, np.ones(2), np.nan])
def test_what_the_package_does_not_say_is_refused(package: object) -> None:
    with pytest.raises(ParameterError, match="Φ: by hand it is not what the package says"):
        side_by_side({"Φ": (1.0, package)})
