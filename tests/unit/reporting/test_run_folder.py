import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from nbutils.errors import ParameterError
from nbutils.reporting.run_folder import (
    MARKER,
    Marker,
    Owner,
    check_place,
    put_in_place,
    read_marker,
    scratch_folder,
    seal,
    write_marker,
)


def _publish(place: Path, content: str, *, keep: int = 0, force: bool = False) -> Path | None:
    new = scratch_folder(place, "trial")
    (new / "tables").mkdir()
    (new / "tables/t.csv").write_text(content, encoding="utf-8")
    seal(new)
    return put_in_place(new, place, keep=keep, force=force)


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_a_run_replaces_the_former_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "out/a"
    assert _publish(place, "first") is None
    assert _publish(place, "second") is None

    assert _files(tmp_path / "out") == [f"a/{MARKER}", "a/tables/t.csv"]
    assert (place / "tables/t.csv").read_text(encoding="utf-8") == "second"
    marker = read_marker(place)
    assert marker is not None
    assert (marker.notebook, list(marker.files)) == ("trial", ["tables/t.csv"])


@pytest.mark.parametrize("theirs", ["notes.txt", "tables/notes.txt", "tables/t.csv", "link", "linked folder"])
def test_a_run_with_something_of_somebodys_own_is_moved_aside_whole(tmp_path: Path, theirs: str) -> None:
    place = tmp_path / "out/a"
    _publish(place, "first")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/thesis.txt").write_text("mine", encoding="utf-8")
    if theirs == "link":
        (place / theirs).symlink_to(tmp_path / "elsewhere/thesis.txt")
    elif theirs == "linked folder":
        (place / theirs).symlink_to(tmp_path / "elsewhere")
    else:
        (place / theirs).write_text("mine", encoding="utf-8")
    before = _files(place)

    former = _publish(place, "second")

    assert former is not None
    assert former.parent == tmp_path / "out/a.former"
    assert _files(former) == before
    if theirs.startswith("link"):
        assert (former / theirs).is_symlink()
    else:
        assert (former / theirs).read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "elsewhere/thesis.txt").read_text(encoding="utf-8") == "mine"
    assert (place / "tables/t.csv").read_text(encoding="utf-8") == "second"


def test_a_marker_cannot_name_what_lies_elsewhere(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("first", encoding="utf-8")
    _publish(tmp_path / "a", "first")
    marker = read_marker(tmp_path / "a")
    assert marker is not None
    digest = marker.files["tables/t.csv"]
    marker.files |= {"../thesis.txt": digest, str(thesis): digest}
    write_marker(tmp_path / "a", marker)

    assert _publish(tmp_path / "a", "second") is None

    assert thesis.read_text(encoding="utf-8") == "first"


@pytest.mark.parametrize(
    "marker", ["", "{}", "[]", "null", '{"notebook": "a"}' + " " * 3 + "x", '{"format": "other", "notebook": "a"}']
)
def test_a_file_of_the_markers_name_makes_no_run(tmp_path: Path, marker: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / MARKER).write_text(marker, encoding="utf-8")

    with pytest.raises(ParameterError, match="exists and holds no run: choose another folder with --out"):
        check_place(tmp_path / "a")


@pytest.mark.parametrize("record", ["metrics.json", "claims.json", "status.json", "provenance.json"])
def test_a_record_alone_makes_no_run(tmp_path: Path, record: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / record).write_text("{}", encoding="utf-8")
    (tmp_path / "a/thesis.docx").touch()

    with pytest.raises(ParameterError, match="exists and holds no run: choose another folder with --out"):
        check_place(tmp_path / "a")
    check_place(tmp_path / "a", force=True)


def test_files_and_circles_in_the_way_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("file", "file/a", "file/a/b"):
        with pytest.raises(ParameterError, match=r"/file is a file: expected a folder"):
            check_place(tmp_path / place, force=True)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(ParameterError, match=r"circle"):
        check_place(tmp_path / "circle/a")


def test_force_replaces_whatever_there_is(tmp_path: Path) -> None:
    (tmp_path / "a/sub").mkdir(parents=True)
    (tmp_path / "a/sub/other.txt").touch()
    assert _publish(tmp_path / "a", "first", force=True) is None
    (tmp_path / "a/notes.txt").touch()
    assert _publish(tmp_path / "a", "second", force=True) is None

    assert _files(tmp_path) == [f"a/{MARKER}", "a/tables/t.csv"]


def test_what_appears_while_a_run_goes_on_is_moved_aside(tmp_path: Path) -> None:
    new = scratch_folder(tmp_path / "a", "trial")
    seal(new)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/thesis.txt").touch()

    former = put_in_place(new, tmp_path / "a")

    assert former is not None
    assert _files(former) == ["thesis.txt"]
    assert _files(tmp_path / "a") == [MARKER]


def test_former_runs_are_kept_as_many_as_wanted(tmp_path: Path) -> None:
    for number in range(5):
        _publish(tmp_path / "a", str(number), keep=2)
        if number == 0:
            (tmp_path / "a/notes.txt").touch()

    kept = sorted((tmp_path / "a.former").iterdir())

    assert [(run / "tables/t.csv").read_text(encoding="utf-8") for run in kept] == ["0", "2", "3"]
    assert (kept[0] / "notes.txt").is_file()


def test_runs_of_one_moment_are_all_kept(tmp_path: Path) -> None:
    for number in range(3):
        new = scratch_folder(tmp_path / "a", "trial")
        write_marker(new, Marker(notebook=str(number), started=datetime(2026, 1, 1, tzinfo=UTC)))
        put_in_place(new, tmp_path / "a", keep=5)

    assert len(list((tmp_path / "a.former").iterdir())) == 2


def test_a_linked_folder_stays_a_link(tmp_path: Path) -> None:
    _publish(tmp_path / "disk/a", "first")
    (tmp_path / "a").symlink_to(tmp_path / "disk/a")

    _publish(tmp_path / "a", "second")

    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "disk/a/tables/t.csv").read_text(encoding="utf-8") == "second"
    assert _files(tmp_path / "disk") == [f"a/{MARKER}", "a/tables/t.csv"]


def test_unfinished_runs_are_judged_by_host_and_start(tmp_path: Path) -> None:
    me = Owner.of_this_process()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    living = psutil.Process(os.getppid())
    started = living.create_time() - psutil.boot_time()
    owners = {
        "00000001": (me.model_copy(update={"pid": ended.pid}), False),
        "00000002": (me.model_copy(update={"pid": ended.pid, "host": "another"}), True),
        "00000003": (me.model_copy(update={"pid": living.pid, "started": started}), True),
        "00000004": (me.model_copy(update={"pid": living.pid, "started": started - 60}), False),
        "00000005": (me, False),
    }
    for name, (owner, _) in owners.items():
        write_marker(tmp_path / f".a.{name}.partial", Marker(notebook="a", owner=owner))
        write_marker(tmp_path / f".a.b.{name}.partial", Marker(notebook="a.b", owner=owner))
    for name in (".a.00000006.partial", f".a.{ended.pid}.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "theirs.txt").touch()
    (tmp_path / ".a.00000007.partial").touch()
    (tmp_path / ".a.partial").touch()

    new = scratch_folder(tmp_path / "a", "a")

    stays = {f".a.{name}.partial" for name, (_, kept) in owners.items() if kept}
    stays |= {f".a.b.{name}.partial" for name in owners}
    stays |= {".a.00000006.partial", f".a.{ended.pid}.partial", ".a.00000007.partial", ".a.partial", new.name}
    assert {path.name for path in tmp_path.iterdir()} == stays


@pytest.mark.parametrize("followed", [False, True])
def test_a_replacing_that_was_broken_off_is_finished(tmp_path: Path, followed: bool) -> None:
    """Killed between its two renames, or after both."""
    _publish(tmp_path / "a", "first")
    (tmp_path / "a/notes.txt").touch()
    (tmp_path / "a").rename(tmp_path / ".a.0123abcd.old")
    if followed:
        new = tmp_path / "a"
        write_marker(new, Marker(notebook="trial"))

    scratch_folder(tmp_path / "a", "trial")

    former = next((tmp_path / "a.former").iterdir()) if followed else tmp_path / "a"
    assert _files(former) == [MARKER, "notes.txt", "tables/t.csv"]
    assert not (tmp_path / ".a.0123abcd.old").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_place_that_cannot_be_written_is_one_error() -> None:
    with pytest.raises(ParameterError, match=r"cannot write to /proc"):
        scratch_folder(Path("/proc/none/a"), "a")
