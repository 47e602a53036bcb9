# SPDX-License-Identifier: MIT
"""Prefetch of Python items by a thread, for user-defined generators."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Generator
from typing import Any

from fastbatch.loader import fork as process

_EXIT_CHECK_S = 0.2  # interval at which a waiting thread checks whether the program has ended


class Worker(threading.Thread):
    """Not a daemon thread: those are stopped at any point when the interpreter ends."""


class Prefetch:
    """An iterator over `items`; a thread prefetches up to `depth` of them, until it is closed or dropped.

    While the thread waits for room it refers only to the lock: the items may belong to an object that refers to this
    iterator, and the garbage collector frees both together.

    Threads: any. An error is raised by the `next` of its item, and by each later one; after `close` it is exhausted.
    """

    def __init__(self, items: Generator[Any, None, None], depth: int) -> None:
        self._items = items
        self._depth = depth
        self._process = process.current
        lock = process.new_lock()  # the garbage collector may call close() while this thread holds it
        self._filled, self._freed = threading.Condition(lock), threading.Condition(lock)
        self._ready: deque[Any] = deque()  # guarded by the lock, as all below
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None
        self._error_at_close: BaseException | None = None
        self._done = threading.Event()
        self._thread = Worker(
            target=_run, args=(weakref.ref(self), self._freed, self._done), name="fastbatch prefetch", daemon=False
        )
        self._thread.start()

    def __iter__(self) -> Prefetch:
        return self

    def __next__(self) -> Any:
        with self._filled:
            while not self._ready:
                if self._closed:
                    raise StopIteration
                if self._ended:
                    raise self._error or StopIteration
                self._filled.wait()
            self._freed.notify()
            return self._ready.popleft()

    def close(self, join: bool = True) -> None:
        """Stop and join the thread, which finishes its current item. Does nothing in a forked child.

        An exception raised by `items.close()` is raised here; errors of items that were not requested are dropped.

        Args:
            join: False only waits for the end of the thread's work. A finalizer may run in a thread that holds a lock
                of `threading`, which `join` needs.
        """
        if not self._stop() or self._thread is threading.current_thread():
            return  # the garbage collector ran in the prefetch thread
        self._done.wait()
        if join:
            self._thread.join()
        error, self._error_at_close = self._error_at_close, None
        if error is not None:
            raise error

    def _stop(self) -> bool:
        """Tell the thread to end; return False in a forked child."""
        if self._process is not process.current:
            return False
        with self._filled:
            self._closed = True
            self._ready.clear()
            self._filled.notify_all()
            self._freed.notify_all()
        return True

    def __del__(self) -> None:
        if hasattr(self, "_thread"):
            self._stop()

    # ---- the thread --------------------------------------------------------------------------------------------------

    def has_room(self) -> bool | None:
        """Return whether there is room for one more item; None when nobody wants it. The caller holds the lock."""
        if not self._closed and _is_program_over():
            self._closed = True
        return None if self._closed else len(self._ready) < self._depth

    def make_one(self) -> bool:
        """Add an item; return False after the last one."""
        try:
            item = next(self._items)
        except StopIteration:
            return False
        except BaseException as error:
            self._error = error
            return False
        with self._filled:
            if not self._closed:
                self._ready.append(item)
                self._filled.notify()
        return True

    def end(self) -> None:
        """Close the items."""
        error_at_close = None
        try:
            self._items.close()
        except BaseException as raised:
            error_at_close = raised
        with self._filled:
            self._ended, self._error_at_close = True, error_at_close
            self._filled.notify_all()


def _run(reference: weakref.ref[Prefetch], freed: threading.Condition, done: threading.Event) -> None:
    try:
        _work(reference, freed)
    finally:
        done.set()


def _work(reference: weakref.ref[Prefetch], freed: threading.Condition) -> None:
    while True:
        with freed:
            prefetch = reference()
            while prefetch is not None and prefetch.has_room() is False:
                del prefetch
                freed.wait(_EXIT_CHECK_S)
                prefetch = reference()
            if prefetch is None:
                return
            is_wanted = not prefetch._closed
        if not (is_wanted and prefetch.make_one()):
            prefetch.end()
            return
        del prefetch


def _is_program_over() -> bool:
    """Return whether the interpreter waits only for threads of this module. `atexit` hooks run after that wait."""
    if threading.main_thread().is_alive():
        return False
    main = threading.main_thread()
    return all(thread is main or thread.daemon or isinstance(thread, Worker) for thread in threading.enumerate())
