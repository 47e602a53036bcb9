# SPDX-License-Identifier: MIT
"""Whether this is still the process that made a thing: what a fork leaves behind has no threads."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

current = object()  # another one in each forked child: cheaper to compare than the process's number


_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> threading.RLock:
    """Return a lock that is free in a forked child, although a thread that is not there may have held it.

    All locks of the package are made here. The thread that forks may hold it; its child goes on to hold it.
    """
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _renew() -> None:
    global current
    current = object()
    for lock in list(_locks):
        if not lock._is_owned():
            lock._at_fork_reinit()


os.register_at_fork(after_in_child=_renew)
