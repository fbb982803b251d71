"""Comparing a student's value with the one expected: whether they are alike, and if not, in which simple way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

Array: TypeAlias = npt.NDArray[Any]

#: float32 has seven digits, of which sums lose some.
_RELATIVE, _ABSOLUTE = 1e-4, 1e-6


def alike(expected: object, got: object) -> bool:
    """Whether two values agree to what float32 can tell; NaN agrees with NaN."""
    if isinstance(expected, str) or isinstance(got, str):
        return bool(expected == got)
    first, second = as_array(expected), as_array(got)
    if first is None or second is None or first.shape != second.shape:
        return False
    return bool(np.allclose(second, first, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True))


def as_array(value: object) -> Array | None:
    """Numbers or booleans as an array; None for anything else, and for tensors that are not in this memory."""
    if isinstance(value, torch.Tensor):
        return value.detach().numpy() if value.device.type == "cpu" and value.layout == torch.strided else None
    if not isinstance(value, np.ndarray | np.generic | bool | int | float):
        return None
    array = np.asarray(value)
    return array if array.dtype.kind in "biuf" else None


def unfit(expected: object, got: object) -> str | None:
    """Why `got` cannot be compared with `expected`: kind, device, type or shape; None if it can."""
    if got is None or got is Ellipsis:
        return "It returns nothing: end it with `return …`."
    if isinstance(expected, str):
        return None if isinstance(got, str) else f"It returns {_kind(got)}, expected a text."
    wanted = as_array(expected)
    assert wanted is not None
    if isinstance(got, torch.Tensor) and got.device.type != "cpu":
        return f"It returns a tensor on the device '{got.device}', expected one on 'cpu', where the arguments are."
    array = as_array(got)
    if array is None:
        return f"It returns {_kind(got)}, expected {_kind(expected)}."
    if array.shape != wanted.shape:
        return _other_shape(wanted, array)
    if (wanted.dtype.kind == "b") != (array.dtype.kind == "b"):
        return f"It returns values of type {array.dtype}, expected {wanted.dtype}."
    return None


def _other_shape(wanted: Array, array: Array) -> str:
    shapes = f"It returns the shape {array.shape}, expected {wanted.shape}"
    if array.ndim == 2 and alike(wanted, array.T):
        return f"{shapes}: its axes are exchanged."
    for reduce, how in ((np.mean, "mean"), (np.sum, "sum")):
        if wanted.ndim < array.ndim and any(
            alike(wanted, reduce(array, axis=axis)) for axis in (None, *range(array.ndim))
        ):
            return f"{shapes}: its {how} is missing."
    if array.size == wanted.size:
        return f"{shapes}: the number of values is right, their arrangement is not."
    return f"{shapes}: look at the axis that you reduce over."


def _kind(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of {str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if callable(value):
        return "a function"
    article = "an" if type(value).__name__[0] in "aeiou" else "a"
    return f"{article} {type(value).__name__}"


def _flat(value: object) -> Array:
    array = as_array(value)
    assert array is not None
    return array.ravel()


def simple_difference(expected: Sequence[object], got: Sequence[object]) -> str | None:
    """What is wrong in all cases alike, in a sentence: sign, scale, offset, a square …; None: nothing such."""
    if any(isinstance(value, str) for value in expected):
        return None
    pairs = [(_flat(wanted), _flat(own)) for wanted, own in zip(expected, got, strict=True)]
    if any(e.dtype.kind == "b" for e, _ in pairs):
        return "True and False are exchanged." if all((e != g).all() for e, g in pairs) else None
    wanted, own = (np.concatenate([pair[side] for pair in pairs]).astype(np.float64) for side in (0, 1))
    finite = np.isfinite(wanted)
    if not np.isfinite(own[finite]).all():
        return None
    wanted, own = wanted[finite], own[finite]
    for sentence, changed in _CHANGES.items():
        with np.errstate(all="ignore"):
            if alike(changed(wanted), own):
                return sentence
    scale = float(wanted @ own / (wanted @ wanted)) if wanted.any() else 0.0
    if scale and alike(scale * wanted, own):
        return f"The scale is wrong: all values are {scale:.4g} times what they should be."
    offset = float(np.mean(own - wanted))
    if alike(wanted + offset, own):
        return f"All values are off by the same amount, {offset:+.4g}."
    if all(alike(np.sort(e), np.sort(g)) for e, g in pairs):
        return "The values are right, but stand in another order."
    return None


_CHANGES: dict[str, Callable[[Array], Array]] = {
    "The sign is wrong: all values are the negative of what they should be.": np.negative,
    "These are the squares of the values: a root is missing.": np.square,
    "These are the roots of the values: a square is missing.": lambda wanted: np.sqrt(np.abs(wanted)),
    "These are the logarithms of the values.": np.log,
    "The values are one minus what they should be.": lambda wanted: 1 - wanted,
}
