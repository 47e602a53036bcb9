# SPDX-License-Identifier: MIT
"""`stream`: batches of data that keep arriving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, SupportsIndex

from fastbatch.batch.tree import is_path
from fastbatch.generators.stream_options import make_options
from fastbatch.source.local_file import path_text

from .backend import Backend


def stream(
    backend: Backend,
    source: Any,
    batch_size: SupportsIndex = 32,
    *,
    records: Literal["line"] | SupportsIndex | Callable[[bytes, bool], Any] = "line",
    decode: Callable[[Any], Any] | None = None,
    max_wait_s: float | None = None,
    follow: bool = False,
    shuffle_buffer: SupportsIndex = 0,
    seed: SupportsIndex = 0,
    prefetch: SupportsIndex = 2,
    encoding: str | None = "utf-8",
    errors: str = "strict",
) -> Any:
    r"""Return an iterator over batches of data that keep arriving.

    A batch is returned when it is full or when `max_wait_s` is over. A thread reads ahead until `prefetch` batches are
    waiting; then it stops reading until one is taken, and the writer of a pipe blocks. The iterator ends when the
    source does, or when `close()` is called, from any thread.

    An exception of the source or of `decode` is raised by `next()` after all samples before it, with its own type and
    traceback and a note with the batch's number; then the stream has ended. `close()` interrupts a read from a file
    descriptor. It does not interrupt a call of an iterable, or of a file object that is not Python's own.

    Args:
        source: A path (also of a named pipe), a file object (a pipe, `proc.stdout`, `sys.stdin`, a socket's
            `makefile`), or any iterable, whose items are the records. A file opened as text (also `io.StringIO` and
            `gzip.open(path, "rt")`) gives its remaining lines in its own encoding; `encoding` and `errors` are ignored.
        batch_size: Records in a full batch. The last batch may be smaller.
        records: How the bytes of a file are split. "line": lines with their newline, as `open(path, encoding=encoding)`
            gives them. A number: records of this many bytes. A function: called with the buffered bytes and whether
            they are the last, returns (records, bytes used); unused bytes are passed again.
        decode: Called with each record, by the thread; returns a sample. Arrays, numbers, tuples and dicts of them are
            stacked into NumPy arrays; other samples are returned in a list.
        max_wait_s: Return a batch that is not full this many seconds after its first record arrived. None: no limit.
        follow: Continue at the end of the file named by `source` as it grows. If another file takes its name, or the
            file is truncated, the old one is read to its end and the new one from its start. Checked 20 times a second.
        shuffle_buffer: Size of the shuffle buffer in records; 0 keeps the order. Each new record replaces a random
            buffered one, which is emitted. The rest is emitted at the end, shuffled.
        seed: Determines the shuffle.
        prefetch: Most batches waiting, in addition to the shuffle buffer and to one read of 64 KiB.
        encoding: Encoding of lines, as for `open`; None gives lines as bytes, split after each b"\n".
        errors: Error handler of the encoding, as for `open`.

    Returns:
        An iterator of batches with `close()`; also a context manager.

    Raises:
        ValueError, TypeError, LookupError: An option out of range, a source that cannot be read, an unknown encoding.
        OSError: A path cannot be read.
        FormatError: By `next()`: bytes that are not text in the encoding, or an end within a record.

    Example:
        >>> import fastbatch as fb
        >>> import json
        >>> with fb.stream("events.jsonl", batch_size=4, decode=json.loads) as batches:
        ...     print(next(batches)["y"])
        [0 1 0 1]

    Source: `src/fastbatch/generators/stream.py`, and `src/fastbatch/pure/streams.py` without a thread.
    """
    if is_path(source):
        source = path_text("source", source)
    options = make_options(
        source,
        batch_size=batch_size,
        records=records,
        decode=decode,
        max_wait_s=max_wait_s,
        follow=follow,
        shuffle_buffer=shuffle_buffer,
        seed=seed,
        prefetch=prefetch,
        encoding=encoding,
        errors=errors,
    )
    return backend.stream(source, options)
