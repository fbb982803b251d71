"""A store in a bucket (S3, Google Cloud Storage, Azure), with a folder of this machine as its cache.

`<prefix>/blobs/<SHA-256>` holds a file's content; `<prefix>/results/<key>.json` names the files of a result with their
digests. The second is written last and only where there is none, by a conditional put: the first to commit wins, and
whoever comes second takes the first's files. `<prefix>/locks/<key>.json` says who is at work on a key and when it last
said so; `<prefix>/specs/<key>.json` what is to be trained.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from nbutils.buckets import open_bucket, reaching
from nbutils.errors import StoreError
from nbutils.training import locks
from nbutils.training.result_files import DIGESTS_FILE, checked_digests, damage_of, read_digests
from nbutils.training.store import Store, writing_to
from nbutils.writing import sync_tree, write_aside

logger = logging.getLogger(__name__)

#: Tries to replace a damaged result that others replace, too.
_TRIES = 10


class ObjectStore(Store):
    """A store whose results lie in a bucket.

    Args:
        url: Such as s3://bucket/prefix; the library obstore reads credentials and endpoint from the environment.
        cache: Folder of this machine for what was fetched and for what is unfinished.

    Raises:
        StoreError: obstore is not installed, or the URL is none of its.
    """

    def __init__(self, url: str, cache: Path) -> None:
        super().__init__(cache)
        self.url = url
        self._obstore, self._remote = open_bucket(url, StoreError)

    @property
    def location(self) -> str:
        """The URL."""
        return self.url

    @contextmanager
    def claim(self, key: str) -> Iterator[Path | None]:
        """See `Store.claim`; among machines, a lock with a locks saves work, and decides nothing."""
        with super().claim(key) as found:  # the cache's, or None with this machine's lock
            if found is not None:
                yield found
                return
            with self._machine_lock(key) as fetched:
                yield fetched

    def find(self, key: str) -> Path | None:
        """The folder of a result, fetched from the bucket if it is not in the cache; see `Store.find`."""
        cached = super().find(key)
        return cached if cached is not None else self._fetch(key)

    def leave_spec(self, key: str, spec: str) -> None:
        """See `Store.leave_spec`."""
        if self._get(f"results/{key}.json") is None:
            self._write(f"specs/{key}.json", spec.encode())

    def spec_file(self, key: str) -> Path:
        """See `Store.spec_file`; fetched into the cache."""
        file = super().spec_file(key)
        content = self._get(f"specs/{key}.json")
        if content is not None:
            with writing_to(file):
                write_aside(file, content)
        return file

    def discard_partial(self, key: str) -> None:
        """See `Store.discard_partial`."""
        super().discard_partial(key)
        with suppress(StoreError):
            self._delete(f"specs/{key}.json")

    def sees_mark(self, name: str) -> bool:
        """See `Store.sees_mark`."""
        return self._get(f"marks/{name}") is not None

    def _leave_mark(self, name: str) -> None:
        self._write(f"marks/{name}", b"")

    def _marks(self) -> dict[str, float]:
        with self._reaching("marks"):
            found = self._obstore.list(self._remote, "marks").collect()
        return {each["path"].removeprefix("marks/"): each["last_modified"].timestamp() for each in found}

    def _remove_mark(self, name: str) -> None:
        self._delete(f"marks/{name}")

    def _put(self, aside: Path, key: str) -> None:
        """Commits a written folder, or fetches what another process has committed."""
        digests = read_digests(aside)
        for name, digest in digests.items():
            self._upload(aside / name, digest)
        record = (aside / DIGESTS_FILE).read_bytes()
        mode: Any = "create"
        for _ in range(_TRIES):
            if self._write(f"results/{key}.json", record, mode):
                break
            if self._fetch(key) is not None:
                logger.info("another process has published %s: its result is taken", key)
                return
            version = self._version(f"results/{key}.json")  # of a damaged result, which makes room
            mode = "create" if version is None else version
        else:
            raise StoreError(f"{self.url}/results/{key}.json: cannot be written: others replace it, too")
        super()._put(aside, key)

    def _fetch(self, key: str) -> Path | None:
        """Brings a result into the cache; None where there is none that is whole."""
        record = self._get(f"results/{key}.json")
        if record is None:
            return None
        aside = self._beside(key)
        try:
            digests = checked_digests(record)
            with writing_to(aside):
                aside.mkdir()
                for name, digest in digests.items():
                    self._download(digest, aside / name)
                (aside / DIGESTS_FILE).write_bytes(record)
                if damage := damage_of(aside):
                    raise ValueError(damage)
                sync_tree(aside)
                super()._put(aside, key)
        except ValueError as error:
            logger.warning("result %s in %s is damaged (%s): it has to be computed again", key, self.url, error)
            return None
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return self.root / key

    def _upload(self, file: Path, digest: str) -> None:
        """A file under its digest, unless it is there."""
        if self._version(f"blobs/{digest}") is None:
            with self._reaching(f"blobs/{digest}"):
                self._obstore.put(self._remote, f"blobs/{digest}", file)

    def _download(self, digest: str, file: Path) -> None:
        found = hashlib.sha256()
        with self._reaching(f"blobs/{digest}"):
            try:
                stream = self._obstore.get(self._remote, f"blobs/{digest}").stream()
            except (FileNotFoundError, self._obstore.exceptions.NotFoundError):
                raise ValueError(f"{file.name} is missing") from None
            with file.open("wb") as target:
                for chunk in stream:
                    found.update(chunk)
                    target.write(chunk)
        if found.hexdigest() != digest:
            raise ValueError(f"{file.name} does not have the digest it was written with")

    @contextmanager
    def _machine_lock(self, key: str) -> Iterator[Path | None]:
        """Waits until nobody else is at work on a key; yields a result that came meanwhile, or None with the lock."""
        name = f"locks/{key}.json"
        while not self._take(name):
            time.sleep(locks.LOOK_S)
            if (found := self._fetch(key)) is not None:
                yield found
                return
        try:
            with locks.beating(lambda: self._beat(name)):
                yield self.find(key)
        finally:
            with suppress(StoreError):
                self._delete(name)

    def _take(self, name: str) -> bool:
        """Whether the lock is ours: it was free, or whoever had it has been silent for too long."""
        if self._write(name, _sign_of_life(), "create"):
            return True
        version, content = self._version(name), self._get(name)
        if version is None or content is None:
            return False
        try:
            silent = time.time() - float(json.loads(content)["time"])
        except (ValueError, KeyError, TypeError):
            silent = locks.STALE_S + 1
        return silent > locks.STALE_S and self._write(name, _sign_of_life(), version)

    def _beat(self, name: str) -> None:
        with suppress(StoreError):  # a lock decides nothing
            self._write(name, _sign_of_life())

    def _write(self, name: str, content: bytes, mode: Any = "overwrite") -> bool:  # noqa: ANN401
        """Whether an object was written; False where the mode's condition does not hold."""
        refused = (self._obstore.exceptions.AlreadyExistsError, self._obstore.exceptions.PreconditionError)
        with self._reaching(name):
            try:
                self._obstore.put(self._remote, name, content, mode=mode)
            except (FileExistsError, *refused):
                return False
        return True

    def _get(self, name: str) -> bytes | None:
        with self._reaching(name):
            try:
                return bytes(self._obstore.get(self._remote, name).bytes())
            except (FileNotFoundError, self._obstore.exceptions.NotFoundError):
                return None

    def _version(self, name: str) -> dict[str, Any] | None:
        """What a conditional put compares with; None where there is no such object."""
        with self._reaching(name):
            try:
                found = self._obstore.head(self._remote, name)
            except (FileNotFoundError, self._obstore.exceptions.NotFoundError):
                return None
        return {name: found[name] for name in ("e_tag", "version") if found.get(name) is not None}

    def _delete(self, name: str) -> None:
        with self._reaching(name), suppress(FileNotFoundError, self._obstore.exceptions.NotFoundError):
            self._obstore.delete(self._remote, name)

    def _reaching(self, name: str) -> AbstractContextManager[None]:
        return reaching(self._obstore, f"{self.url}/{name}", StoreError)


def _sign_of_life() -> bytes:
    return json.dumps({"host": platform.node(), "pid": os.getpid(), "time": time.time()}).encode()
