"""What a training needs of its data, its networks and its teachers, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import torch

from nbutils.data.faces import FaceData
from nbutils.data.geometry.key_points import require_landmarks
from nbutils.errors import DataError, ParameterError
from nbutils.losses.signals import as_read, parse_read
from nbutils.models.base import FaceNetwork, Outputs
from nbutils.models.taps import find_module
from nbutils.training.components import ModelSpec
from nbutils.training.initialise import check_initialisation
from nbutils.training.kinds import Kind
from nbutils.training.sampling import check_sampling
from nbutils.training.spec import CACHED, TrainingSpec


def check(spec: TrainingSpec) -> None:
    """Refuses a training that its data, its networks or its predecessors cannot serve, before any of them is trained.

    The sources that a spec brings along run from here on: its user trains it.

    Raises:
        DataError: The objective reads what the data lack, or neurons cannot be chosen on the faces to look at.
        ParameterError: The objective reads what student or teacher do not give, a predecessor's network has other
            shapes, no batch with triplets can be made, an epoch ends with a batch that the network cannot be trained
            on, or two classes of one's own bear one name.
    """
    _check_names(spec)
    _check(spec)


def _check(spec: TrainingSpec) -> None:
    spec.check()
    data = spec.data.load()
    check_sampling(spec.schedule, data.train, spec.name)
    check_initialisation(spec)
    _check_last_batch(spec, len(data.train))
    reads: dict[str, list[str]] = {"student": [], "teacher": [], "truth": []}
    for who, name in sorted(map(parse_read, spec.reads)):
        reads[who].append(name)
    for name in reads["student"]:
        _check_given(spec, "student", name, *_gives(spec.model.model_dump_json()))
    for number in range(len(spec.teacher)):
        _check_teacher(spec, number, reads["teacher"])
    for name in reads["truth"]:
        _check_truth(spec, name, data)
    _check_selection(spec, data)
    for predecessor in spec.predecessors:
        _check(predecessor)


def _check_names(spec: TrainingSpec) -> None:
    """Refuses two classes of one's own under one name: nobody could tell their results apart."""
    seen: dict[str, Kind] = {}
    for kind in _all_kinds(spec):
        if kind.digest and seen.setdefault(str(kind), kind) != kind:
            raise ParameterError(
                f"'{spec.name}': two classes or functions of different source bear the name {kind}: rename one"
            )


def _all_kinds(spec: TrainingSpec) -> Iterator[Kind]:
    yield from spec.kinds()
    for predecessor in spec.predecessors:
        yield from _all_kinds(predecessor)


def _check_last_batch(spec: TrainingSpec, images: int) -> None:
    """Batch norm of a map with one position has no variance over a single image."""
    size = spec.schedule.batch_size
    if spec.schedule.images_per_identity or images % size != 1:
        return
    try:
        with torch.random.fork_rng(devices=[]):
            _run(spec.model.build(2).train(), images=1)
    except ValueError as error:
        raise ParameterError(
            f"'{spec.name}': {images} images in batches of {size} leave a last batch of one, on which "
            f"{spec.model.kind} cannot be trained ({error}): expected another batch_size"
        ) from error


def _check_truth(spec: TrainingSpec, name: str, data: FaceData) -> None:
    known = ("identity", "index", "images", "identities", "attributes", "landmarks")
    if name == "landmarks":
        require_landmarks(data.train, data.title)
    elif name not in known:
        raise ParameterError(
            f"'{spec.name}': the objective reads truth.{name}: expected one of {', '.join(f'truth.{k}' for k in known)}"
        )
    elif name == "attributes" and data.train.attributes is None:
        raise DataError(f"'{spec.name}': the objective reads attributes, and {data.title} has none")


def _check_selection(spec: TrainingSpec, data: FaceData) -> None:
    if spec.selection:
        from nbutils.data.probes import find_probes
        from nbutils.training.choosing import check_probes

        check_probes(find_probes(data, spec.selection.probe, spec.selection.images), spec.selection)


def _check_teacher(spec: TrainingSpec, number: int, reads: list[str]) -> None:
    """One of the teachers must give what is read, but for what only an ensemble has; a file is opened once."""
    teacher = spec.teacher[number]
    if isinstance(teacher, TrainingSpec):
        names, network = _gives(teacher.model.model_dump_json())
        logits = not teacher.regresses_neurons
    else:
        network = teacher.network(spec.model.input_size)
        names, logits = _outputs_of(network, f"'{teacher.name}'")
    for name in reads:
        if name in ("logits", "logit_unit") and not logits:
            raise ParameterError(
                f"'{spec.name}': the objective reads teacher.logits, and the teacher '{teacher.name}' has none"
            )
        if name.startswith("["):
            path = name[1:-1]
            if len(spec.teacher) > 1:
                wanted, _, path = path.partition(".")
                if wanted != str(number):
                    continue
            find_module(network.root, path)
        elif name not in CACHED:
            _check_given(spec, "teacher", name, names, network)


def _check_given(spec: TrainingSpec, who: str, name: str, names: tuple[str, ...], network: FaceNetwork) -> None:
    if name.startswith("["):
        find_module(network.root, name[1:-1])
    elif name not in names:
        raise ParameterError(
            f"'{spec.name}': the objective reads {as_read(who, name)}, which {type(network).__name__} does not give; "
            f"it gives {', '.join(as_read(who, each) for each in names)}"
        )


@cache
def _gives(model: str) -> tuple[tuple[str, ...], FaceNetwork]:
    """Names of what a network returns while it trains, and the network without its values, of a `ModelSpec` as JSON.

    It runs on the processor: on the meta device, PyTorch would import its compiler, which takes longer.
    """
    with torch.random.fork_rng(devices=[]):
        network = ModelSpec.model_validate_json(model).build(2).train()
        return tuple(_run(network)), network.to("meta")


def _run(network: FaceNetwork, images: int = 2) -> Outputs:
    with torch.no_grad():
        return network(torch.zeros(images, network.channels, *network.input_size))


def _outputs_of(network: FaceNetwork, name: str) -> tuple[tuple[str, ...], bool]:
    """Names of what a teacher gives, and whether it has logits; of one that is no training."""
    names = tuple(_run(network.eval()))
    if "features" not in names:
        raise ParameterError(f"{name} gives no neurons, only {', '.join(names) or 'nothing'}")
    return names, "output" in names
