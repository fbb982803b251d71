"""Whether `torch.compile` pays on this processor: a student's training step and its teacher's answers, both ways.

The engine does not compile on a processor. This is where that is measured: how much faster the compiled step is, how
long the compilation takes, and after how many images it has paid for itself, if ever.
"""

import time
from collections.abc import Callable
from statistics import median

import pandas as pd
import pytest
import torch

from nbutils.memory import keep_freed_memory
from nbutils.models import DeepID2Plus, FaceNetwork, MobileIDStudent

#: Shapes of the laptop preset.
WIDTH, PEOPLE, NEURONS, BATCH = 32, 2000, 512, 32
STEPS, ROUNDS = 20, 5


def _step(network: FaceNetwork, run: Callable[[torch.Tensor], object]) -> Callable[[], None]:
    images = torch.randn(BATCH, 3, *network.input_size).contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        run(images).output.square().mean().backward()  # type: ignore[attr-defined]
        optimizer.step()

    return step


def _answers(network: FaceNetwork, run: Callable[[torch.Tensor], object]) -> Callable[[], None]:
    images = torch.randn(BATCH, 3, *network.input_size).contiguous(memory_format=torch.channels_last)

    def answer() -> None:
        with torch.no_grad():
            run(images)

    return answer


def _seconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(STEPS):
        call()
    return (time.perf_counter() - start) / STEPS


def test_compiled_against_eager(capsys: pytest.CaptureFixture[str]) -> None:
    keep_freed_memory()
    rows = {}
    networks = {
        "student's step": (MobileIDStudent(NEURONS, width=WIDTH).train(), _step),
        "teacher's answers": (DeepID2Plus(PEOPLE, width=WIDTH).eval(), _answers),
    }
    for name, (network, make) in networks.items():
        network.to(memory_format=torch.channels_last)
        eager, compiled = make(network, network), make(network, torch.compile(network))
        eager()
        start = time.perf_counter()
        compiled()
        compiling = time.perf_counter() - start
        turns = [(_seconds(eager), _seconds(compiled)) for _ in range(ROUNDS)]
        slow, fast = (median(each) for each in zip(*turns, strict=True))
        ratios = sorted(a / b for a, b in turns)
        images = compiling / (slow - fast) * BATCH if fast < slow else float("inf")
        rows[name] = {
            "eager, images/s": BATCH / slow,
            "compiled, images/s": BATCH / fast,
            "times as fast": median(ratios),
            "least": ratios[0],
            "most": ratios[-1],
            "seconds to compile": compiling,
            "pays after images": images,
        }
    with capsys.disabled():
        print(f"\n{pd.DataFrame(rows).T.round(2).to_string()}")
