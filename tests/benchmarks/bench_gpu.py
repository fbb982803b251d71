"""Trainings of the papers' sizes on a GPU: images a second, and the arithmetic that this is; captured and not.

Run on a machine with a GPU: `pytest -s tests/benchmarks/bench_gpu.py -o python_files='bench_*.py'`.
"""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nbutils.data.faces import Faces
from nbutils.data.sources.embedded import SyntheticData
from nbutils.models.base import FaceNetwork
from nbutils.papers import best_precision
from nbutils.training import ModelSpec, Schedule, Term, TrainingSpec, step
from nbutils.training.engine import Task, fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

MARGIN = 6
LABELS = {"labels": Term("LabelLoss")}
T1 = ModelSpec("DeepID2Plus", options={"width": 128})
RESNET = ModelSpec("FaceResNet")


def _noise(count: int, size: tuple[int, int], people: int) -> Faces:
    shape = (count, size[0] + MARGIN, size[1] + MARGIN, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return Faces(images, np.arange(count) % people, tuple(map(str, range(people))))


def _flops_an_image(model: FaceNetwork) -> float:
    """Of a forward and a backward pass; a multiplication with an addition counts two."""
    model = model.cuda()
    with FlopCounterMode(display=False) as counter:
        torch.autograd.backward(model(torch.zeros(8, 3, *model.input_size, device="cuda")).output.sum())
    return float(counter.get_total_flops()) / 8


@pytest.mark.parametrize("captured", [True, False])
@pytest.mark.parametrize(
    ("network", "people", "images", "batch"),
    [(T1, 12_294, 16_384, 256), (T1, 12_294, 16_384, 1024), (RESNET, 1000, 2048, 128)],
)
def test_training_of_the_papers_size(
    network: ModelSpec,
    people: int,
    images: int,
    batch: int,
    captured: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not captured:
        monkeypatch.setattr(step, "_EAGER_STEPS", 10**9)
    model = network.build(people)
    flops = _flops_an_image(model)
    schedule = Schedule(epochs=3, batch_size=batch, learning_rate=0.05)
    precision = best_precision()
    spec = TrainingSpec(
        name="trial", data=SyntheticData(), model=network, objective=LABELS, schedule=schedule, precision=precision
    )
    history = fit(Task(spec, model), _noise(images, model.input_size, people), progress=False).history
    speed = images / history[-1]["seconds"]
    with capsys.disabled():
        print(
            f"\n{network.kind}, {people:,} people, batches of {batch}, {precision}, captured: {captured}: {speed:,.0f} "
            f"images/s, {speed * flops / 1e12:.1f} TFLOP/s on {torch.cuda.get_device_name()}"
        )
    assert np.isfinite(history[-1]["loss"])
