"""All that an objective reads of a batch: what student and teacher answer, and the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn

from nbutils.data.batches import CropWindows, FaceBatches, evenly_spread
from nbutils.data.faces import Faces
from nbutils.gpu import where_it_fits
from nbutils.losses.fidelity import Fidelity
from nbutils.losses.objective import Objective
from nbutils.losses.signals import Signals, as_read, parse_read
from nbutils.models.base import FaceNetwork
from nbutils.models.evaluating import evaluating
from nbutils.models.taps import Taps

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from nbutils.training.target_cache import TargetCache
    from nbutils.training.teachers import Teacher
#: Images on which a student is compared with its teacher, evenly spread, and how many at once.
_COMPARED, _AT_ONCE = 1000, 128

#: Images, targets and truth of a `Batch`.
Tensors: TypeAlias = tuple[Tensor, dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Batch:
    """What a step starts from.

    Attributes:
        tensors: The images; what the teacher answers to them; and what is known of them.
        size: Number of images in all processes.
    """

    tensors: Tensors
    size: int

    def with_tensors(self, tensors: Tensors) -> Batch:
        """The same batch in other memory."""
        return replace(self, tensors=tensors)


class SignalSource:
    """All that a step reads: what the student returns, the teacher's targets, and the truth.

    Args:
        fabric: Of the training.
        student: The network.
        faces: To train on.
        teacher: Source of targets, for objectives that read them.
        cache: Its targets for the plain images; None: it runs online.
        reads: All signals that the objective reads.
    """

    def __init__(
        self,
        fabric: Fabric,
        student: FaceNetwork,
        faces: Faces,
        teacher: Teacher | None,
        cache: TargetCache | None,
        reads: Iterable[str],
    ) -> None:
        self.fabric, self.faces, self.teacher = fabric, faces, teacher
        self.cache = None if cache is None else cache.to(fabric.device)
        self.batches = FaceBatches(faces.images, student.input_size, fabric.device)
        self._identity = where_it_fits(torch.from_numpy(faces.identity), fabric.device)
        self._attributes, self._landmarks = (
            None if values is None else where_it_fits(torch.from_numpy(values), fabric.device)
            for values in (faces.attributes, faces.landmarks)
        )
        paths: dict[str, list[str]] = {"student": [], "teacher": [], "truth": []}
        for who, name in map(parse_read, sorted(reads)):
            paths[who] += [name[1:-1]] if name.startswith("[") else []
        self._student_taps = Taps(student.root, paths["student"])
        self._teacher_taps = Taps(teacher.root, paths["teacher"]) if teacher is not None else None

    def batch(self, index: Tensor, crops: CropWindows, size: int | None = None) -> Batch:
        """The images `index` under the given crops, with the teacher's targets.

        Args:
            index: (B,) int64 positions among the faces.
            crops: B crops, or one for all.
            size: Number of images in all processes; None: B.
        """
        images = self.batches.cut(index, crops)
        return Batch((images, self._targets(images, index), self._truth(index, crops)), size or len(index))

    def signals(self, network: nn.Module, batch: Batch) -> Signals:
        """The student's outputs beside the targets of a batch."""
        images, targets, truth = batch.tensors
        return Signals.of(network(images) | _in_brackets(self._student_taps.take()), targets, truth)

    def close(self) -> None:
        """Lets go of the networks."""
        for taps in filter(None, (self._student_taps, self._teacher_taps)):
            taps.remove()

    def _targets(self, images: Tensor, index: Tensor) -> dict[str, Any]:
        if self.teacher is None or self._teacher_taps is None:
            return {}
        with self.fabric.autocast():
            if self.cache is not None:
                return dict(self.cache.targets(self.teacher, index, self.fabric.device))
            answers: dict[str, Any] = self.teacher(images)
            return dict(answers) | _in_brackets(self._teacher_taps.take())

    def _truth(self, index: Tensor, crops: CropWindows) -> dict[str, Any]:
        truth = {
            "identity": self._rows(self._identity, index),
            "index": index.to(self.fabric.device),
            "images": len(self.faces),
            "identities": self.faces.num_identities,
        }
        if self._attributes is not None:
            truth["attributes"] = self._rows(self._attributes, index)
        if self._landmarks is not None:
            truth["landmarks"] = crops.to(self.fabric.device).points(self._rows(self._landmarks, index))
        return truth

    def _rows(self, values: Tensor, index: Tensor) -> Tensor:
        return values[index.to(values.device)].to(self.fabric.device)


def _in_brackets(seen: dict[str, object]) -> dict[str, object]:
    return {f"[{path}]": value for path, value in seen.items()}


def student_fidelity(source: SignalSource, student: FaceNetwork, objective: Objective) -> dict[str, Fidelity]:
    """How near a student comes to its teacher on the source's faces, plain and cropped in the middle.

    Args:
        source: Of up to a thousand images, evenly spread.
        student: The trained network.
        objective: Its terms, of which those that can are asked (`nbutils.losses.Loss.fidelity`).

    Returns:
        By the terms' names.
    """
    terms = objective.comparing
    if not terms:
        return {}
    index = torch.from_numpy(evenly_spread(len(source.faces), _COMPARED))
    wanted = {read for loss in terms.values() for read in loss.reads if not read.startswith("truth.")}
    parts: dict[str, list[Tensor]] = {}
    with evaluating(student):
        for some in torch.split(index, _AT_ONCE):
            signals = source.signals(student, source.batch(some, source.batches.central))
            for who, name in map(parse_read, wanted | {"teacher.each"}):
                given = getattr(signals, who)
                if name in given:
                    parts.setdefault(as_read(who, name), []).append(getattr(given, name))
        whole: dict[str, dict[str, Tensor]] = {"student": {}, "teacher": {}}
        for read, tensors in parts.items():
            who, name = parse_read(read)
            whole[who][name] = torch.cat(tensors, dim=1 if read == "teacher.each" else 0)
        signals = Signals.of(**whole)
        told = {name: loss.fidelity(signals) for name, loss in terms.items()}
    return {name: fidelity for name, fidelity in told.items() if fidelity is not None}
