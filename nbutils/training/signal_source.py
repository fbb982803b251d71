"""All that an objective reads of a batch: what student and teacher answer, and the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

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
    from lightning_fabric import Fabric

    from nbutils.training.target_cache import TargetCache
    from nbutils.training.teachers import Answers, Teacher

#: Images on which a student is compared with its teacher, evenly spread, and how many at once.
_COMPARED, _AT_ONCE = 1000, 128

#: Images, targets and truth of a `Batch`.
Tensors: TypeAlias = tuple[Tensor, dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Shared:
    """What is made once of a batch of B images for all students.

    Attributes:
        images: (B, 3, H, W).
        index: (B,) positions among the faces.
        truth: By name; see `nbutils.losses.Signals`.
        answers: Of the teacher's networks; None: it was not run.
        size: Number of images in all processes.
    """

    images: Tensor
    index: Tensor
    truth: dict[str, Any]
    answers: Answers | None
    size: int


@dataclass(frozen=True)
class Batch:
    """What a student's step starts from.

    Attributes:
        tensors: The images; what the teacher answers to them; and what is known of them.
        size: Number of images in all processes.
    """

    tensors: Tensors
    size: int

    def with_tensors(self, tensors: Tensors) -> Batch:
        """The same batch in other memory."""
        return replace(self, tensors=tensors)


class SharedSource:
    """What students that train together share of a batch: its images, their truth, and the teacher's answers.

    Args:
        fabric: Of the training.
        faces: To train on.
        input_size: (height, width) of the students' images.
        teacher: Any of the students' teachers, which have the same networks; None: it is not run.
    """

    def __init__(self, fabric: Fabric, faces: Faces, input_size: tuple[int, int], teacher: Teacher | None) -> None:
        self._fabric, self.faces, self._teacher = fabric, faces, teacher
        self.batches = FaceBatches(faces.images, input_size, fabric.device)
        self._identity = where_it_fits(torch.from_numpy(faces.identity), fabric.device)
        self._attributes, self._landmarks = (
            None if values is None else where_it_fits(torch.from_numpy(values), fabric.device)
            for values in (faces.attributes, faces.landmarks)
        )

    def take(self, index: Tensor, crops: CropWindows, size: int | None = None) -> Shared:
        """The images `index` under the given crops.

        Args:
            index: (B,) int64 positions among the faces.
            crops: B crops, or one for all.
            size: Number of images in all processes; None: B.
        """
        images = self.batches.cut(index, crops)
        with self._fabric.autocast():
            answers = None if self._teacher is None else self._teacher.answer(images)
        return Shared(images, index, self._truth(index, crops), answers, size or len(index))

    def _truth(self, index: Tensor, crops: CropWindows) -> dict[str, Any]:
        truth = {
            "identity": self._rows(self._identity, index),
            "index": index.to(self._fabric.device),
            "images": len(self.faces),
            "identities": self.faces.num_identities,
        }
        if self._attributes is not None:
            truth["attributes"] = self._rows(self._attributes, index)
        if self._landmarks is not None:
            truth["landmarks"] = crops.to(self._fabric.device).points(self._rows(self._landmarks, index))
        return truth

    def _rows(self, values: Tensor, index: Tensor) -> Tensor:
        return values[index.to(values.device)].to(self._fabric.device)


class SignalSource:
    """What one student's objective reads: what the student returns, its teacher's targets, and the truth.

    Args:
        fabric: Of the training.
        student: The network.
        teacher: Source of targets, for objectives that read them.
        cache: Its targets for the plain images; None: it runs online.
        reads: All signals that the objective reads.
    """

    def __init__(
        self,
        fabric: Fabric,
        student: FaceNetwork,
        teacher: Teacher | None,
        cache: TargetCache | None,
        reads: Iterable[str],
    ) -> None:
        self.fabric, self.teacher = fabric, teacher
        self.cache = None if cache is None else cache.to(fabric.device)
        paths: dict[str, list[str]] = {"student": [], "teacher": [], "truth": []}
        for who, name in map(parse_read, sorted(reads)):
            paths[who] += [name[1:-1]] if name.startswith("[") else []
        self._student_taps = Taps(student.root, paths["student"])
        self._teacher_taps = Taps(teacher.root, paths["teacher"]) if teacher is not None else None

    def batch(self, shared: Shared) -> Batch:
        """The batch with this student's targets."""
        return Batch((shared.images, self._targets(shared), shared.truth), shared.size)

    def signals(self, network: nn.Module, batch: Batch) -> Signals:
        """The student's outputs beside the targets of a batch."""
        images, targets, truth = batch.tensors
        return Signals.of(network(images) | _in_brackets(self._student_taps.take()), targets, truth)

    def close(self) -> None:
        """Lets go of the networks."""
        for taps in filter(None, (self._student_taps, self._teacher_taps)):
            taps.remove()

    def _targets(self, shared: Shared) -> dict[str, Any]:
        if self.teacher is None or self._teacher_taps is None:
            return {}
        with self.fabric.autocast():
            if self.cache is not None:
                return dict(self.cache.targets(self.teacher, shared.index, self.fabric.device))
            assert shared.answers is not None  # the teacher ran, since there is no cache
            return dict(self.teacher.signals(shared.answers)) | _in_brackets(self._teacher_taps.take())


def _in_brackets(seen: dict[str, object]) -> dict[str, object]:
    return {f"[{path}]": value for path, value in seen.items()}


class Compared(NamedTuple):
    """A trained student that is to be compared with its teacher.

    Attributes:
        student: The network.
        source: Of its signals.
        objective: Its terms, of which those that can are asked (`nbutils.losses.Loss.fidelity`).
    """

    student: FaceNetwork
    source: SignalSource
    objective: Objective


def student_fidelities(shared: SharedSource, students: Sequence[Compared]) -> list[dict[str, Fidelity]]:
    """How near students come to their teacher on up to a thousand faces, plain and cropped in the middle.

    The teacher runs once for all.

    Args:
        shared: Of the faces.
        students: Of one group.

    Returns:
        For each student, by its terms' names.
    """
    seen = [_Seen(each) for each in students]
    index = torch.from_numpy(evenly_spread(len(shared.faces), _COMPARED))
    with ExitStack() as still:
        for each in students:
            still.enter_context(evaluating(each.student))
        for some in torch.split(index, _AT_ONCE) if any(each.terms for each in seen) else ():
            batch = shared.take(some, shared.batches.central)
            for one in seen:
                one.add(batch)
        return [each.fidelity() for each in seen]


class _Seen:
    """What a student's terms compare, batch by batch."""

    def __init__(self, compared: Compared) -> None:
        self._student, self._source, objective = compared
        self.terms = objective.comparing
        reads = {read for loss in self.terms.values() for read in loss.reads if not read.startswith("truth.")}
        self._wanted = [parse_read(read) for read in reads | {"teacher.each"}]
        self._parts: dict[str, list[Tensor]] = {}

    def add(self, shared: Shared) -> None:
        if not self.terms:
            return
        signals = self._source.signals(self._student, self._source.batch(shared))
        for who, name in self._wanted:
            given = getattr(signals, who)
            if name in given:
                self._parts.setdefault(as_read(who, name), []).append(getattr(given, name))

    def fidelity(self) -> dict[str, Fidelity]:
        whole: dict[str, dict[str, Tensor]] = {"student": {}, "teacher": {}}
        for read, tensors in self._parts.items():
            who, name = parse_read(read)
            whole[who][name] = torch.cat(tensors, dim=1 if read == "teacher.each" else 0)
        signals = Signals.of(**whole)
        told = {name: loss.fidelity(signals) for name, loss in self.terms.items()}
        return {name: fidelity for name, fidelity in told.items() if fidelity is not None}
