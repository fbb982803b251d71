"""What `nbutils export` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal as OneOf

import numpy as np
import numpy.typing as npt

from nbutils.batch.parameters import Literal
from nbutils.batch.planned_trainings import notebook_trainings
from nbutils.data.batches import central_crops
from nbutils.data.faces import FaceData
from nbutils.errors import ParameterError
from nbutils.evaluation.intervals import verification_interval
from nbutils.evaluation.latency import alternating_latencies
from nbutils.evaluation.onnx import OnnxNetwork, export_onnx, quantise_onnx
from nbutils.evaluation.onnx_digest import ENTRY
from nbutils.evaluation.verification import verify
from nbutils.training.graph import distinct_networks
from nbutils.training.spec import TrainingSpec
from nbutils.training.spec_file import read_spec
from nbutils.training.trainer import train

#: Images that a file is checked on, and calibrated on.
_CHECKED, _CALIBRATED = 256, 512
#: Turns in which the two files are timed, and the share of AUC that int8 may cost.
_ROUNDS, _MOST_LOST = 30, 0.001


Form = OneOf["fastest", "float32", "both"]


def export_training(
    name: str, specs: Iterable[TrainingSpec], training: str, file: Path, *, form: Form = "fastest"
) -> Iterator[str]:
    """Writes a network as an ONNX file, in float32 or int8, training it if the store lacks it.

    Both are made, and the float32 one is compared with PyTorch; `file` is then the one that is faster on this machine,
    one image on one thread, unless int8 costs more than 0.1 points of AUC, or there are no pairs to tell by.

    Args:
        name: Of the notebook, or of the file that the specs are from.
        specs: Its trainings.
        training: The network's name among them; of several seeds, the first one's.
        file: Where to write.
        form: "fastest", as above; "float32", which is also the quickest to make; or "both", the int8 file beside it.

    Yields:
        Lines that say what was done.

    Raises:
        ParameterError: There is no such training, the file's name does not end in .onnx, or it cannot be written.
        DataError: The file disagrees with the network.
    """
    _check_target(file)
    spec = _find(name, specs, training)
    result = train(spec)
    data = spec.data.load()
    size = result.model.input_size
    small = file.with_suffix(".int8.onnx")
    entries = {"network": spec.name, "source": name, "key": spec.key, "data": data.title}
    crops = np.ascontiguousarray(central_crops(data.test.images[:_CHECKED], size))
    with _writing(file):
        worst = export_onnx(result.model, file, crops, layer=result.feature_layer, metadata=entries)
    yield f"{file}: {file.stat().st_size:,} bytes; agrees with PyTorch on {len(crops)} images of {data.title}"
    yield f"  (largest difference: {worst:.1g} of the features' standard deviation)"
    if form == "float32":
        return
    some = np.random.default_rng(0).permutation(len(data.train))[:_CALIBRATED]
    with _writing(small):
        quantise_onnx(file, small, np.ascontiguousarray(central_crops(data.train.images[some], size)))
    yield f"{small}: {small.stat().st_size:,} bytes, calibrated on {len(some)} training images"
    lost = None
    if len(data.pairs):
        lost, line = _compare(file, small, data, size)
        yield line
    if form == "fastest":
        with _writing(file):
            yield _keep_fastest(file, small, crops[:1], lost)


def check_file(file: Path) -> Iterator[str]:
    """Checks that a file is as `export_training` wrote it, and runs it on one image.

    Yields:
        Lines that say what it is.

    Raises:
        DataError: It is damaged, or no such file.
    """
    network = OnnxNetwork.open(file)
    height, width = network.input_size
    features = network.features(np.zeros((1, height, width, 3), np.uint8))
    yield f"{file}: is whole; {network.metadata[ENTRY]}"
    yield f"  faces of {height} × {width} pixels to {features.shape[1]:,} features"
    yield from (f"  {name}: {text}" for name, text in sorted(network.metadata.items()) if name != ENTRY)


def _check_target(file: Path) -> None:
    """Refuses, before anything is trained, a place where no file can be written."""
    if file.suffix != ".onnx":
        raise ParameterError(f"file is {file}: expected a name that ends in .onnx")
    for each in (file, file.with_suffix(".int8.onnx")):
        if each.is_dir():
            raise ParameterError(f"{each}: is a folder, expected the name of a file")
    with _writing(file):
        folder = next(parent for parent in file.absolute().parents if parent.exists())
        TemporaryFile(dir=folder).close()


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ParameterError(f"{file}: cannot be written: {error.strerror or error}") from error


def notebook_specs(name: str, parameters: Mapping[str, Literal]) -> list[TrainingSpec]:
    """The trainings of a notebook under all its parameters."""
    return notebook_trainings(name, parameters)[0]


def specs_in_file(file: Path) -> list[TrainingSpec]:
    """The training in a spec file, and all that it needs."""
    return list(distinct_networks([read_spec(file)]).values())


def _find(name: str, specs: Iterable[TrainingSpec], training: str) -> TrainingSpec:
    known: dict[str, TrainingSpec] = {}
    for spec in specs:
        known.setdefault(spec.name, spec)
    if training not in known:
        near = get_close_matches(training, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}"
        raise ParameterError(f"{name} trains no {training!r}: {hint}")
    return known[training]


def _keep_fastest(file: Path, small: Path, image: npt.NDArray[np.uint8], lost: float | None) -> str:
    """Leaves one of the two files, under the name of the first; returns which and why."""
    networks = {"float32": OnnxNetwork.open(file), "int8": OnnxNetwork.open(small)}
    calls = {name: partial(network.features, image) for name, network in networks.items()}
    times = alternating_latencies(calls, _ROUNDS)
    milliseconds = times.table()["ms"]
    timed = ", ".join(f"{name} {milliseconds[name]:.3g} ms" for name in calls)
    measured = f"one image on one thread, medians over {_ROUNDS} alternating rounds: {timed}"
    if times.fastest() == "float32":
        kept, why = "float32", "the faster one"
    elif lost is None:
        kept, why = "float32", "there are no pairs to tell what int8 costs"
    elif lost > _MOST_LOST:
        kept, why = "float32", f"int8 costs more than {100 * _MOST_LOST:g} points of AUC"
    else:
        kept, why = "int8", "the faster one"
    if kept == "int8":
        small.replace(file)
    else:
        small.unlink()
    return f"{file}: holds {kept}, {why} ({measured})"


def _compare(file: Path, small: Path, data: FaceData, size: tuple[int, int]) -> tuple[float, str]:
    """The share of AUC that int8 costs, and a line about it."""
    pairs = data.pairs
    verified = []
    for each in (file, small):
        features: npt.NDArray[np.float32] = OnnxNetwork.open(each).features(central_crops(data.test.images, size))
        verified.append(verify(features, data.test, pairs))
    change = verification_interval(verified[1], minus=verified[0])
    return -change.estimate, (
        f"AUC on {len(pairs)} pairs: {100 * verified[0].auc:.2f} % in float32, {100 * verified[1].auc:.2f} % in int8 "
        f"({100 * change.estimate:+.2f}, 95 % interval {100 * change.low:+.2f} to {100 * change.high:+.2f})"
    )
