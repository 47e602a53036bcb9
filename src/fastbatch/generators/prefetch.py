# SPDX-License-Identifier: MIT
"""Python items made ahead by a thread: for generators of the user's own, whose code needs the interpreter."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from typing import Any

from fastbatch.loader import fork as process

_EXIT_CHECK_S = 0.2  # how often a thread that waits for room looks whether the program is over


class _Worker(threading.Thread):
    """Not a daemon: those are stopped in the middle of a line when the interpreter ends."""


class Prefetch:
    """An iterator over `items`, of which a thread keeps up to `depth` ready. `close` it: the thread refers to it.

    Threads: any. Errors come out of the `next` that owed the item, again and again; a closed one is at its end.
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
        self._thread = _Worker(target=self._work, name="fastbatch prefetch", daemon=False)
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

    def close(self) -> None:
        """End the work and join the thread, which finishes the item it is at. Does nothing in a forked child.

        What `items` raise when they are closed is raised here; errors of items that nobody asked for are dropped.
        """
        if self._process is not process.current:
            return
        with self._filled:
            self._closed = True
            self._ready.clear()
            self._filled.notify_all()
            self._freed.notify_all()
        if self._thread is threading.current_thread():
            return  # the garbage collector ran here
        self._thread.join()
        error, self._error_at_close = self._error_at_close, None
        if error is not None:
            raise error

    def _work(self) -> None:
        error = error_at_close = None
        try:
            self._fill()
        except BaseException as raised:
            error = raised
        try:
            self._items.close()
        except BaseException as raised:
            error_at_close = raised
        with self._filled:
            self._ended = True
            self._error, self._error_at_close = error, error_at_close
            self._filled.notify_all()

    def _fill(self) -> None:
        while self._wait_for_room():
            try:
                item = next(self._items)
            except StopIteration:
                return
            with self._filled:
                if not self._closed:
                    self._ready.append(item)
                    self._filled.notify()
            del item  # the consumer's alone

    def _wait_for_room(self) -> bool:
        """Return True when there is room for one more item, False when nobody wants it."""
        with self._freed:
            while not self._closed:
                if _is_program_over():
                    self._closed = True
                elif len(self._ready) < self._depth:
                    return True
                else:
                    self._freed.wait(_EXIT_CHECK_S)
            return False


def _is_program_over() -> bool:
    """Return whether the interpreter only waits for threads like ours. Hooks for its end come after that wait."""
    if threading.main_thread().is_alive():
        return False
    main = threading.main_thread()
    return all(thread is main or thread.daemon or isinstance(thread, _Worker) for thread in threading.enumerate())
