# SPDX-License-Identifier: MIT
"""Which files the cache of blocks has, and which of them is deleted first: the one that is used furthest in the future.

A file's time of change says when the process that used it last expects its next use, as far as it knows one; so other
processes compare it with their own. Times that have passed mean that none is known: such files go first, the oldest
of them first, as in a cache without a future.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .future import NEVER

Foreseen = Callable[[], tuple[NDArray[np.uint64], NDArray[np.uint64]]]  # hashes of names and numbers of uses

UNFINISHED = ".unfinished-"
_UNFINISHED_S = 3600.0  # a temporary file of this age is of a process that was killed
_UNKNOWN = 1 << 64  # less a time in ns: files of which no use is known
_FEW_USES = 8  # too few for telling how long one takes
_USE_S = 0.04  # until then
_MOST_FORESEEN = 8  # loaders


class CacheFiles:
    """The files of a folder as this process knows them. Threads: one at a time.

    Attributes:
        n_bytes: Of all files.
        clock: The number of the use that was asked for last by this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.n_bytes = 0
        self.clock = 0
        self._began = (0, time.monotonic())  # a number, and when it was asked for
        self._files: dict[str, tuple[int, int]] = {}  # name -> (number of its next use, bytes)
        self._heap: list[tuple[int, str]] = []  # (-number, name), with entries that no longer hold
        self._written: set[str] = set()  # files that are being written
        self._foreseen: dict[object, Foreseen] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def begin(self, name: str, size: int, when: int | None) -> None:
        """Count a file that will be written now."""
        self._written.add(name)
        self._put(name, size, self._rank(when))

    def end(self, name: str, is_kept: bool) -> None:
        """Note that it was written, or could not be."""
        self._written.discard(name)
        if not is_kept:
            self._drop(name)

    def used(self, name: str, size: int | None, when: int | None) -> float | None:
        """Note the use of a file, and return the time that it gets; None if this is no file that is known here.

        Args:
            size: None for a use from memory.
            when: The number of its next use; None if nothing is known of the future.
        """
        if size is None:
            if name not in self._files:
                return None
            size = self._files[name][1]
        self._put(name, size, self._rank(when))
        return time.time() + (0 if when is None or when >= NEVER else (when - self.clock) * self._use_s())

    def foresee(self, key: object, foreseen: Foreseen) -> None:
        """Take what a loader knows of its uses, in place of what it has told before. It is asked for when needed."""
        self._foreseen.pop(key, None)
        self._foreseen[key] = foreseen
        while len(self._foreseen) > _MOST_FORESEEN:
            del self._foreseen[next(iter(self._foreseen))]

    def make_room(self, size: int, most: int, when: int | None) -> bool:
        """Delete files that are used later than a new one, until it fits. Return False if too few are."""
        wanted = self._rank(when)
        while self.n_bytes + size > most:
            worst = self._worst()
            if worst is None or self._files[worst][0] <= wanted:
                return False
            with contextlib.suppress(OSError):
                os.unlink(self._folder / worst)
            self._drop(worst)
        return True

    def scan(self) -> None:
        """Look at the folder, to which other processes write too, and judge all files by what is known now."""
        found, now = [], time.time()
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat()
                    if not entry.name.startswith("."):
                        found.append((entry.name, status.st_size, status.st_mtime_ns))
                    elif entry.name.startswith(UNFINISHED) and now - status.st_mtime > _UNFINISHED_S:
                        os.unlink(entry.path)
        known, self._files, self.n_bytes = self._files, {}, 0
        foreseen = self._foreseen_of([name for name, _, _ in found])
        for (name, size, modified), when in zip(found, foreseen.tolist(), strict=True):
            if when < NEVER:
                rank = when
            elif name in known and known[name][0] < NEVER:
                rank = known[name][0] if known[name][0] >= self.clock else NEVER + known[name][0]
            elif modified > now * 1e9:
                rank = self.clock + int((modified / 1e9 - now) / self._use_s())
            else:
                rank = known[name][0] if name in known else _UNKNOWN - modified
            self._files[name] = rank, size
            self.n_bytes += size
        for name in self._written - self._files.keys():
            self._files[name] = known[name]
            self.n_bytes += known[name][1]
        self._heap = [(-rank, name) for name, (rank, _) in self._files.items()]
        heapq.heapify(self._heap)

    def _foreseen_of(self, names: list[str]) -> NDArray[np.uint64]:
        """Return the number of the next use of each file; NEVER if none is foreseen."""
        wanted = np.array([hash_of(name) for name in names], np.uint64)
        numbers = np.full(len(names), NEVER, np.uint64)
        for foreseen in self._foreseen.values():
            hashes, whens = foreseen()
            if len(hashes) == 0:
                continue
            at = np.searchsorted(hashes, wanted)
            at[at == len(hashes)] = 0
            is_known = (hashes[at] == wanted) & (whens[at] >= self.clock)
            numbers = np.where(is_known, np.minimum(numbers, whens[at]), numbers)
        return numbers

    def _use_s(self) -> float:
        """Return how long a use took until now."""
        n, taken = self.clock - self._began[0], time.monotonic() - self._began[1]
        return taken / n if n >= _FEW_USES else _USE_S

    def _rank(self, when: int | None) -> int:
        return _UNKNOWN - time.time_ns() if when is None else when

    def _put(self, name: str, size: int, rank: int) -> None:
        self._drop(name)
        self._files[name] = rank, size
        self.n_bytes += size
        heapq.heappush(self._heap, (-rank, name))
        if len(self._heap) > 2 * len(self._files) + 1000:
            self._heap = [(-rank, name) for name, (rank, _) in self._files.items()]
            heapq.heapify(self._heap)

    def _drop(self, name: str) -> None:
        _, size = self._files.pop(name, (0, 0))
        self.n_bytes -= size

    def _worst(self) -> str | None:
        """Return the file that is used last, of those that are not being written."""
        held = []
        worst = None
        while self._heap and worst is None:
            entry = heapq.heappop(self._heap)
            name = entry[1]
            if self._files.get(name, (None, 0))[0] == -entry[0]:
                held.append(entry)
                worst = None if name in self._written else name
        for entry in held:
            heapq.heappush(self._heap, entry)
        return worst


def hash_of(name: str) -> int:
    """Return a number for the name of a file of the cache, or for another name."""
    try:
        return int(name[:16], 16)
    except ValueError:
        return 0
