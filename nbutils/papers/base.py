"""What the papers' trainings share: presets, the faces that a notebook's parameters name, and the arithmetic."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias, cast, get_args

import torch

from nbutils.data.bucket_copy import as_root
from nbutils.data.loading import data_spec
from nbutils.data.manifest import load_manifest
from nbutils.data.sources.attribute_faces import AttributeFaces
from nbutils.data.spec import DataSpec
from nbutils.errors import DataError, ParameterError
from nbutils.training.spec import TrainingSpec

Precision = Literal["32-true", "bf16-mixed"]
#: Environment variable with the arithmetic of the papers' trainings.
PRECISION_VARIABLE = "NBUTILS_PRECISION"
#: What a notebook trains: a spec, or groups of them under the names of rows, tables or folds, or one group a seed.
Trainings: TypeAlias = "TrainingSpec | Mapping[Any, Trainings] | Iterable[Trainings]"

#: (identities, images of each, validation images, pairs, variation) of the embedded faces. At laptop, few images of a
#: person, in strong light and poses, so that there is something to learn from a larger network: on populations that no
#: notebook shows, T1 verifies 3 to 4 points of AUC better than the student of names under the best of six schedules.
_SYNTHETIC: dict[str, tuple[int, int, int, int, float]] = {
    "smoke": (20, 8, 300, 200, 1.0),
    "laptop": (600, 3, 4000, 6000, 2.0),
    "paper": (12294, 24, 20000, 6000, 2.0),
}


def face_data(
    dataset: str,
    data_root: str = "",
    preset: str = "laptop",
    seed: int = 0,
    *,
    layout: str = "",
    pairs_root: str = "",
) -> DataSpec:
    """Names the faces of a notebook's parameters: `nbutils.data.data_spec` with the preset's size.

    Args:
        dataset: "synthetic", or the name or path of a manifest.
        data_root: Folder or file of the data set; the embedded faces need none.
        preset: Size of the embedded faces.
        seed: Of the embedded population.
        layout: Name of the data set's layout; empty: recognised.
        pairs_root: Folder or file of the pairs to verify; empty: the data set's own.

    Raises:
        ParameterError: Unknown data set or preset, or no folder where one is needed.

    Example:
        >>> from nbutils.papers import face_data
        >>> face_data("synthetic", preset="smoke").identities
        20
    """
    check_preset(preset)
    size: dict[str, float] = {}
    if dataset == "synthetic":
        identities, images, validation, pairs, variation = _SYNTHETIC[preset]
        size = {
            "identities": identities,
            "images_per_identity": images,
            "validation_images": validation,
            "pairs": pairs,
            "variation": variation,
            "seed": seed,
        }
    return data_spec(dataset, data_root, layout=layout, pairs_root=pairs_root, **size)


def probe_data(dataset: str, root: str, like: DataSpec, preset: str = "laptop", seed: int = 0) -> DataSpec | None:
    """Names other faces to choose neurons on, cropped as those of a training.

    Args:
        dataset: "synthetic", or the name or path of a manifest; empty: no other faces.
        root: Its folder or file; the embedded faces need none.
        like: The faces of the training.
        preset: Size of the embedded faces.
        seed: Of the embedded population.

    Raises:
        ParameterError: Unknown data set, or no folder where one is needed, or a folder without a data set.

    Example:
        >>> from nbutils.papers import face_data, probe_data
        >>> data = face_data("lfw", "faces/lfw")
        >>> probe_data("celeba", "faces/celeba", data).kind
        'attributes'
    """
    if not dataset:
        if root:
            raise ParameterError(f"probe_root is {root!r} and probe_dataset empty: expected the name of its data set")
        return None
    size = {"height": like.height, "width": like.width}
    if dataset == "synthetic":
        return face_data(dataset, "", preset, seed).model_copy(update=size)
    try:
        manifest = load_manifest(dataset)
    except DataError as error:
        raise ParameterError(f"probe_dataset is {dataset!r}: {error}") from None
    if not root:
        raise ParameterError(f"probe_root is empty: expected the folder or file of {manifest.title}")
    return AttributeFaces(dataset=dataset, root=as_root(root), **size)


def seed_range(seed: int, seeds: int) -> range:
    """The seeds of a notebook: `seeds` of them, from `seed` on.

    Raises:
        ParameterError: If there is none.

    Example:
        >>> from nbutils.papers import seed_range
        >>> list(seed_range(3, 2))
        [3, 4]
    """
    if seeds < 1:
        raise ParameterError(f"seeds is {seeds}: expected 1 or more trainings of every network")
    return range(seed, seed + seeds)


def all_trainings(trainings: Trainings) -> Iterator[TrainingSpec]:
    """The specs of a notebook in their order, whatever groups they stand in.

    Raises:
        ParameterError: Something else stands among them, such as a name.

    Example:
        >>> from nbutils.papers import all_trainings, face_data
        >>> from nbutils.papers.luo2016 import fig3, t1
        >>> data = face_data("synthetic", preset="smoke")
        >>> teacher = t1(data, "smoke")
        >>> [spec.name for spec in all_trainings({"teachers": [teacher], "students": fig3(data, "smoke")})][:3]
        ['T1', 'T1', '1-of-K']
    """
    if isinstance(trainings, TrainingSpec):
        yield trainings
        return
    if isinstance(trainings, str | bytes) or not isinstance(trainings, Iterable):
        expected = "a TrainingSpec, or groups of them in mappings and lists"
        raise ParameterError(f"among the trainings stands {trainings!r:.80}: expected {expected}")
    for part in trainings.values() if isinstance(trainings, Mapping) else trainings:
        yield from all_trainings(part)


def best_precision() -> Precision:
    """bf16 arithmetic where the processor has it, else float32; what `PRECISION_VARIABLE` names, where it is set.

    Machines that share a store must agree, or each kind of them trains its own networks: a sweep sets the variable.

    Raises:
        ParameterError: The variable names no arithmetic.

    Example:
        >>> from nbutils.papers import best_precision
        >>> best_precision() in ("32-true", "bf16-mixed")  # by the processor
        True
    """
    named = os.environ.get(PRECISION_VARIABLE)
    if named:
        for known in get_args(Precision):
            if named == known:
                return cast(Precision, known)
        raise ParameterError(f"{PRECISION_VARIABLE} is {named!r}: expected {' or '.join(get_args(Precision))}")
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


def check_preset(preset: str) -> None:
    """Raises `ParameterError` unless `preset` is one of the three.

    Example:
        >>> from nbutils.papers import check_preset
        >>> check_preset("smoke")
    """
    if preset not in _SYNTHETIC:
        raise ParameterError(f"preset is {preset!r}: expected one of {', '.join(_SYNTHETIC)}")


def check_targets(targets: str) -> Literal["online", "cached"]:
    """`targets`, or a `ParameterError` unless it is one of the two.

    Example:
        >>> from nbutils.papers import check_targets
        >>> check_targets("cached")
        'cached'
    """
    if targets not in ("online", "cached"):
        raise ParameterError(f"targets is {targets!r}: expected 'online' or 'cached'")
    return "cached" if targets == "cached" else "online"
