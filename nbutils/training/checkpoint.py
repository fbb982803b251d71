"""The state of an unfinished training, to continue from after a crash."""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

logger = logging.getLogger(__name__)


@dataclass
class Checkpoint:
    """One file, replaced in one rename, at most every `seconds`: weights, momentum, finished epochs, history.

    Epoch boundaries are enough: all randomness of an epoch follows from (seed, epoch).

    Args:
        file: Where the state lies.
        seconds: Least time between two writes.
    """

    file: Path
    seconds: float = 20.0
    _written: float = field(default_factory=time.monotonic)

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, history: list[dict[str, float]]) -> None:
        """Writes the state after the last epoch in `history`, if it is time to."""
        if time.monotonic() - self._written < self.seconds:
            return
        tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
        for name, parameter in model.named_parameters():
            momentum = optimizer.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{name}"] = momentum.contiguous()
        aside = self.file.with_suffix(".new")
        save_file(tensors, aside, metadata={"history": json.dumps(history)})
        os.replace(aside, self.file)
        self._written = time.monotonic()

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[dict[str, float]]:
        """Loads the state into model and optimizer and returns the history so far; empty where there is none."""
        if not self.file.is_file():
            return []
        try:
            with safe_open(self.file, framework="pt") as stream:
                tensors: dict[str, Tensor] = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
                history: list[dict[str, Any]] = json.loads(stream.metadata()["history"])
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            logger.warning("checkpoint %s cannot be read (%s): starting again", self.file, error)
            return []
        weights = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
        model.load_state_dict(weights)
        for name, parameter in model.named_parameters():
            momentum = tensors.get(f"momentum.{name}")
            if momentum is not None:
                like = torch.empty_like(parameter)  # keeps channels-last
                optimizer.state[parameter]["momentum_buffer"] = like.copy_(momentum)
        return history
