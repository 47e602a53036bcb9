# SPDX-License-Identifier: MIT
"""One epoch of data that is asked for by index: batches made ahead by threads of Python's."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

from fastbatch.errors import ClosedError, add_note, refuse_copy
from fastbatch.loader import fork as process

if TYPE_CHECKING:
    from .data_generator import DataGenerator


class IndexPass:
    """The iterator of one epoch of a DataGenerator. After its last batch, or an error, it stays at its end.

    Threads: any; each batch goes to one caller.
    """

    def __init__(
        self, data: DataGenerator, epoch: int, indices: list[int], position: int, at_end: Callable[[], None]
    ) -> None:
        self._data = data
        self._at_end = at_end
        self._indices = indices
        self._process = process.current
        self._lock = threading.RLock()
        self._ahead: deque[Future[Any]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False
        self.epoch = epoch
        self.position = position  # batches handed out
        self.ended = False

    def __iter__(self) -> IndexPass:
        return self

    def __next__(self) -> Any:
        if self._process is not process.current:
            self._restart()
        with self._lock:
            if self._closed:
                self._end()
            if self.position < len(self._indices):
                return self._next()
            self.close()
            self.ended = True
        self._at_end()
        raise StopIteration

    def _next(self) -> Any:
        try:
            batch = self._take()
        except BaseException as error:
            if self._closed:  # by another thread
                self._end()
            self.close()
            name = type(self._data).__name__
            add_note(error, f"fastbatch: raised by {name}.__getitem__({self._indices[self.position]})")
            if isinstance(error, StopIteration):
                raise RuntimeError("__getitem__ raised StopIteration") from error
            raise
        self.position += 1
        return batch

    def _end(self) -> NoReturn:
        if self._data._closed and not self.ended:
            raise ClosedError("the loader was closed") from None
        raise StopIteration from None

    def _take(self) -> Any:
        if not self._data.threads:
            return self._data[self._indices[self.position]]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._data.threads, thread_name_prefix="fastbatch generator")
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
        wanted = max(self._data.prefetch, self._data.threads)
        begin = self.position + len(self._ahead)
        for index in self._indices[begin : self.position + wanted]:
            self._ahead.append(self._pool.submit(self._data.__getitem__, index))
        return self._ahead.popleft().result()

    def _restart(self) -> None:
        """Go on in a forked child, which has no threads yet."""
        self._process = process.current
        self._lock = threading.RLock()
        self._pool = None
        self._ahead.clear()

    __reduce__ = refuse_copy

    def close(self) -> None:
        """End this pass; `next` raises StopIteration from now on."""
        self._closed = True
        self._ahead.clear()
        if self._pool is not None and self._process is process.current:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def __length_hint__(self) -> int:
        return 0 if self._closed else len(self._indices) - self.position
