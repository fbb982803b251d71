"""What each notebook of Luo et al. 2016 trains, from those of its parameters that decide it."""

from __future__ import annotations

from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.spec import DataSize
from nbutils.papers.base import face_data, probe_data, seed_range
from nbutils.papers.luo2016.deeper_teachers import fig4, fig5, fine_tuned, large_face_data, six_t1
from nbutils.papers.luo2016.example_network import torchvision_resnet
from nbutils.papers.luo2016.lesson_networks import committee_lesson_trainings, teacher_lesson_trainings
from nbutils.papers.luo2016.multilayer_perceptrons import mnist_trainings
from nbutils.papers.luo2016.rate_search import parse_rates, rate_trials, searched_rows
from nbutils.papers.luo2016.real_teacher import find_real_teacher, real_teacher_rows
from nbutils.papers.luo2016.single_network import (
    WITH_ATTRIBUTES,
    fig3,
    fig3_attributes,
    has_attributes,
    quick_data,
    quick_rows,
    share_students,
    t1,
)
from nbutils.papers.luo2016.student_rows import chosen_row
from nbutils.papers.printed_tables import printed
from nbutils.training.spec import TrainingSpec


def quickstart_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    probe_dataset: str = "",
    probe_root: str = "",
) -> dict[str, TrainingSpec]:
    """The quickstart's rows: T1 and four students.

    Example:
        >>> from nbutils.papers.luo2016 import quickstart_trainings
        >>> list(quickstart_trainings("synthetic", "", "", "", preset="smoke", seed=0))
        ['T1', '1-of-K', 'soft t=10', 'neurons', 'selection']
    """
    data = quick_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return quick_rows(data, preset, seed, probe_data(probe_dataset, probe_root, data, preset, seed))


def teacher_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int
) -> list[TrainingSpec]:
    """For each seed, T1, whose neurons notebooks 01 and 02 look at.

    Example:
        >>> from nbutils.papers.luo2016 import teacher_trainings
        >>> [spec.seed for spec in teacher_trainings("synthetic", "", "", "", preset="smoke", seed=3, seeds=2)]
        [3, 4]
    """
    data = face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return [t1(data, preset, each) for each in seed_range(seed, seeds)]


def digit_trainings(dataset: str, data_root: str, preset: str, seed: int, seeds: int) -> list[dict[str, TrainingSpec]]:
    """For each seed, the rows of the MNIST experiment.

    Example:
        >>> from nbutils.papers.luo2016 import digit_trainings
        >>> (rows,) = digit_trainings("digits", "", preset="smoke", seed=0, seeds=1)
        >>> list(rows)[:3]
        ['T', '1-of-K', 'selection']
    """
    return [mnist_trainings(dataset, data_root, preset, each) for each in seed_range(seed, seeds)]


def single_network_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
    targets: str,
    probe_dataset: str = "",
    probe_root: str = "",
) -> list[dict[str, TrainingSpec]]:
    """For each seed, the rows of Fig. 3; that with attributes if the data set has them by its manifest.

    Example:
        >>> from nbutils.papers.luo2016 import single_network_trainings
        >>> (rows,) = single_network_trainings(
        ...     "synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="online"
        ... )
        >>> list(rows)[:2]
        ['T1', '1-of-K']
    """
    data = face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    probe = probe_data(probe_dataset, probe_root, data, preset, seed)
    found = []
    for each in seed_range(seed, seeds):
        attributes = {WITH_ATTRIBUTES: fig3_attributes(data, preset, each)} if has_attributes(data) else {}
        found.append(fig3(data, preset, each, targets, probe) | attributes)
    return found


def share_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
    targets: str,
    probe_dataset: str = "",
    probe_root: str = "",
) -> list[dict[str, TrainingSpec]]:
    """For each seed, students of 31 %, 74 % and 82 % of T1's live neurons, by Eq. 2 and at random.

    Example:
        >>> from nbutils.papers.luo2016 import share_trainings
        >>> (rows,) = share_trainings("synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="online")
        >>> len(rows)
        6
    """
    data = face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    probe = probe_data(probe_dataset, probe_root, data, preset, seed)
    return [share_students(data, preset, each, targets, probe) for each in seed_range(seed, seeds)]


def all_single_network_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
    targets: str,
    probe_dataset: str,
    probe_root: str,
) -> dict[str, list[dict[str, TrainingSpec]]]:
    """All that notebook 05 trains: "rows" of Fig. 3, and "shares" of the neurons."""
    given = (dataset, data_root, layout, pairs_root, preset, seed, seeds, targets, probe_dataset, probe_root)
    return {"rows": single_network_trainings(*given), "shares": share_trainings(*given)}


def deeper_teacher_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
    targets: str,
    probe_dataset: str = "",
    probe_root: str = "",
) -> list[dict[str, dict[str, TrainingSpec] | list[TrainingSpec]]]:
    """Fig. 4, for each seed: "rows" are T2 and its students, "fine-tuned" that of chosen neurons (†) for each fold.

    Example:
        >>> from nbutils.papers.luo2016 import deeper_teacher_trainings
        >>> (trainings,) = deeper_teacher_trainings(
        ...     "synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="cached"
        ... )
        >>> list(trainings), len(trainings["fine-tuned"])
        (['rows', 'fine-tuned'], 10)
    """
    data = large_face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    probe = probe_data(probe_dataset, probe_root, data, preset, seed)
    rows = [fig4(data, preset, each, targets, probe) for each in seed_range(seed, seeds)]
    return [{"rows": own, "fine-tuned": fine_tuned(own[chosen_row(own)], preset)} for own in rows]


def ensemble_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
    targets: str,
    probe_dataset: str = "",
    probe_root: str = "",
) -> list[dict[str, dict[str, TrainingSpec] | list[TrainingSpec]]]:
    """Fig. 5, for each seed: "members" by region, "rows" their students, "fine-tuned" that of chosen neurons (†).

    Example:
        >>> from nbutils.papers.luo2016 import ensemble_trainings
        >>> (trainings,) = ensemble_trainings(
        ...     "synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="cached"
        ... )
        >>> {group: len(specs) for group, specs in trainings.items()}
        {'members': 6, 'rows': 7, 'fine-tuned': 10}
    """
    data = large_face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    probe = probe_data(probe_dataset, probe_root, data, preset, seed)
    found: list[dict[str, dict[str, TrainingSpec] | list[TrainingSpec]]] = []
    for each in seed_range(seed, seeds):
        members, rows = six_t1(data, preset, each), fig5(data, preset, each, targets, probe)
        found.append({"members": members, "rows": rows, "fine-tuned": fine_tuned(rows[chosen_row(rows)], preset)})
    return found


def efficiency_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int, targets: str
) -> list[TrainingSpec]:
    """For each seed, the student that is quantised: the row of chosen neurons of Fig. 3.

    Example:
        >>> from nbutils.papers.luo2016 import efficiency_trainings
        >>> efficiency_trainings("synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="cached")[0].name
        'selection'
    """
    data = face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    rows = [fig3(data, preset, each, targets) for each in seed_range(seed, seeds)]
    return [own[chosen_row(own)] for own in rows]


def any_network_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int
) -> list[TrainingSpec]:
    """For each seed, torchvision's ResNet, whose neurons notebook 09 selects.

    Example:
        >>> from nbutils.papers.luo2016 import any_network_trainings
        >>> (spec,) = any_network_trainings("synthetic", "", "", "", preset="smoke", seed=0, seeds=1)
        >>> str(spec.model.kind)
        'resnet18'
    """
    data = face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return [torchvision_resnet(data, preset, each) for each in seed_range(seed, seeds)]


def rate_search_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    targets: str,
    rates: str,
    figure: str = "fig3",
) -> dict[str, dict[float, TrainingSpec]]:
    """One training for each row of a figure and each learning rate; some training people are held out.

    Of one seed: a search finds the order of magnitude, and repeats with another `seed`.

    Example:
        >>> from nbutils.papers.luo2016 import rate_search_trainings
        >>> found = rate_search_trainings("synthetic", "", "", "", "smoke", 0, targets="cached", rates="0.1")
        >>> list(found["neurons"])
        [0.1]
    """
    faces = face_data if figure == "fig3" else large_face_data
    data = faces(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return rate_trials(searched_rows(data, preset, seed, targets, figure), parse_rates(rates))


def real_teacher_trainings(
    dataset: str,
    data_root: str,
    layout: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
    teacher_file: str = "",
    teacher_neurons: str = "neurons",
    probe_dataset: str = "",
    probe_root: str = "",
) -> list[dict[str, TrainingSpec]]:
    """For each seed, the students of a real teacher; where no file is given, of a T1.

    Example:
        >>> from nbutils.papers.luo2016 import real_teacher_trainings
        >>> (rows,) = real_teacher_trainings("synthetic", "", "", "", preset="smoke", seed=0, seeds=1)
        >>> list(rows)
        ['1-of-K', 'neurons', 'selection']
    """
    data = large_face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    teacher = find_real_teacher(teacher_file, teacher_neurons, data, preset, seed)
    probe = probe_data(probe_dataset, probe_root, data, preset, seed)
    return [real_teacher_rows(data, teacher, preset, each, probe) for each in seed_range(seed, seeds)]


#: By notebook; one that trains nothing has no entry.
NOTEBOOKS = {
    "quickstart": quickstart_trainings,
    "lessons/2_what_neurons_know": teacher_lesson_trainings,
    "lessons/3_choosing_neurons": teacher_lesson_trainings,
    "lessons/4_teachers_and_committees": committee_lesson_trainings,
    "luo2016/01_attribute_discriminativeness": teacher_trainings,
    "luo2016/02_neuron_selection": teacher_trainings,
    "luo2016/04_mnist": digit_trainings,
    "luo2016/05_compressing_a_single_network": all_single_network_trainings,
    "luo2016/06_compressing_a_deeper_teacher": deeper_teacher_trainings,
    "luo2016/07_compressing_an_ensemble": ensemble_trainings,
    "luo2016/08_complexity_and_efficiency": efficiency_trainings,
    "luo2016/09_selection_for_any_network": any_network_trainings,
    "luo2016/10_a_real_teacher": real_teacher_trainings,
    "luo2016/11_learning_rates": rate_search_trainings,
}


def paper_size(data: SyntheticData) -> DataSize:
    """The paper's data: CelebFaces+ and WDRef to train on, CelebA's validation images, LFW to verify.

    Example:
        >>> from nbutils.data import SyntheticData
        >>> from nbutils.papers.luo2016 import paper_size
        >>> paper_size(SyntheticData(identities=12294)).train
        290000
    """
    count = printed("luo2016", "experiment")["count"].astype(int)
    train, identities = int(count["training images"]), int(count["training identities"])
    test = int(count["LFW images"])
    if data.adapt_to_all_but_fold is not None:
        train, identities = test, 1
    validation = int(count["validation images with attributes"])
    return DataSize(train, identities, validation, test, data.height, data.width)
