"""Data set manifests: one YAML file a data set with where it comes from and what is known about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import nbutils
from nbutils.errors import DataError

#: The project's own manifests.
MANIFEST_DIR = Path(nbutils.__file__).parent.parent / "data_manifests"

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(gt=0, strict=True)]


class Manifest(BaseModel):
    """What is known about a data set before any of its files is read.

    Attributes:
        title: what captions call it.
        homepage: where its makers offer it; None where there is none.
        licence: under what terms.
        citation: what to cite.
        access: open, on request, withdrawn by its makers, or embedded in this project.
        notes: on consent and known problems.
        annotations: what it says about each image.
        images: number of images as printed by its makers; None where there is no fixed number.
        identities: number of people as printed; None likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    homepage: Text | None
    licence: Text
    citation: tuple[Text, ...]
    access: Literal["open", "on request", "withdrawn", "embedded"]
    notes: tuple[Text, ...]
    annotations: tuple[Literal["identity", "attributes", "landmarks", "pose", "pairs"], ...]
    images: Count | None
    identities: Count | None


def load_manifest(name_or_path: str | Path) -> Manifest:
    """Read the project's manifest of that name, or any manifest by its path (ending in .yml or .yaml).

    Raises:
        DataError: naming the file, and the line and key at fault.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yml", ".yaml"):
        path = MANIFEST_DIR / f"{name_or_path}.yml"
        if path.parent != MANIFEST_DIR or not path.is_file():
            known = ", ".join(sorted(file.stem for file in MANIFEST_DIR.glob("*.yml")))
            raise DataError(f"no manifest {str(name_or_path)!r} in {MANIFEST_DIR}; there are: {known}")
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        _check_unique(root, path)
        content = loader.construct_document(root) if root else None
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a date that does not exist
        raise DataError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise DataError(f"{path}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise DataError(f"{path}:{_line(root, first['loc'])}: {key}: {first['msg']}") from error


def _check_unique(root: yaml.Node | None, path: Path) -> None:
    """YAML's reader would let the last of two equal keys win without a word."""
    seen: set[str] = set()
    for key, _ in root.value if isinstance(root, yaml.MappingNode) else ():
        name = str(key.value)
        if name in seen:
            raise DataError(f"{path}:{key.start_mark.line + 1}: {name}: given twice")
        seen.add(name)


def _line(node: yaml.Node | None, location: tuple[Any, ...]) -> int:
    """Line (from 1) of the value that a validation error is about, or of the nearest thing around it."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
