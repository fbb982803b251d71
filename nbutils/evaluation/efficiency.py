"""What a network costs: its parameters while training and once deployed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from nbutils.errors import ParameterError


@dataclass(frozen=True)
class ParameterCount:
    """Number of parameters a network trains with, and how many of them inference needs."""

    training: int
    inference: int


def count_parameters(model: nn.Module) -> ParameterCount:
    """Count a network's parameters, as Table 1 of Luo et al. 2016 does.

    A network names the submodules that only training needs, its supervision heads and classifier, in an
    attribute `training_only` (tuple of names); so may each network inside an ensemble. A network without it
    needs everything. A parameter that several submodules share counts once, and for inference if any of
    them is needed there.

    Raises:
        ParameterError: `training_only` names something that the network does not have.
    """
    excluded = []
    for prefix, module in model.named_modules():
        for name in getattr(module, "training_only", ()):
            path = f"{prefix}.{name}" if prefix else name
            try:
                model.get_submodule(path)
            except AttributeError as error:
                raise ParameterError(f"training_only of {type(module).__name__} names {name!r}: {error}") from error
            excluded.append(f"{path}.")
    # Sets of the parameters themselves: shared ones come under several names.
    everything, needed = set(), set()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        everything.add(parameter)
        if not name.startswith(tuple(excluded)):
            needed.add(parameter)
    return ParameterCount(sum(p.numel() for p in everything), sum(p.numel() for p in needed))
