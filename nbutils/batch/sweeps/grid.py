"""Which runs a sweep has: notebooks × seeds × a grid of parameters, from a YAML file or the command line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nbutils.batch.notebooks import choose_notebooks
from nbutils.batch.parameters import Literal, check_parameters, read_parameters
from nbutils.errors import ParameterError, first_fault
from nbutils.papers.base import Precision

_SEED = "seed"


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds of a text such as "0-9" or "0,2,5-7".

    Raises:
        ParameterError: It is no such list, or names a seed twice.

    Example:
        >>> parse_seeds("0-2,7")
        (0, 1, 2, 7)
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ParameterError(f"seeds is {text!r}: expected numbers and ranges, such as 0-9 or 0,2,5-7")
        seeds += range(int(first), int(last if dash else first) + 1)
    return seeds_once(seeds)


def seeds_once(seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds, or a `ParameterError` where there is none or one is named twice."""
    twice = [seed for place, seed in enumerate(seeds) if seed in seeds[:place]] if len(set(seeds)) < len(seeds) else []
    if twice or not seeds:
        raise ParameterError(f"seeds names {twice[0]} twice" if twice else "seeds is empty: expected one at least")
    return tuple(seeds)


def parse_axis(text: str) -> tuple[str, tuple[str, ...]]:
    """Name and values of a text such as "temperature=1,5,10".

    Raises:
        ParameterError: It is no such text.

    Example:
        >>> parse_axis("targets=online,cached")
        ('targets', ('online', 'cached'))
    """
    name, equals, values = text.partition("=")
    if not name or not equals or not values:
        raise ParameterError(f"--over {text!r}: expected NAME=VALUE,VALUE,…")
    return name.strip(), tuple(value.strip() for value in values.split(","))


def _as_seeds(given: object) -> object:
    if isinstance(given, str):
        return parse_seeds(given)
    return (given,) if isinstance(given, int) and not isinstance(given, bool) else given


def _as_text(given: object) -> object:
    """A value of YAML as it would stand on the command line."""
    if isinstance(given, bool):
        return str(given).lower()
    return str(given) if isinstance(given, int | float) else given


def _as_texts(given: object) -> object:
    return tuple(map(_as_text, given)) if isinstance(given, list | tuple) else (_as_text(given),)


_Text = Annotated[str, BeforeValidator(_as_text)]
_Texts = Annotated[tuple[_Text, ...], BeforeValidator(_as_texts), Field(min_length=1)]


class Sweep(BaseModel):
    """What `nbutils sweep` is asked for; values are texts, as on the command line.

    Attributes:
        notebooks: Names, beginnings of names, patterns or paths; see `nbutils.batch.choose_notebooks`.
        seeds: Every run is made once with each.
        parameters: Name to the value that all runs have.
        over: Name to the values that are swept; several names make a grid.
        precision: Arithmetic of every training, whichever machine does it; None: the best of this one.

    Example:
        >>> sweep = Sweep(notebooks=("luo2016/05",), seeds="0-4", over={"targets": ["online", "cached"]})
        >>> sweep.cells, sweep.seeds
        (10, (0, 1, 2, 3, 4))
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    notebooks: tuple[str, ...] = Field(min_length=1)
    seeds: Annotated[tuple[int, ...], BeforeValidator(_as_seeds)] = (0,)
    parameters: dict[str, _Text] = {}
    over: dict[str, _Texts] = {}
    precision: Precision | None = None

    @property
    def cells(self) -> int:
        """Runs of each notebook."""
        return len(self.seeds) * math.prod(map(len, self.over.values()))


def read_sweep(file: Path) -> Sweep:
    """Reads a sweep from a YAML file.

    Raises:
        ParameterError: The file cannot be read, or describes no sweep; the error names the key.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "study.yml"
        ...     _ = file.write_text("{notebooks: [luo2016/05], seeds: 0-4}")
        ...     read_sweep(file).cells
        5
    """
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Sweep.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(f"{file}: expected a sweep as YAML: {error}") from None
    except ValidationError as error:
        raise ParameterError(f"{file}: {first_fault(error)}") from None


@dataclass(frozen=True)
class SweepRun:
    """One notebook with one setting.

    Attributes:
        name: The notebook's name.
        notebook: Its file.
        setting: What tells the run from the others of its notebook: the swept parameters, then the seed.
        given: All values to pass.
    """

    name: str
    notebook: Path
    setting: Mapping[str, Literal]
    given: Mapping[str, Literal]

    @property
    def place(self) -> str:
        """Where its folder lies in the sweep's, such as "temperature=5/seed=0/luo2016/04_mnist"."""
        parts = [f"{name}={_in_a_name(value)}" for name, value in self.setting.items()]
        return "/".join([*parts, self.name])

    @property
    def parameters(self) -> dict[str, Literal]:
        """All parameters of the notebook: its own values, and those given in their place."""
        own = {parameter.name: parameter.default for parameter in read_parameters(self.notebook).values()}
        return own | dict(self.given)


def sweep_runs(sweep: Sweep, notebooks_dir: Path, working_dir: Path) -> list[SweepRun]:
    """The runs of a sweep, all of whose values are checked.

    Args:
        sweep: What is asked for.
        notebooks_dir: Folder of the project's notebooks.
        working_dir: What relative paths start from.

    Raises:
        ParameterError: A notebook or parameter is unknown, a value has the wrong type or is not allowed, a parameter
            is both fixed and swept, or two cells of the grid are the same run.

    Example:
        >>> from pathlib import Path
        >>> from nbutils.paths import notebooks_dir
        >>> sweep = Sweep(notebooks=("luo2016/05",), seeds=(0, 1), parameters={"preset": "smoke"})
        >>> [run.place for run in sweep_runs(sweep, notebooks_dir(), Path.cwd())]
        ['seed=0/luo2016/05_compressing_a_single_network', 'seed=1/luo2016/05_compressing_a_single_network']
    """
    seeds_once(sweep.seeds)
    for name in (*sweep.parameters, *sweep.over):
        if name == _SEED:
            raise ParameterError("parameter seed is set by --seeds")
        if name in sweep.parameters and name in sweep.over:
            raise ParameterError(f"parameter {name} is both fixed and swept")
    chosen = choose_notebooks(sweep.notebooks, notebooks_dir, working_dir)
    fixed = list(sweep.parameters.items())
    runs: list[SweepRun] = []
    seen: dict[str, dict[tuple[Literal, ...], tuple[str, ...]]] = {name: {} for name in chosen}
    for cell in _cells(sweep):
        swept = [*zip(sweep.over, cell, strict=False), (_SEED, cell[-1])]
        values = check_parameters(chosen, [*fixed, *swept], working_dir=working_dir)
        for name, notebook in chosen.items():
            given = values[name]
            setting = {axis: given[axis] for axis, _ in swept}
            former = seen[name].setdefault(tuple(setting.values()), cell)
            if former is not cell:
                differing = next(i for i, (one, other) in enumerate(zip(former, cell, strict=True)) if one != other)
                axis = swept[differing][0]
                raise ParameterError(
                    f"{name}: {axis}={former[differing]} and {axis}={cell[differing]} are the same run; expected "
                    "different values"
                )
            runs.append(SweepRun(name, notebook, setting, given))
    return runs


def _cells(sweep: Sweep) -> Iterator[tuple[str, ...]]:
    """Texts of the swept parameters, the seed last; a value that is written twice is refused."""
    for name, values in sweep.over.items():
        if len(set(values)) < len(values):
            twice = next(value for place, value in enumerate(values) if value in values[:place])
            raise ParameterError(f"parameter {name} is swept over {twice} twice")
    return itertools.product(*sweep.over.values(), map(str, sweep.seeds))


def _in_a_name(value: Literal) -> str:
    """A value as part of a folder's name."""
    text = Path(value).name if isinstance(value, str) and Path(value).is_absolute() else str(value)
    return "".join(char if char.isalnum() or char in "._-+," else "_" for char in text) or "empty"
