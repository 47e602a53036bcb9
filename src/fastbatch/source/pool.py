# SPDX-License-Identifier: MIT
"""Work for a pool of threads, also after the main thread has ended, when Python starts no more threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
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
