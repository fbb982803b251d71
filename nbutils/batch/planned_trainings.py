"""Which trainings each notebook asks for, so that a dry run can tell what they take without running it.

Every package below `nbutils.papers` may have `NOTEBOOKS`, from a notebook's name to a function that takes those of its
parameters that decide its trainings, by their names; and `paper_size`, which gives the size of the paper's own data
for the embedded faces that stand in for them.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType

from nbutils import papers
from nbutils.batch.parameters import Literal
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.spec import DataSize, DataSpec
from nbutils.errors import ParameterError
from nbutils.papers.base import all_trainings
from nbutils.training.spec import TrainingSpec


def notebooks_that_train() -> dict[str, ModuleType]:
    """The names of all notebooks that train, with the package of their paper."""
    packages = [
        import_module(f"{papers.__name__}.{found.name}")
        for found in pkgutil.iter_modules(papers.__path__)
        if found.ispkg
    ]
    return {name: package for package in packages for name in getattr(package, "NOTEBOOKS", ())}


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

    Example:
        >>> from nbutils.batch import notebook_trainings
        >>> parameters = {"dataset": "digits", "data_root": "", "preset": "smoke", "seed": 0, "seeds": 1}
        >>> specs, sizes = notebook_trainings("luo2016/04_mnist", parameters)
        >>> len(specs)
        9
    """
    paper = notebooks_that_train().get(name)
    if paper is None:
        return [], {}
    trainings = paper.NOTEBOOKS[name]
    wanted = inspect.signature(trainings).parameters
    missing = [parameter for parameter in wanted if parameter not in parameters]
    if missing:
        raise ParameterError(f"{name} has no parameter {missing[0]!r}, which decides its trainings")
    specs = list(all_trainings(trainings(**{parameter: parameters[parameter] for parameter in wanted})))
    if parameters["preset"] != "paper" or not hasattr(paper, "paper_size"):
        return specs, {}
    drawn = {data for data in _data(specs) if isinstance(data, SyntheticData)}
    return specs, {data: paper.paper_size(data) for data in drawn}


def _data(specs: list[TrainingSpec]) -> Iterator[DataSpec]:
    """Of the specs and their predecessors."""
    for spec in specs:
        yield spec.data
        yield from _data(list(spec.predecessors))
