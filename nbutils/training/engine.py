"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from tqdm.auto import tqdm

from nbutils.data.faces import Faces
from nbutils.losses.fidelity import Fidelity
from nbutils.losses.objective import Objective
from nbutils.memory import keep_freed_memory
from nbutils.models.base import FaceNetwork
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.devices import is_rank_zero, make_fabric, own_batch_norm, own_share, share_batch_norm
from nbutils.training.random_state import RandomState
from nbutils.training.sampling import epoch_order
from nbutils.training.signal_source import Compared, Shared, SharedSource, SignalSource, student_fidelities
from nbutils.training.spec import Schedule, TrainingSpec
from nbutils.training.step import Step

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from nbutils.training.pair_watch import PairWatch
    from nbutils.training.target_cache import TargetCache
    from nbutils.training.teachers import Teacher

History = list[dict[str, float]]


class Fitted(NamedTuple):
    """What a training tells of itself.

    Attributes:
        history: One row an epoch: epoch, step (optimiser steps so far), images (seen so far), learning_rate, loss, each
            unweighted term by its name (means over the epoch), clipped (share of its steps whose gradient was clipped),
            seconds.
        fidelity: "training" and "unseen", each term's by its name; see `nbutils.losses.Loss.fidelity`.
    """

    history: History
    fidelity: dict[str, dict[str, Fidelity]]


@dataclass
class Task:
    """One network to train.

    Attributes:
        spec: Objective, schedule, precision, seed.
        model: The network, trained in place.
        teacher: Source of targets, for objectives that read them.
        cache: The teacher's targets for the plain images; None: the teacher runs online.
        checkpoint: Where unfinished state is kept.
        watch: Looks at the network before steps and after the last.
    """

    spec: TrainingSpec
    model: FaceNetwork
    teacher: Teacher | None = None
    cache: TargetCache | None = None
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    watch: PairWatch | None = None


def fit(task: Task, faces: Faces, *, unseen: Faces | None = None, progress: bool = True) -> Fitted:
    """Trains a network from its present weights, or from the checkpoint where there is one.

    Channels-last throughout, in the spec's precision, by one process or several (`nbutils.training.devices`). All
    randomness of an epoch follows from (seed, epoch), so a resumed training ends in the weights of an undisturbed one;
    on a GPU, whose sums have no fixed order, up to what rounding leaves.

    Args:
        task: The network, and what it learns.
        faces: N training faces.
        unseen: Other faces; where they are given, the student is compared with its teacher, on them and on those it
            was trained on.
        progress: Show a bar.

    Raises:
        FloatingPointError: If the loss is no longer finite.
    """
    (fitted,) = fit_together([task], faces, unseen=unseen, progress=progress)
    if isinstance(fitted, FloatingPointError):
        raise fitted
    return fitted


def fit_together(
    tasks: Sequence[Task], faces: Faces, *, unseen: Faces | None = None, progress: bool = True
) -> list[Fitted | FloatingPointError]:
    """Trains networks of one group on the same batches: images are cut once, and the teacher runs once, for all.

    Each has its own optimiser, random state, history and checkpoint, and ends in the weights that it has when it is
    trained alone.

    Args:
        tasks: Of equal `nbutils.training.groups.group_key`; the teachers share their networks.
        faces: See `fit`.
        unseen: See `fit`.
        progress: See `fit`.

    Returns:
        In the order of `tasks`; of a network whose loss is no longer finite, the error. The others go on.
    """
    keep_freed_memory()
    schedule = tasks[0].spec.schedule
    fabric = make_fabric(tasks[0].spec.precision)
    for task in tasks:
        task.model.to(fabric.device).to(memory_format=torch.channels_last)
        if task.teacher is not None:
            task.teacher = task.teacher.to(fabric.device).to(memory_format=torch.channels_last)
    online = next((task.teacher for task in tasks if task.cache is None), None)
    shared = SharedSource(fabric, faces, tasks[0].model.input_size, online)
    size = schedule.batch_size
    steps_per_epoch = len(faces) // size if schedule.images_per_identity else math.ceil(len(faces) / size)
    bar = tqdm(
        total=schedule.epochs,
        desc=tasks[0].spec.name if len(tasks) == 1 else f"{len(tasks)} networks: {tasks[0].spec.name}, …",
        unit="epoch",
        leave=False,
        disable=not (progress and is_rank_zero()),
    )
    with ExitStack() as open_things:
        open_things.enter_context(bar)
        open_things.enter_context(_own_randomness(fabric.device))
        learners = [_Learner(fabric, task, shared, steps_per_epoch) for task in tasks]
        for learner in learners:
            open_things.callback(learner.source.close)
            open_things.enter_context(learner.task.checkpoint.saved_on_interrupt())
        first = min(len(learner.history) for learner in learners)
        bar.update(first)
        for epoch in range(first, schedule.epochs):
            generator = torch.Generator().manual_seed(_epoch_seed(tasks[0].spec.seed, epoch))
            order = epoch_order(schedule, faces, generator)
            active = [each for each in learners if each.error is None and len(each.history) == epoch]
            for learner in active:
                learner.begin_epoch(epoch)
            common = 0.0
            for i, index in enumerate(torch.split(order, size)):
                start = time.perf_counter()
                crops = shared.batches.draw(len(index), generator, mirror=schedule.mirror)
                own = own_share(len(index))
                batch = shared.take(index[own], crops.at(own), len(index))
                common += time.perf_counter() - start
                for learner in active:
                    learner.learn(batch, epoch * steps_per_epoch + i)
            for learner in active:
                learner.end_epoch(epoch, len(order), common / len(active))
            bar.update()
            bar.set_postfix(loss=", ".join(f"{each.history[-1]['loss']:.4g}" for each in active[:3] if each.history))
        whole = [learner for learner in learners if learner.error is None]
        for learner in whole:
            learner.finish()
        fidelity = iter(_fidelities(fabric, whole, shared, unseen))
        return [learner.error or Fitted(learner.history, next(fidelity)) for learner in learners]


class _Learner:
    """A network in training, with all that is its own."""

    def __init__(self, fabric: Fabric, task: Task, shared: SharedSource, steps_per_epoch: int) -> None:
        self.task, self._fabric, self._shared = task, fabric, shared
        self._schedule, self._steps_per_epoch = task.spec.schedule, steps_per_epoch
        self.source = SignalSource(fabric, task.model, task.teacher, task.cache, task.spec.reads)
        self._objective = _objective(task, shared, self.source)
        self._optimizer, network = _set_up(fabric, task.model, self._objective, self._schedule)
        self._trained = nn.ModuleDict({"model": task.model, "objective": self._objective})
        self.error: FloatingPointError | None = None
        self.history: History = task.checkpoint.restore(self._trained, self._optimizer)
        clip_norm = self._schedule.clip_norm
        self._step = Step(fabric, network, self._objective, self.source, self._optimizer, clip_norm)
        self._random: RandomState
        self._seconds: float
        task.model.train()

    def begin_epoch(self, epoch: int) -> None:
        """Sets its random numbers, which are of dropout and other than the crops', and its clock."""
        self._random = RandomState.of_seed(_epoch_seed(self.task.spec.seed, epoch) + 2**31, self._fabric.device)
        self._seconds = 0.0

    def learn(self, batch: Shared, step: int) -> None:
        """Takes one step."""
        start = time.perf_counter()
        self._look(step)
        _set_learning_rate(self._optimizer, self._schedule, step, self._steps_per_epoch)
        with self._random:
            self._step(self.source.batch(batch))
        self._seconds += time.perf_counter() - start

    def end_epoch(self, epoch: int, images: int, common: float) -> None:
        """Adds to the history, and keeps the state.

        Args:
            epoch: Number of the epoch.
            images: Number of images in it.
            common: Its share of the seconds that all networks had in common.
        """
        start = time.perf_counter()
        means = self._step.means(images)
        if not math.isfinite(means["loss"]):
            self.error = FloatingPointError(
                f"'{self.task.spec.name}': the loss is {means['loss']} after epoch {epoch + 1}; "
                f"a learning rate below {self._schedule.learning_rate} may help"
            )
            return
        self.history.append(
            {
                "epoch": epoch + 1,
                "step": (epoch + 1) * self._steps_per_epoch,
                "images": (epoch + 1) * images,
                "learning_rate": float(self._optimizer.param_groups[0]["lr"]),
                **means,
                "clipped": self._step.clipped() / self._steps_per_epoch,
                "seconds": self._seconds + common + time.perf_counter() - start,
            }
        )
        if is_rank_zero():
            self.task.checkpoint.save(self._trained, self._optimizer, self.history)

    def finish(self) -> None:
        """Looks at it a last time, and lets it be evaluated."""
        self._look(self._schedule.epochs * self._steps_per_epoch)
        own_batch_norm(self.task.model).eval()

    def compared_by(self, source: SignalSource) -> Compared:
        """The network, to be compared with its teacher by the signals of `source`."""
        return Compared(self.task.model, source, self._objective)

    def _look(self, step: int) -> None:
        if self.task.watch and is_rank_zero():
            self.task.watch.look(self.task.model, step, self._schedule.epochs * self._steps_per_epoch)


def _fidelities(
    fabric: Fabric, learners: Sequence[_Learner], shared: SharedSource, unseen: Faces | None
) -> list[dict[str, dict[str, Fidelity]]]:
    """How near each student of a group came to its teacher, on training faces and on unseen ones."""
    tasks = [learner.task for learner in learners]
    teacher = tasks[0].teacher if tasks else None
    if teacher is None or unseen is None:
        return [{} for _ in learners]
    own = student_fidelities(shared, [learner.compared_by(learner.source) for learner in learners])
    others = SharedSource(fabric, unseen, tasks[0].model.input_size, teacher)
    with ExitStack() as sources:
        online = [SignalSource(fabric, task.model, task.teacher, None, task.spec.reads) for task in tasks]
        for source in online:
            sources.callback(source.close)
        pairs = zip(learners, online, strict=True)
        other = student_fidelities(others, [learner.compared_by(source) for learner, source in pairs])
    return [{"training": one, "unseen": two} for one, two in zip(own, other, strict=True)]


def _set_up(
    fabric: Fabric, model: FaceNetwork, objective: Objective, schedule: Schedule
) -> tuple[torch.optim.Optimizer, Any]:
    device = fabric.device  # on a GPU the rate lies there, where a captured step reads it
    optimizer = torch.optim.SGD(
        [*model.parameters(), *objective.parameters()],
        lr=torch.tensor(schedule.learning_rate, device=device) if device.type == "cuda" else schedule.learning_rate,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
        nesterov=schedule.momentum > 0,
        fused=True,
    )
    network = fabric.setup_module(share_batch_norm(model))
    return optimizer, network


def _objective(task: Task, shared: SharedSource, source: SignalSource) -> Objective:
    """The objective, whose own maps, if any, have the widths of a first batch's signals and the spec's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.spec.seed)
        objective = Objective({name: (term.weight, term.build()) for name, term in task.spec.objective.items()})
    task.model.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.spec.seed)
        few = shared.take(torch.arange(min(2, len(shared.batches))), shared.batches.central)
        objective.prepare(source.signals(task.model, source.batch(few)))
    return objective.to(source.fabric.device)


def rate_factor(schedule: Schedule, step: int, steps: int) -> float:
    """The learning rate of a step, of `steps` in all, as a share of the schedule's: a warm-up, then half a cosine.

    Example:
        >>> from nbutils.training import Schedule
        >>> from nbutils.training.engine import rate_factor
        >>> schedule = Schedule(epochs=1, warmup=0.1)
        >>> [round(rate_factor(schedule, step, 100), 3) for step in (0, 10, 55)]
        [0.091, 1.0, 0.5]
    """
    warmup = schedule.warmup * steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def _set_learning_rate(optimizer: torch.optim.Optimizer, schedule: Schedule, step: int, steps_per_epoch: int) -> None:
    factor = rate_factor(schedule, step, schedule.epochs * steps_per_epoch)
    for group in optimizer.param_groups:
        rate = schedule.learning_rate * factor
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _own_randomness(device: torch.device) -> AbstractContextManager[None]:
    """Leaves the random state of the process as it was."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def _epoch_seed(seed: int, epoch: int) -> int:
    return seed * 1_000_003 + epoch
