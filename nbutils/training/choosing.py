"""Choosing a teacher's neurons for a training."""

from __future__ import annotations

from nbutils.data.attributes import IDENTITY_RELATED
from nbutils.data.faces import FaceData
from nbutils.selection.classes import class_discriminativeness
from nbutils.selection.discriminativeness import attribute_discriminativeness
from nbutils.selection.neurons import NeuronSelection, drop_inhibitive, select_neurons
from nbutils.training.spec import SelectionSpec
from nbutils.training.teachers import Teacher


def choose_neurons(teacher: Teacher, data: FaceData, selection: SelectionSpec) -> NeuronSelection:
    """Selects a teacher's neurons: by Eq. 2 where the data have attributes, else by dropping inhibitive ones.

    Args:
        teacher: One network or an ensemble.
        data: Its validation faces are looked at, or the training faces where it has none.
        selection: Count, λ and number of images; where there are no attributes, neither count nor λ applies, and the
            choice's note says what was done.

    Example:
        >>> from nbutils.data import load_faces
        >>> from nbutils.models import MobileIDStudent
        >>> from nbutils.training import SelectionSpec, Teacher, choose_neurons
        >>> faces = load_faces(identities=4, images_per_identity=2, validation_images=200, pairs=20)
        >>> selection = choose_neurons(Teacher([MobileIDStudent(4, width=4)]), faces, SelectionSpec(count=100))
        >>> len(selection.indices)
        100
    """
    faces = data.validation or data.train
    keep = slice(0, selection.images)
    features = teacher.features(faces.images[keep])
    if faces.attributes is None:
        classes = class_discriminativeness(features, faces.identity[keep])
        return drop_inhibitive(classes.values, selective_at=classes.chance)
    x = attribute_discriminativeness(features, faces.attributes[keep])
    wanted = selection.count
    if wanted is not None:
        wanted = min(wanted, int((x > 0.5).any(axis=1).sum()))
    options = {} if selection.lam is None else {"lam": selection.lam}
    return select_neurons(x, IDENTITY_RELATED, count=wanted, **options)
