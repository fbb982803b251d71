"""The object store against moto's server, which answers as S3 does."""

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("obstore", reason="needs nbutils[cluster]")
pytest.importorskip("moto.server", reason="needs moto's server")

import obstore
from obstore.exceptions import AlreadyExistsError

from nbutils.errors import StoreError
from nbutils.training import locks
from nbutils.training import store as folder_store
from nbutils.training.object_store import ObjectStore
from nbutils.training.store import Store
from nbutils.training.store_places import open_store
from tests.support.buckets import URL, bucket, bucket_server

__all__ = ["bucket", "bucket_server"]

KEY = "0123456789abcdef" * 2


pytestmark = pytest.mark.usefixtures("bucket")


def _names(bucket: Any) -> set[str]:  # noqa: ANN401
    found = bucket.list_objects_v2(Bucket="trainings").get("Contents", ())
    return {each["Key"].removeprefix("ours/").partition("/")[0] for each in found}


def _put(store: ObjectStore, weights: str = "w") -> None:
    with store.publish(KEY, {"question": "?"}) as aside:
        (aside / "weights.safetensors").write_text(weights)
        (aside / "metrics.json").write_text("{}")


@pytest.mark.slow
def test_the_server_honours_conditional_puts() -> None:
    remote = obstore.store.from_url(URL)
    obstore.put(remote, "one", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(remote, "one", b"second", mode="create")
    assert bytes(obstore.get(remote, "one").bytes()) == b"first"


def test_a_result_is_found_by_another_machine(tmp_path: Path, bucket: Any) -> None:  # noqa: ANN401
    here, there = ObjectStore(URL, tmp_path / "here"), ObjectStore(URL, tmp_path / "there")
    assert there.find(KEY) is None
    _put(here)
    assert _names(bucket) == {"blobs", "results"}
    folder = there.find(KEY)
    assert folder is not None
    assert folder == tmp_path / "there" / KEY
    assert (folder / "weights.safetensors").read_text() == "w"
    names = {file.name for file in folder.iterdir()}
    assert names == {"weights.safetensors", "metrics.json", "key.json", "origin.json", "digests.json"}
    with there.claim(KEY) as found:
        assert found == folder
    assert _names(bucket) == {"blobs", "results"}


def test_the_environment_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBUTILS_STORE", URL)
    store = open_store()
    assert isinstance(store, ObjectStore)
    assert store.location == URL
    assert store.root.parent == tmp_path / "cache"


def _race(url: str, cache: Path, weights: str, start: Any, results: Any) -> None:  # noqa: ANN401
    store = ObjectStore(url, cache)
    start.wait()
    _put(store, weights)
    results.put((weights, (store.root / KEY / "weights.safetensors").read_text()))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_of_four_processes_one_commits_and_three_adopt(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    start, results = processes.Barrier(4), processes.Queue()
    racing = [
        processes.Process(target=_race, args=(URL, tmp_path / str(number), str(number), start, results))
        for number in range(4)
    ]
    for process in racing:
        process.start()
    pairs = [results.get(timeout=120) for _ in racing]
    for process in racing:
        process.join()
    (winner,) = {found for _, found in pairs}
    assert sorted(own for own, _ in pairs) == list("0123")
    assert sum(own == found for own, found in pairs) == 1
    assert ObjectStore(URL, tmp_path / "fresh").find(KEY) is not None
    assert winner in "0123"


def test_a_damaged_result_makes_room(tmp_path: Path, bucket: Any) -> None:  # noqa: ANN401
    _put(ObjectStore(URL, tmp_path / "here"), "good")
    record = json.loads(bucket.get_object(Bucket="trainings", Key=f"ours/results/{KEY}.json")["Body"].read())
    bucket.put_object(Bucket="trainings", Key=f"ours/blobs/{record['weights.safetensors']}", Body=b"bad")
    there = ObjectStore(URL, tmp_path / "there")
    assert there.find(KEY) is None
    _put(there, "better")
    other = ObjectStore(URL, tmp_path / "other").find(KEY)
    assert other is not None
    assert (other / "weights.safetensors").read_text() == "better"


def test_a_lock_is_waited_for_until_its_holder_is_silent(
    tmp_path: Path,
    bucket: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "LOOK_S", 0.05)
    monkeypatch.setattr(locks, "STALE_S", 0.5)
    name = f"ours/locks/{KEY}.json"
    silent = json.dumps({"host": "elsewhere", "pid": 1, "time": time.time()}).encode()
    bucket.put_object(Bucket="trainings", Key=name, Body=silent)
    store = ObjectStore(URL, tmp_path / "here")
    with store.claim(KEY) as found:
        assert found is None
        held = json.loads(bucket.get_object(Bucket="trainings", Key=name)["Body"].read())
        assert held["pid"] == os.getpid()
        assert held["time"] - json.loads(silent)["time"] > 0.5
    assert "locks" not in _names(bucket)


def test_specs_and_marks_are_seen_elsewhere_and_go(tmp_path: Path, bucket: Any) -> None:  # noqa: ANN401
    here, there = ObjectStore(URL, tmp_path / "here"), ObjectStore(URL, tmp_path / "there")
    here.leave_spec(KEY, '{"name": "T"}')
    assert there.spec_file(KEY).read_text() == '{"name": "T"}'
    with here.mark() as mark:
        assert there.sees_mark(mark)
    assert not there.sees_mark(mark)
    _put(there)
    assert _names(bucket) == {"blobs", "results"}
    here.leave_spec(KEY, "{}")
    assert _names(bucket) == {"blobs", "results"}


@pytest.mark.slow
def test_the_mark_of_a_killed_process_goes_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = (Store(tmp_path / "folder"), ObjectStore(URL, tmp_path / "cache"))
    for store in stores:
        store._leave_mark(".seen-killed")
        with store.mark():
            assert store.sees_mark(".seen-killed")
    time.sleep(1.1)  # a bucket tells whole seconds
    monkeypatch.setattr(folder_store, "MARK_S", 0.5)
    for store in stores:
        with store.mark() as mark:
            assert store.sees_mark(mark)
            assert not store.sees_mark(".seen-killed")


def test_a_bucket_that_cannot_be_reached_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="cannot use nowhere://x: "):
        ObjectStore("nowhere://x", tmp_path)
    with pytest.raises(StoreError, match=r"s3://absent/ours/.*: "):
        _put(ObjectStore("s3://absent/ours", tmp_path))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(KEY)]
