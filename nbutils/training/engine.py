"""The training loop."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, closing
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
from nbutils.training.sampling import epoch_order
from nbutils.training.signal_source import SignalSource, student_fidelity
from nbutils.training.spec import Schedule, TrainingSpec
from nbutils.training.step import Step

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from nbutils.training.pair_watch import PairWatch
    from nbutils.training.target_cache import TargetCache
    from nbutils.training.teachers import Teacher

History = list[dict[str, float]]


class Fitted(NamedTuple):
    """What a training tells of itself.

    Attributes:
        history: One row an epoch: epoch, step (optimiser steps so far), learning_rate, loss, each unweighted term by
            its name (means over the epoch), clipped (share of its steps whose gradient was clipped), seconds.
        fidelity: "training" and "unseen", each term's by its name; see `nbutils.losses.Loss.fidelity`.
    """

    history: History
    fidelity: dict[str, dict[str, Fidelity]]


def fit(
    spec: TrainingSpec,
    model: FaceNetwork,
    faces: Faces,
    teacher: Teacher | None,
    cache: TargetCache | None,
    checkpoint: Checkpoint,
    *,
    unseen: Faces | None = None,
    watch: PairWatch | None = None,
    progress: bool = True,
) -> Fitted:
    """Trains `model` in place from its present weights, or from the checkpoint where there is one.

    Channels-last throughout, in the spec's precision, by one process or several (`nbutils.training.devices`). All
    randomness of an epoch follows from (seed, epoch), so a resumed training ends in the weights of an undisturbed one.

    Args:
        spec: Objective, schedule, precision, seed.
        model: The network.
        faces: N training faces.
        teacher: Source of targets, for objectives that read them.
        cache: The teacher's targets for the plain images; None: the teacher runs online.
        checkpoint: Where unfinished state is kept.
        unseen: Other faces; where they are given, the student is compared with its teacher, on them and on those it
            was trained on.
        watch: Looks at the network before steps and after the last.
        progress: Show a bar.

    Raises:
        FloatingPointError: If the loss is no longer finite.
    """
    keep_freed_memory()
    fabric = make_fabric(spec.precision)
    model.to(fabric.device).to(memory_format=torch.channels_last)
    if teacher is not None:
        teacher = teacher.to(fabric.device).to(memory_format=torch.channels_last)
    source = SignalSource(fabric, model, faces, teacher, cache, spec.reads)
    objective = _objective(spec, model, source)
    network, optimizer = _set_up(fabric, model, objective, spec.schedule)
    take_step = Step(fabric, network, objective, source, optimizer, spec.schedule.clip_norm)
    trained = nn.ModuleDict({"model": model, "objective": objective})
    history = checkpoint.restore(trained, optimizer)
    size = spec.schedule.batch_size
    steps_per_epoch = len(faces) // size if spec.schedule.images_per_identity else math.ceil(len(faces) / size)
    model.train()

    bar = tqdm(
        total=spec.schedule.epochs,
        initial=len(history),
        desc=spec.name,
        unit="epoch",
        leave=False,
        disable=not (progress and is_rank_zero()),
    )
    with bar, closing(source), checkpoint.saved_on_interrupt(), _own_randomness(fabric.device):
        for epoch in range(len(history), spec.schedule.epochs):
            start = time.perf_counter()
            generator = torch.Generator().manual_seed(_epoch_seed(spec.seed, epoch))
            torch.manual_seed(_epoch_seed(spec.seed, epoch) + 2**31)  # of dropout: other numbers than the crops'
            order = epoch_order(spec.schedule, faces, generator)
            for i, index in enumerate(torch.split(order, size)):
                if watch and is_rank_zero():
                    watch.look(model, epoch * steps_per_epoch + i, spec.schedule.epochs * steps_per_epoch)
                _set_learning_rate(optimizer, spec.schedule, epoch * steps_per_epoch + i, steps_per_epoch)
                crops = source.batches.draw(len(index), generator, mirror=spec.schedule.mirror)
                own = own_share(len(index))
                take_step(source.batch(index[own], crops.at(own), len(index)))
            means = take_step.means(len(order))
            if not math.isfinite(means["loss"]):
                raise FloatingPointError(
                    f"'{spec.name}': the loss is {means['loss']} after epoch {epoch + 1}; "
                    f"a learning rate below {spec.schedule.learning_rate} may help"
                )
            history.append(
                {
                    "epoch": epoch + 1,
                    "step": (epoch + 1) * steps_per_epoch,
                    "learning_rate": float(optimizer.param_groups[0]["lr"]),
                    **means,
                    "clipped": take_step.clipped() / steps_per_epoch,
                    "seconds": time.perf_counter() - start,
                }
            )
            bar.update()
            bar.set_postfix(loss=f"{means['loss']:.4g}")
            if is_rank_zero():
                checkpoint.save(trained, optimizer, history)
        if watch and is_rank_zero():
            watch.look(model, spec.schedule.epochs * steps_per_epoch, spec.schedule.epochs * steps_per_epoch)
        own_batch_norm(model).eval()
        if teacher is None or unseen is None:
            return Fitted(history, {})
        fidelity = {"training": student_fidelity(source, model, objective)}
    with closing(SignalSource(fabric, model, unseen, teacher, None, spec.reads)) as other:
        fidelity["unseen"] = student_fidelity(other, model, objective)
    return Fitted(history, fidelity)


def _set_up(
    fabric: Fabric, model: FaceNetwork, objective: Objective, schedule: Schedule
) -> tuple[Any, torch.optim.Optimizer]:
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
    return network, optimizer


def _objective(spec: TrainingSpec, model: FaceNetwork, source: SignalSource) -> Objective:
    """The objective, whose own maps, if any, have the widths of a first batch's signals and the spec's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        objective = Objective({name: (term.weight, term.build()) for name, term in spec.objective.items()})
    model.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        few = source.batch(torch.arange(min(2, len(source.batches))), source.batches.central)
        objective.prepare(source.signals(model, few))
    return objective.to(source.fabric.device)


def _set_learning_rate(optimizer: torch.optim.Optimizer, schedule: Schedule, step: int, steps_per_epoch: int) -> None:
    total = schedule.epochs * steps_per_epoch
    warmup = schedule.warmup * total
    if step < warmup:
        factor = (step + 1) / (warmup + 1)
    else:
        factor = 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
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
