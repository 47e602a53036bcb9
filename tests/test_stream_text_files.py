# SPDX-License-Identifier: MIT
"""Streams of files opened as text: no line is lost, and their own encoding counts."""

import gzip
import io
import itertools
import os
import threading
import time

import pytest
from making import PATIENCE_S, in_thread

LINES = [f"{i} ä€\n" for i in range(10_000)]


def lines(stream):
    return list(itertools.chain(*stream))


def as_file(path, encoding):
    path.write_text("".join(LINES), encoding=encoding)
    return path.open(encoding=encoding)


def as_gzip(path, encoding):
    path.write_bytes(gzip.compress("".join(LINES).encode(encoding)))
    return gzip.open(path, "rt", encoding=encoding)


def as_string(path, encoding):
    return io.StringIO("".join(LINES))


def as_wrapped_bytes(path, encoding):
    return io.TextIOWrapper(io.BytesIO("".join(LINES).encode(encoding)), encoding)


def as_pipe(path, encoding):
    reader, writer = os.pipe()
    content = "".join(LINES).encode(encoding)

    def write():
        with open(writer, "wb") as file:
            file.write(content)

    threading.Thread(target=write, daemon=True).start()
    return open(reader, encoding=encoding)


KINDS = [as_file, as_gzip, as_string, as_wrapped_bytes, as_pipe]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_read", [0, 1, 700])
def test_no_line_is_lost(api, tmp_path, kind, encoding, n_read):
    with kind(tmp_path / "a.txt", encoding) as file:
        assert [next(file) for _ in range(n_read)] == LINES[:n_read]
        assert lines(api.stream(file, 64)) == LINES[n_read:]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the file is closed when it is dropped
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_only_the_stream_holds(api, tmp_path, kind):
    assert lines(api.stream(kind(tmp_path / "a.txt", "utf-8"), 64)) == LINES


def test_the_encoding_is_that_of_the_file(api, tmp_path):
    (tmp_path / "a.txt").write_bytes("é\nü\r\n".encode("latin-1"))
    with (tmp_path / "a.txt").open(encoding="latin-1", newline="") as file:
        assert lines(api.stream(file)) == ["é\n", "ü\r\n"]
    with (tmp_path / "a.txt").open(encoding="utf-8", errors="replace") as file:
        assert lines(api.stream(file, encoding="latin-1")) == ["\ufffd\n", "\ufffd\n"]
    with (tmp_path / "a.txt").open(encoding="utf-8") as file:
        with pytest.raises(api.FormatError, match=r"a\.txt: not utf-8 text") as caught:
            lines(api.stream(file))
        assert isinstance(caught.value, UnicodeDecodeError)


def test_a_pipe_that_has_read_a_part_of_a_line(api):
    reader, writer = os.pipe()
    with open(reader, encoding="utf-8") as file, open(writer, "wb", buffering=0) as out:
        out.write(b"a\nb\nsecond " + "ü".encode()[:1])
        assert file.readline() == "a\n"
        with api.stream(file, 1) as stream:
            assert next(stream) == ["b\n"]
            out.write("ü".encode()[1:] + b" half\n")
            assert next(stream) == ["second ü half\n"]


def test_close_wakes_a_pipe_opened_as_text(api):
    reader, writer = os.pipe()
    with open(reader) as file, open(writer, "wb") as out:
        stream = api.stream(file, 2, max_wait_s=0.05)
        out.write(b"x\n")
        out.flush()
        assert next(stream) == ["x\n"]
        waiting = in_thread(lambda: list(stream))
        time.sleep(0.05)
        stream.close()
        waiting.join(PATIENCE_S)
        assert not waiting.is_alive()


def test_text_files_give_lines_only(api):
    for options in ({"records": 3}, {"records": lambda content, is_end: ([], 0)}, {"encoding": None}):
        with pytest.raises(ValueError, match="a file opened as text gives lines: open it in binary mode for"):
            api.stream(io.StringIO("a\n"), **options)
