"""Which notebooks there are, and which of them a word on the command line means."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from nbutils.errors import ParameterError


def find_notebooks(folder: Path) -> dict[str, Path]:
    """Notebooks below `folder` by name: the path relative to it, with "/" and without suffix, in order.

    Example:
        >>> from nbutils.batch import find_notebooks
        >>> from nbutils.paths import notebooks_dir
        >>> list(find_notebooks(notebooks_dir()))[-1]
        'wang2017/06_temperature_and_margin'
    """
    found = sorted(folder.rglob("*.ipynb"))
    return {
        file.relative_to(folder).with_suffix("").as_posix(): file
        for file in found
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    }


def choose_notebooks(words: Iterable[str], folder: Path, working_dir: Path) -> dict[str, Path]:
    """The notebooks that `words` mean: each a name, an unambiguous beginning of one, a pattern or a path.

    Args:
        words: for instance "luo2016/05", "luo2016/*" or "mine/trial.ipynb".
        folder: the project's notebooks.
        working_dir: what relative paths start from.

    Returns:
        Name to file, each once, in the order of `words`; a notebook outside `folder` goes by its file name.

    Raises:
        ParameterError: a word means no notebook, or a beginning means several.

    Example:
        >>> from pathlib import Path
        >>> from nbutils.batch import choose_notebooks
        >>> from nbutils.paths import notebooks_dir
        >>> list(choose_notebooks(["luo2016/05"], notebooks_dir(), Path.cwd()))
        ['luo2016/05_compressing_a_single_network']
    """
    known = find_notebooks(folder)
    chosen: dict[str, Path] = {}
    for word in words:
        for name, file in _meant(word, known, folder, working_dir).items():
            if chosen.setdefault(name, file) != file:
                raise ParameterError(f"{chosen[name]} and {file} would both be run as {name}")
    return chosen


def _meant(word: str, known: dict[str, Path], folder: Path, working_dir: Path) -> dict[str, Path]:
    if word.endswith(".ipynb"):
        file = (working_dir / word).resolve()
        if not file.is_file():
            raise ParameterError(f"no notebook {word}")
        inside = file.is_relative_to(folder.resolve())
        name = file.relative_to(folder.resolve()).with_suffix("").as_posix() if inside else file.stem
        return {name: known.get(name, file) if inside else file}
    if word in known:
        return {word: known[word]}
    if any(character in word for character in "*?["):
        matching = {name: file for name, file in known.items() if fnmatchcase(name, word)}
    else:
        matching = {name: file for name, file in known.items() if word and name.startswith(word)}
        if len(matching) > 1:
            raise ParameterError(f"{word!r} begins several notebooks: {', '.join(matching)}")
    if not matching:
        near = get_close_matches(word, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
        raise ParameterError(f"no notebook {word!r}: {hint}")
    return matching
