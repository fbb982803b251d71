"""One step of a training, on a GPU as a captured graph."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.utils._pytree import tree_leaves, tree_map

from nbutils.losses.objective import Objective
from nbutils.training.devices import averaged, backward, processes, share_weight
from nbutils.training.signal_source import Batch, SignalSource

if TYPE_CHECKING:
    from lightning_fabric import Fabric

logger = logging.getLogger(__name__)

#: Steps before one is captured: the first ones make momentum and workspaces.
_EAGER_STEPS = 3
#: Packages whose modules decide nothing in Python from step to step, which a capture would freeze.
_CAPTURABLE = ("nbutils.", "torch.", "torchvision.", "lightning_fabric.")


class Step:
    """Forward, backward, clip, update; and what the epoch's row of the history needs of it.

    On a GPU, steps are captured as a CUDA graph once they repeat, and replayed: the many small kernels of a small
    network otherwise wait for Python. A network or loss of the user's own runs step by step, as does what cannot be
    captured, which is said once.

    Args:
        fabric: Of the training.
        network: The student, as Fabric set it up.
        objective: Its losses.
        source: Of its signals.
        optimizer: Of the parameters of both.
        clip_norm: Bound on the gradient's norm.
    """

    def __init__(
        self,
        fabric: Fabric,
        network: Any,  # noqa: ANN401 (a module in Fabric's wrapper)
        objective: Objective,
        source: SignalSource,
        optimizer: torch.optim.Optimizer,
        clip_norm: float,
    ) -> None:
        self._fabric, self._network, self._objective, self._source = fabric, network, objective, source
        self._optimizer, self._clip_norm = optimizer, clip_norm
        self._parameters = [*network.parameters(), *objective.parameters()]
        self._sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=fabric.device))
        self._clipped = torch.zeros((), device=fabric.device)
        self._captured: _Captured | None = None
        self._taken = 0
        self._may_capture = (
            fabric.device.type == "cuda" and processes() == 1 and all(map(_is_capturable, (network, objective)))
        )

    def __call__(self, batch: Batch) -> None:
        """Takes one step."""
        self._taken += 1
        if self._captured is not None and self._captured.takes(batch):
            self._captured(batch)
        elif self._may_capture and self._captured is None and self._taken > _EAGER_STEPS:
            self._capture(batch)
        else:
            self._take(batch)

    def means(self, images: int) -> dict[str, float]:
        """The loss and each of its terms over the images of the epoch that ends, as a mean."""
        means = {name: float(averaged(self._fabric, value)) / images for name, value in self._sums.items()}
        for value in self._sums.values():
            value.zero_()
        return means

    def clipped(self) -> float:
        """How many steps of the epoch that ends had their gradient clipped."""
        clipped = float(self._clipped)
        self._clipped.zero_()
        return clipped

    def _take(self, batch: Batch) -> None:
        weight = share_weight(batch.size)
        self._optimizer.zero_grad()
        with self._fabric.no_backward_sync(self._network, enabled=processes() > 1):  # `backward` averages
            loss, terms = self._objective(self._source.signals(self._network, batch))
            backward(self._fabric, weight * loss, self._parameters)
        self._clip()
        self._optimizer.step()
        for name, value in {"loss": loss.detach(), **terms}.items():
            self._sums[name] += value * weight * batch.size

    def _clip(self) -> None:
        """Shortens the gradient to its bound."""
        norm = get_total_norm([each.grad for each in self._parameters if each.grad is not None])
        longer = norm > self._clip_norm
        # A multiplication by 1 takes as long as any, but to ask a GPU for the norm takes longer.
        if norm.device.type != "cpu" or longer:
            clip_grads_with_norm_(self._parameters, self._clip_norm, norm)
        self._clipped += longer

    def _capture(self, batch: Batch) -> None:
        """Captures this step and takes it; where that fails, takes it as before."""
        try:
            self._captured = _Captured(self, batch)
        except RuntimeError as error:
            self._may_capture = False
            reason = str(error).partition("\n")[0]
            logger.warning("the step cannot be captured as a CUDA graph (%s): it runs kernel by kernel", reason)
            torch.cuda.synchronize()
            self._take(batch)
        else:
            self._captured(batch)


class _Captured:
    """A step on a batch of one size as a CUDA graph, which reads its batch from memory of its own.

    Raises:
        RuntimeError: The step cannot be captured; the message is that of the first error.
    """

    def __init__(self, step: Step, batch: Batch) -> None:
        self._batch = tree_map(_copied, batch.tensors)
        self._size = batch.size
        step._optimizer.zero_grad()  # gradients lie in the graph's memory
        torch.cuda.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        first: Exception | None = None
        try:
            with torch.cuda.graph(self._graph):
                try:
                    step._take(batch.with_tensors(self._batch))
                except Exception as error:
                    first = error
                    raise
        except RuntimeError as error:
            # The end of a capture that failed raises again, and says only that something went wrong before.
            raise RuntimeError(str(first or error)) from first

    def takes(self, batch: Batch) -> bool:
        """Whether it was captured for a batch of this size."""
        return batch.size == self._size

    def __call__(self, batch: Batch) -> None:
        for own, given in zip(tree_leaves(self._batch), tree_leaves(batch.tensors), strict=True):
            if isinstance(own, Tensor):
                own.copy_(given, non_blocking=True)
        self._graph.replay()


def _copied(value: Any) -> Any:  # noqa: ANN401 (tensors, and numbers that stay as they are)
    return value.clone() if isinstance(value, Tensor) else value


def _is_capturable(module: nn.Module) -> bool:
    return all(type(each).__module__.startswith(_CAPTURABLE) for each in module.modules())
