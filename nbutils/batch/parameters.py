"""The parameters of a notebook: read from its `parameters` cell, checked before anything runs.

papermill only warns of an unknown name and overlooks annotated or unusual defaults, so that this check is the
one that counts: one cell tagged `parameters`, the first code cell, of lines `name = literal  # comment`.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nbutils.errors import DataError, ParameterError
from nbutils.paths import is_url
from nbutils.reporting.live_cells import notebook_title

Literal = bool | int | float | str
OUT_DIR = "out_dir"
#: Parameters of these names mean the same in every notebook, and have these bounds.
BOUNDS = {"seed": (0, 2**32 - 1), "seeds": (1, 100)}
_PATH_ENDINGS, _ROOT = ("_root", "_dir", "_file"), "_root"
_DATA_SET = "dataset"
_MANIFESTS = (".yml", ".yaml")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Attributes:
        name: its name.
        default: its value in the source, whose type every other value must have.
        comment: the comment that trails it.
    """

    name: str
    default: Literal
    comment: str

    @property
    def kind(self) -> str:
        """Name of its type: bool, int, float or str."""
        return type(self.default).__name__

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that the comment lists ("smoke | laptop | paper: what they mean"), or none."""
        listed = [word.strip() for word in self.comment.partition(":")[0].split("|")]
        single_words = len(listed) > 1 and all(word and not any(map(str.isspace, word)) for word in listed)
        return tuple(listed) if single_words and isinstance(self.default, str) else ()

    def parse(self, text: str) -> Literal:
        """The value that `text` of the command line means.

        Raises:
            ParameterError: `text` is not of the default's type, not among the choices, or out of the bounds.
        """
        value = _read(text, self.default)
        if value is None:
            raise ParameterError(f"parameter {self.name} is {text!r}, expected {_EXPECTED[self.kind]}")
        low, high = BOUNDS.get(self.name, (-math.inf, math.inf))
        if isinstance(value, int) and not low <= value <= high:
            raise ParameterError(f"parameter {self.name} is {text[:40]}, expected {low} to {high}")
        if self.choices and value not in self.choices:
            raise ParameterError(f"parameter {self.name} is {text!r}, expected {' or '.join(self.choices)}")
        return value


_EXPECTED = {
    "bool": "a bool: true or false",
    "int": "an int: a whole number",
    "float": "a float: a finite number",
    "str": "a str of UTF-8",
}


def _read(text: str, default: Literal) -> Literal | None:
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.strip().lower())
    if isinstance(default, str):
        return text if text == text.encode("utf-8", "replace").decode("utf-8") else None
    try:
        value = int(text) if isinstance(default, int) else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook file, each with "cell_type", "source" as one text and "metadata".

    Raises:
        ParameterError: the file is absent or no notebook of format 4.
    """
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        cells = content["cells"]
        return [
            {
                "cell_type": cell["cell_type"],
                "source": "".join(cell["source"]),
                "metadata": cell.get("metadata", {}),
            }
            for cell in cells
        ]
    except FileNotFoundError as error:
        raise ParameterError(f"no notebook {notebook}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{notebook}: not a notebook of format 4 ({error})") from error


def read_title(notebook: Path) -> str:
    """The notebook's first Markdown heading, or its file name where it has none."""
    return notebook_title({"cells": read_cells(notebook)}) or notebook.stem


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """The parameters of a notebook by name, in their order.

    Raises:
        ParameterError: the notebook does not keep to the form: one cell tagged `parameters`, the first code
            cell, each statement `name = literal  # comment` on one line; the error names the line.

    Example:
        >>> from nbutils.batch import read_parameters
        >>> from nbutils.paths import notebooks_dir
        >>> read_parameters(notebooks_dir() / "quickstart.ipynb")["preset"].choices
        ('smoke', 'laptop', 'paper')
    """
    code = [cell for cell in read_cells(notebook) if cell["cell_type"] == "code"]
    tagged = [cell for cell in code if "parameters" in cell["metadata"].get("tags", ())]
    if len(tagged) != 1 or tagged[0] is not code[0]:
        raise ParameterError(f"{notebook}: {len(tagged)} cells tagged 'parameters', expected one, the first code cell")
    source = tagged[0]["source"]
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(f"{notebook}: parameters, line {error.lineno}: {error.msg}") from error
    lines = source.splitlines()
    found: dict[str, Parameter] = {}
    for statement in statements:
        place = f"{notebook}: parameters, line {statement.lineno}"
        parameter = _parameter(statement, lines[statement.lineno - 1], place)
        if parameter.name in found:
            raise ParameterError(f"{place}: {parameter.name} is set twice")
        found[parameter.name] = parameter
    return found


def _parameter(statement: ast.stmt, line: str, place: str) -> Parameter:
    wanted = ParameterError(f"{place}: expected 'name = literal  # comment', found {line.strip()!r}")
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        raise wanted
    target = statement.targets[0]
    try:
        default = ast.literal_eval(statement.value)
    except ValueError as error:
        raise wanted from error
    if not isinstance(target, ast.Name) or not isinstance(default, bool | int | float | str):
        raise wanted
    # ast counts columns in bytes of UTF-8.
    rest = line.encode("utf-8")[statement.end_col_offset or 0 :].decode("utf-8").strip()
    if statement.end_lineno != statement.lineno or not rest.startswith("#") or not rest.lstrip("# "):
        raise wanted
    parameter = Parameter(target.id, default, rest.lstrip("# "))
    if parameter.choices and default not in parameter.choices:
        raise ParameterError(f"{place}: the default {default!r} is not among {' | '.join(parameter.choices)}")
    return parameter


def check_parameters(
    notebooks: Mapping[str, Path], given: Sequence[tuple[str, str]], *, working_dir: Path
) -> dict[str, dict[str, Literal]]:
    """The values to pass to each notebook, all checked.

    Args:
        notebooks: the chosen notebooks, name to file.
        given: (name, text) pairs of the command line; each must suit every chosen notebook.
        working_dir: what relative paths of `given` start from. Notebooks run in their own folders, so that a
            value of a parameter whose name ends in "_root", "_dir" or "_file" is made absolute here, and so is a
            manifest's path for a data set.

    Returns:
        For each notebook, the values given, without defaults.

    Raises:
        ParameterError: a name is unknown to a notebook, given twice or set by the runner, a text does not have its
            type, a number is out of its bounds, or there is no such data set, folder or file; the error names notebook,
            parameter and what was expected.

    Example:
        >>> from pathlib import Path
        >>> from nbutils.batch import check_parameters
        >>> from nbutils.paths import notebooks_dir
        >>> quickstart = {"quickstart": notebooks_dir() / "quickstart.ipynb"}
        >>> check_parameters(quickstart, [("seed", "3")], working_dir=Path.cwd())
        {'quickstart': {'seed': 3}}
    """
    for place, (name, _) in enumerate(given):
        if name == OUT_DIR:
            raise ParameterError(f"parameter {OUT_DIR} is set by --out")
        if name in [earlier for earlier, _ in given[:place]]:
            raise ParameterError(f"parameter {name} is given twice")
    return {
        notebook: _checked(notebook, read_parameters(file), given, working_dir) for notebook, file in notebooks.items()
    }


def _checked(
    notebook: str, parameters: Mapping[str, Parameter], given: Sequence[tuple[str, str]], working_dir: Path
) -> dict[str, Literal]:
    if OUT_DIR not in parameters:
        raise ParameterError(f"{notebook}: no parameter {OUT_DIR}, through which the runner says where to write")
    values: dict[str, Literal] = {}
    for name, text in given:
        if name not in parameters:
            near = get_close_matches(name, parameters, n=1)
            settable = [known for known in parameters if known != OUT_DIR]
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(settable) or 'none'}"
            raise ParameterError(f"{notebook} has no parameter {name}: {hint}")
        try:
            values[name] = _served(parameters[name], parameters[name].parse(text), working_dir)
        except ParameterError as error:
            raise ParameterError(f"{notebook}: {error}") from error
    every = {name: parameter.default for name, parameter in parameters.items()} | values
    seed, seeds = every.get("seed"), every.get("seeds")
    if isinstance(seed, int) and isinstance(seeds, int) and seed + seeds - 1 > BOUNDS["seed"][1]:
        raise ParameterError(
            f"{notebook}: parameter seed is {seed} and seeds {seeds}, expected the last seed to be at most "
            f"{BOUNDS['seed'][1]}"
        )
    try:
        _check_roots(every, values)
    except ParameterError as error:
        raise ParameterError(f"{notebook}: {error}") from None
    return values


def _served(parameter: Parameter, value: Literal, working_dir: Path) -> Literal:
    """The value with its path made absolute, if it names one; a ParameterError where nothing has that name."""
    if not isinstance(value, str) or value in ("", parameter.default):
        return value
    if parameter.name.endswith(_ROOT) and is_url(value):
        return value
    is_data_set = _is_data_set(parameter.name)
    if parameter.name.endswith(_PATH_ENDINGS) or (is_data_set and value.endswith(_MANIFESTS)):
        try:
            path = (working_dir / Path(value).expanduser()).resolve()
            there = path.exists()
        except (OSError, RuntimeError, ValueError) as error:
            raise ParameterError(f"parameter {parameter.name} is {value!r}: {error}") from error
        if not there:
            raise ParameterError(f"parameter {parameter.name} is {value!r}: there is no {path}")
        value = str(path)
    if is_data_set and not parameter.choices:
        _check_data_set(parameter.name, value)
    return value


def _is_data_set(name: str) -> bool:
    return name == _DATA_SET or name.endswith(f"_{_DATA_SET}")


def _check_data_set(name: str, value: str) -> None:
    from nbutils.data.manifest import load_manifest  # takes a while, and few runs name a data set

    try:
        load_manifest(value)
    except DataError as error:
        raise ParameterError(f"parameter {name} is {value!r}: {error}") from None


def _check_roots(every: Mapping[str, Literal], given: Iterable[str]) -> None:
    """Refuse a data set on disk without its folder: `data_root` of `dataset`, `second_root` of `second_dataset`."""
    from nbutils.data.manifest import load_manifest

    for name in given:
        root = f"{name.removesuffix(_DATA_SET) or 'data_'}root"
        if not _is_data_set(name) or not every[name] or every.get(root) != "":
            continue
        try:
            manifest = load_manifest(str(every[name]))
        except DataError:  # one of a notebook's own choices
            continue
        if manifest.access != "embedded":
            raise ParameterError(f"parameter {root} is empty: expected the folder or file of {manifest.title}")
