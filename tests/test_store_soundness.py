# SPDX-License-Identifier: MIT
"""What may happen to a reader of stores: it is killed, shares its cache, is interrupted; objects and files change."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import traceback

import numpy as np
import pytest
from making import same

pytest.importorskip("obstore", reason="the extra `stores` is not installed")

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"), pytest.mark.timeout(120)]

OPTIONS = {"size": 32, "batch_size": 5, "exact": True}


def start(code, *arguments):
    """Start a Python program, whose output is read line by line."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.behavior
@pytest.mark.parametrize("moment", ["half", "before its name"])
def test_a_process_that_is_killed_leaves_a_sound_cache(api, web, tmp_path, moment):
    process = start(
        """
        import os, sys, fastbatch
        from fastbatch.source.remote import block_cache

        write, replace = block_cache._write, os.replace

        def stop():
            print("now", flush=True)
            sys.stdin.read()

        def write_half(descriptor, data):
            if "/cache/" in os.readlink(f"/proc/self/fd/{descriptor}") and len(data) > 100:
                write(descriptor, data[: len(data) // 2])
                stop()
            write(descriptor, data)

        if sys.argv[2] == "half":
            block_cache._write = write_half
        else:
            os.replace = lambda *given: stop()
        list(fastbatch.images([f"{sys.argv[1]}/photos/cat/{i}.jpg" for i in range(4)], size=32))
        """,
        web.url,
        moment,
    )
    assert process.stdout.readline().startswith("now")
    process.kill()
    process.communicate(timeout=60)
    left = os.listdir(tmp_path / "cache")
    assert left
    assert all(name.startswith(".") for name in left)
    urls = [f"{web.url}/photos/cat/{i}.jpg" for i in range(4)]
    files = [str(web.folder / f"photos/cat/{i}.jpg") for i in range(4)]
    same(list(api.images(urls, **OPTIONS)), list(api.images(files, **OPTIONS)))
    assert sum(not name.startswith(".") for name in os.listdir(tmp_path / "cache")) == 4


def test_what_was_not_finished_is_deleted_after_an_hour(web, tmp_path):
    import fastbatch as fb

    (tmp_path / "cache").mkdir()
    for age, name in ((7200, "old"), (60, "new")):
        path = tmp_path / f"cache/.unfinished-{name}"
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    list(fb.images([f"{web.url}/photos/cat/{i}.jpg" for i in range(4)], **OPTIONS))
    assert not (tmp_path / "cache/.unfinished-old").exists()
    assert (tmp_path / "cache/.unfinished-new").exists()


READ = """
    import hashlib, sys, fastbatch
    sys.stdin.readline()
    x = fastbatch.arrays(f"{sys.argv[1]}/x.npy", batch_size=50, shuffle="block", block_size=100, seed=int(sys.argv[2]))
    for _ in range(3):
        rows = sorted(hashlib.sha256(row.tobytes()).hexdigest() for batch in x for row in batch)
        print(hashlib.sha256("".join(rows).encode()).hexdigest(), flush=True)
"""


@pytest.mark.parametrize("cache_bytes", [1 << 28, 9 << 20])
def test_processes_that_share_a_cache_at_once(web, monkeypatch, tmp_path, cache_bytes):
    """With room for all blocks, and for two of three."""
    import hashlib

    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", str(cache_bytes))
    monkeypatch.setenv("FASTBATCH_STORE_AHEAD_BYTES", "1")
    monkeypatch.setenv("FASTBATCH_STORE_MEMORY_BYTES", "0")
    processes = [start(READ, web.url, seed) for seed in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    rows = sorted(hashlib.sha256(row.tobytes()).hexdigest() for row in np.load(web.folder / "x.npy"))
    expected = hashlib.sha256("".join(rows).encode()).hexdigest()
    for process in processes:
        found, messages = process.communicate(timeout=100)
        assert (process.returncode, messages) == (0, "")
        assert found.split() == [expected] * 3
    files = [path.stat().st_size for path in (tmp_path / "cache").iterdir() if not path.name.startswith(".")]
    assert sum(files) <= cache_bytes + 2 * (4 << 20) + 100  # each may have written one at the same moment
    if cache_bytes > 1 << 24:
        assert len(files) == 3
        assert web.faults.n_bytes <= 3 * (web.folder / "x.npy").stat().st_size  # later epochs read nothing


@pytest.mark.behavior
def test_an_object_that_is_replaced_in_mid_epoch(api, web, monkeypatch):
    monkeypatch.setenv("FASTBATCH_STORE_AHEAD_BYTES", "1")
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", "0")
    urls = [f"{web.url}/photos/{name}/{i}.jpg" for name in ("cat", "dog") for i in range(4)]
    batches = iter(api.images(urls, size=32, batch_size=1, prefetch=1, threads=1))
    next(batches)
    (web.folder / "photos/dog/3.jpg").write_bytes((web.folder / "photos/dog/2.jpg").read_bytes())
    with pytest.raises(api.FormatError, match=r"dog/3\.jpg: .*object changed while in use") as caught:
        list(batches)
    assert "with the tag" in str(caught.value)


def test_an_array_that_is_replaced_in_mid_epoch(web, monkeypatch):
    import fastbatch as fb

    monkeypatch.setenv("FASTBATCH_STORE_AHEAD_BYTES", "1")
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", "0")
    batches = iter(fb.arrays(f"{web.url}/x.npy", batch_size=50, prefetch=1, threads=1))
    first = next(batches)
    np.save(web.folder / "x.npy", np.load(web.folder / "x.npy")[::-1])
    with pytest.raises(fb.FormatError, match=r"x\.npy: .*object changed while in use"):
        for batch in batches:
            assert not np.array_equal(batch, first)


SECRETS = ("very-secret", "AKIASECRET")


@pytest.mark.behavior
@pytest.mark.parametrize("fault", ["403", "503", "cut", "stall", "404"])
def test_messages_show_no_credentials(api, web, monkeypatch, fault):
    monkeypatch.setenv("FASTBATCH_STORE_TIMEOUT_S", "0.3")
    monkeypatch.setenv("FASTBATCH_STORE_TRIES", "2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    end_of_url = "?X-Amz-Signature=very-secret&X-Amz-Credential=AKIASECRET"
    urls = [f"{web.url}/photos/cat/{i}.jpg{end_of_url}" for i in range(4)]
    loader = api.images(urls, **OPTIONS)
    if fault == "404":
        for path in (web.folder / "photos/cat").iterdir():
            path.unlink()
    web.faults.bad = lambda path: None if fault == "404" else fault
    with pytest.raises(OSError, match="cat/") as caught:
        list(loader)
    said = [str(caught.value), repr(caught.value), repr(loader), str(caught.value.filename)]
    with pytest.raises(OSError, match="none") as caught:
        api.npy(f"{web.url}/none.npy{end_of_url}")
    said += [str(caught.value), repr(caught.value)]
    with pytest.raises(OSError, match="none") as caught:
        api.words(f"{web.url}/none.txt{end_of_url}", 3)
    said += [str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)]
    for secret in SECRETS:
        assert not any(secret in text for text in said), said


INTERRUPTED = {
    "opening": "fastbatch.npy(url + '/x.npy')",
    "a row": "fastbatch.raw(url + '/x.npy', 'u1', -1)[9_000_000]",
    "all rows": "np.asarray(fastbatch.raw(url + '/x.npy', 'u1', -1))",
    "a copy": "fastbatch.words(url + '/a.txt', 3)",
    "a batch": "list(fastbatch.images([url + '/photos/cat/0.jpg'], size=8))",
    "rows": "list(fastbatch.arrays(fastbatch.raw(url + '/x.npy', 'u1', (-1, 8))))",
    "joined rows": "list(fastbatch.arrays([fastbatch.raw(url + '/x.npy', 'u1', (-1, 8))] * 2, concat=-1))",
    "packs": "list(fastbatch.pack(fastbatch.raw(url + '/x.npy', 'u1', -1), context=8, lengths=EIGHTS))",
    "ends of documents": "fastbatch.tokens(fastbatch.raw(url + '/x.npy', 'u1', -1), context=8, document_end=0)",
    "statistics": "fastbatch.statistics(fastbatch.raw(url + '/x.npy', 'u1', (-1, 8)))",
    "sizes": "fastbatch.probe([url + '/photos/cat/0.jpg'])",
    "damage": "fastbatch.verify([url + '/photos/cat/0.jpg'])",
    "documents": "list(fastbatch.documents(fastbatch.raw(url + '/x.npy', 'u1', -1), lengths=EIGHTS, buckets=[8]))",
}


@pytest.mark.parametrize("api", ["fastbatch", "fastbatch.pure"])
@pytest.mark.parametrize("what", INTERRUPTED)
def test_ctrl_c_ends_a_wait_for_the_store(web, monkeypatch, what, api):
    monkeypatch.setenv("FASTBATCH_STORE_TIMEOUT_S", "100")
    (web.folder / "a.txt").write_text("some words")
    web.faults.bad = lambda path: "stall"
    web.faults.stalls_heads = what in ("opening", "a copy")
    process = start(
        f"""
        import sys, numpy as np, {api} as fastbatch
        url, EIGHTS = sys.argv[1], [8] * 1_500_016
        try:
            {INTERRUPTED[what]}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """,
        web.url,
    )
    while not web.faults.n_stalled:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    found, messages = process.communicate(timeout=60)
    assert found == "interrupted\n", messages
