# SPDX-License-Identifier: MIT
"""Events: what one thread of a loader did, and when. In C++: `csrc/loader/timeline.h`."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

EVENT = np.dtype(
    [
        ("begin_ns", np.int64),  # of the monotonic clock
        ("end_ns", np.int64),
        ("batch", np.uint64),  # number in its run
        ("sample", np.uint64),  # index of the first sample in the source
        ("count", np.uint32),  # samples; of TAKE: batches that were ready
        ("kind", np.uint32),
        ("thread", np.uint32),  # of the workers, from 0; the number of workers means a consumer
        ("column", np.uint32),
        ("minor_faults", np.uint32),
        ("major_faults", np.uint32),
    ]
)
DECODE, ADVISE, WAIT, TAKE = range(4)
Events = np.ndarray[Any, Any]  # of EVENT


class Recorder:
    """The latest events of a thread, for engines in Python. Threads: one at a time."""

    def __init__(self, capacity: int) -> None:
        self._ring: Events = np.zeros(max(1, capacity), EVENT)
        self._written = 0

    def add(self, kind: int, begin_ns: int, *, batch: int, sample: int = 0, count: int = 0, column: int = 0) -> int:
        """Keep an event that ends now; return the time."""
        end_ns = time.monotonic_ns()
        event = (begin_ns, end_ns, batch, sample, count, kind, 0, column, 0, 0)
        self._ring[self._written % len(self._ring)] = event
        self._written += 1
        return end_ns

    def events(self) -> tuple[Events, int]:
        """Return the events in order, and the number of those that were overwritten."""
        n, capacity = self._written, len(self._ring)
        if n <= capacity:
            return self._ring[:n].copy(), 0
        return np.roll(self._ring, -(n % capacity)), n - capacity
