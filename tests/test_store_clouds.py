# SPDX-License-Identifier: MIT
"""Google, Azure and the Hugging Face Hub, each by an emulator on loopback, give the batches of local files."""

import pickle
import sys

import pytest
from making import same_batches

pytest.importorskip("obstore", reason="the extra `stores` is not installed")

from fastbatch.source.remote.clouds import obstore_options
from fastbatch.source.remote.failures import UnsteadyError, as_os_error

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"), pytest.mark.timeout(120)]

OPTIONS = {"size": 32, "batch_size": 5, "exact": True}


@pytest.mark.behavior
def test_a_folder_of_images(api, cloud):
    options = {**OPTIONS, "shuffle": True, "seed": 3}
    local = api.images(cloud.folder / "photos", **options)
    loader = api.images(f"{cloud.url}/photos", **options)
    assert loader.class_names == local.class_names == ("cat", "dog", "owl")
    assert loader.n_samples == 13
    for _ in range(2):
        same_batches(loader, local)


@pytest.mark.behavior
def test_patterns_and_lists(api, cloud):
    local = sorted((cloud.folder / "photos").glob("*/[01].jpg"))
    same_batches(api.images(f"{cloud.url}/photos/*/[01].jpg", **OPTIONS), api.images(local, **OPTIONS))
    names = [str(path.relative_to(cloud.folder)) for path in sorted(cloud.folder.glob("photos/owl/*.jpg"))][::-1]
    expected = list(api.images([cloud.folder / name for name in names], **OPTIONS))
    same_batches(api.images(names, root=cloud.url, **OPTIONS), expected)
    same_batches(api.images([f"{cloud.url}/{name}" for name in names], **OPTIONS), expected)


@pytest.mark.behavior
def test_arrays_and_tokens(api, cloud):
    def loaders(root):
        yield api.arrays(f"{root}/x.npy", f"{root}/y.npy", batch_size=64, shuffle=True)
        for names in ("[01].bin", "{0..1}.bin"):
            yield api.tokens(f"{root}/{names}", "uint16", context=128, batch_size=64, shuffle=True)

    for loader, local in zip(loaders(cloud.url), loaders(cloud.folder), strict=True):
        same_batches(loader, local)


@pytest.mark.behavior
def test_archives_text_and_tables(api, cloud):
    def loaders(root):
        yield api.images(f"{root}/photos.tar", **OPTIONS, shuffle=True)
        yield api.tar(f"{root}/photos.tar", batch_size=5)
        yield api.words(f"{root}/text.txt", 7)
        if (cloud.folder / "x.parquet").exists():
            yield api.table(f"{root}/x.parquet", batch_size=9, shuffle=True)

    for loader, local in zip(loaders(cloud.url), loaders(cloud.folder), strict=True):
        same_batches(loader, local)


@pytest.mark.behavior
def test_what_is_not_there(api, cloud):
    with pytest.raises(FileNotFoundError, match="No such object") as caught:
        api.arrays(f"{cloud.url}/none.npy")
    assert caught.value.filename == f"{cloud.url}/none.npy"
    with pytest.raises(FileNotFoundError, match="No object fits the pattern"):
        api.arrays(f"{cloud.url}/*.none")
    with pytest.raises((FileNotFoundError, ValueError), match="No such object|found none"):
        api.images(f"{cloud.url}/none")


@pytest.mark.behavior
@pytest.mark.parametrize(
    ("fault", "kind", "text"), [("403", PermissionError, "denies access"), ("503", OSError, "failed 2 times")]
)
def test_faults_that_stay_are_errors_that_name_the_object(api, cloud, monkeypatch, fault, kind, text):
    monkeypatch.setenv("FASTBATCH_STORE_TRIES", "2")
    loader = api.images(f"{cloud.url}/photos", **OPTIONS)
    cloud.faults.bad = lambda path: fault if "2.jpg" in path.replace("%2E", ".") and "dog" in path else None
    with pytest.raises(kind, match=text) as caught:
        list(loader)
    assert caught.value.filename == f"{cloud.url}/photos/dog/2.jpg"
    assert "secret" not in str(caught.value)


@pytest.mark.behavior
def test_faults_that_pass_are_tried_again(api, cloud):
    seen = {}

    def bad(path):
        seen[path] = seen.get(path, 0) + 1
        return {1: "503", 2: "cut"}.get(seen[path]) if "/tree/" not in path else None  # huggingface_hub waits seconds

    cloud.faults.bad = bad
    same_batches(api.images(f"{cloud.url}/photos", **OPTIONS), api.images(cloud.folder / "photos", **OPTIONS))
    assert max(seen.values()) >= 3


@pytest.mark.behavior
def test_an_object_that_is_replaced(api, cloud, reader, monkeypatch):
    """An error; the Hub still has the old one, which is read, but not by a process that sees only the new one."""
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", "0")
    cloud.put("data/old/0.jpg", (cloud.folder / "photos/cat/0.jpg").read_bytes())
    loader = api.images(f"{cloud.url}/old/*.jpg", **OPTIONS)
    pickled = pickle.dumps(loader)
    cloud.put("data/old/0.jpg", (cloud.folder / "photos/dog/2.jpg").read_bytes())
    if cloud.url.startswith("hf://"):
        same_batches(loader, api.images([cloud.folder / "photos/cat/0.jpg"], **OPTIONS))
        reader()
        loader = pickle.loads(pickled)
    with pytest.raises(
        api.FormatError, match=r"old/0\.jpg.*object changed while in use: expected .* bytes with the tag"
    ):
        list(loader)
    new = api.images(f"{cloud.url}/old/*.jpg", **OPTIONS)
    same_batches(new, api.images([cloud.folder / "photos/dog/2.jpg"], **OPTIONS))


def test_other_ways_to_azure(azure, files, cloud_of, monkeypatch):
    """The variables of the emulator, and a URL with the account; the container is named in errors."""
    import fastbatch as fb

    cloud_of(azure)
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", azure.address)
    root = "abfss://container@devstoreaccount1.dfs.core.windows.net/data"
    for url in (root, "abfs://container/data", "azure://container/data"):
        same_batches(fb.arrays(f"{url}/y.npy", batch_size=99), fb.arrays(files / "y.npy", batch_size=99))
    with pytest.raises(FileNotFoundError) as caught:
        fb.arrays(f"{root}/none.npy")
    assert caught.value.filename == f"{root}/none.npy"


def test_revisions_of_the_hub(hub, files, cloud_of, monkeypatch):
    """A branch, a commit, and a name with slashes; an epoch reads one commit, and another loader the next."""
    import fastbatch as fb
    from fastbatch.source.remote import hub as remote_hub

    cloud_of(hub)
    monkeypatch.setattr(remote_hub, "_FRESH_S", 0.0)
    server, url = hub.server, "hf://datasets/owner/set"
    first = server.branches["main"]
    server.branches["refs/convert/parquet"] = first
    hub.put("data/y.npy", (files / "x.npy").read_bytes())
    for revision in (first, "refs/convert/parquet", "refs%2Fconvert%2Fparquet"):
        found = fb.arrays(f"{url}@{revision}/data/y.npy", batch_size=99)
        same_batches(found, fb.arrays(files / "y.npy", batch_size=99))
    for root in (url, f"{url}@main"):
        assert fb.npy(f"{root}/data/y.npy").shape == (1000, 5000)
    hub.put("data/y.npy", (files / "y.npy").read_bytes())
    assert fb.npy(f"{url}/data/y.npy").shape == (1000,)
    assert "main" not in server.commits_read
    with pytest.raises(FileNotFoundError, match="No such object"):
        fb.npy(f"{url}@none/data/y.npy")
    for wrong in ("hf://datasets/squad/x.npy", "hf://owner/x.npy"):
        with pytest.raises(OSError, match="Expected hf://datasets/OWNER/NAME/PATH") as caught:
            fb.npy(wrong)
        assert caught.value.filename == wrong


def test_without_a_token_for_the_hub(hub, cloud_of, monkeypatch):
    import fastbatch as fb

    cloud_of(hub)
    monkeypatch.setenv("HF_TOKEN", "hf_of_another")
    with pytest.raises(PermissionError, match=r"denies access \(401\); check the credentials") as caught:
        fb.npy("hf://datasets/owner/set/data/y.npy")
    assert "hf_of" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Error performing GET http://x/404/403.jpg in 2ms - Server returned non-2xx status code: 503 Busy: ", None),
        (
            "Error performing GET http://x/1 in 2ms - Server returned non-2xx status code: 404 Not Found: ",
            FileNotFoundError,
        ),
        ("GET http://x/404: status code: 400 Bad Request: <Code>ExpiredToken</Code>", PermissionError),
        ("connection closed at 127.0.0.1:404", None),
    ],
)
def test_what_an_error_means(text, kind):
    """The status counts, and no number in a name."""
    error = as_os_error(RuntimeError(text), "s3://bucket/404/403.jpg")
    assert isinstance(error, kind or UnsteadyError)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", {}),
        ("UseDevelopmentStorage=true", {"use_emulator": True}),
        (
            "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=a+/=;EndpointSuffix=core.windows.net",
            {"account_name": "me", "account_key": "a+/="},
        ),
        (
            "BlobEndpoint=https://me.blob.core.windows.net/;SharedAccessSignature=sv=2022&sig=a%3D",
            {"endpoint": "https://me.blob.core.windows.net", "sas_key": "sv=2022&sig=a%3D"},
        ),
    ],
)
def test_connection_strings(monkeypatch, text, options):
    monkeypatch.delenv("AZURE_STORAGE_ENDPOINT", raising=False)
    monkeypatch.delenv("AZURE_ENDPOINT", raising=False)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    found = obstore_options("az")
    assert {key: value for key, value in found.items() if key not in ("client_options", "retry_config")} == options
    assert "allow_http" not in found["client_options"]
