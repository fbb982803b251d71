"""A real pretrained network as a teacher: what a student of two million parameters keeps of it."""

from __future__ import annotations

from pathlib import Path

from nbutils.data.spec import DataSpec
from nbutils.papers.base import best_precision, check_preset
from nbutils.papers.luo2016.deeper_teachers import region_t1, region_view
from nbutils.papers.luo2016.single_network import T1_CHOSEN, has_attributes
from nbutils.papers.luo2016.student_rows import LABELS, NEURONS, chosen_neurons_row
from nbutils.training.components import ModelSpec
from nbutils.training.face_input import FaceInput
from nbutils.training.spec import Schedule, TrainingSpec
from nbutils.training.teacher_specs import OnnxTeacher

#: Width of S's maps and its epochs. At laptop, the paper's width for as long as 25 minutes on two cores allow.
_SIZES: dict[str, tuple[int, int]] = {"smoke": (8, 1), "laptop": (128, 7), "paper": (128, 60)}
#: Small batches make more steps of as many images. On held-out people of LFW (width 32, 6 epochs), neurons reached R²
#: 0.30 in batches of 16, and at best 0.12 in batches of 64; labels did best at 0.03 of 0.02, 0.03, 0.05 and 0.1.
_BATCH, _LABEL_RATE, _NEURON_RATE = 16, 0.03, 0.1


def find_real_teacher(
    file: str, neurons: str, data: DataSpec, preset: str = "laptop", seed: int = 0
) -> OnnxTeacher | TrainingSpec:
    """The teacher of a notebook's parameters: an ONNX file that takes (N, S, S, 3) bytes, or without one a T1.

    Args:
        file: Path of the file; empty: a T1 of the whole face, trained here, stands in for it.
        neurons: Name of the file's output of neurons.
        data: Faces to train on.
        preset: Of the T1.
        seed: Of the T1.

    Example:
        >>> from nbutils.papers.luo2016 import find_real_teacher, large_face_data
        >>> find_real_teacher("", "", large_face_data("synthetic", preset="smoke"), "smoke").name
        'T1 on whole face'
    """
    if not file:
        return region_t1("whole_face", data, preset, seed)
    path = Path(file).expanduser()
    return OnnxTeacher(file=path, neurons=neurons, input=FaceInput(axes="NHWC"), name=path.stem)


def real_teacher_rows(
    data: DataSpec,
    teacher: OnnxTeacher | TrainingSpec,
    preset: str = "laptop",
    seed: int = 0,
    probe: DataSpec | None = None,
) -> dict[str, TrainingSpec]:
    """The rows of Fig. 3 that need no classifier of the teacher: labels, all its neurons, and the chosen ones.

    The teacher answers to the plain faces, once.

    Example:
        >>> from nbutils.papers.luo2016 import find_real_teacher, large_face_data, real_teacher_rows
        >>> data = large_face_data("synthetic", preset="smoke")
        >>> list(real_teacher_rows(data, find_real_teacher("", "", data, "smoke"), "smoke"))
        ['1-of-K', 'neurons', 'selection']
    """
    check_preset(preset)
    width, epochs = _SIZES[preset]
    rows = {
        "1-of-K": LABELS,
        "neurons": NEURONS,
        **chosen_neurons_row(T1_CHOSEN, probe, has_attributes=has_attributes(data)),
    }
    return {
        name: TrainingSpec(
            name=name,
            data=data,
            model=ModelSpec(
                kind="MobileIDStudent",
                options={"width": width},
                view=region_view("whole_face"),
            ),
            objective={row.objective: row.term},
            schedule=Schedule(
                epochs=epochs,
                batch_size=_BATCH,
                learning_rate=_NEURON_RATE if row.taught else _LABEL_RATE,
            ),
            teacher=(teacher,) if row.taught else (),
            selection=row.selection,
            targets="cached" if row.taught else "online",
            precision=best_precision(),
            seed=seed,
        )
        for name, row in rows.items()
    }
