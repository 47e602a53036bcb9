# SPDX-License-Identifier: MIT
"""The thread that reads a stream ahead, with backpressure: it pauses while the buffer is full."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from fastbatch.errors import ClosedError
from fastbatch.loader import fork as process

from .stream_bytes import ByteSource, Followed, add_name
from .stream_options import StreamOptions
from .stream_records import Shuffle, make_splitter
from .stream_text import open_source

_feeds: weakref.WeakSet[Feed] = weakref.WeakSet()  # whose threads end before the interpreter does


class Feed:
    """Reads a source ahead of the consumer in a thread.

    The thread refers to a feed only while it works on a record: the user's functions may belong to an object that
    refers to the stream, and the garbage collector frees all of them together. Dropping a feed ends its thread.

    Threads: any.
    """

    n_threads = 1

    def __init__(self, source: Any, options: StreamOptions) -> None:
        self._bytes, items, self._options = open_source(source, options)
        self._room = options.batch_size * options.prefetch
        self._shuffle = Shuffle(options.shuffle_buffer, options.seed)
        self._lists = _of_items(items, self._options, self._shuffle)
        if self._bytes is not None:
            self._lists = _of_bytes(self._bytes, self._options, self._shuffle)
        self._held: list[Any] = []  # the thread's: samples that wait for room
        self._is_over = False  # the thread's: these are the last ones
        self._process = process.current
        lock = process.new_lock()
        self._filled, self._freed = threading.Condition(lock), threading.Condition(lock)
        # Guarded by the lock, as everything below: (time of arrival, samples that arrived together).
        self._ready: deque[tuple[float, list[Any]]] = deque()
        self._n_ready = 0  # samples in `_ready`
        self._n_used = 0  # samples already taken from the first list
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        arguments = (weakref.ref(self), self._freed, self._bytes)
        self._thread = threading.Thread(target=_work, args=arguments, name="fastbatch stream", daemon=True)
        _feeds.add(self)
        self._thread.start()

    # ---- the consumer ------------------------------------------------------------------------------------------------

    def n_ready(self) -> int:
        """Return the number of buffered samples."""
        return self._n_ready

    def take(self) -> list[Any]:
        """Return the samples of the next batch; [] at the end. An error of the source is raised after all samples."""
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
            if not self._closed:
                samples = self._first(size)
                self._freed.notify()
                if not samples and self._error is not None:
                    error, self._error = self._error, None
                    raise error
                return samples
        self._join()  # it reads nothing more that the next reader of a pipe should get
        return []

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
        """Stop the thread, and join it if its read can be woken."""
        if self._stop():
            self._join()

    def _stop(self) -> bool:
        """Tell the thread to end; return False in a forked child."""
        if self._process is not process.current:
            return False
        if self._bytes is not None:
            self._bytes.wake()  # first: a consumer that is let go may open the source again
        with self._filled:
            self._closed = True
            self._ready.clear()
            self._n_ready = 0
            self._filled.notify_all()
            self._freed.notify_all()
        return True

    def _join(self) -> None:
        can_wake = self._bytes is not None and self._bytes.wake()
        if can_wake and self._thread is not threading.current_thread():
            self._thread.join()

    def __del__(self) -> None:
        if hasattr(self, "_thread"):
            self._stop()

    # ---- the thread --------------------------------------------------------------------------------------------------

    def advance(self, chunk: bytes | None) -> Any:
        """Make samples while there is room, from `chunk` if bytes were asked for; return BYTES, ROOM, or END."""
        while not (self._is_over or self._closed):
            try:
                samples = self._lists.send(chunk)
            except StopIteration:
                self._finish(None)
                return ROOM
            except BaseException as error:
                self._finish(error)
                return ROOM
            if samples is None:
                return BYTES
            chunk, self._held = None, samples
            with self._filled:
                if not self.hand_over():
                    return ROOM
        with self._filled:
            self._ended = True
            self._filled.notify_all()
        return END

    def fail(self, error: BaseException) -> None:
        """Note that the source cannot be read."""
        self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        self._error, self._is_over = error, True
        self._held = self._shuffle.finish()

    def hand_over(self) -> bool:
        """Hand the samples over; return False while there is no room. The caller holds the lock."""
        samples, self._held = self._held, []
        if self._closed or not samples:
            return True
        if self._n_ready >= self._room:
            self._held = samples
            return False
        self._ready.append((time.monotonic(), samples))
        self._n_ready += len(samples)
        self._filled.notify()
        return True


BYTES, ROOM, END = object(), object(), object()  # what a feed waits for


def _work(reference: weakref.ref[Feed], freed: threading.Condition, source: ByteSource | None) -> None:
    wanted, chunk = ROOM, None
    while True:
        if wanted is ROOM:
            with freed:
                feed = reference()
                while feed is not None and not feed.hand_over():
                    del feed
                    freed.wait()
                    feed = reference()
            del feed
        elif wanted is BYTES:
            assert source is not None
            try:
                chunk = source.read(None)
            except BaseException as error:
                add_name(error, source.name)
                feed = reference()
                if feed is not None:
                    feed.fail(error)
                wanted = ROOM
                del feed
                continue
        feed = reference()
        wanted = END if feed is None else feed.advance(chunk)
        del feed
        chunk = None
        if wanted is END:
            if source is not None:
                source.close()
            return


Lists = Generator[Any, "bytes | None", None]  # of samples; None asks for bytes


def _of_items(items: Iterator[Any] | None, options: StreamOptions, shuffle: Shuffle) -> Lists:
    for item in items or ():
        yield shuffle.mix([options.decoded(item)])
        del item  # the consumer holds the only reference


def _of_bytes(source: ByteSource, options: StreamOptions, shuffle: Shuffle) -> Lists:
    splitter = make_splitter(source.name, options.records, options.encoding, options.errors)
    rotations = 0
    while True:
        chunk = yield None
        if isinstance(source, Followed) and source.rotations != rotations:
            rotations = source.rotations
            yield from _of_records(splitter.finish(), options, shuffle)
        if chunk == b"":
            yield from _of_records(splitter.finish(), options, shuffle)
            return
        if chunk:
            yield from _of_records(splitter.split(chunk), options, shuffle)


def _of_records(records: Iterable[Any], options: StreamOptions, shuffle: Shuffle) -> Lists:
    if options.decode is not None:
        for record in records:
            yield shuffle.mix([options.decoded(record)])
        return
    found: list[Any] = []
    try:
        found.extend(records)
    except BaseException:
        yield shuffle.mix(found)
        raise
    yield shuffle.mix(found)


@atexit.register
def _close_all() -> None:
    for feed in list(_feeds):
        feed.close()
