# SPDX-License-Identifier: MIT
"""Objects in stores: S3 (moto's server, behind a proxy with faults) and HTTP give the batches of local files."""

import os
import sys
import urllib.request

import numpy as np
import pytest
from making import same

pytest.importorskip("obstore", reason="the extra `stores` is not installed")

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"), pytest.mark.timeout(120)]


OPTIONS = {"size": 32, "batch_size": 5, "exact": True}


@pytest.mark.behavior
@pytest.mark.parametrize("shuffle", [False, True])
def test_images_of_a_bucket_are_those_of_the_folder(api, bucket, shuffle):
    options = {**OPTIONS, "shuffle": shuffle, "seed": 3}
    local = api.images(bucket.folder, **options)
    loader = api.images("s3://bucket/data/photos", **options)
    assert loader.class_names == local.class_names == ("cat", "dog", "owl")
    same(list(loader), list(local))
    same(list(loader), list(local))


@pytest.mark.behavior
def test_patterns_and_lists_of_a_bucket(api, bucket):
    local = sorted(bucket.folder.glob("*/[01].jpg"))
    same(list(api.images("s3://bucket/data/photos/*/[01].jpg", **OPTIONS)), list(api.images(local, **OPTIONS)))
    urls = [f"s3://bucket/data/photos/{path.relative_to(bucket.folder)}" for path in local[::-1]]
    same(list(api.images(urls, **OPTIONS)), list(api.images(local[::-1], **OPTIONS)))
    names = [str(path.relative_to(bucket.folder)) for path in local]
    same(list(api.images(names, root="s3://bucket/data/photos", **OPTIONS)), list(api.images(local, **OPTIONS)))


@pytest.mark.behavior
def test_arrays_and_tokens(api, web):
    options = {"batch_size": 64, "shuffle": True, "seed": 1}
    local = api.arrays(str(web.folder / "x.npy"), str(web.folder / "y.npy"), **options)
    loader = api.arrays(f"{web.url}/x.npy", f"{web.url}/y.npy", **options)
    same(list(loader), list(local))
    assert loader.state_dict()["dataset"] == local.state_dict()["dataset"]
    tokens = api.tokens(f"{web.url}/train.bin", "uint16", context=512, batch_size=256, shuffle=True)
    same(
        list(tokens),
        list(api.tokens(str(web.folder / "train.bin"), "uint16", context=512, batch_size=256, shuffle=True)),
    )
    windows = api.windows(f"{web.url}/y.npy", length=7, batch_size=50)
    same(list(windows), list(api.windows(str(web.folder / "y.npy"), length=7, batch_size=50)))


@pytest.mark.behavior
def test_an_array_of_a_store_is_indexed_like_any_other(api, web):
    x, expected = api.npy(f"{web.url}/x.npy"), np.load(web.folder / "x.npy")
    assert (len(x), x.shape, x.dtype) == (1000, expected.shape, expected.dtype)
    for index in (0, -1, slice(3, 9), slice(900, None, 30), slice(9, 3, -2), [5, 999, 0], (7, 2), (slice(0, 4), 1, 2)):
        assert np.array_equal(x[index], expected[index])
    assert np.array_equal(np.asarray(x), expected)
    with pytest.raises(IndexError):
        x[1000]


@pytest.mark.behavior
def test_faults_that_pass_are_tried_again(api, bucket):
    seen = {}

    def bad(path):
        seen[path] = seen.get(path, 0) + 1
        return {1: "503", 2: "cut"}.get(seen[path]) if ".jpg" in path else None

    bucket.faults.bad = bad
    same(list(api.images("s3://bucket/data/photos", **OPTIONS)), list(api.images(bucket.folder, **OPTIONS)))
    assert max(seen.values()) >= 3


@pytest.mark.behavior
@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ("403", PermissionError, "denies access (ExpiredToken)"),
        ("stall", TimeoutError, "No answer within 0.3 s, 2 times"),
        ("503", OSError, "failed 2 times"),
        ("cut", OSError, "failed 2 times"),
    ],
)
def test_faults_that_stay_are_errors_that_name_the_object(api, bucket, monkeypatch, fault, kind, text):
    monkeypatch.setenv("FASTBATCH_STORE_TIMEOUT_S", "0.3")
    monkeypatch.setenv("FASTBATCH_STORE_TRIES", "2")
    loader = api.images("s3://bucket/data/photos", **OPTIONS)
    bucket.faults.bad = lambda path: fault if "dog/2" in path else None
    with pytest.raises(kind) as caught:
        list(loader)
    assert text in str(caught.value)
    assert caught.value.filename == "s3://bucket/data/photos/dog/2.jpg"
    assert "secret" not in str(caught.value)
    loader = api.images("s3://bucket/data/photos", on_error="skip", **OPTIONS)
    assert sum(len(x) for x, _ in loader) == 11
    assert loader.report()[0].path == "s3://bucket/data/photos/dog/2.jpg"


@pytest.mark.behavior
def test_an_error_is_no_more_when_the_store_has_recovered(api, bucket, monkeypatch):
    monkeypatch.setenv("FASTBATCH_STORE_TRIES", "1")
    loader = api.images("s3://bucket/data/photos", **OPTIONS)
    x = api.npy("s3://bucket/data/x.npy") if api.__name__ == "fastbatch" else None
    bucket.faults.bad = lambda path: "503"
    with pytest.raises(OSError, match="failed 1 times"):
        list(loader)
    bucket.faults.bad = lambda path: None
    same(list(loader), list(api.images(bucket.folder, **OPTIONS)))
    assert x is None or int(x[999, 59]) == 59999


@pytest.mark.behavior
def test_what_is_not_there(api, bucket, web):
    for wrong in ("s3://bucket/data/none.npy", "s3://none/x.npy", f"{web.url}/none.npy?X-Signature=very-secret"):
        with pytest.raises(FileNotFoundError, match="No such object") as caught:
            api.arrays(wrong)
        assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="expected image files .* below it, found none"):
        api.images("s3://bucket/nothing")
    with pytest.raises(FileNotFoundError, match="No object fits the pattern"):
        api.images("s3://bucket/data/*.jpeg")
    with pytest.raises(FileNotFoundError, match="No such object"):
        api.words("s3://bucket/data/text.txt")
    with pytest.raises(OSError, match="does not list its files"):
        api.images(f"{web.url}/photos")
    with pytest.raises(ValueError, match="expected URLs, as others of them are"):
        api.images(["s3://bucket/data/photos/cat/0.jpg", "cat/1.jpg"])


@pytest.mark.behavior
def test_an_object_that_is_replaced_is_an_error(api, web):
    urls = [f"{web.url}/photos/cat/{i}.jpg" for i in range(4)]
    loader = api.images(urls, **OPTIONS)
    (web.folder / "photos/cat/2.jpg").write_bytes((web.folder / "photos/dog/2.jpg").read_bytes())
    with pytest.raises(api.FormatError, match="cat/2.jpg.*object changed while in use: expected .* bytes with the tag"):
        list(loader)


def n_files(folder):
    return sum(not name.startswith(".") for name in os.listdir(folder))


@pytest.mark.behavior
def test_the_cache_serves_a_second_reader(api, web, reader, tmp_path):
    urls = [f"{web.url}/photos/{name}/{i}.jpg" for name in ("cat", "owl") for i in range(4)]
    expected = list(api.images(urls, **OPTIONS))
    before = web.faults.n_bytes
    reader()
    same(list(api.images(urls, **OPTIONS)), expected)
    assert web.faults.n_bytes == before
    assert n_files(tmp_path / "cache") == 8


@pytest.mark.behavior
@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_cache_file_is_read_again(api, web, reader, tmp_path, damage):
    urls = [f"{web.url}/photos/cat/{i}.jpg" for i in range(4)]
    expected = list(api.images(urls, **OPTIONS))
    for path in (tmp_path / "cache").glob("[!.]*"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes({"cut": content[: len(content) // 2], "flip": content, "empty": b""}[damage])
    reader()
    same(list(api.images(urls, **OPTIONS)), expected)


@pytest.mark.behavior
def test_without_a_cache(api, web, reader, monkeypatch, tmp_path):
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", "0")
    reader()
    x = api.arrays(f"{web.url}/x.npy", batch_size=100)
    same(list(x), list(api.arrays(str(web.folder / "x.npy"), batch_size=100)))
    assert not (tmp_path / "cache").exists()


@pytest.mark.behavior
def test_the_cache_keeps_its_budget(api, web, reader, monkeypatch, tmp_path):
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", str(9 << 20))
    reader()
    loader = api.arrays(f"{web.url}/x.npy", batch_size=100)
    for _ in range(2):
        same(list(loader), list(api.arrays(str(web.folder / "x.npy"), batch_size=100)))
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 9 << 20


def test_a_full_disk_is_told_once(web, reader, monkeypatch):
    import fastbatch as fb
    from fastbatch.source.remote import block_cache

    def full(descriptor, data, write=block_cache._write):
        if os.readlink(f"/proc/self/fd/{descriptor}").startswith("/memfd"):
            return write(descriptor, data)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(block_cache, "_write", full)
    urls = [f"{web.url}/photos/cat/{i}.jpg" for i in range(4)]
    with pytest.warns(RuntimeWarning, match="read without a cache: No space left") as told:
        batches = list(fb.images(urls, **OPTIONS))
    assert len(told) == 1
    same(batches, list(fb.images([str(web.folder / f"photos/cat/{i}.jpg") for i in range(4)], **OPTIONS)))


def test_the_proxy_passes_on(s3):
    with urllib.request.urlopen(f"{s3.url}/bucket?list-type=2") as answer:
        assert b"data/x.npy" in answer.read()


def test_many_requests_at_once(web):
    import fastbatch as fb

    web.faults.latency_s = 0.1
    urls = [f"{web.url}/photos/{name}/{i}.jpg" for name in ("cat", "dog", "owl") for i in range(4)]
    loader = fb.images(urls, size=32, batch_size=1, threads=1)
    web.faults.most_at_once = 0
    list(loader)
    assert web.faults.most_at_once > 4


def test_a_forked_child_gets_an_error(web):
    import fastbatch as fb

    loader = fb.images([f"{web.url}/photos/cat/{i}.jpg" for i in range(4)], **OPTIONS)
    next(iter(loader))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            fb.arrays(f"{web.url}/x.npy")
        except OSError as error:
            code = 0 if "forked" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    loader.close()


def test_closing_ends_a_wait(web, monkeypatch):
    """A loader whose workers wait for a store is closed at once."""
    import threading
    import time

    import fastbatch as fb

    loader = fb.images([f"{web.url}/photos/cat/{i}.jpg" for i in range(4)], **OPTIONS)
    web.faults.bad = lambda path: "stall"
    ended = []

    def consume():
        try:
            next(iter(loader))
        except fb.ClosedError:
            ended.append(True)

    thread = threading.Thread(target=consume)
    thread.start()
    while web.faults.n_now < 1:
        time.sleep(0.01)
    begin = time.monotonic()
    loader.close()
    thread.join(10)
    assert ended == [True]
    assert time.monotonic() - begin < 2
