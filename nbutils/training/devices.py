"""One device, or as many as torchrun started processes for, through Lightning Fabric.

Every process keeps all faces, takes its share of each batch, and ends with the same weights; rank zero alone writes to
the store. What a batch means is the same for any number of processes, but for losses that compare its images, such as
triplets or relations, which each process finds in its own share; a memory of images likewise.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn

from nbutils.gpu import best_device

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")


def processes() -> int:
    """How many train together: what torchrun says, else 1."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_rank_zero() -> bool:
    """Whether this is the process that writes to the store and shows progress."""
    return int(os.environ.get("RANK", "0")) == 0


def make_fabric(precision: str) -> Fabric:
    """Fabric on this process's device, joined to the other processes where there are any.

    Args:
        precision: Fabric's name for the arithmetic.
    """
    from lightning_fabric import Fabric  # seconds to import: only for who trains

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would announce the precision
    best_device()  # so that float32 is float32
    count = processes()
    if count == 1:
        return Fabric(accelerator="auto", devices=1, precision=cast(Any, precision))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(count)))
    fabric = Fabric(
        accelerator="auto", devices=here, num_nodes=count // here, strategy="ddp", precision=cast(Any, precision)
    )
    fabric.launch()
    return fabric


def leave_process_group() -> None:
    """Leaves the other processes, where all are done.

    A process that exits while joined may abort: gloo's threads still let go of tensors as the interpreter ends.
    """
    if distributed.is_initialized():
        distributed.destroy_process_group()


def broadcast(value: T) -> T:
    """The value of rank zero, in all processes."""
    if processes() == 1:
        return value
    if not distributed.is_initialized():
        make_fabric("32-true")
    values: list[Any] = [value]
    distributed.broadcast_object_list(values, src=0)
    return cast(T, values[0])


def own_share(count: int) -> Tensor:
    """Positions in a batch of `count` that this process takes: a block, or all where there are fewer than processes."""
    total, rank = processes(), int(os.environ.get("RANK", "0"))
    if count < total:
        return torch.arange(count)
    return torch.arange(rank * count // total, (rank + 1) * count // total)


def share_weight(count: int) -> float:
    """What this process's mean over its share counts, so that the mean over processes is that over the batch."""
    total = processes()
    return 1.0 if count < total else total * len(own_share(count)) / count


def averaged(fabric: Fabric, value: Tensor) -> Tensor:
    """The mean of a tensor over the processes."""
    return cast(Tensor, fabric.all_reduce(value, reduce_op="mean"))


def backward(fabric: Fabric, loss: Tensor, parameters: Iterable[nn.Parameter]) -> None:
    """Back-propagates, and averages the gradients over the processes.

    By one sum over all of them, rather than by DDP's hooks: an objective has maps of its own outside the network, and
    a network has heads that the objective does not read.

    Args:
        fabric: Of `make_fabric`.
        loss: This process's, weighted by `share_weight`.
        parameters: All that are trained.
    """
    fabric.backward(loss)
    if processes() > 1:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        mean = averaged(fabric, torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, torch.split(mean, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))


def share_batch_norm(module: nn.Module) -> nn.Module:
    """Gives every batch norm below `module` the statistics of the whole batch, in place, where several processes train.

    torch's own SyncBatchNorm knows no CPU.
    """
    if processes() > 1:
        for part in module.modules():
            if type(part) is nn.BatchNorm2d:
                cast(Any, part).__class__ = SharedBatchNorm2d
    return module


def own_batch_norm(module: nn.Module) -> nn.Module:
    """Undoes `share_batch_norm`."""
    for part in module.modules():
        if isinstance(part, SharedBatchNorm2d):
            cast(Any, part).__class__ = nn.BatchNorm2d
    return module


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the shares of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalises (B, C, H, W) by the mean and variance of all processes' B."""
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(x)
        wide = x.float()
        count = wide.new_full((1,), float(x.numel() // x.shape[1]))
        sums = _Sum.apply(torch.cat([wide.sum(dim=(0, 2, 3)), count]))
        total = sums[-1].detach()
        mean = sums[:-1] / total
        centred = wide - mean[:, None, None]  # E[x²] − E[x]² would lose what rounding leaves
        variance = _Sum.apply(centred.square().sum(dim=(0, 2, 3))) / total
        with torch.no_grad():
            momentum = self.momentum or 0.0
            self.running_mean.lerp_(mean.detach(), momentum)
            self.running_var.lerp_(variance.detach() * total / (total - 1), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = torch.rsqrt(variance + self.eps) * self.weight
        return torch.addcmul(self.bias[:, None, None], centred, scale[:, None, None]).to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over processes, differentiable."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ANN401
        """Adds up."""
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        """Every process's result depends on this process's values."""
        total = gradient.clone()
        distributed.all_reduce(total)
        return total
