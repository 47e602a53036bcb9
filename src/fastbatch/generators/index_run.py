# SPDX-License-Identifier: MIT
"""One pass over a `DataGenerator`: batches prefetched by Python threads."""

from __future__ import annotations

import weakref
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from fastbatch.errors import SIGNALS, add_note, signal_error
from fastbatch.loader import fork as process
from fastbatch.loader.run import CLOSED, END
from fastbatch.plan.plan import Plan
from fastbatch.source.pool import submit, thread_pool

if TYPE_CHECKING:
    from .data_generator import DataGenerator


class IndexRun:
    """One pass over the batches of a DataGenerator.

    Args:
        indices: Indices of the batches of this rank, in the order of the epoch.

    Threads: any; the lock guards everything.
    """

    def __init__(self, data: DataGenerator, plan: Plan, start: int, indices: list[int]) -> None:
        self._data = data
        self._plan, self._start = plan, start
        self._indices = indices
        self._n_batches = 0
        self._lock = process.new_lock()
        self._ahead: deque[Future[Any]] = deque()
        self._pool: Any = None
        self._is_closed = False

    def next(self) -> Any:
        """Return the next batch; END after the last one; CLOSED after `close`."""
        with self._lock:
            if self._is_closed:
                return CLOSED
            if self._n_batches == len(self._indices):
                return END
            try:
                batch = self._made() if self._data.threads else self._data[self._indices[self._n_batches]]
            except BaseException as error:
                if self._is_closed:  # by another thread
                    return CLOSED
                index = self._indices[self._n_batches]
                add_note(error, f"fastbatch: raised by {type(self._data).__name__}.__getitem__({index})")
                if isinstance(error, SIGNALS):
                    raise signal_error(error, f"{type(self._data).__name__}.__getitem__") from error
                raise
            self._n_batches += 1
            return batch

    def _made(self) -> Any:
        if self._pool is None:
            self._pool = thread_pool(self._data.threads, "fastbatch generator")
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
        wanted = max(self._data.prefetch, self._data.threads)
        begin = self._n_batches + len(self._ahead)
        for index in self._indices[begin : self._n_batches + wanted]:
            self._ahead.append(submit(self._pool, self._data.__getitem__, index))
        batch = self._ahead[0].result()  # Ctrl-C interrupts the wait; the batch stays in the queue
        self._ahead.popleft()
        return batch

    def position(self) -> int:
        """Return the number of batches returned by all ranks."""
        return min(self._start + self._n_batches * self._plan.world_size, max(self._start, self._plan.n))

    def counts(self) -> tuple[int, int]:
        """Return the number of returned batches, and 0: their numbers of samples are unknown."""
        return self._n_batches, 0

    def n_ready(self) -> int:
        """Return the number of prefetched batches."""
        return sum(future.done() for future in list(self._ahead))

    def close(self) -> None:
        """End the pass. Calls of `__getitem__` in progress are not awaited."""
        self._is_closed = True
        self._ahead.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def forget_threads(self) -> None:
        """Drop the thread pool in a forked child: its threads are in the parent."""
        self._pool = None
        self._ahead.clear()
