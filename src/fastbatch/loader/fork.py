# SPDX-License-Identifier: MIT
"""Whether this is still the process that made a thing: what a fork leaves behind has no threads."""

from __future__ import annotations

import os

current = object()  # another one in each forked child: cheaper to compare than the process's number


def _renew() -> None:
    global current
    current = object()


os.register_at_fork(after_in_child=_renew)
