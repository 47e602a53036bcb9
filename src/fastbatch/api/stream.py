# SPDX-License-Identifier: MIT
"""`stream`: batches of data that keeps arriving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex

from fastbatch.batch.tree import is_path
from fastbatch.generators.stream_options import make_options
from fastbatch.source.local_file import path_text

from .backend import Backend


def stream(
    backend: Backend,
    source: Any,
    batch_size: SupportsIndex = 32,
    *,
    records: Any = "line",
    decode: Callable[[Any], Any] | None = None,
    max_wait_s: float | None = None,
    follow: bool = False,
    shuffle_buffer: SupportsIndex = 0,
    seed: SupportsIndex = 0,
    prefetch: SupportsIndex = 2,
    encoding: str | None = "utf-8",
    errors: str = "strict",
) -> Any:
    r"""Return an iterator over batches of data that keeps arriving: full ones, or what is there when a wait is over.

    A thread reads ahead until `prefetch` batches wait, and what came along with the last of them; then it stops until
    one is taken, and whoever writes has to wait. The iterator ends when the source does, or when `close` is called,
    from any thread.

    Args:
        source: A path (also of a named pipe), a file object (a pipe, `proc.stdout`, `sys.stdin`, a socket's
            `makefile`), or any iterable, whose items are the records.
        batch_size: Records in a full batch. The last one may be short.
        records: What the bytes of a file are cut into. "line": as `open(path, encoding=encoding)` gives them, with
            their newline, the last one perhaps without. A number: records of so many bytes. A function: called with
            the bytes that are there and whether they are the last, returns (records, bytes used), and sees the rest
            again.
        decode: Called with each record, by the thread; returns a sample. Arrays, numbers, tuples and dicts of them
            are stacked to NumPy arrays; all else comes in a list.
        max_wait_s: A batch that is not full is handed out so long after its first record came. None waits for ever.
        follow: Read on at the end of the file named by `source`, as it grows. When another file takes its name, or it
            is cut short, the old one is read to its end, then the new one from its start. Looked at 20 times a second.
        shuffle_buffer: Each record takes the place of a random one of so many that wait, which goes on instead. What is
            still there at the end comes last, shuffled.
        seed: Of the shuffle.
        prefetch: Batches that wait at most, besides the shuffle buffer and what one read of 64 KiB brought.
        encoding, errors: Of lines, as for `open`; encoding=None gives lines as bytes, cut after each b"\\n".

    Raises:
        ValueError, TypeError, LookupError: Options out of range, a source that cannot be read, an unknown encoding.
        OSError: A path that cannot be read.
        FormatError: By `next`, for bytes that are no text, or an end within a record.

    What the source or `decode` raises comes out of `next` with its own type and traceback and a note with the batch's
    number, after all samples that came before it; then the stream is at its end. `close` wakes a read of whatever has a
    descriptor. An iterable, or a file object that is none of Python's own, is left alone in its `next` or `read`.

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
