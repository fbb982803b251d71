"""Data set manifests: one YAML file a data set with its origin, terms, contents and known problems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from nbutils.data.bounded import read_bounded
from nbutils.data.geometry.template import CropRule
from nbutils.errors import DataError
from nbutils.paths import MANIFEST_DIR

#: Sixteen times the longest of the project's own; it bounds the time and the memory that a manifest can take.
MAX_BYTES = 1 << 16

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(gt=0, strict=True)]


def _known_layout(name: str) -> str:
    from nbutils.data.layouts.base import known_layouts  # imported where a manifest names one

    if name not in known_layouts():
        raise ValueError(f"{name!r} is no layout: expected one of {', '.join(map(repr, known_layouts()))}")
    return name


class ManifestFile(BaseModel):
    """One of a data set's own files, as its makers publish it.

    Attributes:
        name: of the file, without a folder.
        digest: `sha256:…` or `md5:…` (hex), as published; None where none is published.
        url: where it can be downloaded without an agreement; None where it cannot.
        unpack: whether it is an archive, to be unpacked where it is put.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$")] | None = None
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    unpack: bool = False

    @model_validator(mode="after")
    def _checkable(self) -> Self:
        if self.url and not self.digest:
            raise ValueError("a file with a url needs a digest, to know what was fetched")
        return self


class ManifestSplit(BaseModel):
    """A way to split the data set.

    Attributes:
        rule: "fixed" by lists or by construction; else drawn, as in `nbutils.data.splits.draw_split`.
        share: of the images or people held out, for drawn splits.
        note: whose it is, and what it is for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["fixed", "images", "images_of_each", "identities"]
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    note: Text


class Manifest(BaseModel):
    """A data set's description, for use before any of its files is read.

    Attributes:
        title: what captions call it.
        homepage: where its makers offer it; None where there is none.
        licence: its terms.
        citation: what to cite.
        access: open, on request, withdrawn by its makers, never public, or embedded in this project.
        notes: on consent and known problems.
        annotations: of its images.
        images: number of images as printed by its makers; None where there is no fixed number.
        identities: number of people as printed; None likewise.
        rounded: whether the numbers are printed rounded, so that a few per cent more or less are no fault.
        files: its own files, with published digests.
        how_to_get: what to do where `files` cannot be fetched.
        substitutes: manifests of data sets to take instead.
        layouts: the forms it comes in, see `nbutils.data.layouts.base.known_layouts`; empty where it has no files.
        splits: how it is split.
        crop: how its images become crops; see `nbutils.data.cropping`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    homepage: Text | None
    licence: Text
    citation: tuple[Text, ...]
    access: Literal["open", "on request", "withdrawn", "not public", "embedded"]
    notes: tuple[Text, ...]
    annotations: tuple[Literal["identity", "attributes", "landmarks", "boxes", "partition", "pose", "pairs"], ...]
    images: Count | None
    identities: Count | None
    rounded: bool = False
    files: tuple[ManifestFile, ...] = ()
    how_to_get: Text | None = None
    substitutes: tuple[Text, ...] = ()
    layouts: tuple[Annotated[str, AfterValidator(_known_layout)], ...] = ()
    splits: tuple[ManifestSplit, ...] = ()
    crop: CropRule = "whole"


def known_manifests() -> list[str]:
    """Names of the project's own manifests, sorted.

    Example:
        >>> from nbutils.data import known_manifests
        >>> known_manifests()[:3]
        ['casia_webface', 'celeba', 'celebfaces_plus_wdref']
    """
    return sorted(file.stem for file in MANIFEST_DIR.glob("*.yml"))


def load_manifest(name_or_path: str | Path) -> Manifest:
    """Read the project's manifest of that name, or any manifest by its path (ending in .yml or .yaml).

    A manifest has at most `MAX_BYTES`, and no aliases (`*name`), merge keys (`<<`) or tags (`!`): a few lines of the
    first two can stand for a billion. So time and memory are in proportion to its length.

    Raises:
        DataError: naming the file, and the line and key at fault.

    Example:
        >>> from nbutils.data import load_manifest
        >>> load_manifest("lfw").title
        'Labeled Faces in the Wild'
    """
    path = Path(name_or_path)
    if path.suffix not in (".yml", ".yaml"):
        path = MANIFEST_DIR / f"{name_or_path}.yml"
        if path.parent != MANIFEST_DIR or not path.is_file():
            known = ", ".join(known_manifests())
            raise DataError(
                f"no manifest {str(name_or_path)!r} in {MANIFEST_DIR}; there are: {known}. Your own is named by its "
                "path, which ends in .yml"
            )
    try:
        loader = _Loader(read_bounded(path, MAX_BYTES, "a manifest").decode())
        root = loader.get_single_node()
        _check_unique(root, path)
        content = loader.construct_document(root) if root else None
    except ValueError as error:  # not UTF-8, or a date that does not exist
        raise DataError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise DataError(f"{path}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    except RecursionError:
        raise DataError(f"{path}: lists in lists without end, expected a manifest") from None
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        says = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{path}:{_line(root, first['loc'])}: {key}: {says}") from error


class _Loader(yaml.SafeLoader):
    """Plain YAML without aliases and tags."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            problem = f"an alias, *{str(event.anchor)[:40]}; expected its text written out"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]
        if getattr(event, "tag", None) is not None:  # PyYAML's constructors fail in many ways on what does not fit
            raise yaml.MarkedYAMLError(problem="a tag (!); expected none", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def _check_unique(node: yaml.Node | None, path: Path) -> None:
    """Refuses a key that is given twice, of which YAML's reader would silently take the last, and a merge key."""
    seen: set[str] = set()
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        name = str(key.value)
        if key.tag == "tag:yaml.org,2002:merge":
            raise DataError(f"{path}:{key.start_mark.line + 1}: a merge key, {name}; expected the keys written out")
        if name in seen:
            raise DataError(f"{path}:{key.start_mark.line + 1}: {name}: given twice")
        seen.add(name)
        _check_unique(value, path)
    for value in node.value if isinstance(node, yaml.SequenceNode) else ():
        _check_unique(value, path)


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
