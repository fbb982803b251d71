"""A small sweep: a notebook that trains a teacher and its students, and a cluster in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nbutils.batch import planned_trainings
from nbutils.batch.sweeps.grid import Sweep, SweepRun, sweep_runs
from nbutils.batch.sweeps.tasks import Servers
from nbutils.training import TrainingSpec

if TYPE_CHECKING:
    import pytest
    from distributed import Client

#: Defines `trainings(seed, temperature)`, here and in the notebook.
TRAININGS = """\
from nbutils.data import SyntheticData
from nbutils.training import ModelSpec, Schedule, Term, TrainingSpec

def trainings(seed, temperature):
    shared = {
        "data": SyntheticData(identities=4, images_per_identity=4, validation_images=8, pairs=20),
        "schedule": Schedule(epochs=2, learning_rate=0.01),
        "seed": seed,
    }
    labels = {"labels": Term("LabelLoss")}
    teacher = TrainingSpec(name="T", model=ModelSpec("DeepID2Plus", options={"width": 4}), objective=labels, **shared)
    soft = {"soft": Term("SoftTargetLoss", options={"temperature": abs(temperature)})}
    small = ModelSpec("MobileIDStudent", options={"width": 4})
    if temperature < 0:
        shared["schedule"] = Schedule(epochs=2, learning_rate=1e30, clip_norm=1e30)  # diverges
    student = TrainingSpec(name="soft", model=small, objective=soft, teacher=teacher, **shared)
    return {"T": teacher, "soft": student}
"""
_READS = """\
from nbutils import Run, train
specs = trainings(seed, temperature)
results = train(specs.values(), progress=False)
run = Run("tiny", parameters={"dataset": "synthetic", "preset": preset, "seed": seed}, out_dir=out_dir)
run.metric("trained in the notebook", sum(result.trained_now for result in results))
for result in results:
    run.metric(f"loss of {result.spec.name}", float(result.history["loss"].iloc[-1]))
run.finish()
"""
_PARAMETERS = """\
preset = "smoke"  # smoke | laptop | paper
seed = 0  # of everything random
temperature = 2.0  # of the soft targets
out_dir = ""  # results
"""


def write_notebook(folder: Path) -> None:
    """Writes the notebook "tiny" into a folder of notebooks."""
    import nbformat  # seconds

    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    first = nbformat.v4.new_code_cell(_PARAMETERS.rstrip(), metadata={"tags": ["parameters"]})
    code = [nbformat.v4.new_code_cell(source) for source in (TRAININGS, _READS)]
    notebook.cells = [nbformat.v4.new_markdown_cell("# Tiny"), first, *code]
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "tiny.ipynb")


def tiny_trainings(seed: int, temperature: float) -> dict[str, TrainingSpec]:
    """What the notebook trains."""
    names: dict[str, Any] = {}
    exec(TRAININGS, names)
    found: dict[str, TrainingSpec] = names["trainings"](seed, temperature)
    return found


def know_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the notebook's trainings known as a paper's are."""
    paper = SimpleNamespace(NOTEBOOKS={"tiny": tiny_trainings})
    monkeypatch.setattr(planned_trainings, "notebooks_that_train", lambda: {"tiny": paper})


def tiny_runs(folder: Path, seeds: Sequence[int], temperatures: Sequence[float]) -> list[SweepRun]:
    """The runs of the notebook in `folder`."""
    sweep = Sweep(notebooks=("tiny",), seeds=tuple(seeds), over={"temperature": list(temperatures)})
    return sweep_runs(sweep, folder, folder)


@contextmanager
def threads_cluster(workers: int = 2, devices: int = 0) -> Iterator[Client]:
    """A cluster whose workers are threads of this process, so that what a test patches holds in them.

    Args:
        workers: How many.
        devices: How many GPUs each says it has.
    """
    from distributed import Client, LocalCluster

    Servers._instance = None
    try:
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=False,
                dashboard_address=None,
                resources={"GPU": devices} if devices else None,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            try:
                yield client
            finally:
                Servers.of_this_process().stop("")
    finally:  # not before the workers are gone: a task that they repeat must find that its sweep was stopped
        Servers._instance = None
