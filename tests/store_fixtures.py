# SPDX-License-Identifier: MIT
"""Fixtures of the tests of stores: a fresh reader, a web server, and moto's S3 server behind a proxy with faults."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from making import make_photos
from store_server import StoreServer


@pytest.fixture
def reader(monkeypatch, tmp_path):
    """A fresh reader with an empty cache, and few tries of half a second; returns a function that makes another."""
    from fastbatch.source.remote import fetcher

    monkeypatch.setenv("FASTBATCH_STORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", str(1 << 28))
    monkeypatch.setenv("FASTBATCH_STORE_TIMEOUT_S", "5")
    monkeypatch.setattr(fetcher, "_fetcher", None)
    monkeypatch.setattr(fetcher, "_FIRST_WAIT_S", 0.01)
    return lambda: monkeypatch.setattr(fetcher, "_fetcher", None)


@pytest.fixture
def web(tmp_path, reader):
    """A web server with a folder of arrays and photos."""
    folder = tmp_path / "www"
    make_photos(folder / "photos")
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.integers(0, 255, (1000, 300, 40), dtype=np.uint8))  # 12 MB: three blocks
    np.save(folder / "y.npy", np.arange(1000))
    rng.integers(0, 60000, 5_000_000, dtype=np.uint16).tofile(folder / "train.bin")
    server = StoreServer(folder)
    server.folder = folder
    yield server
    server.close()


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """Moto's S3 server in its own process, behind the proxy; returns the proxy."""
    pytest.importorskip("moto.server", reason="the extra `test-stores` is not installed")
    boto3 = pytest.importorskip("boto3")
    code = """
        import logging, sys
        from moto.server import ThreadedMotoServer
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        print(server.get_host_and_port()[1], flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    port = int(process.stdout.readline())
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **keys)
    client.create_bucket(Bucket="bucket")
    folder = make_photos(tmp_path_factory.mktemp("s3") / "photos")
    for path in sorted(folder.rglob("*.jpg")):
        client.upload_file(str(path), "bucket", f"data/photos/{path.relative_to(folder)}")
    np.save(folder.parent / "x.npy", np.arange(60000).reshape(1000, 60))
    client.upload_file(str(folder.parent / "x.npy"), "bucket", "data/x.npy")
    for name in ("a", "b", "c"):
        client.put_object(Bucket="bucket", Key=f"text/{name}.txt", Body=f"{name} 1 2 3\n".encode() * 5)
    proxy = StoreServer(upstream=("127.0.0.1", port))
    proxy.folder = folder
    yield proxy
    proxy.close()
    client.close()
    process.stdin.close()
    process.stdout.close()
    process.wait(20)


@pytest.fixture
def bucket(s3, monkeypatch, reader):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    s3.faults.bad = lambda path: None
    return s3
