"""The state of an unfinished training, to continue from after an interrupt or a crash."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from nbutils.errors import StoreError
from nbutils.training.interrupts import raise_lost
from nbutils.training.result_files import CHECKPOINT, CHECKPOINT_BEFORE, CHECKPOINT_DAMAGED
from nbutils.training.store import writing_to
from nbutils.training.tensor_file import write_tensors
from nbutils.writing import replacing

logger = logging.getLogger(__name__)

History = list[dict[str, float]]


@dataclass(frozen=True)
class _State:
    """What an epoch ended with: the tensors in memory of their own, and the history as JSON."""

    tensors: dict[str, Tensor]
    history: str


@dataclass
class Checkpoint:
    """Weights, momentum, finished epochs and history: the newest state and the one before, a file each.

    A state is written at most every `seconds`, and when the training is interrupted. It bears the training's key and
    a digest of its content. Epoch boundaries are enough: all randomness of an epoch follows from (seed, epoch).

    Args:
        folder: Where the states lie; None: none is kept.
        key: Of the training.
        seconds: Least time between two writes.
    """

    folder: Path | None = None
    key: str = ""
    seconds: float = 20.0
    _written: float = field(default_factory=time.monotonic)
    _unwritten: _State | None = None

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, history: History) -> None:
        """Keeps the state after the last epoch in `history`, and writes it if it is time to.

        Raises:
            StoreError: It cannot be written.
        """
        if self.folder is None:
            return
        raise_lost()
        tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
        for name, parameter in model.named_parameters():
            momentum = optimizer.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{name}"] = momentum
        kept = {
            name: value.to("cpu", memory_format=torch.contiguous_format, copy=True) for name, value in tensors.items()
        }
        self._unwritten = _State(kept, json.dumps(history))
        if time.monotonic() - self._written >= self.seconds:
            self._write()

    @property
    def epochs_kept(self) -> int:
        """Epochs of the state that was written last; 0 where there is none, or none that can be read."""
        if self.folder is None:
            return 0
        with (
            suppress(SafetensorError, OSError, KeyError, ValueError),
            safe_open(self.folder / CHECKPOINT, framework="pt") as state,
        ):
            return len(json.loads((state.metadata() or {})["history"]))
        return 0

    @contextmanager
    def saved_on_interrupt(self) -> Iterator[None]:
        """Writes the state of the last finished epoch if Ctrl-C or the end of the process leaves the block."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            try:
                self._write()
            except StoreError as error:
                logger.warning("the last epochs are not kept: %s", error)
            raise

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> History:
        """Loads the newest state that is whole into model and optimizer, and returns the history so far.

        A state that cannot be read, is not as it was written, or is another training's is set aside with a warning;
        without any, the history is empty.
        """
        if self.folder is None:
            return []
        for file in (self.folder / CHECKPOINT, self.folder / CHECKPOINT_BEFORE):
            if not os.path.lexists(file):
                continue
            try:
                return _load(_read(file, self.key), model, optimizer)
            except (SafetensorError, OSError, KeyError, ValueError) as error:
                logger.warning("checkpoint %s is set aside (%s): going on from the one before, if any", file, error)
                with suppress(OSError):  # in a store that cannot be written to it stays
                    file.replace(self.folder / CHECKPOINT_DAMAGED)
        return []

    def _write(self) -> None:
        if self.folder is None or self._unwritten is None:
            return
        state, file = self._unwritten, self.folder / CHECKPOINT
        about = {"history": state.history, "key": self.key, "digest": _digest(self.key, state)}
        gone = suppress(FileNotFoundError)  # another process has published the result, and cleared up
        with writing_to(file), gone, replacing(file) as aside:
            write_tensors(state.tensors, aside, about)
            with suppress(FileNotFoundError):
                file.replace(self.folder / CHECKPOINT_BEFORE)
        self._written, self._unwritten = time.monotonic(), None


def _digest(key: str, state: _State) -> str:
    """SHA-256 over key, history, and each tensor's name, type, shape and bytes."""
    found = hashlib.sha256(json.dumps([key, state.history]).encode())
    for name, value in sorted(state.tensors.items()):
        found.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _read(file: Path, key: str) -> _State:
    """A state that is as it was written, of the training with this key.

    Raises:
        ValueError: It is not; as do SafetensorError, OSError and KeyError.
    """
    with safe_open(file, framework="pt") as stream:
        about: Mapping[str, str] = stream.metadata() or {}
        if about.get("key") != key:
            raise ValueError("it does not bear the key of this training")
        state = _State({name: stream.get_tensor(name) for name in stream.keys()}, about["history"])  # noqa: SIM118
    if about.get("digest") != _digest(key, state):
        raise ValueError("it does not have the digest it was written with")
    return state


def _load(state: _State, model: nn.Module, optimizer: torch.optim.Optimizer) -> History:
    weights = {name.removeprefix("model."): t for name, t in state.tensors.items() if name.startswith("model.")}
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != shapes:
        raise ValueError("it holds another network")
    history: list[dict[str, Any]] = json.loads(state.history)
    model.load_state_dict(weights)
    for name, parameter in model.named_parameters():
        momentum = state.tensors.get(f"momentum.{name}")
        if momentum is not None:
            like = torch.empty_like(parameter)  # keeps channels-last
            optimizer.state[parameter]["momentum_buffer"] = like.copy_(momentum)
    return history
