# SPDX-License-Identifier: MIT
"""Pools of threads, also after the main thread has ended, when Python starts no more threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class NoThreads:
    """A pool without threads: `submit` below calls the function itself."""

    _max_workers = 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        raise RuntimeError("no threads")

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        """Do nothing."""

    def __enter__(self) -> NoThreads:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def thread_pool(n_threads: int, name: str) -> ThreadPoolExecutor | NoThreads:
    """Return a pool of threads with a name; one without threads where Python can no longer make one."""
    try:
        from concurrent.futures import ThreadPoolExecutor  # its module has an exit hook, and cannot be imported late
    except RuntimeError:
        return NoThreads()
    return ThreadPoolExecutor(n_threads, thread_name_prefix=name)


def submit(pool: ThreadPoolExecutor | NoThreads, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Return the future of a call in the pool; where no thread takes it, call the function here."""
    try:
        return pool.submit(function, *arguments)
    except RuntimeError:  # of the pool, which says: after shutdown
        done: Future[Any] = Future()
        try:
            done.set_result(function(*arguments))
        except BaseException as error:
            done.set_exception(error)
        return done
