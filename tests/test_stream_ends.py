# SPDX-License-Identifier: MIT
"""Streams: ends, errors, growing files, wrong arguments; and the online learning example."""

import gc
import io
import itertools
import os
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from making import PATIENCE_S, in_thread, wait_until

import fastbatch
from fastbatch import pure

# ---- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pipe", "followed"])
def test_close_wakes_whoever_waits(api, pipe, tmp_path, kind):
    (tmp_path / "log").write_text("x\n")
    stream = api.stream(pipe[0], 2) if kind == "pipe" else api.stream(tmp_path / "log", 2, follow=True)
    results = []
    waiting = in_thread(lambda: results.append(list(stream)))
    time.sleep(0.05)
    assert waiting.is_alive()
    stream.close()
    waiting.join(PATIENCE_S)
    assert results == [[]]
    stream.close()
    assert next(stream, None) is None
    pipe[1].write(b"late\n")
    pipe[1].flush()
    assert pipe[0].readline() == b"late\n"  # the user can read the pipe again


def test_an_iterator_that_waits_is_left_alone(pipe):
    reader, writer = pipe
    stream = fastbatch.stream((line for line in reader), 2)
    start = time.monotonic()
    stream.close()
    assert time.monotonic() - start < PATIENCE_S
    assert list(stream) == []
    writer.close()


def test_the_protocol(api):
    stream = api.stream(range(5), 2)
    assert iter(stream) is stream
    assert next(stream).tolist() == [0, 1]
    assert [batch.tolist() for batch in itertools.islice(stream, 2)] == [[2, 3], [4]]
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(stream)
    with api.stream(itertools.count(), 2) as endless:
        assert next(endless).tolist() == [0, 1]
    assert list(endless) == []


def test_dropping_a_stream_ends_its_thread():
    before = set(threading.enumerate())

    def threads():
        return [thread for thread in threading.enumerate() if thread not in before]

    made = [fastbatch.stream(itertools.count(), 2) for _ in range(3)]
    assert [thread.name for thread in threads()] == ["fastbatch stream"] * 3
    next(made[0])
    del made
    gc.collect()
    wait_until(lambda: not threads())


def test_back_pressure():
    taken = itertools.count()
    stream = fastbatch.stream((next(taken) for _ in itertools.count()), 10, prefetch=3)
    wait_until(lambda: len(stream._feed._ready) == 30)
    time.sleep(0.02)
    assert next(taken) <= 32  # 30 are buffered, and the thread holds one
    next(stream)
    stream.close()


def test_threads_share_a_stream(api):
    stream, taken = api.stream(range(2000), 3), []
    threads = [in_thread(lambda: [taken.extend(batch.tolist()) for batch in stream]) for _ in range(4)]
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(2000))


def test_errors_of_the_source_come_after_what_came_before(api):
    def source():
        yield from range(5)
        raise KeyError("gone")

    stream = api.stream(source(), 2)
    assert [next(stream).tolist() for _ in range(3)] == [[0, 1], [2, 3], [4]]
    with pytest.raises(KeyError, match="gone") as caught:
        next(stream)
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["fastbatch: raised for batch 3"]
    assert any(entry.name == "source" for entry in caught.traceback)
    assert list(stream) == []


def test_errors_of_decode(api, tmp_path):
    (tmp_path / "a.txt").write_text("1\n2\nx\n")
    stream = api.stream(tmp_path / "a.txt", 2, decode=int, shuffle_buffer=1)
    assert next(stream).tolist() == [1, 2]
    with pytest.raises(ValueError, match="invalid literal for int"):
        next(stream)


def test_bytes_that_are_no_text(api, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntwo\nth\xffree\n")
    stream = api.stream(path, 5)
    assert next(stream) == ["one\n", "two\n"]
    with pytest.raises(api.FormatError, match=r"a.txt: byte 10: utf-8: invalid start byte: .* the bytes ff") as caught:
        next(stream)
    assert caught.value.offset == 10
    path.write_bytes(b"ok\n\xe2\x82")
    with pytest.raises(api.FormatError, match="byte 3: utf-8: unexpected end of data"):
        list(api.stream(path, 1))
    assert next(api.stream(path, 5, errors="replace")) == ["ok\n", "\ufffd"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_is_refused():
    stream = fastbatch.stream(itertools.count(), 2)
    child = os.fork()
    if child == 0:
        try:
            next(stream)
        except fastbatch.ClosedError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    stream.close()


# ---- growing files ---------------------------------------------------------------------------------------------------


def append(path, text):
    with path.open("a") as file:
        file.write(text)


@pytest.mark.parametrize("how", ["renamed", "cut short"])
def test_a_growing_file_and_the_one_that_replaces_it(api, tmp_path, how):
    path = tmp_path / "log"
    path.write_text("1\n2\n3\n")
    with api.stream(path, 2, follow=True, decode=int) as stream:
        assert next(stream).tolist() == [1, 2]
        append(path, "4\n")
        assert next(stream).tolist() == [3, 4]
        append(path, "5\n6")
        if how == "renamed":
            path.rename(tmp_path / "log.1")
            append(tmp_path / "log.1", "0\n")  # the writer still has the old file open
            append(path, "7\n8\n9\n")
            assert next(stream).tolist() == [5, 60]
        else:
            source = stream._feed._bytes
            if api is pure:  # not read yet
                assert stream._options.follow
                append(path, "\n")
                assert next(stream).tolist() == [5, 6]
            else:
                wait_until(lambda: source._file.tell() == path.stat().st_size)
            os.truncate(path, 0)
            append(path, "7\n8\n9\n" if api is fastbatch else "7\n8\n")
            if api is fastbatch:
                assert next(stream).tolist() == [5, 6]
        assert next(stream).tolist() == [7, 8]


def test_a_followed_file_waits_no_longer_than_told(api, tmp_path):
    (tmp_path / "log").write_text("1\n")
    with api.stream(tmp_path / "log", 2, follow=True, max_wait_s=0.02) as stream:
        assert next(stream) == ["1\n"]


# ---- bad arguments ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, options, error, message",
    [
        (3, {}, TypeError, "expected an iterable, a path or a file object, found int"),
        ([1], {"batch_size": 0}, ValueError, "batch_size: expected 1"),
        ([1], {"records": 3}, ValueError, "an iterable's items are records"),
        ([1], {"follow": True}, ValueError, "an iterable's items are records"),
        ([1], {"prefetch": 0}, ValueError, "prefetch"),
        ([1], {"shuffle_buffer": -1}, ValueError, "shuffle_buffer"),
        ([1], {"max_wait_s": -1}, ValueError, "max_wait_s: expected a number from 0 on, found -1"),
        ([1], {"max_wait_s": "1"}, ValueError, "max_wait_s: expected a number from 0 on, found '1'"),
        (types.SimpleNamespace(makefile=None), {}, TypeError, r"found SimpleNamespace: take its makefile\('rb'\)"),
        ([1], {"max_wait_s": float("nan")}, ValueError, "max_wait_s"),
        ([1], {"decode": 3}, TypeError, "decode: expected a function, found int"),
        ([1], {"colour": 3}, TypeError, "stream\\(\\) has no option 'colour'"),
        (io.BytesIO(), {"follow": True}, ValueError, "follow: expected a path, found BytesIO"),
        (io.BytesIO(), {"records": 0}, ValueError, "records: expected 1"),
        (io.BytesIO(), {"records": "words"}, ValueError, "records: expected 'line', a number of bytes, or a function"),
        (io.BytesIO(), {"encoding": "klingon"}, LookupError, "klingon"),
        ("no such file", {}, FileNotFoundError, "no such file"),
        ("no such file", {"follow": True}, FileNotFoundError, "no such file"),
    ],
)
def test_bad_streams(api, source, options, error, message):
    with pytest.raises(error, match=message):
        api.stream(source, **options)


# ---- the example -----------------------------------------------------------------------------------------------------


def test_the_example_learns_while_another_process_writes():
    example = Path(__file__).resolve().parent.parent / "examples" / "online_learning.py"
    if not example.is_file():
        pytest.skip("only in a checkout")
    pytest.importorskip("sklearn")
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, timeout=PATIENCE_S * 3)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout.splitlines()[-1]
