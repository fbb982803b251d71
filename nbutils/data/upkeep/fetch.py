"""Downloads a data set's files from their public addresses, resumes interrupted downloads, and checks digests."""

from __future__ import annotations

import os
from pathlib import Path

import pooch
import requests
from tqdm.auto import tqdm

from nbutils.data.manifest import Manifest, ManifestFile
from nbutils.errors import DataError

_CHUNK = 1 << 16
_TIMEOUT_S = 60
_RANGE_NOT_SATISFIABLE = 416


def fetch_files(manifest: Manifest, root: Path, *, progress: bool = True) -> tuple[list[Path], list[str]]:
    """Fetches every file of a manifest that has an address; what is there already and whole is left as it is.

    Args:
        manifest: Of the data set.
        root: Folder for the files, made where it does not exist; archives are unpacked in it.
        progress: Show progress bars.

    Returns:
        The files fetched or found; the names of those that no public address serves.

    Raises:
        DataError: If no file has an address (saying what to do instead), one cannot be fetched (what was
            downloaded is kept: the next call resumes), its digest is not the published one, or it cannot be written.
    """
    served = [file for file in manifest.files if file.url]
    if not served:
        raise DataError(f"{manifest.title}: no public address serves it ({manifest.access}). {manifest.how_to_get}")
    pooch.get_logger().setLevel("WARNING")
    try:
        root.mkdir(parents=True, exist_ok=True)
        got = [_fetch(file, root, progress) for file in served]
    except OSError as error:
        raise DataError(f"{root}: cannot be written: {error.strerror or error}") from error
    return got, [file.name for file in manifest.files if not file.url]


def _fetch(file: ManifestFile, root: Path, progress: bool) -> Path:
    assert file.url is not None
    assert file.digest is not None
    part = root / f"{file.name}.part"
    unpack = pooch.Untar(extract_dir=".") if file.unpack else None
    try:
        pooch.retrieve(file.url, file.digest, file.name, root, processor=unpack, downloader=_Resuming(part, progress))
    except requests.RequestException as error:
        raise DataError(
            f"{file.url}: cannot be fetched: {error}. What was downloaded is kept: the same command resumes"
        ) from error
    except ValueError as error:  # pooch's error for a wrong digest
        part.unlink(missing_ok=True)
        raise DataError(f"{file.url}: the download is not the published file: expected {file.digest}") from error
    return root / file.name


class _Resuming:
    """A downloader for pooch that resumes a file of which a part is there."""

    def __init__(self, part: Path, progress: bool) -> None:
        self._part, self._progress = part, progress

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        part = self._part
        have = part.stat().st_size if part.exists() else 0
        asked = {"Range": f"bytes={have}-"} if have else {}
        with requests.get(url, headers=asked, stream=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code != _RANGE_NOT_SATISFIABLE:  # else the whole file is there
                answer.raise_for_status()
                self._write(answer, have if answer.status_code == requests.codes.partial_content else 0)
        os.replace(part, output_file)

    def _write(self, answer: requests.Response, have: int) -> None:
        total = have + int(answer.headers.get("Content-Length", 0))
        quiet = not self._progress
        bar = tqdm(desc=self._part.stem, total=total, initial=have, unit="B", unit_scale=True, disable=quiet)
        with bar, self._part.open("ab" if have else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
