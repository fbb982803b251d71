"""The MNIST experiment of Luo et al. 2016 as training specs: multilayer perceptrons on digits."""

from __future__ import annotations

from nbutils.data.bucket_copy import as_root
from nbutils.data.sources.digits import DigitsData
from nbutils.errors import ParameterError
from nbutils.papers.base import best_precision, check_preset
from nbutils.papers.luo2016.student_rows import LABELS, LOGITS, NEURONS, soft_targets
from nbutils.training.components import ModelSpec, Term
from nbutils.training.spec import Schedule, TrainingSpec

#: Neurons of T's and S's hidden layers, as printed but for smoke.
_NEURONS: dict[str, tuple[int, int]] = {"smoke": (120, 80), "laptop": (1200, 800), "paper": (1200, 800)}

#: Epochs of T and of S, which are ours: at laptop, what a quarter of an hour on two cores allows.
_EPOCHS: dict[tuple[str, str], tuple[int, int]] = {
    ("digits", "smoke"): (3, 3),
    ("digits", "laptop"): (40, 40),
    ("digits", "paper"): (200, 200),
    ("mnist", "smoke"): (1, 1),
    ("mnist", "laptop"): (20, 12),
    ("mnist", "paper"): (100, 100),
}
#: Rows of a digit, and how far T's images are shifted in training (Hinton et al. 2015: up to two pixels of 28).
_SHAPES = {"digits": (8, 1), "mnist": (28, 2)}

#: Of T and of every row: the best of two or three tried on 10,000 of MNIST's 60,000 training digits.
_LEARNING_RATE = 0.1
#: T's dropout. It pays after many epochs only: on held-out digits, twenty of them err 85 times of 10,000 without it,
#: 95 times at 0.2, and 155 times at 0.5.
_DROPOUT = {"smoke": 0.0, "laptop": 0.0, "paper": 0.5}

#: Of the soft targets, as printed.
TEMPERATURES = (1, 2, 5, 10, 20)


def mnist_trainings(
    dataset: str, data_root: str = "", preset: str = "laptop", seed: int = 0
) -> dict[str, TrainingSpec]:
    """All rows of the MNIST experiment under their printed names, the teacher first.

    T is regularised as in Hinton et al. 2015, whose experiment it repeats: digits are shifted by up to two pixels, and
    at `paper`, where the epochs suffice for it, neurons dropped. The students are not. They read T's answers to the
    plain digits, cached, which is exact here.

    Args:
        dataset: "digits" (scikit-learn's) or "mnist".
        data_root: Folder of MNIST, or its URL in a bucket.
        preset: Widths and epochs.
        seed: Of the weights and the order.

    Raises:
        ParameterError: Unknown data set or preset, or no folder where one is needed.

    Example:
        >>> from nbutils.papers.luo2016 import mnist_trainings
        >>> list(mnist_trainings("digits", preset="smoke"))
        ['T', '1-of-K', 'selection', 'soft t=1', 'soft t=2', 'soft t=5', 'soft t=10', 'soft t=20', 'logits']
    """
    check_preset(preset)
    if dataset not in _SHAPES:
        raise ParameterError(f"dataset is {dataset!r}: expected 'digits' or 'mnist'")
    if dataset == "mnist" and not data_root:
        raise ParameterError("data_root is empty: expected the folder that holds MNIST/raw with the four idx files")
    size, shift = _SHAPES[dataset]
    root = as_root(data_root) if dataset == "mnist" else None
    plain = DigitsData(root=root, height=size, width=size)
    shifted = plain.model_copy(update={"height": size + 2 * shift, "width": size + 2 * shift})
    (neurons, small), (epochs, student_epochs) = _NEURONS[preset], _EPOCHS[dataset, preset]
    shape: dict[str, bool | int | float | str] = {"height": size, "width": size}
    batch = 128 if dataset == "mnist" else 64
    teacher = TrainingSpec(
        name="T",
        data=shifted,
        model=ModelSpec(kind="MLP", options={"neurons": neurons, "dropout": _DROPOUT[preset], **shape}),
        objective={"labels": Term(kind="LabelLoss")},
        schedule=_schedule(epochs, batch),
        precision=best_precision(),
        seed=seed,
    )
    rows = {
        "1-of-K": LABELS,
        "selection": NEURONS.selected(),
        **{f"soft t={t}": soft_targets(t) for t in TEMPERATURES},
        "logits": LOGITS,
    }
    return {"T": teacher} | {
        name: TrainingSpec(
            name=name,
            data=plain,
            model=ModelSpec(kind="MLP", options={"neurons": small, **shape}),
            objective={row.objective: row.term},
            schedule=_schedule(student_epochs, batch),
            teacher=(teacher,) if row.taught else (),
            selection=row.selection,
            targets="cached" if row.taught else "online",
            precision=teacher.precision,
            seed=seed,
        )
        for name, row in rows.items()
    }


def _schedule(epochs: int, batch: int) -> Schedule:
    return Schedule(epochs=epochs, batch_size=batch, learning_rate=_LEARNING_RATE, weight_decay=0.0, mirror=False)
