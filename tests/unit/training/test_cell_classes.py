"""Classes and functions of notebook cells in training specs, defined in a real kernel."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.support.forks import ForkedPython, run_forked

pytestmark = pytest.mark.slow

_BEGIN = """
from __future__ import annotations
import functools, math, json
import torch
import xml.dom
from math import pi
from torch import nn, Tensor
from torch.nn import functional as F
from nbutils.data import ATTRIBUTES, SyntheticData
from nbutils.errors import ParameterError
from nbutils.losses import Loss, NeuronLoss
from nbutils.models import FaceNetwork, MobileIDStudent, Outputs
from nbutils.training import FunctionTeacher, ModelSpec, ModuleTeacher, Schedule, Store, Term, TrainingSpec, train

DATA = SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20)

def spec(**parts):
    given = {"name": "own", "data": DATA, "schedule": Schedule(epochs=1, batch_size=8),
             "model": ModelSpec("MobileIDStudent", options={"width": 4}), "objective": {"labels": Term("LabelLoss")}}
    return TrainingSpec(**given | parts)

def refusal(make):
    try:
        make()
    except ParameterError as error:
        print(error)
    else:
        print("taken")

def elsewhere(term):
    names = {}
    exec(term.kind.source, names)
    return names[term.kind.name]
"""

_LOSS = """
class Decay(Loss):
    reads = ("student.features",)
    def forward(self, signals):
        return {value}
"""


class _Kernel:
    """A running kernel; what its cells define stays."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def run(self, source: str) -> str:
        """Runs a cell and returns what it prints."""
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        return "".join(output.text for output in cell.outputs if output.output_type == "stream").strip()


@pytest.fixture(scope="module")
def kernel() -> Iterator[_Kernel]:
    client = NotebookClient(nbformat.v4.new_notebook(), kernel_name="python3", timeout=300)
    with (
        patch("jupyter_client.provisioning.local_provisioner.launch_kernel", ForkedPython),
        client.setup_kernel(env=os.environ | {"IPYTHONDIR": os.devnull}),
    ):
        kernel = _Kernel(client)
        kernel.run(_BEGIN)
        yield kernel


def test_a_spec_trains_the_same_network_in_another_process(kernel: _Kernel, tmp_path: Path) -> None:
    kernel.run("""
def scaled(value, by):
    return by * squares(value)

def squares(value):
    return value.float().square().mean() if value.numel() else scaled(value, math.tau)

class Own(Loss):
    reads = ("student.features", "truth.identity")
    def __init__(self, strength: float = 0.1, places=4):
        super().__init__()
        self.strength = strength
        self.head = nn.Linear(512, places)
    def forward(self, signals):
        features = signals.student.features.float()
        return F.cross_entropy(self.head(features), signals.truth.identity) + scaled(features, self.strength)

def block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=4), nn.ReLU())

class Small(FaceNetwork):
    input_size = (55, 47)
    def __init__(self, outputs, width=4):
        super().__init__()
        self.maps = nn.Sequential(block(3, width), nn.AdaptiveAvgPool2d(4), nn.Flatten())
        self.hidden, self.output = nn.Linear(16 * width, 512), nn.Linear(512, outputs)
    def forward(self, images):
        features = self.hidden(self.maps(images)).relu()
        return Outputs(features=features, output=self.output(features))
""")
    folder = tmp_path / "here"
    kernel.run(f"""
own = spec(model=ModelSpec(Small, options={{"width": 3}}), objective={{"own": Term(Own, options={{"strength": 0.2}})}})
result = train(own, store=Store({str(folder)!r}), progress=False)
assert type(result.model).__name__ == "Small"
open({str(tmp_path / "spec.json")!r}, "w").write(own.model_dump_json())
""")
    key = kernel.run("print(own.key)")
    other = tmp_path / "elsewhere"

    done = run_forked(
        [sys.executable, "-m", "nbutils.training", str(tmp_path / "spec.json")],
        cwd=tmp_path,
        env=os.environ | {"NBUTILS_STORE": str(other), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr

    weights = [store / key / "weights.safetensors" for store in (folder, other)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert json.loads((other / key / "key.json").read_text())["spec"]["model"]["options"] == {"width": 3}


def test_a_variable_of_the_notebook_is_refused_by_its_name(kernel: _Kernel) -> None:
    said = kernel.run("""
margin = 0.5
class Closed(Loss):
    reads = ("student.features",)
    def forward(self, signals):
        return signals.student.features.mean() - margin
class Default(Loss):
    reads = ("student.features",)
    def __init__(self, margin=margin):
        super().__init__()
def weigh(value):
    return margin * value
class Indirect(Loss):
    reads = ("student.features",)
    def forward(self, signals):
        return weigh(signals.student.features.mean())
refusal(lambda: Term(Closed)); refusal(lambda: Term(Default)); refusal(lambda: Term(Indirect))
""").splitlines()

    assert [line.partition(" uses ")[0].split()[-1] for line in said] == ["Closed", "Default", "Indirect"]
    for line in said:
        assert "uses the notebook's variable 'margin'" in line
        assert "pass it as an option, or define it inside" in line


def test_a_name_that_nobody_defines_is_refused(kernel: _Kernel) -> None:
    said = kernel.run(_LOSS.format(value="undefined_name * 2") + "refusal(lambda: Term(Decay))")

    assert "uses the name 'undefined_name', which the notebook does not define" in said


@pytest.mark.parametrize(
    ("made", "advice"),
    [
        ("Term(lambda: 0)", "define it at the top level of a cell"),
        ("Term(nested())", "define it at the top level of a cell"),
        ("Term(functools.partial(NeuronLoss))", "goes into `options`"),
        ("Term(NeuronLoss())", "goes into `options`"),
        ("ModelSpec(MobileIDStudent(4, width=4))", "goes into `options`"),
        ("spec(teacher=MobileIDStudent(4, width=4))", "use ModuleTeacher.save("),
        ("spec(teacher=MobileIDStudent)", "expected ModuleTeacher(module=…, weights=…)"),
        ("spec(teacher=lambda faces: faces)", "define it at the top level of a cell"),
        ("spec(teacher=functools.partial(print))", "goes into `options`"),
        ("ModuleTeacher(module=MobileIDStudent(4, width=4))", "use ModuleTeacher.save("),
    ],
)
def test_what_cannot_be_written_down_is_refused_with_what_to_do(kernel: _Kernel, made: str, advice: str) -> None:
    said = kernel.run(f"""
def nested():
    class Inner(Loss):
        reads = ("student.features",)
    return Inner
refusal(lambda: {made})
""")

    assert advice in said


def test_another_class_of_that_name_has_another_key_and_a_comment_has_not(kernel: _Kernel) -> None:
    cells = [
        _LOSS.format(value="signals.student.features.mean()"),
        _LOSS.format(value="signals.student.features.mean()  # of all"),
        _LOSS.format(value="signals.student.features.mean() * 2"),
        _LOSS.format(value="signals.student.features.mean()"),  # the first cell again
    ]
    first, comment, other, again = (
        kernel.run(cell + "\nprint(spec(objective={'decay': Term(Decay)}).key)") for cell in cells
    )

    assert first == comment == again != other


def test_a_helper_that_changes_changes_the_key(kernel: _Kernel) -> None:
    kernel.run("def helper(value):\n    return value")
    kernel.run(_LOSS.format(value="helper(signals.student.features.mean())"))
    ask = "print(spec(objective={'decay': Term(Decay)}).key)"
    before = kernel.run(f"old = Term(Decay)\n{ask}")
    kernel.run("def helper(value):\n    return value + 1")

    assert kernel.run(ask) != before


def test_a_term_computes_what_its_spec_says_though_the_notebook_has_moved_on(kernel: _Kernel) -> None:
    kernel.run("def offset():\n    return 1.0")
    kernel.run(_LOSS.format(value="signals.student.features.mean() + offset()") + "old = Term(Decay)")
    kernel.run("def offset():\n    return 100.0")

    said = kernel.run("""
from nbutils.losses import Signals
print(float(old.build()(Signals.of(student={"features": torch.zeros(2, 2)}))))
""")

    assert said == "1.0"


def test_two_classes_of_one_name_in_a_graph_are_one_error(kernel: _Kernel, tmp_path: Path) -> None:
    regular = "signals.student.features.square().mean()"
    kernel.run(_LOSS.format(value=regular) + "first = spec(objective={'decay': Term(Decay)}, name='first')")
    kernel.run(_LOSS.format(value=f"2 * {regular}"))
    said = kernel.run(f"""
second = spec(objective={{"decay": Term(Decay)}}, initialise_from=first, name="second")
refusal(lambda: train(second, store=Store({str(tmp_path / "store")!r}), progress=False))
""")

    assert said == "'second': two classes or functions of different source bear the name Decay: rename one"
    assert not [each for each in (tmp_path / "store").iterdir() if each.suffix != ".lock"]


def test_a_class_without_methods_is_that_of_the_cell_that_ran_last(kernel: _Kernel) -> None:
    kernel.run(_LOSS.format(value="self.strength * signals.student.features.mean()"))
    weak, strong = "class Shade(Decay):\n    strength = 1.0", "class Shade(Decay):\n    strength = 9.0"
    ask = "print(elsewhere(Term(Shade)).strength)"
    kernel.run(weak)
    assert kernel.run(ask) == "1.0"
    kernel.run(strong)
    assert kernel.run(ask) == "9.0"
    kernel.run(weak)
    assert kernel.run(ask) == "1.0"
    kernel.run(f"kept = Shade\n{strong}")

    assert "cannot be found" in kernel.run("refusal(lambda: Term(kept))")


def test_decorators_annotations_and_class_bodies(kernel: _Kernel) -> None:
    said = kernel.run("""
from dataclasses import dataclass

@dataclass(frozen=True)
class Setting:
    strength: float = 2.0
    name: str = "plain"

@functools.cache
def table(count: int) -> tuple[float, ...]:
    return tuple(float(i) for i in range(count))

@torch.no_grad()
def frozen(value):
    return value.square()

class Decorated(Loss):
    reads = ("student.features",)
    steps = [step * len(ATTRIBUTES) for step in table(3)]

    def __init__(self) -> None:
        super().__init__()
        self.setting: NeverImported = Setting()

    @staticmethod
    def half(value: AlsoNeverImported) -> float:
        return value / 2

    @property
    def turn(self) -> float:
        return pi

    @torch.no_grad()
    def forward(self, signals: Signals) -> Tensor:
        count = len(xml.dom.__name__) + self.steps[1]
        return self.half(frozen(signals.student.features).mean()) * self.setting.strength * self.turn * count

made = elsewhere(Term(Decorated))()
from nbutils.losses import Signals
signals = Signals.of(student={"features": torch.full((2, 2), 3.0)})
print(float(made(signals)) == float(Decorated()(signals)), made.setting.name)
""")

    assert said == "True plain"


def test_classes_that_need_each_other_stand_in_the_order_in_which_they_run(kernel: _Kernel) -> None:
    said = kernel.run("""
class Whole(Loss):
    reads = ("student.features",)
    def forward(self, signals):
        return Part().forward(signals) if type(self) is Whole else even(4)
class Part(Whole):
    def forward(self, signals):
        return super().forward(signals)
def even(number):
    return number == 0 or odd(number - 1)
def odd(number):
    return number != 0 and even(number - 1)
print(elsewhere(Term(Whole))().forward(None), elsewhere(Term(Part))().forward(None))
""")

    assert said == "True True"


def test_the_key_of_a_subclass_follows_the_file_of_our_loss(kernel: _Kernel) -> None:
    said = kernel.run("""
class Half(NeuronLoss):
    def forward(self, signals):
        return super().forward(signals) / 2
own = spec(teacher=spec(), objective={"half": Term(Half)})
print("nbutils.losses.neuron_regression" in own.code(), own.output_like)
""")

    assert said == "True {'teacher.neurons'}"


def test_a_function_of_a_cell_teaches(kernel: _Kernel, tmp_path: Path) -> None:
    said = kernel.run(f"""
import numpy as np
def halves(faces):
    return np.stack([faces[:, :27].mean(axis=(1, 2, 3)), faces[:, 27:].mean(axis=(1, 2, 3))], axis=1) / 255
own = spec(teacher=halves, objective={{"neurons": Term("NeuronLoss")}}, targets="cached")
print(train(own, store=Store({str(tmp_path / "store")!r}), progress=False).metrics["outputs"])
print(TrainingSpec.model_validate_json(own.model_dump_json()).key == own.key)
""")

    assert said.split() == ["2", "True"]


def test_a_cell_with_magics_is_read(kernel: _Kernel) -> None:
    said = kernel.run("%precision 3\n" + _LOSS.format(value="0") + "print(Term(Decay).reads)")

    assert said.endswith("('student.features',)")


def test_an_error_of_a_cell_is_an_error_of_the_test(kernel: _Kernel) -> None:
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        kernel.run("1 / 0")
