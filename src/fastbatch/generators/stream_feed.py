# SPDX-License-Identifier: MIT
"""The thread that reads a stream ahead, and stops reading while nobody takes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from fastbatch.errors import ClosedError
from fastbatch.loader import fork as process

from .stream_bytes import ByteSource, Followed
from .stream_options import StreamOptions
from .stream_records import Shuffle, make_splitter
from .stream_text import open_source


class Feed:
    """Reads a source with a thread, ahead of the consumer. Refers to no `Stream`, so that dropping one ends the thread.

    Threads: any.
    """

    n_threads = 1

    def __init__(self, source: Any, options: StreamOptions) -> None:
        self._bytes, self._items, self._options = open_source(source, options)
        self._room = options.batch_size * options.prefetch
        self._shuffle = Shuffle(options.shuffle_buffer, options.seed)
        self._process = process.current
        lock = process.new_lock()
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

    def n_ready(self) -> int:
        """Return how many samples wait."""
        return self._n_ready

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
            self._put(self._shuffle.mix([self._options.decoded(item)]))
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
                self._put(self._shuffle.mix([self._options.decoded(record)]))
            return
        found: list[Any] = []
        try:
            found.extend(records)
        finally:
            self._put(self._shuffle.mix(found))

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
