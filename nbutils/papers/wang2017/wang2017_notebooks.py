"""What each notebook of Wang & Lan 2017 trains, from those of its parameters that decide it."""

from __future__ import annotations

from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.spec import DataSize
from nbutils.papers.base import seed_range
from nbutils.papers.printed_tables import printed
from nbutils.papers.wang2017.parameter_search import parse_values, search_trials
from nbutils.papers.wang2017.transfer_cells import TEACHER, Cell
from nbutils.papers.wang2017.transfer_networks import Networks, SoftFrom, face_sets
from nbutils.training.spec import TrainingSpec


def start_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int
) -> list[dict[str, TrainingSpec]]:
    """For each seed, the cells of Table 1, and before them "teacher" and "initial", the student on labels alone.

    Example:
        >>> from nbutils.papers.wang2017 import start_trainings
        >>> (networks,) = start_trainings("synthetic", "", "", "", preset="smoke", seed=0, seeds=1)
        >>> list(networks)[:3]
        ['teacher', 'initial', 'Scratch, Hidden']
    """
    data = face_sets(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)["CASIA"]
    each = [Networks(data, preset, s) for s in seed_range(seed, seeds)]
    return [{TEACHER: one.teacher(), "initial": one.initial(8)} | one.table1() for one in each]


def size_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    second_dataset: str,
    second_root: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
) -> list[dict[tuple[str, str], TrainingSpec]]:
    """For each seed, the networks of Table 2 by data set, "CASIA" and "MS-Celeb-1M".

    Example:
        >>> from nbutils.papers.wang2017 import size_trainings
        >>> (networks,) = size_trainings("synthetic", "", "", "", "", "", preset="smoke", seed=0, seeds=1)
        >>> sorted({data for data, _ in networks}), len(networks)
        (['CASIA', 'MS-Celeb-1M'], 26)
    """
    second = (second_dataset, second_root)
    sets = face_sets(dataset, data_root, preset, seed, "MS-Celeb-1M", second, layout=layout, pairs_root=pairs_root)
    found = []
    for s in seed_range(seed, seeds):
        tables = {name: Networks(data, preset, s).table2() for name, data in sets.items()}
        found.append({(name, cell): spec for name, cells in tables.items() for cell, spec in cells.items()})
    return found


def gain_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    second_dataset: str,
    second_root: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
) -> list[dict[tuple[str, str], TrainingSpec]]:
    """For each seed, the students of Table 2 by data set, and that of the hidden layer alone, ("CASIA", "Hidden /8").

    Example:
        >>> from nbutils.papers.wang2017 import gain_trainings
        >>> (networks,) = gain_trainings("synthetic", "", "", "", "", "", preset="smoke", seed=0, seeds=1)
        >>> len(networks), networks["CASIA", "Hidden /8"].name
        (25, '/8 Scratch, Hidden')
    """
    given = (dataset, data_root, layout, second_dataset, second_root, pairs_root, preset, seed, seeds)
    found = []
    for networks in size_trainings(*given):
        students = {place: spec for place, spec in networks.items() if place[1] != TEACHER}
        casia = networks["CASIA", TEACHER]
        hidden = Networks(casia.data, preset, casia.seed).scratch(8, "Hidden")
        found.append(students | {("CASIA", "Hidden /8"): hidden})
    return found


def alignment_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    points_dataset: str,
    points_root: str,
    pairs_root: str,
    soft_from: SoftFrom,
    preset: str,
    seed: int,
    seeds: int,
) -> list[dict[Cell | str, TrainingSpec]]:
    """For each seed, Table 3's networks; that of both targets is trained after them, where both help.

    Example:
        >>> from nbutils.papers.wang2017 import alignment_trainings
        >>> faces = {"dataset": "synthetic", "data_root": "", "layout": "", "pairs_root": ""}
        >>> points = {"points_dataset": "", "points_root": "", "soft_from": "task teacher"}
        >>> (networks,) = alignment_trainings(**faces, **points, preset="smoke", seed=0, seeds=1)
        >>> len(networks)
        7
    """
    points = (points_dataset, points_root)
    sets = face_sets(dataset, data_root, preset, seed, "CelebA", points, layout=layout, pairs_root=pairs_root)
    each = [Networks(sets["CASIA"], preset, s, soft_from) for s in seed_range(seed, seeds)]
    return [networks.table3(sets["CelebA"]) for networks in each]


def verification_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    soft_from: SoftFrom,
    preset: str,
    seed: int,
    seeds: int,
) -> list[dict[tuple[str, Cell | str], TrainingSpec]]:
    """For each seed, the networks of both tables: ("Table 4", …) and ("Table 5", …).

    Those of both targets are trained after them, where both help.

    Example:
        >>> from nbutils.papers.wang2017 import verification_trainings
        >>> faces = {"dataset": "synthetic", "data_root": "", "layout": "", "pairs_root": ""}
        >>> size = {"preset": "smoke", "seed": 0, "seeds": 1}
        >>> (networks,) = verification_trainings(**faces, soft_from="task teacher", **size)
        >>> len(networks), sorted({table for table, _ in networks})
        (38, ['Table 4', 'Table 5'])
    """
    data = face_sets(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)["CASIA"]
    found = []
    for s in seed_range(seed, seeds):
        networks = Networks(data, preset, s, soft_from)
        tables = {"Table 4": networks.verification(softmax=False), "Table 5": networks.verification(softmax=True)}
        found.append({(table, cell): spec for table, cells in tables.items() for cell, spec in cells.items()})
    return found


def search_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    temperatures: str,
    margins: str,
    preset: str,
    seed: int,
    seeds: int,
) -> list[dict[tuple[str, float], TrainingSpec]]:
    """For each seed, the trainings that try τ and λ.

    Example:
        >>> from nbutils.papers.wang2017 import search_trainings
        >>> faces = {"dataset": "synthetic", "data_root": "", "layout": "", "pairs_root": ""}
        >>> values = {"temperatures": "1,3", "margins": "0.4"}
        >>> len(search_trainings(**faces, **values, preset="smoke", seed=0, seeds=2))
        2
    """
    data = face_sets(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)["CASIA"]
    tried = parse_values(temperatures, "temperatures"), parse_values(margins, "margins")
    return search_trials(data, *tried, preset, seed, seeds)


def transfer_lesson_trainings(
    dataset: str = "synthetic", data_root: str = "", preset: str = "laptop", seed: int = 0
) -> dict[str, TrainingSpec]:
    """Lesson 5: students an eighth as wide, for key points and for pairs, each alone and from distilled names.

    "names" is the distilled one that the others start from. Where one starts "alone", it has been trained for its own
    task before, so that both starts are of trained weights.

    Example:
        >>> from nbutils.papers.wang2017 import transfer_lesson_trainings
        >>> list(transfer_lesson_trainings(preset="smoke"))
        ['names', 'points, alone', 'points, from names', 'pairs, alone', 'pairs, from names']
    """
    sets = face_sets(dataset, data_root, preset, seed, "CelebA")
    networks = Networks(sets["CASIA"], preset, seed)
    found = {"names": networks.ours(8)}
    alone, from_names = Cell(8, "Pretrain", 0, 0), Cell(8, "Distill", 0, 0)
    tasks = {"points": networks.table3(sets["CelebA"]), "pairs": networks.verification(softmax=False)}
    for task, cells in tasks.items():
        found |= {f"{task}, alone": cells[alone], f"{task}, from names": cells[from_names]}
    return found


#: By notebook.
NOTEBOOKS = {
    "lessons/5_key_points_and_pairs": transfer_lesson_trainings,
    "wang2017/01_targets_and_starts": start_trainings,
    "wang2017/02_students_of_three_sizes": size_trainings,
    "wang2017/03_what_the_teacher_adds": gain_trainings,
    "wang2017/04_transfer_to_alignment": alignment_trainings,
    "wang2017/05_transfer_to_verification": verification_trainings,
    "wang2017/06_temperature_and_margin": search_trainings,
}


def paper_size(data: SyntheticData) -> DataSize:
    """The paper's data: its set with as many people, four fifths of it to train on, and LFW to verify.

    Example:
        >>> from nbutils.papers.wang2017 import face_sets, paper_size
        >>> data = face_sets("synthetic", preset="paper")["CASIA"]
        >>> paper_size(data).identities
        10575
    """
    sets = printed("wang2017", "setup")
    images = int(sets["images"][sets["people"] == data.identities].iloc[0])
    held_out = round(data.held_out_images * images)
    test = int(printed("luo2016", "experiment")["count"]["LFW images"])
    return DataSize(images - held_out, data.identities, 0, test + held_out, data.height, data.width)
