"""What a network costs: its parameters while training and once deployed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

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

    Example:
        >>> from nbutils.evaluation import count_parameters
        >>> from nbutils.models import MobileIDStudent
        >>> count_parameters(MobileIDStudent(422, width=4))
        ParameterCount(training=513990, inference=513990)
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


def multiply_adds(model: nn.Module, images: Tensor) -> int:
    """Multiply-adds of one forward pass, by PyTorch's own counter, which counts products of matrices and convolutions.

    Biases, activations and pooling are left out, as is the custom.

    Args:
        model: Any network, put in evaluation mode.
        images: The input; a batch of one gives the cost of an image.

    Example:
        >>> import torch
        >>> from nbutils.evaluation import multiply_adds
        >>> multiply_adds(torch.nn.Linear(10, 5), torch.zeros(1, 10))
        50
    """
    model.eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(images)
    return int(counter.get_total_flops()) // 2


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and buffers as they are stored.

    Example:
        >>> import torch
        >>> from nbutils.evaluation import weight_bytes
        >>> weight_bytes(torch.nn.Linear(10, 5))  # 55 numbers of four bytes
        220
    """
    tensors = {id(t): t for t in (*model.parameters(), *model.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values())
