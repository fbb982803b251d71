import re
from pathlib import Path

import pytest
import yaml

from nbutils.data.manifest import MAX_BYTES, known_manifests, load_manifest
from nbutils.errors import DataError
from nbutils.paths import MANIFEST_DIR

GOOD = {
    "title": "Mine",
    "homepage": None,
    "licence": "none",
    "citation": ["Me, 2026."],
    "access": "open",
    "notes": ["A note."],
    "annotations": ["identity"],
    "images": 3,
    "identities": None,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in MANIFEST_DIR.glob("*.yml")))
def test_every_manifest_of_the_project_loads(name: str) -> None:
    assert load_manifest(name).title


@pytest.mark.parametrize("name", known_manifests())
def test_every_manifest_of_the_project_is_complete(name: str) -> None:
    manifest = load_manifest(name)
    assert manifest.notes
    assert manifest.citation or name == "synthetic"
    assert manifest.splits
    assert manifest.how_to_get
    assert bool(manifest.layouts) == (manifest.access != "embedded")
    assert set(manifest.substitutes) <= set(known_manifests())
    assert (manifest.access in ("withdrawn", "not public")) == bool(manifest.substitutes)


def test_the_eight_data_sets_of_the_papers() -> None:
    eight = "casia_webface celeba celebfaces_plus_wdref digits lfw mnist ms_celeb_1m synthetic"
    assert known_manifests() == eight.split()


def test_printed_counts() -> None:
    lfw = load_manifest("lfw")
    assert (lfw.images, lfw.identities, lfw.access) == (13_233, 5_749, "open")
    assert load_manifest("synthetic").access == "embedded"


def test_a_manifest_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD))
    found = load_manifest(path).model_dump()
    assert {key: found[key] for key in GOOD} == {
        **GOOD,
        "citation": ("Me, 2026.",),
        "notes": ("A note.",),
        "annotations": ("identity",),
    }


@pytest.mark.parametrize("name", ["nothing", "../data_manifests/lfw", "/lfw"])
def test_unknown_names_list_the_known(name: str) -> None:
    with pytest.raises(DataError, match=f"no manifest {name!r}.*there are: .*lfw.*synthetic"):
        load_manifest(name)


LINES = (
    "title: Mine\n"
    "homepage: null\n"
    "licence: none\n"
    "citation: []\n"
    "access: open\n"
    "notes: [x]\n"
    "identities: 2\n"
    "images: 3\n"
    "annotations:\n"
    "- identity\n"
)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("images: 3", "images: many", 8, "images: .*integer"),
        ("images: 3", "images: 0", 8, "images: .*greater than 0"),
        ("images: 3", "images: '3'", 8, "images: .*integer"),
        ("access: open", "access: secret", 5, "access: .*'withdrawn'"),
        ("- identity", "- identity\n- shoe size", 11, r"annotations\.1: "),
        ("notes: [x]", "notes: [x]\nlayouts: [lfw, shoe_box]", 7, r"layouts\.1: .*'celeba'"),
        ("notes: [x]", "notes: [x]\ncrop: circle", 7, "crop: .*'landmarks'"),
        ("notes: [x]", "notes: [x]\nfiles:\n- name: ../x", 8, r"files\.0\.name: "),
        ("notes: [x]", "notes: [x]\nfiles:\n- name: x\n  digest: md5:12", 9, r"files\.0\.digest: "),
        ("notes: [x]", "notes: [x]\nfiles:\n- name: x\n  url: file:///etc/passwd", 9, r"files\.0\.url: "),
        ("notes: [x]", "notes: [x]\nfiles:\n- name: x\n  url: https://x.org/x", 8, r"files\.0: .*needs a digest"),
        ("notes: [x]", "notes: [x]\nfiles:\n- name: x\n  name: y", 9, "name: given twice"),
        ("notes: [x]", "notes: [x]\nsplits:\n- {rule: images, share: 2, note: x}", 8, r"splits\.0\.share: "),
        ("notes: [x]\n", "", 1, "notes: Field required"),
        ("- identity", "- identity\ncolour: red", 11, "colour: Extra inputs"),
        ("images: 3", "images: 3\nimages: 4", 9, "images: given twice"),
        ("images: 3", "images: [3", 9, "not YAML"),
        ("images: 3", "images: !!python/object/apply:os.getcwd []", 8, "not YAML: a tag"),
        ("images: 3", "images: !!int ''", 8, "not YAML: a tag"),
        ("notes: [x]", "notes: [&a x, *a]", 6, "not YAML: an alias, [*]a"),
        ("notes: [x]", "notes: [x]\n<<: {crop: whole}", 7, "a merge key, <<"),
    ],
)
def test_bad_manifests_name_file_line_and_key(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(LINES.replace(old, new))
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}:{line}: ')}.*{says}"):
        load_manifest(path)


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"\xff\xfe", b"title: 2001-99-99\n", b"? [a, b]\n: c\n"])
def test_files_that_are_no_manifest(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.yml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(path))):
        load_manifest(path)


def test_merge_keys_that_double_line_by_line(tmp_path: Path) -> None:
    """PyYAML would copy 2^40 keys out of 1,400 bytes."""
    path = tmp_path / "mine.yml"
    path.write_text("a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 41)))
    with pytest.raises(DataError, match=r"mine\.yml:2: not YAML: an alias"):
        load_manifest(path)


def test_a_manifest_that_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(LINES + "# " + "x" * MAX_BYTES)
    with pytest.raises(DataError, match=r"mine\.yml: more than 65,536 bytes"):
        load_manifest(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.yml: cannot be read"):
        load_manifest(tmp_path / "none.yml")
