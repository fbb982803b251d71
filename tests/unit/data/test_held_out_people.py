"""People held out to tune on."""

from __future__ import annotations

import numpy as np
import pytest

from nbutils.data import SyntheticData
from nbutils.errors import ParameterError

DATA = SyntheticData(identities=10, images_per_identity=4, validation_images=4, pairs=100)


def test_held_out_people_are_verified_and_not_trained_on() -> None:
    spec = DATA.model_copy(update={"held_out_people": 0.3})
    whole, data = DATA.load(), spec.load()
    trained, verified = set(data.train.identity_names), set(data.test.identity_names)
    assert (len(trained), len(verified)) == (7, 3)
    assert trained | verified == set(whole.train.identity_names)
    assert not verified & set(whole.test.identity_names)
    for part in (data.train, data.test):
        assert sorted(set(part.identity.tolist())) == list(range(part.num_identities))
        name = part.identity_names[part.identity[-1]]
        original = whole.train.images[whole.train.identity == whole.train.identity_names.index(name)]
        np.testing.assert_array_equal(part.images[part.identity == part.identity[-1]], original)
    assert (data.test.identity[data.pairs.first] == data.test.identity[data.pairs.second]).tolist() == (
        data.pairs.same.tolist()
    )
    size = spec.size()
    assert (size.train, size.identities, size.test) == (len(data.train), 7, len(data.test))
    assert spec.fingerprint() != DATA.fingerprint()


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_nobody_on_one_side_is_refused(share: float) -> None:
    with pytest.raises(ParameterError, match=f"held_out_people is {share} of 10 people: expected some on either side"):
        DATA.model_copy(update={"held_out_people": share}).load()
