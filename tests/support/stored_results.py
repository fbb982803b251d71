"""Results in a store without a training: published, aged and listed, for tests of what a store holds."""

import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from nbutils.training import Store, digest
from nbutils.training.base import digest as digest_of
from nbutils.training.inventory import Entry, Inventory
from nbutils.training.pruning import Prunable


def keys_of(chosen: Prunable) -> set[str]:
    """What would be removed."""
    return {entry.path.name for entry in chosen.entries}


def by_name(inventory: Inventory) -> dict[str, Entry]:
    """The entries by their folders' names."""
    return {entry.path.name: entry for entry in inventory.entries}


def put_result(root: Path, content: dict[str, Any], spec: dict[str, Any] | None = None) -> str:
    """Publishes a result of these contents."""
    key = digest_of(content)
    with Store(root).publish(key, content) as aside:
        (aside / "weights.safetensors").write_bytes(b"weights")
        if spec is not None:
            (aside / "spec.json").write_text(json.dumps(spec))
    return key


def key_content(**changes: object) -> dict[str, Any]:
    """What a key that the present code reaches is a digest of, with changes."""
    spec = {"model": {"kind": "MLP"}, "objective": {"labels": {"kind": "LabelLoss"}}}
    losses = ("nbutils.losses.identity_labels", "nbutils.models.mlp")
    code = {module: digest.module_digest(module) for module in losses}
    plain: dict[str, Any] = {"spec": spec, "data": "d", "teacher": [], "initialise_from": None, "code": code}
    return plain | {"torch": torch.__version__} | changes


def age(folder: Path, seconds: float) -> None:
    """As if all of a folder had been written so long ago."""
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (time.time() - seconds,) * 2)
