"""The training loop."""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from nbutils.data.batches import FaceBatches
from nbutils.data.faces import Faces
from nbutils.losses import Objective, Signals
from nbutils.memory import keep_freed_memory
from nbutils.models import FaceNetwork
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.spec import Schedule, TrainingSpec
from nbutils.training.teacher import Teacher

if TYPE_CHECKING:
    from lightning.fabric import Fabric

History = list[dict[str, float]]


def fit(
    spec: TrainingSpec,
    model: FaceNetwork,
    faces: Faces,
    teacher: Teacher | None,
    cached_features: Tensor | None,
    checkpoint: Checkpoint,
    *,
    progress: bool = True,
) -> History:
    """Trains `model` in place from its present weights, or from the checkpoint where there is one.

    Channels-last throughout, in the spec's precision. All randomness of an epoch follows from (seed, epoch), so a
    resumed training ends in the weights of an undisturbed one.

    Args:
        spec: Objective, schedule, precision, seed.
        model: The network.
        faces: N training faces.
        teacher: Source of targets, for objectives that read them.
        cached_features: (N, F) the teacher's features, for cached targets; None: the teacher runs online.
        checkpoint: Where unfinished state is kept.
        progress: Show a bar.

    Returns:
        One row an epoch: epoch, step (optimiser steps so far), learning_rate, loss, each unweighted term by its
        name (means over the epoch), seconds.

    Raises:
        FloatingPointError: If the loss is no longer finite.
    """
    keep_freed_memory()
    fabric = _fabric(spec.precision)
    objective = Objective({name: (term.weight, term.build()) for name, term in spec.objective.items()})
    network, optimizer = _set_up(fabric, model, spec.schedule)
    if teacher is not None:
        teacher = teacher.to(fabric.device).to(memory_format=torch.channels_last)
    batches = FaceBatches(faces.images, model.input_size, fabric.device)
    labels = torch.from_numpy(faces.identity)
    history = checkpoint.restore(model, optimizer)
    size = spec.schedule.batch_size
    steps_per_epoch = math.ceil(len(faces) / size)
    model.train()

    bar = tqdm(
        total=spec.schedule.epochs,
        initial=len(history),
        desc=spec.name,
        unit="epoch",
        leave=False,
        disable=not progress,
    )
    with bar:
        for epoch in range(len(history), spec.schedule.epochs):
            start = time.perf_counter()
            generator = torch.Generator().manual_seed(_epoch_seed(spec.seed, epoch))
            order = torch.randperm(len(faces), generator=generator)
            sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=fabric.device))
            for i, index in enumerate(torch.split(order, size)):
                _set_learning_rate(optimizer, spec.schedule, epoch * steps_per_epoch + i, steps_per_epoch)
                images = batches.augmented(index, generator)
                signals = _signals(fabric, network, images, teacher, cached_features, index)
                signals.label = labels[index].to(fabric.device)
                loss, terms = objective(signals)
                optimizer.zero_grad()
                fabric.backward(loss)
                clip_grad_norm_(model.parameters(), spec.schedule.clip_norm)
                optimizer.step()
                for name, value in {"loss": loss.detach(), **terms}.items():
                    sums[name] += value * len(index)
            means = {name: float(value) / len(faces) for name, value in sums.items()}
            if not math.isfinite(means["loss"]):
                raise FloatingPointError(
                    f"'{spec.name}': the loss is {means['loss']} after epoch {epoch + 1}; "
                    f"a learning rate below {spec.schedule.learning_rate} may help"
                )
            history.append(
                {
                    "epoch": epoch + 1,
                    "step": (epoch + 1) * steps_per_epoch,
                    "learning_rate": optimizer.param_groups[0]["lr"],
                    **means,
                    "seconds": time.perf_counter() - start,
                }
            )
            bar.update()
            bar.set_postfix(loss=f"{means['loss']:.4g}")
            if epoch + 1 < spec.schedule.epochs:
                checkpoint.save(model, optimizer, history)
    model.eval()
    return history


def _fabric(precision: str) -> Fabric:
    from lightning.fabric import Fabric  # seconds to import: only for who trains

    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)

    return Fabric(accelerator="auto", devices=1, precision=cast(Any, precision))


def _set_up(fabric: Fabric, model: FaceNetwork, schedule: Schedule) -> tuple[Any, torch.optim.Optimizer]:
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=schedule.learning_rate,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
        nesterov=schedule.momentum > 0,
        fused=True,
    )
    network = fabric.setup_module(model)
    return network, optimizer


def _signals(
    fabric: Fabric,
    network: nn.Module,
    images: Tensor,
    teacher: Teacher | None,
    cached_features: Tensor | None,
    index: Tensor,
) -> Signals:
    """The student's outputs and the teacher's targets for one batch."""
    outputs = network(images)
    signals = Signals(outputs.output, outputs.features, outputs.supervision)
    if teacher is not None:
        with fabric.autocast():
            if cached_features is None:
                targets = teacher(images)
            else:
                targets = teacher.from_features(cached_features[index].to(fabric.device))
        signals.teacher_neurons, signals.teacher_logits = targets
    return signals


def _set_learning_rate(optimizer: torch.optim.Optimizer, schedule: Schedule, step: int, steps_per_epoch: int) -> None:
    total = schedule.epochs * steps_per_epoch
    warmup = schedule.warmup * total
    if step < warmup:
        factor = (step + 1) / (warmup + 1)
    else:
        factor = 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
    for group in optimizer.param_groups:
        group["lr"] = schedule.learning_rate * factor


def _epoch_seed(seed: int, epoch: int) -> int:
    return seed * 1_000_003 + epoch
