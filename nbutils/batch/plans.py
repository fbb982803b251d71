"""Which trainings each notebook asks for, so that a dry run can tell what they take without running it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping

from nbutils.batch.parameters import Literal
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.spec import DataSize, DataSpec
from nbutils.errors import ParameterError
from nbutils.reporting import printed
from nbutils.training import TrainingSpec, recipes

#: Takes those of the notebook's parameters that decide its trainings, by their names.
Trainings = Callable[..., Iterable[TrainingSpec]]


def _quickstart(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int
) -> Iterable[TrainingSpec]:
    data = recipes.quick_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return recipes.quick_rows(data, preset, seed).values()


def _t1(dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int) -> Iterable[TrainingSpec]:
    data = recipes.face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return [recipes.t1(data, preset, seed)]


def _mnist(dataset: str, data_root: str, preset: str, seed: int) -> Iterable[TrainingSpec]:
    return recipes.mnist(dataset, data_root, preset, seed).values()


def _fig3(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, targets: str
) -> Iterable[TrainingSpec]:
    data = recipes.face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    attributes = [recipes.fig3_attributes(data, preset, seed)] if isinstance(data, SyntheticData) else []
    return [*recipes.fig3(data, preset, seed, targets).values(), *attributes]


def _fig4(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, targets: str
) -> Iterable[TrainingSpec]:
    data = recipes.large_face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    rows = recipes.fig4(data, preset, seed, targets)
    return [*rows.values(), *recipes.fine_tuned(rows["selection"], preset)]


def _fig5(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, targets: str
) -> Iterable[TrainingSpec]:
    data = recipes.large_face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    rows = recipes.fig5(data, preset, seed, targets)
    members = recipes.six_t1(data, preset, seed).values()
    return [*members, *rows.values(), *recipes.fine_tuned(rows["selection"], preset)]


def _selection(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, targets: str
) -> Iterable[TrainingSpec]:
    data = recipes.face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return [recipes.fig3(data, preset, seed, targets)["selection"]]


def _classification(
    dataset: str,
    data_root: str,
    layout: str,
    second_dataset: str,
    second_root: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
) -> Iterable[TrainingSpec]:
    sets = recipes.wang2017.face_sets(
        dataset,
        data_root,
        preset,
        seed,
        "MS-Celeb-1M",
        (second_dataset, second_root),
        layout=layout,
        pairs_root=pairs_root,
    )
    for s in range(seed, seed + seeds):
        casia, msceleb = (recipes.wang2017.Networks(data, preset, s) for data in sets.values())
        yield from [*casia.table1().values(), *casia.table2().values(), *msceleb.table2().values()]


def _alignment(
    dataset: str,
    data_root: str,
    layout: str,
    points_dataset: str,
    points_root: str,
    pairs_root: str,
    preset: str,
    seed: int,
    seeds: int,
) -> Iterable[TrainingSpec]:
    points = (points_dataset, points_root)
    sets = recipes.wang2017.face_sets(
        dataset, data_root, preset, seed, "CelebA", points, layout=layout, pairs_root=pairs_root
    )
    for s in range(seed, seed + seeds):
        yield from recipes.wang2017.Networks(sets["CASIA"], preset, s).table3(sets["CelebA"]).values()


def _verification(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int, seeds: int
) -> Iterable[TrainingSpec]:
    sets = recipes.wang2017.face_sets(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    for s in range(seed, seed + seeds):
        networks = recipes.wang2017.Networks(sets["CASIA"], preset, s)
        yield from [*networks.verification(softmax=False).values(), *networks.verification(softmax=True).values()]


def _resnet(
    dataset: str, data_root: str, layout: str, pairs_root: str, preset: str, seed: int
) -> Iterable[TrainingSpec]:
    data = recipes.face_data(dataset, data_root, preset, seed, layout=layout, pairs_root=pairs_root)
    return [recipes.torchvision_resnet(data, preset, seed)]


#: By notebook; one that trains nothing has no entry.
TRAININGS: dict[str, Trainings] = {
    "quickstart": _quickstart,
    "luo2016/01_attribute_discriminativeness": _t1,
    "luo2016/02_neuron_selection": _t1,
    "luo2016/04_mnist": _mnist,
    "luo2016/05_compressing_a_single_network": _fig3,
    "luo2016/06_compressing_a_deeper_teacher": _fig4,
    "luo2016/07_compressing_an_ensemble": _fig5,
    "luo2016/08_complexity_and_efficiency": _selection,
    "luo2016/09_selection_for_any_network": _resnet,
    "wang2017/01_distillation_of_classification": _classification,
    "wang2017/02_transfer_to_alignment": _alignment,
    "wang2017/03_transfer_to_verification": _verification,
}


def notebook_trainings(
    name: str, parameters: Mapping[str, Literal]
) -> tuple[list[TrainingSpec], dict[DataSpec, DataSize]]:
    """The trainings of a notebook, and the sizes of their data where these are the paper's own.

    At preset paper, the embedded faces stand in for the paper's training set, and its printed size is what is planned.

    Args:
        name: Of the notebook.
        parameters: All its parameters.

    Raises:
        ParameterError: A parameter is out of its range.
    """
    if name not in TRAININGS:
        return [], {}
    wanted = inspect.signature(TRAININGS[name]).parameters
    missing = [parameter for parameter in wanted if parameter not in parameters]
    if missing:
        raise ParameterError(f"{name} has no parameter {missing[0]!r}, which decides its trainings")
    specs = list(TRAININGS[name](**{parameter: parameters[parameter] for parameter in wanted}))
    papers = {"luo2016": _luo2016, "wang2017": _wang2017}
    paper = name.partition("/")[0]
    if parameters["preset"] != "paper" or paper not in papers:
        return specs, {}
    drawn = {data for data in _data(specs) if isinstance(data, SyntheticData)}
    return specs, {data: papers[paper](data) for data in drawn}


def _data(specs: Iterable[TrainingSpec]) -> Iterator[DataSpec]:
    """Of the specs and their predecessors."""
    for spec in specs:
        yield spec.data
        yield from _data(spec.predecessors)


def _luo2016(data: SyntheticData) -> DataSize:
    """CelebFaces+ and WDRef to train on, CelebA's validation images, LFW to verify."""
    count = printed("luo2016", "experiment")["count"].astype(int)
    train, identities = int(count["training images"]), int(count["training identities"])
    test = int(count["LFW images"])
    if data.adapt_to_all_but_fold is not None:
        train, identities = test, 1
    validation = int(count["validation images with attributes"])
    return DataSize(train, identities, validation, test, data.height, data.width)


def _wang2017(data: SyntheticData) -> DataSize:
    """The set with as many people, four fifths of it to train on, and LFW to verify."""
    sets = printed("wang2017", "setup")
    images = int(sets["images"][sets["people"] == data.identities].iloc[0])
    held_out = round(data.held_out_images * images)
    test = int(printed("luo2016", "experiment")["count"]["LFW images"])
    return DataSize(images - held_out, data.identities, 0, test + held_out, data.height, data.width)
