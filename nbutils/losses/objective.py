"""Named, weighted sums of losses: Eq. 5 of Wang & Lan 2017 is task + α · soft + β · hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals


class Objective(nn.Module):
    """Σ_k weight_k · loss_k, whose terms are also returned one by one under their names.

    Args:
        terms: Name to (weight, loss); a loss maps `Signals` to a scalar.

    Raises:
        ParameterError: If there is no term, or a weight is negative or not finite.

    Example:
        >>> import torch
        >>> from nbutils.losses import LabelLoss, NeuronLoss, Objective, Signals
        >>> objective = Objective({"labels": (1.0, LabelLoss()), "neurons": (0.5, NeuronLoss())})
        >>> signals = Signals.of(
        ...     student={"output": torch.zeros(1, 2)},
        ...     teacher={"neurons": torch.ones(1, 2)},
        ...     truth={"identity": torch.tensor([0])},
        ... )
        >>> total, terms = objective(signals)
        >>> round(float(total), 3), sorted(terms)
        (1.193, ['labels', 'neurons'])
    """

    def __init__(self, terms: Mapping[str, tuple[float, nn.Module]]) -> None:
        super().__init__()
        if not terms:
            raise ParameterError("an objective needs at least one term")
        for name, (weight, _) in terms.items():
            if not 0 <= weight < float("inf"):
                raise ParameterError(f"the weight of '{name}' must be finite and at least 0, got {weight}")
        self.weights = {name: weight for name, (weight, _) in terms.items()}
        self.losses = nn.ModuleDict({name: loss for name, (_, loss) in terms.items()})

    @property
    def comparing(self) -> dict[str, Loss]:
        """The terms that can tell how near the student came to its teacher, by name."""
        losses = {name: loss for name, loss in self.losses.items() if isinstance(loss, Loss)}
        return {name: loss for name, loss in losses.items() if type(loss).fidelity is not Loss.fidelity}

    def prepare(self, signals: Signals) -> None:
        """Lets every loss make what depends on the widths of a first batch."""
        for loss in self.losses.values():
            if hasattr(loss, "prepare"):
                cast(Loss, loss).prepare(signals)

    def forward(self, signals: Signals) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the weighted sum, and each unweighted term, detached, by its name.

        Raises:
            ParameterError: A term is no scalar tensor.
        """
        terms = {name: loss(signals) for name, loss in self.losses.items()}
        for name, value in terms.items():
            if not isinstance(value, Tensor) or value.ndim:
                found = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
                raise ParameterError(f"the term '{name}' returned {found}: expected a scalar tensor")
        first = next(iter(terms.values()))
        total = sum((self.weights[name] * value for name, value in terms.items()), start=first.new_zeros(()))
        return total, {name: value.detach() for name, value in terms.items()}
