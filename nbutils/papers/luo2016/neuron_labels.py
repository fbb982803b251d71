"""What single neurons are asked to predict (Luo et al. 2016, Figs. 1, 2): attributes, or people in their place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import FaceData
from nbutils.data.probes import Probes, find_probes
from nbutils.data.spec import DataSpec
from nbutils.papers.base import probe_data
from nbutils.reporting.run import Run
from nbutils.selection.classes import class_discriminativeness

BoolArray = npt.NDArray[np.bool_]


class ProbeLabels(NamedTuple):
    """A labels of N faces that neurons are to predict.

    Attributes:
        labels: (N, A) bool.
        known: (N, A) bool, where they are known.
        names: (A,) of the labels.
        related: (A,) True for those about identity; of people, all are.
        note: Which faces and labels these are, as a sentence.
    """

    labels: BoolArray
    known: BoolArray
    names: tuple[str, ...]
    related: BoolArray
    note: str


def load_probes(run: Run, faces: FaceData, data: DataSpec) -> Probes:
    """The faces that a notebook looks at neurons by: its `probe_dataset`, whose digest is recorded, or its own.

    Args:
        run: Of a notebook with the parameters probe_dataset, probe_root, preset and seed.
        faces: Of the training.
        data: What `faces` were loaded from.

    Raises:
        DataError: As of `nbutils.data.find_probes`.
        ParameterError: As of `nbutils.papers.probe_data`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.data import SyntheticData
        >>> from nbutils.papers.luo2016 import load_probes
        >>> from nbutils.reporting import Run
        >>> given = {"dataset": "synthetic", "preset": "smoke", "seed": 0, "probe_dataset": "", "probe_root": ""}
        >>> data = SyntheticData(identities=4, images_per_identity=2, validation_images=200, pairs=20)
        >>> with TemporaryDirectory() as folder:
        ...     len(load_probes(Run("trial", parameters=given, out_dir=folder), data.load(), data))
        200
    """
    dataset, root, preset = (str(run.parameters[name]) for name in ("probe_dataset", "probe_root", "preset"))
    probe = probe_data(dataset, root, data, preset, int(str(run.parameters["seed"])))
    if probe is not None:
        run.fingerprint(dataset, probe.fingerprint())
    return find_probes(faces, probe)


def probe_labels(probes: Probes, responses: npt.NDArray[np.floating]) -> ProbeLabels:
    """The probes' attributes, or where they have none, the people with enough images.

    Args:
        probes: N faces.
        responses: (N, F) of the teacher's neurons to them.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import SyntheticData, find_probes
        >>> from nbutils.papers.luo2016 import probe_labels
        >>> data = SyntheticData(identities=4, images_per_identity=2, validation_images=200, pairs=20)
        >>> probe_labels(find_probes(data.load()), np.zeros((200, 3))).names[:2]
        ('5_o_Clock_Shadow', 'Arched_Eyebrows')
    """
    if probes.attributes is not None and probes.known is not None:
        return ProbeLabels(probes.attributes, probes.known, probes.names, probes.identity_related, probes.note)
    classes = class_discriminativeness(responses, probes.identity).classes
    labels: BoolArray = probes.identity[:, None] == classes
    names = tuple(probes.identity_names[person] for person in classes)
    note = f"{probes.note} {len(names)} people with many images stand in for them."
    return ProbeLabels(labels, np.ones_like(labels), names, np.ones(len(names), np.bool_), note)
