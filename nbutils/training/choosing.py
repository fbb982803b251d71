"""Choosing a teacher's neurons for a training."""

from __future__ import annotations

import numpy as np

from nbutils.data.faces import FaceData
from nbutils.data.probes import Probes, find_probes
from nbutils.errors import ParameterError
from nbutils.selection.classes import class_discriminativeness
from nbutils.selection.discriminativeness import attribute_discriminativeness
from nbutils.selection.neurons import NeuronSelection, choose_at_random, drop_inhibitive, select_neurons, unary_costs
from nbutils.training.spec import SelectionSpec
from nbutils.training.teachers import Teacher


def choose_neurons(teacher: Teacher, data: FaceData, selection: SelectionSpec) -> NeuronSelection:
    """Selects a teacher's neurons: by Eq. 2 where the faces have attributes, else by dropping inhibitive ones.

    Args:
        teacher: One network or an ensemble.
        data: Its validation faces are looked at, or the training faces where it has none.
        selection: Number, λ, other faces to look at, or a random choice in the place of Eq. 2.

    Returns:
        The choice; its note says on which faces it was made, and what of their attributes was not used.

    Raises:
        DataError: As `nbutils.data.find_probes`.
        ParameterError: A number or λ is wanted, and the faces have no attributes.

    Example:
        >>> from nbutils.data import load_faces
        >>> from nbutils.models import MobileIDStudent
        >>> from nbutils.training import SelectionSpec, Teacher, choose_neurons
        >>> faces = load_faces(identities=4, images_per_identity=2, validation_images=200, pairs=20)
        >>> selection = choose_neurons(Teacher([MobileIDStudent(4, width=4)]), faces, SelectionSpec(count=100))
        >>> len(selection.indices)
        100
    """
    probes = find_probes(data, selection.probe, selection.images)
    check_probes(probes, selection)
    features = teacher.features(probes.images)
    live = np.ptp(features, axis=0) > 0
    wanted = selection.wanted(int(live.sum()))
    if selection.random is not None:
        assert wanted is not None  # the spec checks it
        return choose_at_random(live, wanted, selection.random).on(probes.note)
    if probes.attributes is None:
        classes = class_discriminativeness(features, probes.identity)
        return drop_inhibitive(classes.values, selective_at=classes.chance).on(probes.note)
    x = attribute_discriminativeness(features, probes.attributes, probes.known)
    if wanted is not None:
        wanted = min(wanted, int(np.isfinite(unary_costs(x, probes.identity_related)).sum()))
    options = {} if selection.lam is None else {"lam": selection.lam}
    return select_neurons(x, probes.identity_related, count=wanted, **options).on(probes.note)


def check_probes(probes: Probes, selection: SelectionSpec) -> None:
    """Refuses to ask for what Eq. 2 alone can give, where the faces have no attributes.

    Raises:
        ParameterError: Naming the fields.
    """
    if probes.attributes is not None or selection.random is not None:
        return
    given = [name for name in ("share", "count", "lam") if getattr(selection, name) is not None]
    if given:
        raise ParameterError(
            f"the selection has {' and '.join(given)}, for Eq. 2, which needs attributes ({probes.note[:-1]}): "
            f"expected a probe with attributes, or no {' and no '.join(given)}, so that inhibitive neurons are dropped"
        )
