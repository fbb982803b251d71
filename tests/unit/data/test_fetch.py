import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nbutils.data.manifest import Manifest, ManifestFile, load_manifest
from nbutils.data.upkeep.fetch import fetch_files
from nbutils.errors import DataError

CONTENT = bytes(range(256)) * 4000


class _Server(ThreadingHTTPServer):
    """Serves files, honours ranges, and can break off."""

    files: dict[str, bytes]
    asked: list[str | None]
    break_after: int | None = None


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        server.asked.append(self.headers.get("Range"))
        content = server.files.get(self.path.removeprefix("/"))
        if content is None:
            self.send_error(404)
            return
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(match[1]) if match else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : server.break_after])

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.files, running.asked = {"data.bin": CONTENT}, []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _manifest(server: _Server, name: str = "data.bin", content: bytes = CONTENT, unpack: bool = False) -> Manifest:
    file = ManifestFile(
        name=name,
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        url=f"http://127.0.0.1:{server.server_port}/{name}",
        unpack=unpack,
    )
    return load_manifest("lfw").model_copy(update={"files": (file, ManifestFile(name="else.txt"))})


def test_a_file_is_fetched_once(server: _Server, tmp_path: Path) -> None:
    for _ in range(2):
        got, lacking = fetch_files(_manifest(server), tmp_path / "new", progress=False)
        assert [path.read_bytes() for path in got] == [CONTENT]
        assert lacking == ["else.txt"]
    assert server.asked == [None]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["data.bin"]


def test_a_broken_download_goes_on(server: _Server, tmp_path: Path) -> None:
    server.break_after = 300_000
    with pytest.raises(DataError, match=r"data\.bin: cannot be fetched: .*the same command resumes"):
        fetch_files(_manifest(server), tmp_path, progress=False)
    come = (tmp_path / "data.bin.part").read_bytes()
    assert len(come) >= 200_000
    assert CONTENT.startswith(come)
    server.break_after = None
    fetch_files(_manifest(server), tmp_path, progress=False)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(come)}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin"]


def test_all_of_it_had_come(server: _Server, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(CONTENT)
    fetch_files(_manifest(server), tmp_path, progress=False)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT


def test_another_file_is_refused(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.bin: the download is not the published file: expected sha256:"):
        fetch_files(_manifest(server, content=b"other"), tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_gone(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.bin: cannot be fetched: 404"):
        fetch_files(_manifest(server, "gone.bin"), tmp_path, progress=False)


def test_archives_are_unpacked(server: _Server, tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("lfw/A/A_0001.jpg")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    server.files["lfw.tgz"] = file.getvalue()
    fetch_files(_manifest(server, "lfw.tgz", file.getvalue(), unpack=True), tmp_path, progress=False)
    assert (tmp_path / "lfw" / "A" / "A_0001.jpg").read_bytes() == b"abc"


@pytest.mark.parametrize("name", ["ms_celeb_1m", "casia_webface", "celeba", "celebfaces_plus_wdref", "synthetic"])
def test_what_nobody_serves_says_what_to_do(name: str, tmp_path: Path) -> None:
    manifest = load_manifest(name)
    with pytest.raises(DataError, match="no public address serves it") as error:
        fetch_files(manifest, tmp_path / "new", progress=False)
    assert str(manifest.how_to_get) in str(error.value)
    assert not (tmp_path / "new").exists()
