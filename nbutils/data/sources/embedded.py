"""The embedded faces as a data set: people to train on, others to validate, others again to verify."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from nbutils.data.faces import FaceData, Faces
from nbutils.data.pairs import draw_pairs
from nbutils.data.spec import DataSize, DataSpec

#: Images of each person to verify: enough for LFW's number of pairs from a few hundred people.
_TEST_IMAGES = 10


class SyntheticData(DataSpec):
    """The embedded faces: `identities` people to train on, others to validate and to verify.

    Attributes:
        identities: People of the training set.
        images_per_identity: Images of each of them.
        validation_images: Images with attributes of further people, one of each, for the statistics of neurons: so
            that attributes are counted over many people, as in CelebA.
        pairs: Pairs of the verification list, half of them of one person, in ten folds, of further people.
        variation: How strongly pose, light, position and noise differ between images, as a multiple.
        seed: Of the whole population.

    Example:
        >>> from nbutils.data import SyntheticData
        >>> faces = SyntheticData(identities=4, images_per_identity=2, validation_images=3, pairs=20).load()
        >>> faces.train.images.shape
        (8, 61, 53, 3)
    """

    kind: Literal["synthetic"] = "synthetic"
    identities: PositiveInt = 300
    images_per_identity: PositiveInt = 20
    validation_images: PositiveInt = 4000
    pairs: PositiveInt = 6000
    variation: float = Field(1.0, ge=0, le=2.5)  # beyond it, heads turn their backs
    seed: int = Field(0, ge=0)

    def size(self) -> DataSize:
        """Returns how much there would be, rendering nothing; folds to adapt to count as all test images."""
        test = self._test_people() * _TEST_IMAGES
        kept = max(1, self.images_per_identity - round(self.held_out_images * self.images_per_identity))
        apart = round(self.held_out_people * self.identities)
        test = apart * self.images_per_identity if apart else test
        identities = self.identities - apart
        train = identities * kept
        if self.adapt_to_all_but_fold is not None:
            train, identities = test, 1
        return DataSize(train, identities, self.validation_images, test, self.height, self.width)

    def read(self) -> FaceData:
        """Renders the training, validation and verification faces; their people are disjoint."""
        train = self._render(first_person=0, people=self.identities, images=self.images_per_identity)
        validation = self._render(first_person=self.identities, people=self.validation_images, images=1)
        first_test = self.identities + self.validation_images
        test = self._render(first_person=first_test, people=self._test_people(), images=_TEST_IMAGES)
        pairs = draw_pairs(test.identity, self.pairs // 2, np.random.default_rng(self.seed))
        title = f"embedded faces (synthetic), {self.identities} people × {self.images_per_identity} images"
        if self.variation != 1:
            title += f", light and pose varied {self.variation:g} times as much as usual"
        return FaceData("synthetic", title, train=train, test=test, pairs=pairs, validation=validation)

    def _test_people(self) -> int:
        return max(20, self.pairs // 20)

    def _render(self, first_person: int, people: int, images: int) -> Faces:
        """Draws `images` of each of `people`; each has room for as many as the training or the test needs."""
        from nbutils.data.render_cache import render  # it needs PyTorch
        from nbutils.data.synthetic import SyntheticFaces

        room = max(self.images_per_identity, _TEST_IMAGES)
        person = np.repeat(np.arange(first_person, first_person + people), images)
        index = person * room + np.tile(np.arange(images), people)
        batch = render(SyntheticFaces(self.seed, room, self.variation), index, self.height, self.width)
        names = tuple(f"synthetic-{number}" for number in range(first_person, first_person + people))
        return Faces(batch.images, batch.identity - first_person, names, batch.attributes, batch.landmarks)
