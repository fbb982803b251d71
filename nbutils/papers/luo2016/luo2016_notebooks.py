"""What each notebook of Luo et al. 2016 trains, from those of its parameters that decide it."""

from __future__ import annotations

from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.spec import DataSize
from nbutils.papers.base import face_data, seed_range
from nbutils.papers.luo2016.deeper_teachers import fig4, fig5, fine_tuned, large_face_data, six_t1
from nbutils.papers.luo2016.example_network import torchvision_resnet
from nbutils.papers.luo2016.multilayer_perceptrons import mnist_trainings
from nbutils.papers.luo2016.single_network import (
    WITH_ATTRIBUTES,
    fig3,
    fig3_attributes,
    has_attributes,
    quick_data,
    quick_rows,
    t1,
)
from nbutils.papers.printed_tables import printed
from nbutils.training.spec import TrainingSpec


def quickstart_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int
) -> dict[str, TrainingSpec]:
    """The quickstart's rows: T1 and four students.

    Example:
        >>> from nbutils.papers.luo2016 import quickstart_trainings
        >>> list(quickstart_trainings("synthetic", "", "", "", preset="smoke", seed=0))
        ['T1', '1-of-K', 'soft t=10', 'neurons', 'selection']
    """
    data = quick_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return quick_rows(data, preset, seed)


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
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int, targets: str
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
    found = []
    for each in seed_range(seed, seeds):
        attributes = {WITH_ATTRIBUTES: fig3_attributes(data, preset, each)} if has_attributes(data) else {}
        found.append(fig3(data, preset, each, targets) | attributes)
    return found


def deeper_teacher_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int, targets: str
) -> list[dict[str, dict[str, TrainingSpec] | list[TrainingSpec]]]:
    """Fig. 4, for each seed: "rows" are T2 and its students, "selection†" the student fine-tuned for each of ten folds.

    Example:
        >>> from nbutils.papers.luo2016 import deeper_teacher_trainings
        >>> (trainings,) = deeper_teacher_trainings(
        ...     "synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="cached"
        ... )
        >>> list(trainings), len(trainings["selection†"])
        (['rows', 'selection†'], 10)
    """
    data = large_face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    rows = [fig4(data, preset, each, targets) for each in seed_range(seed, seeds)]
    return [{"rows": own, "selection†": fine_tuned(own["selection"], preset)} for own in rows]


def ensemble_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int, targets: str
) -> list[dict[str, dict[str, TrainingSpec] | list[TrainingSpec]]]:
    """Fig. 5, for each seed: "members" by region, "rows" their students, "selection†" one of these fine-tuned by fold.

    Example:
        >>> from nbutils.papers.luo2016 import ensemble_trainings
        >>> (trainings,) = ensemble_trainings(
        ...     "synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="cached"
        ... )
        >>> {group: len(specs) for group, specs in trainings.items()}
        {'members': 6, 'rows': 7, 'selection†': 10}
    """
    data = large_face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    found: list[dict[str, dict[str, TrainingSpec] | list[TrainingSpec]]] = []
    for each in seed_range(seed, seeds):
        members, rows = six_t1(data, preset, each), fig5(data, preset, each, targets)
        found.append({"members": members, "rows": rows, "selection†": fine_tuned(rows["selection"], preset)})
    return found


def efficiency_trainings(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int, targets: str
) -> list[TrainingSpec]:
    """For each seed, the student that is quantised: the row "selection" of Fig. 3.

    Example:
        >>> from nbutils.papers.luo2016 import efficiency_trainings
        >>> efficiency_trainings("synthetic", "", "", "", preset="smoke", seed=0, seeds=1, targets="cached")[0].name
        'selection'
    """
    data = face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return [fig3(data, preset, each, targets)["selection"] for each in seed_range(seed, seeds)]


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


#: By notebook; one that trains nothing has no entry.
NOTEBOOKS = {
    "quickstart": quickstart_trainings,
    "luo2016/01_attribute_discriminativeness": teacher_trainings,
    "luo2016/02_neuron_selection": teacher_trainings,
    "luo2016/04_mnist": digit_trainings,
    "luo2016/05_compressing_a_single_network": single_network_trainings,
    "luo2016/06_compressing_a_deeper_teacher": deeper_teacher_trainings,
    "luo2016/07_compressing_an_ensemble": ensemble_trainings,
    "luo2016/08_complexity_and_efficiency": efficiency_trainings,
    "luo2016/09_selection_for_any_network": any_network_trainings,
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
