"""Which files of nbutils change which keys, and which a training runs; started as a process of its own on a copy.

    python key_mutations.py FOLDER

FOLDER holds a copy of the package, which PYTHONPATH names, and is written to. Prints one JSON object: for each of some
specs the modules whose mutation changes its key, those with a function that its training calls, those it imports.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

# What nbutils imports, so that each training's process has these already and nbutils' own modules not.
import lightning_fabric  # noqa: F401
import numpy as np
import pandas as pd
import pyarrow.parquet  # noqa: F401
import pytorch_metric_learning.miners
import pytorch_metric_learning.samplers  # noqa: F401
import sklearn.metrics  # noqa: F401
import torch
import torchvision.models  # noqa: F401
from PIL import Image

if TYPE_CHECKING:
    from nbutils.data.spec import DataSpec
    from nbutils.training.spec import TrainingSpec

FOLDER = Path(sys.argv[1])


def teach(faces: np.ndarray) -> np.ndarray:
    """A teacher that is a function: mean colours of a grid."""
    means = faces[:, :48, :40].reshape(len(faces), 6, 8, 5, 8, 3).mean(axis=(2, 4))
    return np.asarray(means.reshape(len(faces), -1) / 255)


def specs() -> dict[str, Callable[[], TrainingSpec]]:
    """What makes each spec; nothing is imported before it is called."""

    def faces() -> DataSpec:
        from nbutils.data.sources.embedded import SyntheticData

        return SyntheticData(identities=4, images_per_identity=4, validation_images=200, pairs=20)

    def spec(name: str, kind: str, terms: dict[str, str], data: DataSpec | None = None, **more: Any) -> TrainingSpec:  # noqa: ANN401
        from nbutils.training.components import ModelSpec, Term
        from nbutils.training.spec import Schedule, TrainingSpec

        schedule = Schedule(epochs=1, batch_size=8, images_per_identity=more.pop("each", None))
        options = more.pop("options", {"width": 4})
        return TrainingSpec(
            name=name,
            data=data or faces(),
            model=ModelSpec(kind, options=options, view=more.pop("view", None)),
            objective={term: Term(loss) for term, loss in terms.items()},
            schedule=schedule,
            **more,
        )

    resnet = {"depth": 14, "width": 8, "height": 55, "breadth": 47}
    labels = {"labels": "LabelLoss"}

    def t1() -> TrainingSpec:
        return spec("T1", "DeepID2Plus", labels | {"supervision": "SupervisionLoss"})

    def student(**more: Any) -> TrainingSpec:  # noqa: ANN401
        return spec("S", "MobileIDStudent", **more)

    def selection() -> TrainingSpec:
        from nbutils.training.spec import SelectionSpec

        chosen = SelectionSpec(count=8)
        return student(terms={"neurons": "NeuronLoss"}, teacher=t1(), selection=chosen, targets="cached")

    def region() -> TrainingSpec:
        from nbutils.training.components import ViewSpec

        large = faces().model_copy(update={"height": 116, "width": 100})
        return student(terms=labels, data=large, view=ViewSpec(region="nose", height=112, width=96))

    def digits() -> TrainingSpec:
        from nbutils.data.sources.digits import DigitsData

        shape = {"neurons": 8, "height": 8, "width": 8}
        return spec("digits", "MLP", labels, DigitsData(validation=1100), options=shape)

    def on_disk() -> TrainingSpec:
        from nbutils.data.sources.on_disk import FolderData

        return student(terms=labels, data=FolderData(dataset="lfw", root=lfw()))

    def triplet() -> TrainingSpec:
        start = spec("start", "FaceResNet", labels, options=resnet)
        return spec("triplet", "FaceResNet", {"task": "TripletLoss"}, options=resnet, initialise_from=start, each=2)

    return {
        "labels": lambda: student(terms=labels),
        "teacher": t1,
        "soft targets, online": lambda: student(terms={"soft": "SoftTargetLoss"}, teacher=t1()),
        "selected neurons, cached": selection,
        "a function's neurons": lambda: student(terms={"neurons": "NeuronLoss"}, teacher=teach),
        "a region": region,
        "digits": digits,
        "a folder": on_disk,
        "triplets from a start": triplet,
    }


def lfw() -> Path:
    """A tiny data set in LFW's own layout."""
    root = FOLDER.parent / "lfw"
    rng = np.random.default_rng(0)
    for person in "ABCDEF":
        folder = root / "lfw-deepfunneled" / f"Person_{person}"
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for number in range(1, 5):
                pixels = rng.integers(0, 256, (250, 250, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"Person_{person}_{number:04d}.jpg")
    (root / "peopleDevTrain.txt").write_text("4\n" + "".join(f"Person_{p}\t4\n" for p in "ABCD"))
    pairs = "Person_E\t1\t2\nPerson_F\t1\t2\nPerson_E\t1\tPerson_F\t1\nPerson_E\t2\tPerson_F\t2\n"
    (root / "pairsDevTest.txt").write_text(f"2\n{pairs}")
    return root


def modules() -> dict[str, Path]:
    """Every module of the copy."""
    files = sorted((FOLDER / "nbutils").rglob("*.py"))
    names = (".".join(file.relative_to(FOLDER).with_suffix("").parts) for file in files)
    return {name.removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)}


def changed_keys() -> dict[str, list[str]]:
    """Mutates each file in turn; returns for each spec the modules whose mutation changes its key."""
    from nbutils.training import digest

    made = {name: make() for name, make in specs().items()}

    def keys() -> dict[str, str]:
        # As `digest.forget`, but for where the modules lie and what they offer, which no mutation changes.
        digest._closure.cache_clear()
        digest._read.cache_clear()
        return {name: spec.key for name, spec in made.items()}

    before = keys()
    changed: dict[str, list[str]] = {name: [] for name in made}
    for module, file in modules().items():
        text = file.read_text(encoding="utf-8")
        file.write_text(text + "\n\n_MUTATED = True\n", encoding="utf-8")
        for name, key in keys().items():
            if key != before[name]:
                changed[name].append(module)
        file.write_text(text, encoding="utf-8")
    assert keys() == before
    return changed


def trained(make: Callable[[], TrainingSpec], store: Path) -> dict[str, list[str]]:
    """Trains a spec and its predecessors: modules with a function that decides something, and modules imported."""
    from nbutils.training.digest import IMMATERIAL

    names = {str(file): module for module, file in modules().items()}
    called: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        module = names.get(frame.f_code.co_filename)
        if event != "call" or module is None or module in called or frame.f_code.co_name == "<module>":
            return
        caller: FrameType | None = frame
        while caller is not None:  # what is called to check, to lock or to name decides nothing
            if names.get(caller.f_code.co_filename) in IMMATERIAL:
                return
            caller = caller.f_back
        called.add(module)

    spec = make()
    from nbutils.training.store import Store
    from nbutils.training.trainer import train

    for predecessor in spec.predecessors:
        train(predecessor, store=Store(store), progress=False)
    key = spec.key
    sys.setprofile(note)
    result = train(spec, store=Store(store), progress=False)
    sys.setprofile(None)
    assert result.trained_now
    assert result.folder.name == key
    imported = sorted(module for module in names.values() if module in sys.modules)
    return {"called": sorted(called), "imported": imported}


def main() -> None:
    """Each training in a fork of this process, then the mutations."""
    torch.set_num_threads(1)
    pd.DataFrame({"x": [0]})
    found: dict[str, dict[str, list[str]]] = {}
    for number, (name, make) in enumerate(specs().items()):
        report = FOLDER.parent / f"{number}.json"
        child = os.fork()
        if child == 0:
            status = 1
            try:
                report.write_text(json.dumps(trained(make, FOLDER.parent / f"store{number}")))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0, name
        found[name] = json.loads(report.read_text())
    for name, changed in changed_keys().items():
        found[name]["changed"] = changed
    print(json.dumps({"modules": sorted(modules()), "specs": found}))


if __name__ == "__main__":
    main()
