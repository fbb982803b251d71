"""Files that are never half-written, whatever happens on the way."""

import os
from pathlib import Path

import pytest

from nbutils.writing import replacing, write_aside
from tests.support.limits import no_file_over


def test_a_file_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[Path, bool]] = []
    sync = os.fsync
    file = tmp_path / "file"

    def synced(descriptor: int) -> None:
        done.append((Path(os.readlink(f"/proc/self/fd/{descriptor}")), file.exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    write_aside(file, "new")
    assert done == [(tmp_path / f".file.{os.getpid()}", False), (tmp_path, True)]


def test_after_a_failure_the_old_file_stands(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_aside(file, "old")
    with no_file_over(10), pytest.raises(OSError, match="File too large") as raised:
        write_aside(file, "n" * 11)
    assert raised.value.filename == str(file)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "old"}


def test_an_interrupt_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_aside(file, "old")

    def interrupted() -> None:
        with replacing(file) as aside:
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "old"}
