# SPDX-License-Identifier: MIT
"""Locks that are free in a forked child."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from fastbatch.system import in_forked_child

_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> threading.RLock:
    """Return a lock that is free in a forked child, even if another thread of the parent held it at the fork.

    All locks of the package are made here. A lock that the forking thread holds stays held in the child.
    """
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _renew() -> None:
    for lock in list(_locks):
        if not lock._is_owned():
            lock._at_fork_reinit()


in_forked_child(_renew)
