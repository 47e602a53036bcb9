# SPDX-License-Identifier: MIT
"""Fork detection: whether this process created an object. A forked child has no threads of its parent."""

from __future__ import annotations

from fastbatch.locks import new_lock
from fastbatch.system import in_forked_child

__all__ = ["current", "new_lock"]

current = object()  # replaced in each forked child; cheaper to compare than os.getpid()


def _renew() -> None:
    global current
    current = object()


in_forked_child(_renew)
