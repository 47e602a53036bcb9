# SPDX-License-Identifier: MIT
"""What other programs took of the CPUs while epochs were timed, from Linux's /proc/stat."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

STAT = Path("/proc/stat")
NOT_BUSY = (3, 4)  # fields of the line `cpu`: idle, waiting for a disk. Time that a hypervisor took (steal) is busy


def busy_and_total() -> tuple[float, float] | None:
    """Return the seconds in which CPUs were busy, and all seconds of all CPUs; None where there is no /proc/stat."""
    try:
        numbers = [int(word) for word in STAT.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return sum(n for i, n in enumerate(numbers) if i not in NOT_BUSY) / ticks, sum(numbers) / ticks


class Meter:
    """Sums up the CPU time of other programs: `with meter:` around each timed epoch, then `add_own(cpu_s)`."""

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None
        self._busy = self._total = self._own = 0.0
        self._load = os.getloadavg()[0]

    def __enter__(self) -> None:
        self._start = busy_and_total()

    def __exit__(self, *_: object) -> None:
        end = busy_and_total()
        if self._start and end:
            self._busy += end[0] - self._start[0]
            self._total += end[1] - self._start[1]

    def add_own(self, cpu_s: float) -> None:
        """Add the CPU time of the contestant that was timed."""
        self._own += cpu_s

    def found(self) -> dict[str, Any]:
        """Return the share of all CPUs that others took, None if unknown, and the load average before."""
        share = None
        if self._total > 1:  # below, the ticks of the clock are too coarse
            share = min(max((self._busy - self._own) / self._total, 0.0), 1.0)
        return {"others": share, "load_before": self._load}
