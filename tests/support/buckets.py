"""A bucket on moto's server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

URL = "s3://trainings/ours"


@pytest.fixture(scope="module")
def bucket_server() -> Iterator[str]:
    """Address of a server that answers as S3 does."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(bucket_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401
    """A bucket of its own, which the environment leads to."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": bucket_server,
        "AWS_ALLOW_HTTP": "true",
        "NBUTILS_CACHE": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    import boto3

    client = boto3.client("s3", endpoint_url=bucket_server, region_name="us-east-1")
    client.create_bucket(Bucket="trainings")
    yield client
    for found in client.list_objects_v2(Bucket="trainings").get("Contents", ()):
        client.delete_object(Bucket="trainings", Key=found["Key"])
