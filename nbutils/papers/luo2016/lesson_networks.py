"""What the lessons on neurons, choices and committees train: as little as shows the point."""

from __future__ import annotations

from nbutils.papers.luo2016.single_network import quick_data, student, t1
from nbutils.papers.luo2016.student_rows import NEURONS, soft_targets
from nbutils.training.spec import TrainingSpec

_TEMPERATURE = 10


def teacher_lesson_trainings(
    dataset: str = "synthetic", data_root: str = "", preset: str = "laptop", seed: int = 0
) -> dict[str, TrainingSpec]:
    """T1 of the quickstart, whose neurons lessons 2 and 3 look at.

    Example:
        >>> from nbutils.papers.luo2016 import teacher_lesson_trainings
        >>> list(teacher_lesson_trainings(preset="smoke"))
        ['T1']
    """
    return {"T1": t1(quick_data(dataset, data_root, preset, seed), preset, seed, watch=0)}


def committee_lesson_trainings(
    dataset: str = "synthetic", data_root: str = "", preset: str = "laptop", seed: int = 0
) -> dict[str, TrainingSpec]:
    """Lesson 4: T1 of three seeds, and students of the first one's neurons and opinion, and of all three's opinion.

    Example:
        >>> from nbutils.papers.luo2016 import committee_lesson_trainings
        >>> list(committee_lesson_trainings(preset="smoke"))
        ['T1', 'T1 b', 'T1 c', 'neurons', 'soft, one', 'soft, three']
    """
    data = quick_data(dataset, data_root, preset, seed)
    names = ("T1", "T1 b", "T1 c")
    members = {name: t1(data, preset, seed + place, watch=0) for place, name in enumerate(names)}
    first, opinion = members["T1"], soft_targets(_TEMPERATURE)
    neurons, one, three = (
        student(name, first, row, preset=preset, targets="cached")
        for name, row in (("neurons", NEURONS), ("soft, one", opinion), ("soft, three", opinion))
    )
    return members | {
        "neurons": neurons,
        "soft, one": one,
        "soft, three": three.model_copy(update={"teacher": tuple(members.values())}),
    }
