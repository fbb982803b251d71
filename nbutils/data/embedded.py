"""The embedded faces as a data set: people to train on, others to validate, others again to verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nbutils.data.faces import FaceData, Faces
from nbutils.data.pairs import draw_pairs
from nbutils.data.synthetic import SyntheticFaces

if TYPE_CHECKING:
    from nbutils.data.spec import SyntheticData

#: Images of each person to verify: enough for LFW's number of pairs from a few hundred people.
_TEST_IMAGES = 10


def load_synthetic(spec: SyntheticData) -> FaceData:
    """Renders the training, validation and verification faces of a spec; their people are disjoint.

    Validation people have one image each, so that attributes are counted over many people, as in CelebA.
    """
    test_people = _test_people(spec)
    train = _render(spec, first_person=0, people=spec.identities, images=spec.images_per_identity)
    validation = _render(spec, first_person=spec.identities, people=spec.validation_images, images=1)
    first_test = spec.identities + spec.validation_images
    test = _render(spec, first_person=first_test, people=test_people, images=_TEST_IMAGES)
    pairs = draw_pairs(test.identity, spec.pairs // 2, np.random.default_rng(spec.seed))
    title = f"embedded faces (synthetic), {spec.identities} people × {spec.images_per_identity} images"
    return FaceData("synthetic", title, train=train, test=test, pairs=pairs, validation=validation)


def count_test_images(spec: SyntheticData) -> int:
    """Number of images of the people to verify."""
    return _test_people(spec) * _TEST_IMAGES


def _test_people(spec: SyntheticData) -> int:
    return max(20, spec.pairs // 20)


def _render(spec: SyntheticData, first_person: int, people: int, images: int) -> Faces:
    """`images` of each of `people`; each person has room for `images_per_identity` or the test's number of images."""
    room = max(spec.images_per_identity, _TEST_IMAGES)
    person = np.repeat(np.arange(first_person, first_person + people), images)
    index = person * room + np.tile(np.arange(images), people)
    batch = SyntheticFaces(spec.seed, room).render(index, spec.height, spec.width)
    names = tuple(f"synthetic-{number}" for number in range(first_person, first_person + people))
    return Faces(batch.images, batch.identity - first_person, names, batch.attributes, batch.landmarks)
