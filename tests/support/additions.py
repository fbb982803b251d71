"""What a researcher may add to the package, as files of a copy of the tree or beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Addition:
    """One idea.

    Attributes:
        name: What it is.
        files: Text by path in the copy; what does not begin with `nbutils/` is the user's own.
        touched: Files of the package that it may take.
    """

    name: str
    files: dict[str, str]
    touched: int


LOSS = '''"""Means over a batch."""

from nbutils.losses.base import Loss


class MeanLoss(Loss):
    """(mean of the student's features − mean of the teacher's neurons)²."""

    reads = ("student.features", "teacher.neurons")

    def forward(self, signals):
        return (signals.student.features.mean() - signals.teacher.neurons.mean()).square()
'''

LEARNED_MAP = '''"""Features through a perceptron."""

from torch import nn

from nbutils.losses.base import Loss


class ProjectedLoss(Loss):
    """‖P(features) − neurons‖² with a perceptron P, made when the widths are known."""

    reads = ("student.features", "teacher.neurons")

    def prepare(self, signals):
        own, wanted = signals.student.features.shape[1], signals.teacher.neurons.shape[1]
        self.projector = nn.Sequential(nn.Linear(own, 8), nn.ReLU(), nn.Linear(8, wanted))

    def forward(self, signals):
        return nn.functional.mse_loss(self.projector(signals.student.features), signals.teacher.neurons)
'''

ANY_LAYER = '''"""Attention transfer between two maps."""

from torch.nn import functional as F

from nbutils.losses.base import Loss


class AttentionLoss(Loss):
    """‖a(student) − a(teacher)‖², a: the channels' mean square, of length 1."""

    def __init__(self, student, teacher):
        super().__init__()
        self.paths = student, teacher
        self.reads = (f"student[{student}]", f"teacher[{teacher}]")

    def forward(self, signals):
        student, teacher = self.paths
        maps = signals.student[student], signals.teacher[teacher]
        own, wanted = (F.normalize(each.float().square().mean(dim=1).flatten(1)) for each in maps)
        return (own - wanted).square().sum(dim=1).mean()
'''

NETWORK = '''"""One convolution."""

from torch import nn

from nbutils.models.base import FaceNetwork, Outputs


class OneConvolution(FaceNetwork):
    """A convolution, the mean over its map, a linear layer."""

    input_size = (55, 47)

    def __init__(self, num_classes, width=4):
        super().__init__()
        self.convolution = nn.Conv2d(3, width, 5, stride=4)
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, images):
        features = self.convolution(images).relu().mean(dim=(2, 3))
        return Outputs(features=features, output=self.classifier(features))
'''

MEMORY = '''"""Contrast with a memory of all training images."""

import torch
from torch.nn import functional as F

from nbutils.losses.base import Loss


class MemoryContrastLoss(Loss):
    """−log softmax of a face's likeness to its own entry in the teacher's memory, among all entries."""

    reads = ("student.features", "teacher.neurons", "truth.index", "truth.images")

    def __init__(self, temperature=0.1, momentum=0.5):
        super().__init__()
        self.temperature, self.momentum = temperature, momentum

    def prepare(self, signals):
        width = signals.teacher.neurons.shape[1]
        self.map = torch.nn.Linear(signals.student.features.shape[1], width)
        self.register_buffer("memory", F.normalize(torch.randn(signals.truth.images, width)))

    def forward(self, signals):
        index = signals.truth.index
        with torch.no_grad():
            kept = torch.lerp(F.normalize(signals.teacher.neurons.float()), self.memory[index], self.momentum)
            self.memory[index] = F.normalize(kept)
        likeness = F.normalize(self.map(signals.student.features.float())) @ self.memory.clone().T
        return F.cross_entropy(likeness / self.temperature, index)
'''

LAYOUT = '''"""A shoe box: images side by side, named after person and number, under a lid."""

import numpy as np

from nbutils.data.collection import Collection
from nbutils.data.layouts.base import Layout


def recognises(root):
    return (root / "lid").is_file()


def open_box(root):
    names = sorted(path.name for path in root.glob("*.jpg"))
    people = sorted({name.rpartition("_")[0] for name in names})
    identity = np.array([people.index(name.rpartition("_")[0]) for name in names])
    read = lambda at: (root / names[at]).read_bytes()
    return Collection("shoe_box", root, names, read, identity=identity, identity_names=people)


LAYOUTS = (Layout("shoe_box", "images under a lid", recognises, open_box),)
'''

MANIFEST = """title: Faces of one's own
homepage: null
licence: mine
citation: []
access: open
notes: []
annotations: [identity]
images: null
identities: null
crop: whole
"""

OUTSIDE = '''"""A loss and a network of one's own, anywhere on Python's path."""

from torch import nn

from nbutils.losses import Loss
from nbutils.models import FaceNetwork, Outputs


class MyLoss(Loss):
    reads = ("student.features", "teacher.neurons")

    def forward(self, signals):
        return (signals.student.features.std() - signals.teacher.neurons.std()).square()


class MyNetwork(FaceNetwork):
    input_size = (55, 47)

    def __init__(self, num_classes):
        super().__init__()
        self.features = nn.Linear(3, 6)
        self.classifier = nn.Linear(6, num_classes)

    def forward(self, images):
        features = self.features(images.mean(dim=(2, 3))).tanh()
        return Outputs(features=features, output=self.classifier(features))
'''

PAPER = '''"""A third paper: what its first notebook trains."""

from nbutils.data import SyntheticData
from nbutils.training import ModelSpec, Schedule, Term, TrainingSpec


def first_trainings(preset, seed):
    """A teacher and a student on one table."""
    data = SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20, seed=seed)
    network, schedule = ModelSpec("MobileIDStudent", options={"width": 4}), Schedule(epochs=1, batch_size=8)
    shared = {"data": data, "schedule": schedule, "seed": seed}
    teacher = TrainingSpec(name="their teacher", model=network, objective={"labels": Term("LabelLoss")}, **shared)
    neurons = {"neurons": Term("NeuronLoss")}
    student = TrainingSpec(name="their student", model=network, objective=neurons, teacher=teacher, **shared)
    return {"teacher": teacher, "student": student}


NOTEBOOKS = {"own2030/01_first": first_trainings}
'''

PRINTED = """title: A third paper
authors: [A. Author]
venue: V 2030
tables:
  one: {title: Table 1, source: Table 1, index: network, rows: [{network: student, accuracy: 97.5}]}
claims: []
"""

#: Cells of the third paper's notebook: its parameters, then code.
NOTEBOOK = (
    'preset = "laptop"  # smoke | laptop | paper\n'
    "seed = 0  # of everything random\n"
    'out_dir = ""  # folder of the tables and figures; empty: runs/ of the project',
    "import pandas as pd\n\n"
    "from nbutils.papers import own2030, printed\n"
    "from nbutils.reporting import Run\n"
    "from nbutils.training import train\n\n"
    'parameters = {"dataset": "synthetic", "preset": preset, "seed": seed}\n'
    'run = Run("own2030/01_first", parameters=parameters, out_dir=out_dir)\n'
    "specs = own2030.first_trainings(preset, seed)\n"
    "results = dict(zip(specs, train(specs.values(), progress=False), strict=True))",
    'losses = {name: result.history["loss"].iloc[-1] for name, result in results.items()}\n'
    'table = pd.DataFrame({"loss": losses, "printed accuracy": printed("own2030", "one")["accuracy"]})\n'
    'run.table("losses", table, caption="Losses")\n'
    "run.finish()",
)

ADDITIONS = (
    Addition("a loss", {"nbutils/losses/batch_means.py": LOSS}, 1),
    Addition("a loss with a learned map", {"nbutils/losses/projected.py": LEARNED_MAP}, 1),
    Addition("a loss on any layer", {"nbutils/losses/attention_transfer.py": ANY_LAYER}, 1),
    Addition("a method with its own memory", {"nbutils/losses/memory_contrast.py": MEMORY}, 1),
    Addition("a network", {"nbutils/models/one_convolution.py": NETWORK}, 1),
    Addition("a loss and a network outside", {"beside/my_ideas.py": OUTSIDE}, 0),
    Addition("a data set in a known layout", {"beside/mine.yml": MANIFEST}, 0),
    Addition("a new layout", {"nbutils/data/layouts/shoe_box.py": LAYOUT}, 1),
    Addition(
        "a third paper",
        {"nbutils/papers/own2030/__init__.py": PAPER, "nbutils/papers/own2030/printed.yml": PRINTED},
        2,
    ),
)

#: Trains with each addition in the copy, then asks the command line for the third paper's notebook.
TRAIN = """
import json, sys
from copy import deepcopy
from pathlib import Path

import torch
from typer.testing import CliRunner

import nbutils
from nbutils.batch.cli import app
from nbutils.data import FolderData, SyntheticData
from nbutils.losses import Objective
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train

from my_ideas import MyLoss, MyNetwork

ROOT = Path(sys.argv[1])
assert Path(nbutils.__file__).is_relative_to(ROOT), nbutils.__file__
started, prepare = [], Objective.prepare


def keep(objective, signals):
    prepare(objective, signals)
    started.append((objective, deepcopy(objective.state_dict())))


Objective.prepare = keep
DATA = SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20)
SMALL = ModelSpec("MobileIDStudent", options={"width": 4, "num_features": 6})
FAST = Schedule(epochs=2, batch_size=8, learning_rate=0.05, weight_decay=0.0)


def spec(name, term, data=DATA, model=SMALL, teacher=None):
    objective = {"term": Term("LabelLoss") if term is None else term}
    return TrainingSpec(name=name, data=data, model=model, objective=objective, schedule=FAST, teacher=teacher)


teacher = spec("teacher", None, model=ModelSpec("MobileIDStudent", options={"width": 4}))
layers = Term("AttentionLoss", options={"student": "group4.0", "teacher": "group4"})
mine = ROOT / "beside" / "mine.yml"
specs = [
    teacher,
    spec("a loss", Term("MeanLoss"), teacher=teacher),
    spec("a loss with a learned map", Term("ProjectedLoss"), teacher=teacher),
    spec("a loss on any layer", layers, teacher=teacher),
    spec("a method with its own memory", Term("MemoryContrastLoss"), teacher=teacher),
    spec("a network", None, model=ModelSpec("OneConvolution", options={"width": 6})),
    spec("a loss and a network outside", Term(MyLoss), model=ModelSpec(MyNetwork), teacher=teacher),
    spec("a data set in a known layout", None, data=FolderData(dataset=str(mine), root=ROOT / "beside" / "faces")),
    spec("a new layout", None, data=FolderData(dataset=str(mine), root=ROOT / "beside" / "box")),
]
found = {}
results = [train(spec, progress=False) for spec in specs]  # one by one: in the order in which they start
for result, (objective, before) in zip(results, started, strict=True):
    torch.manual_seed(result.spec.seed)
    initial = result.spec.model.build(result.metrics["outputs"]).state_dict()
    weights = result.model.state_dict()
    found[result.spec.name] = {
        "trained": result.trained_now,
        "losses": result.history["term"].tolist(),
        "learned": any(not torch.equal(initial[name], weights[name]) for name in initial),
        "objective": sorted(n for n, v in objective.state_dict().items() if not torch.equal(v, before[n])),
        "layout": result.spec.data.code()[-1],
    }
commands = {}
for words in ("list", "run own2030/01 --dry-run --preset smoke", "run own2030 --preset smoke"):
    done = CliRunner().invoke(app, words.split())
    commands[words] = [done.exit_code, done.output]
Path(sys.argv[2]).write_text(json.dumps({"trainings": found, "commands": commands}))
"""
