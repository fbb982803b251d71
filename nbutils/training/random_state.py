"""Random numbers of one network among several in one process."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

import torch
from torch import Tensor


@dataclass
class RandomState:
    """torch's random state, put in place within a `with` block and taken out again, as far as it went.

    Attributes:
        cpu: Of the processor.
        cuda: Of a GPU, or None.

    Example:
        >>> import torch
        >>> from nbutils.training.random_state import RandomState
        >>> first, second = RandomState.of_seed(0), RandomState.of_seed(0)
        >>> with first:
        ...     numbers = torch.rand(2)
        >>> with second:
        ...     begun = torch.rand(1)
        >>> with second:
        ...     torch.equal(numbers, torch.cat([begun, torch.rand(1)]))
        True
    """

    cpu: Tensor
    cuda: Tensor | None = None

    @classmethod
    def of_seed(cls, seed: int, device: torch.device | None = None) -> RandomState:
        """The state that `torch.manual_seed` sets."""
        cpu = torch.Generator().manual_seed(seed).get_state()
        if device is None or device.type != "cuda":
            return cls(cpu)
        return cls(cpu, torch.Generator(device).manual_seed(seed).get_state())

    def __enter__(self) -> None:
        torch.set_rng_state(self.cpu)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cpu = torch.get_rng_state()
        if self.cuda is not None:
            self.cuda = torch.cuda.get_rng_state()
