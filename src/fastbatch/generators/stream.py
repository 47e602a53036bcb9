# SPDX-License-Identifier: MIT
"""Data that keeps arriving, in batches: a thread reads ahead, and stops reading while nobody takes."""

from __future__ import annotations

import io
import numbers
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import flag, whole
from fastbatch.errors import ClosedError, add_note
from fastbatch.loader import fork as process
from fastbatch.loader.map import stack
from fastbatch.plan.plan import MAX_SEED

from .stream_bytes import ByteSource, Followed, open_bytes
from .stream_records import Shuffle, check_records, make_splitter

MAX_RECORDS = 2**31


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is cut and collected, checked."""

    batch_size: int
    records: Any
    decode: Callable[[Any], Any] | None
    max_wait_s: float | None
    follow: bool
    shuffle_buffer: int
    seed: int
    prefetch: int
    encoding: str | None
    errors: str


def is_bytes(source: Any) -> bool:
    """Return whether a source gives bytes that have to be cut into records: paths, and file objects."""
    return isinstance(source, str | bytes | os.PathLike | io.IOBase) or hasattr(source, "readinto")


def make_options(source: Any, **given: Any) -> StreamOptions:
    """Return the checked options."""
    if not is_bytes(source):
        if not isinstance(source, Iterable):
            hint = ": take its makefile('rb')" if hasattr(source, "makefile") else ""
            raise TypeError(f"expected an iterable, a path or a file object, found {type(source).__name__}{hint}")
        if given["records"] != "line" or given["follow"]:
            raise ValueError("records, follow: mean something for files only; an iterable's items are records")
    if given["follow"] and not isinstance(source, str | bytes | os.PathLike):
        raise ValueError(f"follow: expected a path, found {type(source).__name__}")
    if given["decode"] is not None and not callable(given["decode"]):
        raise TypeError(f"decode: expected a function, found {type(given['decode']).__name__}")
    wait = given["max_wait_s"]
    if wait is not None and not (isinstance(wait, numbers.Real) and 0 <= float(wait) < float("inf")):
        raise ValueError(f"max_wait_s: expected a number from 0 on, found {given['max_wait_s']!r}")
    return StreamOptions(
        whole("batch_size", given["batch_size"], 1, MAX_RECORDS),
        check_records(given["records"], given["encoding"], given["errors"]),
        given["decode"],
        None if wait is None else float(wait),
        flag("follow", given["follow"]),
        whole("shuffle_buffer", given["shuffle_buffer"], 0, MAX_RECORDS),
        whole("seed", given["seed"], 0, MAX_SEED),
        whole("prefetch", given["prefetch"], 1, 65536),
        given["encoding"],
        given["errors"],
    )


def collect(samples: list[Any]) -> Any:
    """Return the batch of these samples: stacked arrays, or the list itself when they are no numbers."""
    first = samples[0]
    if isinstance(first, tuple | dict | np.ndarray | np.generic | int | float):
        return stack(samples)
    return samples


class Feed:
    """What the reading thread and the consumer share. Refers to no `Stream`, so that dropping one ends the thread."""

    def __init__(self, source: Any, options: StreamOptions) -> None:
        self._options = options
        self._room = options.batch_size * options.prefetch
        self._bytes: ByteSource | None = open_bytes(source, options.follow) if is_bytes(source) else None
        self._items: Iterator[Any] | None = None if self._bytes else iter(source)
        self._shuffle = Shuffle(options.shuffle_buffer, options.seed)
        self._process = process.current
        lock = threading.RLock()
        self._filled, self._freed = threading.Condition(lock), threading.Condition(lock)
        self._ready: deque[tuple[float, list[Any]]] = deque()  # samples that arrived together, and when; guarded by
        self._n_ready = 0  # samples in it                       the lock, as all below
        self._n_used = 0  # of the first of its lists
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="fastbatch stream", daemon=True)
        self._thread.start()

    # ---- the consumer ------------------------------------------------------------------------------------------------

    def take(self) -> list[Any]:
        """Return the samples of the next batch, none at the end; raise what the source raised once all came."""
        if self._process is not process.current:
            raise ClosedError("a stream cannot be read in a forked process: its thread is in the parent")
        size, patience = self._options.batch_size, self._options.max_wait_s
        with self._filled:
            while self._n_ready < size and not (self._ended or self._closed):
                timeout_s = None
                if patience is not None and self._ready:
                    timeout_s = self._ready[0][0] + patience - time.monotonic()
                    if timeout_s <= 0:
                        break
                self._filled.wait(timeout_s)
            if self._closed:
                return []
            samples = self._first(size)
            self._freed.notify()
            if not samples and self._error is not None:
                error, self._error = self._error, None
                raise error
            return samples

    def _first(self, size: int) -> list[Any]:
        samples: list[Any] = []
        while self._ready and len(samples) < size:
            together = self._ready[0][1]
            end = min(self._n_used + size - len(samples), len(together))
            samples += together[self._n_used : end]
            self._n_used = end
            if end == len(together):
                self._ready.popleft()
                self._n_used = 0
        self._n_ready -= len(samples)
        return samples

    def close(self) -> None:
        """End the work; the thread is awaited where it can be woken."""
        if self._process is not process.current:
            return
        with self._filled:
            self._closed = True
            self._ready.clear()
            self._n_ready = 0
            self._filled.notify_all()
            self._freed.notify_all()
        can_wake = self._bytes.wake() if self._bytes else False
        if can_wake and self._thread is not threading.current_thread():
            self._thread.join()

    # ---- the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        error = None
        try:
            try:
                self._read_bytes(self._bytes) if self._bytes else self._read_items()
            finally:
                if not self._closed:
                    self._put(self._shuffle.finish())
        except BaseException as raised:
            error = raised
        if self._bytes:
            self._bytes.close()
        with self._filled:
            self._ended, self._error = True, error
            self._filled.notify_all()

    def _read_items(self) -> None:
        assert self._items is not None
        while not self._closed:
            try:
                item = next(self._items)
            except StopIteration:
                return
            self._put(self._shuffle.mix([self._decoded(item)]))
            del item  # the consumer's alone

    def _read_bytes(self, source: ByteSource) -> None:
        options = self._options
        splitter = make_splitter(source.name, options.records, options.encoding, options.errors)
        rotations = 0
        while not self._closed:
            chunk = source.read(None)
            if isinstance(source, Followed) and source.rotations != rotations:
                rotations = source.rotations
                self._put_records(splitter.finish())
            if chunk == b"":
                self._put_records(splitter.finish())
                return
            if chunk:
                self._put_records(splitter.split(chunk))

    def _put_records(self, records: Iterable[Any]) -> None:
        if self._options.decode is not None:
            for record in records:
                self._put(self._shuffle.mix([self._decoded(record)]))
            return
        found: list[Any] = []
        try:
            found.extend(records)
        finally:
            self._put(self._shuffle.mix(found))

    def _decoded(self, record: Any) -> Any:
        decode = self._options.decode
        return record if decode is None else decode(record)

    def _put(self, samples: list[Any]) -> None:
        """Hand samples over, waiting while there is no room."""
        if not samples:
            return
        with self._freed:
            while self._n_ready >= self._room and not self._closed:
                self._freed.wait()
            if self._closed:
                return
            self._ready.append((time.monotonic(), samples))
            self._n_ready += len(samples)
            self._filled.notify()


class Stream:
    """An iterator over the batches of a stream: see `stream`. Once at its end, or closed, it stays there.

    Threads: any; each batch goes to one of them. `close` may be called from another thread than the one that waits.
    """

    def __init__(self, source: Any, options: StreamOptions) -> None:
        self._feed = Feed(source, options)
        self._finalizer = weakref.finalize(self, self._feed.close)
        self._lock = threading.Lock()  # one thread waits for a batch, the others for their turn
        self._number = 0
        self._ended = False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        with self._lock:
            if self._ended:
                raise StopIteration
            try:
                samples = self._feed.take()
                batch = collect(samples) if samples else None
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._ended = True
                add_note(error, f"fastbatch: raised for batch {self._number}")
                raise
            if not samples:
                self._ended = True
                raise StopIteration
            self._number += 1
            return batch

    def __reduce__(self) -> Any:
        raise TypeError("a stream cannot be copied or pickled: what it reads comes only once")

    def close(self) -> None:
        """End the stream: a `next` that waits, in whatever thread, raises StopIteration, as all later ones do."""
        self._finalizer()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
