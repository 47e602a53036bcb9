# SPDX-License-Identifier: MIT
"""Streams: items arrive in order, none is lost, waits end, and both implementations agree."""

import io
import itertools
import os
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from making import PATIENCE_S, in_thread, same

import fastbatch
from fastbatch import pure

# ---- content of batches ----------------------------------------------------------------------------------------------

TEXTS = [
    b"",
    b"a",
    b"a\n",
    b"a\nbb\nccc",
    b"a\r\nb\rc\n\r\n\n",
    "hé\u2028x\x0by\nß€😀\n".encode(),
    b"\xef\xbb\xbfa\nb\n",
    b"x" * 200_000 + b"\ny\r",
    b"\r\n".join(b"%d" % i for i in range(30_000)),
]


@pytest.mark.parametrize("content", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", None])
def test_lines_are_those_of_open(api, tmp_path, content, encoding):
    path = tmp_path / "lines.txt"
    path.write_bytes(content)
    with path.open("rb") if encoding is None else path.open(encoding=encoding) as file:
        expected = list(file)
    with api.stream(path, 7, encoding=encoding) as stream:
        batches = list(stream)
    assert list(itertools.chain(*batches)) == expected
    assert all(len(batch) == 7 for batch in batches[:-1])


def test_records_of_a_fixed_size(api, tmp_path):
    path = tmp_path / "numbers.bin"
    numbers = np.arange(1000, dtype="<i4")
    numbers.tofile(path)
    stream = api.stream(str(path), 64, records=20, decode=lambda record: np.frombuffer(record, "<i4"))
    same(np.concatenate(list(stream)), numbers.reshape(200, 5))
    with path.open("ab") as file:
        file.write(b"xyz")
    stream = api.stream(path, 150, records=20)
    assert [len(batch) for batch in itertools.islice(stream, 2)] == [150, 50]
    with pytest.raises(api.FormatError, match=r"numbers.bin: ends within a record: expected 20 bytes, found 3"):
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)


def by_length(content, is_end):
    """Find records with a length prefix."""
    records, at = [], 0
    while at < len(content) and at + 1 + content[at] <= len(content):
        records.append(content[at + 1 : at + 1 + content[at]])
        at += 1 + content[at]
    return records, at


def test_records_by_a_function(api, tmp_path):
    path = tmp_path / "records.bin"
    records = [bytes([i % 200]) * (i % 200) for i in range(3000)]
    path.write_bytes(b"".join(bytes([len(record)]) + record for record in records))
    assert list(itertools.chain(*api.stream(path, 100, records=by_length))) == records
    with path.open("ab") as file:
        file.write(b"\x05abc")
    stream = api.stream(path, 10_000, records=by_length)
    assert next(stream) == records
    with pytest.raises(api.FormatError, match="ends within a record: expected whole records, found 4 bytes more"):
        next(stream)
    with pytest.raises(ValueError, match="bytes used"):
        next(api.stream(path, records=lambda content, is_end: ([], len(content) + 1)))
    with pytest.raises(TypeError, match="expected the function to return .records, bytes used., found None"):
        next(api.stream(path, records=lambda content, is_end: None))


@pytest.mark.parametrize(
    "samples, expected",
    [
        ([1, 2, 3], [np.array([1, 2]), np.array([3])]),
        ([1.5, 2.5], [np.array([1.5, 2.5])]),
        ([(np.arange(2), 1), (np.arange(2), 2)], [(np.array([[0, 1], [0, 1]]), np.array([1, 2]))]),
        ([{"a": 1, "b": (2, 3)}], [{"a": np.array([1]), "b": (np.array([2]), np.array([3]))}]),
        (["x", "y", "z"], [["x", "y"], ["z"]]),
        ([b"x", None, [1]], [[b"x", None], [[1]]]),
        ([], []),
    ],
)
def test_samples_are_stacked_or_listed(api, samples, expected):
    batches = list(api.stream(iter(samples), 2))
    assert len(batches) == len(expected)
    for batch, one in zip(batches, expected, strict=True):
        if isinstance(one, list):
            assert batch == one
        else:
            same(batch, one)


def test_samples_of_changing_shapes_are_an_error(api):
    stream = api.stream([np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(3)], 2)
    next(stream)
    with pytest.raises(TypeError, match="expected numbers or text, found int64 and <U1"):
        next(api.stream([1, "x"], 2))
    with pytest.raises(ValueError, match="expected one shape") as caught:
        next(stream)
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["fastbatch: raised for batch 1"]
    assert list(stream) == []


@pytest.mark.parametrize("size", [0, 1, 7, 5000])
def test_shuffled_alike_in_both(tmp_path, size):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{i}\n" for i in range(1000)))
    options = {"shuffle_buffer": size, "seed": 3, "decode": int}
    mixed = [np.concatenate(list(api.stream(path, 10, **options))).tolist() for api in (fastbatch, pure)]
    assert mixed[0] == mixed[1]
    assert sorted(mixed[0]) == list(range(1000))
    assert (mixed[0] == list(range(1000))) == (size < 2)
    if size == 7:  # an item is at most 7 places early; it may be later by any number
        assert all(number < place + 8 for place, number in enumerate(mixed[0]))
    again = np.concatenate(list(fastbatch.stream(range(1000), 10, shuffle_buffer=size, seed=3))).tolist()
    assert again == mixed[0]


# ---- waiting ---------------------------------------------------------------------------------------------------------


def test_a_pipe_gives_full_batches_and_its_rest(api, pipe):
    reader, writer = pipe

    def write():
        for i in range(25):
            writer.write(b"%d\n" % i)
            writer.flush()
        writer.close()

    thread = in_thread(write)
    assert [len(batch) for batch in api.stream(reader, 10)] == [10, 10, 5]
    thread.join()
    assert not reader.closed  # it belongs to the user


def test_a_partial_batch_when_the_wait_is_over(api, pipe):
    reader, writer = pipe
    with api.stream(reader, 10, max_wait_s=0.05) as stream:
        start = time.monotonic()
        writer.write(b"a\nb\nc")
        writer.flush()
        assert next(stream) == ["a\n", "b\n"]
        assert 0.04 < time.monotonic() - start < PATIENCE_S
        writer.write(b"c\n" * 30)
        writer.flush()
        assert next(stream) == ["cc\n", *["c\n"] * 9]
        assert next(stream) == ["c\n"] * 10
        assert next(stream) == ["c\n"] * 10
        writer.close()
        assert list(stream) == []


def test_what_a_file_object_has_read_already(api, pipe):
    reader, writer = pipe
    writer.write(b"first\nsecond\nthird\n")
    writer.flush()
    assert reader.readline() == b"first\n"  # and the other lines are in its buffer now
    with api.stream(reader, 2) as stream:
        assert next(stream) == ["second\n", "third\n"]


def test_a_socket(api):
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as file, api.stream(file, 2) as stream:
        theirs.sendall("ä\nb\n".encode())
        assert next(stream) == ["ä\n", "b\n"]
        theirs.sendall(b"c\n")
        theirs.shutdown(socket.SHUT_WR)
        assert list(stream) == [["c\n"]]


def test_files_without_a_descriptor(api):
    assert list(api.stream(io.BytesIO(b"a\nb\nc\n"), 2)) == [["a\n", "b\n"], ["c\n"]]

    class Texts:
        def readinto(self, buffer): ...

        def read(self, size):
            return "a\n"

    with pytest.raises(TypeError, match="opened in binary mode"):
        list(api.stream(Texts()))


def test_another_process_that_dies_within_a_record(api):
    code = "import os, sys; os.write(1, b'12345678' * 3 + b'123'); os._exit(3)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        stream = api.stream(process.stdout, 2, records=8)
        assert [len(next(stream)), len(next(stream))] == [2, 1]
        with pytest.raises(api.FormatError, match="ends within a record: expected 8 bytes, found 3"):
            next(stream)


def test_a_named_pipe_is_opened_without_a_writer(api, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    stream = api.stream(path, 2)
    closer = threading.Timer(0.05, stream.close)
    closer.start()
    assert list(stream) == []  # no writer connected
    stream = api.stream(path, 2)
    writer = in_thread(lambda: path.write_text("a\nb\nc\n"))
    assert list(stream) == [["a\n", "b\n"], ["c\n"]]
    writer.join()
