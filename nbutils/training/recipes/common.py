"""What all recipes share: presets, the faces that a notebook's parameters name, and the arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from nbutils.data.spec import DataSpec, LFWData, SyntheticData
from nbutils.errors import ParameterError

Preset = Literal["smoke", "laptop", "paper"]
Precision = Literal["32-true", "bf16-mixed"]

#: (identities, images of each, validation images, pairs) of the embedded faces.
_SYNTHETIC: dict[str, tuple[int, int, int, int]] = {
    "smoke": (20, 8, 300, 200),
    "laptop": (300, 20, 4000, 6000),
    "paper": (12294, 24, 20000, 6000),
}


def face_data(dataset: str, data_root: str = "", preset: str = "laptop", seed: int = 0) -> DataSpec:
    """Names the faces of a notebook's parameters.

    Args:
        dataset: "synthetic" or "lfw".
        data_root: Folder of the data set; the embedded faces need none.
        preset: Size of the embedded faces.
        seed: Of the embedded population.

    Raises:
        ParameterError: Unknown data set or preset, or no folder where one is needed.
    """
    check_preset(preset)
    if dataset == "synthetic":
        identities, images, validation, pairs = _SYNTHETIC[preset]
        return SyntheticData(
            identities=identities, images_per_identity=images, validation_images=validation, pairs=pairs, seed=seed
        )
    if dataset == "lfw":
        if not data_root:
            raise ParameterError("data_root is empty: expected the folder that holds LFW's image folder and lists")
        return LFWData(root=Path(data_root))
    raise ParameterError(f"dataset is {dataset!r}: expected 'synthetic' or 'lfw'")


def best_precision() -> Precision:
    """bf16 arithmetic where the processor has it, else float32."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


def check_preset(preset: str) -> None:
    """Raises `ParameterError` unless `preset` is one of the three."""
    if preset not in _SYNTHETIC:
        raise ParameterError(f"preset is {preset!r}: expected one of {', '.join(_SYNTHETIC)}")
