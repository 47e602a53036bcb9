# SPDX-License-Identifier: MIT
"""CPU time, disk reads and page faults of a process and its children, from outside: `/proc` of Linux."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from fastbatch.bench.noise import busy_and_total

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PROC = Path("/proc")


@dataclass
class Usage:
    """What a process has used."""

    cpu_s: float = 0.0
    queue_s: float = 0.0  # the main thread was ready to run, but all CPUs were busy
    major_faults: int = 0
    minor_faults: int = 0
    read_bytes: int = 0  # from a disk, not from memory
    peak_bytes: int = 0
    others_s: float = 0.0  # CPU seconds of all other programs meanwhile; of a whole tree only


@dataclass
class Tree:
    """The usage of a process and all its descendants, ended ones included. Threads: one.

    Attributes:
        root: Number of the process.
        usages: Usage of each process so far.
    """

    root: int
    usages: dict[int, Usage] = field(default_factory=dict)
    _members: list[int] = field(default_factory=list)
    _n_looks: int = 0
    _others_s: float = 0.0
    _began: tuple[float, float] | None = field(default_factory=busy_and_total)

    def look(self) -> None:
        """Read the counters once more. The list of processes is renewed every fifth time."""
        if self._n_looks % 5 == 0:
            self._members = descendants(self.root)
        self._n_looks += 1
        for process in self._members:
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
                self._read(process, reads_more=self._n_looks % 5 == 1)
        if self._n_looks % 5 == 1 and self._began is not None and (now := busy_and_total()) is not None:
            own_s = sum(usage.cpu_s for usage in self.usages.values())
            self._others_s = max(0.0, now[0] - self._began[0] - own_s)

    def _read(self, process: int, reads_more: bool) -> None:
        folder = f"{PROC}/{process}"
        fields = _content(f"{folder}/stat").rpartition(b")")[2].split()
        usage = self.usages.setdefault(process, Usage())
        usage.minor_faults, usage.major_faults = int(fields[7]), int(fields[9])
        usage.cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
        with contextlib.suppress(OSError):
            usage.queue_s = int(_content(f"{folder}/schedstat").split()[1]) / 1e9
        if reads_more:
            with contextlib.suppress(OSError):
                lines = _content(f"{folder}/io").splitlines()
                usage.read_bytes = next(int(line.split()[1]) for line in lines if line.startswith(b"read_bytes"))
            status = _content(f"{folder}/status").splitlines()
            peak = next((int(line.split()[1]) * 1024 for line in status if line.startswith(b"VmHWM")), 0)
            usage.peak_bytes = max(usage.peak_bytes, peak)  # a process that has just ended has none

    def total(self) -> Usage:
        """Return the sum over all processes; of the peaks of memory, too, which may not have been at the same time."""
        sums = Usage(others_s=self._others_s)
        for usage in self.usages.values():
            for name, value in vars(usage).items():
                setattr(sums, name, getattr(sums, name) + value)
        return sums


def _content(path: str) -> bytes:
    """Return the content of a file of `/proc`, in a third of the time that `Path.read_text` takes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 1 << 16)
    finally:
        os.close(descriptor)


def is_supported() -> bool:
    """Return whether this system has `/proc`."""
    return (PROC / "self" / "stat").exists()


def descendants(root: int) -> list[int]:
    """Return a process and all its descendants that are alive."""
    children = _children if has_lists_of_children() else _parents().get
    found, pending = [], [root]
    while pending:
        process = pending.pop()
        found.append(process)
        pending += children(process) or ()
    return found


def has_lists_of_children() -> bool:
    """Return whether this kernel lists the children of each thread."""
    return (PROC / "thread-self" / "children").exists()


def _children(process: int) -> list[int]:
    """Return the children of a process from the lists of its threads: a hundredth of the time of `_parents`."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has ended
        for thread in os.listdir(PROC / str(process) / "task"):
            with contextlib.suppress(OSError):
                found += map(int, (PROC / str(process) / "task" / thread / "children").read_text().split())
    return found


def _parents() -> dict[int, list[int]]:
    """Return the children of every process, for kernels without those lists."""
    parents: dict[int, list[int]] = {}
    for entry in os.scandir(PROC):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(stat[1]), []).append(int(entry.name))
    return parents
