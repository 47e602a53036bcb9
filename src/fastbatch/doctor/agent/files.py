# SPDX-License-Identifier: MIT
"""The time that each data file takes: from its opening to the next one, or to the end of the batch."""

from __future__ import annotations

import heapq
import math
import os
import sys
from threading import get_ident
from time import perf_counter
from typing import Any

from .record import INSIDE

_CODE = (".py", ".pyc", ".pyi", ".so", ".pth", ".pyd", ".dll", ".ttf", ".toml")
_SYSTEM = ("/proc/", "/dev/", "/sys/")
_N_SLOWEST = 20
_PER_OCTAVE = 4  # bins of the histogram per factor of two


class Files:
    """What was opened while batches were made. Threads: any; additions of two threads at once may lose one."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all files: in a forked child."""
        self._open: dict[int, tuple[str, float]] = {}  # thread -> the file that it reads, and since when
        self.count = 0
        self.total_s = 0.0
        self.bins: dict[int, int] = {}  # floor(4 log2(microseconds)) -> files
        self.slowest: list[tuple[float, str]] = []  # a heap, the least slow first

    def opened(self, path: str) -> None:
        """Note that this thread has opened a file."""
        now = perf_counter()
        self._close(now)
        self._open[get_ident()] = (path, now)

    def end(self) -> None:
        """Note the end of a batch in this thread."""
        if self._open:
            self._close(perf_counter())

    def _close(self, now: float) -> None:
        file = self._open.pop(get_ident(), None)
        if file is None:
            return
        path, begin = file
        seconds = now - begin
        self.count += 1
        self.total_s += seconds
        octave = math.floor(_PER_OCTAVE * math.log2(max(seconds * 1e6, 1.0)))
        self.bins[octave] = self.bins.get(octave, 0) + 1
        if len(self.slowest) < _N_SLOWEST:
            heapq.heappush(self.slowest, (seconds, path))
        elif seconds > self.slowest[0][0]:
            heapq.heapreplace(self.slowest, (seconds, path))

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain numbers and text."""
        return {
            "count": self.count,
            "total_s": self.total_s,
            "bins": {str(octave): n for octave, n in dict(self.bins).items()},
            "slowest": sorted(self.slowest, reverse=True),
        }


FILES = Files()


def install() -> None:
    """Note all files that Python opens while a batch is made."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or get_ident() not in INSIDE:
            return
        path = arguments[0]
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if isinstance(path, str) and not path.endswith(_CODE) and not path.startswith(_SYSTEM):
            mode = arguments[1]
            if mode is None or not isinstance(mode, str) or "r" in mode:
                FILES.opened(path)

    sys.addaudithook(hook)
