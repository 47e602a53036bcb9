# SPDX-License-Identifier: MIT
"""Fork detection: whether this process created an object. A forked child has no threads of its parent."""

from __future__ import annotations

import os

from fastbatch.locks import new_lock

__all__ = ["current", "new_lock"]

current = object()  # replaced in each forked child; cheaper to compare than os.getpid()


def _renew() -> None:
    global current
    current = object()


os.register_at_fork(after_in_child=_renew)
