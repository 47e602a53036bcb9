# SPDX-License-Identifier: MIT
"""What the other processes of a host will use: each that shares a cache writes its coming uses into the folder.

A process holds a lock on its file as long as it lives, so that the file of one that was killed is known as such. The
file begins with the process's clock, which it moves on.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.system import open_for_locks, try_lock, try_lock_byte, unlock_byte

Numbers = NDArray[np.uint64]

PREFIX = ".future-"
_HEAD = 4  # words: magic, the number of the use that was asked for last, ns of a use, uses in the file
_MAGIC = int.from_bytes(b"fbfuture", "little")
_MOST = 32  # processes that are looked at


class _File:
    """The file of another process: hashes of blocks, ascending, and for each the numbers of its uses, ascending.

    It is read, not mapped: it may be cut by hand. Owns its descriptor.
    """

    def __init__(self, descriptor: int) -> None:
        self._file = io.FileIO(descriptor, "rb")
        self.identity = _identity(descriptor)
        words = np.frombuffer(self._file.readall(), np.uint64)
        n = int(words[3]) if len(words) >= _HEAD else 0
        if len(words) != _HEAD + 2 * n or int(words[0]) != _MAGIC:
            self._file.close()
            raise ValueError("not a file of uses")
        self.hashes, self.numbers = words[_HEAD : _HEAD + n], words[_HEAD + n :]

    def __del__(self) -> None:
        self._file.close()

    def _now(self) -> tuple[int, float]:
        """Return the clock, and the seconds of a use."""
        self._file.seek(0)
        head = np.frombuffer(self._file.read(8 * _HEAD), np.uint64)
        return (int(head[1]), int(head[2]) / 1e9) if len(head) == _HEAD else (1 << 62, 0.0)

    def seconds_until(self, wanted: Numbers) -> NDArray[np.float64]:
        """Return in how many seconds each block is used; infinity if no use is known."""
        clock, use_s = self._now()
        at = next_uses(self.hashes, self.numbers, wanted, clock)
        known = at < len(self.numbers)
        found = np.full(len(wanted), np.inf)
        found[known] = (self.numbers[at[known]] - np.uint64(clock)) * use_s
        return found


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_ino, status.st_size


def next_uses(hashes: Numbers, numbers: Numbers, wanted: Numbers, clock: int) -> NDArray[np.intp]:
    """Return where each block's first use after `clock` is in a list of uses; its length if there is none."""
    low, end = np.searchsorted(hashes, wanted, "left"), np.searchsorted(hashes, wanted, "right")
    high = end
    while (is_open := low < high).any():  # halves the uses of each block
        middle = (low + high) // 2
        passed = is_open.copy()
        passed[is_open] = numbers[middle[is_open]] <= clock
        low = np.where(passed, middle + 1, low)
        high = np.where(is_open & ~passed, middle, high)
    return np.where(low < end, low, len(numbers))


def joined(parts: Sequence[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers]:
    """Return the uses of several lists as one, sorted by hash and number."""
    empty = np.empty(0, np.uint64)
    hashes = np.concatenate([empty, *(hashes for hashes, _ in parts)])
    numbers = np.concatenate([empty, *(numbers for _, numbers in parts)])
    order = np.lexsort((numbers, hashes))
    return hashes[order], numbers[order]


def _head(clock: int, use_s: float, n: int) -> Numbers:
    return np.array([_MAGIC, clock, int(use_s * 1e9), n], np.uint64)


class Neighbours:
    """The other processes with the same cache, and what this one tells them. Threads: one at a time.

    Attributes:
        are_there: Whether there were any when they were looked at last.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = os.getpid()
        self._name, self._n = "", 0  # of this process's file, and its uses
        self._own: Any = None  # the file, which holds the lock
        self._others: dict[str, _File] = {}

    @property
    def are_there(self) -> bool:
        return bool(self._others)

    def __del__(self) -> None:
        if self._own is not None and self._process == os.getpid():
            with contextlib.suppress(OSError):
                os.unlink(self._folder / self._name)
            self._own.close()

    def tell(self, hashes: Numbers, numbers: Numbers, clock: int, use_s: float) -> None:
        """Write the coming uses of this process, sorted by hash and number, in place of what it has told before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=".unfinished-", dir=self._folder)
        file = io.FileIO(descriptor, "r+b")
        try:
            try_lock(descriptor, shared=False)
            for words in (_head(clock, use_s, len(hashes)), hashes, numbers):
                content = memoryview(words.astype(np.uint64, copy=False).tobytes())
                while len(content):
                    content = content[file.write(content) or 0 :]
            name = self._name or f"{PREFIX}{os.getpid()}-{os.path.basename(unfinished)[12:]}"
            os.replace(unfinished, self._folder / name)
        except BaseException:
            file.close()
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
            raise
        before, self._own, self._name, self._n = self._own, file, name, len(hashes)
        if before is not None:
            before.close()

    def move_on(self, clock: int, use_s: float) -> None:
        """Tell how far this process is."""
        if self._own is not None:
            with contextlib.suppress(OSError):
                self._own.seek(0)
                self._own.write(_head(clock, use_s, self._n).tobytes())

    def look(self) -> None:
        """Find the files of the processes that live now; delete those of processes that have ended."""
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = [name for name in os.listdir(self._folder) if name.startswith(PREFIX) and name != self._name]
        known, self._others = self._others, {}
        for name in sorted(names)[:_MOST]:
            with contextlib.suppress(OSError, ValueError):
                found = self._look_at(name, known.get(name))
                if found is not None:
                    self._others[name] = found

    def _look_at(self, name: str, known: _File | None) -> _File | None:
        descriptor = os.open(self._folder / name, os.O_RDONLY)
        try:
            has_ended = try_lock(descriptor, shared=True)
            if has_ended:
                os.unlink(self._folder / name)
            if has_ended or (known is not None and known.identity == _identity(descriptor)):
                os.close(descriptor)
                return None if has_ended else known
        except OSError:
            os.close(descriptor)
            raise
        return _File(descriptor)

    def seconds_until(self, hashes: Numbers) -> NDArray[np.float64]:
        """Return in how many seconds each block is used by another process; infinity if no use is known."""
        found = np.full(len(hashes), np.inf)
        for other in self._others.values():
            found = np.minimum(found, other.seconds_until(hashes))
        return found


class Turns:
    """The file of whose bytes each process locks the one of a block that it reads. Threads: any.

    The system frees the locks of a process that has ended. Threads of one process do not lock each other out.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".turns"
        self._descriptor: int | None = None

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def lock(self, at: int) -> bool:
        """Return whether this process has the lock of a byte now. Without a folder, or locks, each one has all."""
        try:
            if self._descriptor is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._descriptor = open_for_locks(self._path)
            return try_lock_byte(self._descriptor, at)
        except OSError:
            return True

    def unlock(self, at: int) -> None:
        """Give the lock of a byte back."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                unlock_byte(self._descriptor, at)


class Turn:
    """Who reads a block that several processes want at the same time. Threads: any.

    Args:
        name: Of the file of the block in the cache.
    """

    def __init__(self, turns: Turns, name: str) -> None:
        self._turns, self._at = turns, 2 * int(name[:15], 16)

    def take(self) -> bool:
        """Return whether this process may read the block now, or find it in the cache; `give` ends that."""
        return self._turns.lock(self._at)

    def give(self) -> None:
        """Let others have it."""
        self._turns.unlock(self._at)

    def begin_to_wait(self) -> None:
        """Tell who reads the block that another process wants it, too."""
        self._turns.lock(self._at + 1)

    def end_to_wait(self) -> None:
        """End `begin_to_wait`."""
        self._turns.unlock(self._at + 1)

    def is_awaited(self) -> bool:
        """Return whether another process waits for the block."""
        if not self._turns.lock(self._at + 1):
            return True
        self.end_to_wait()
        return False
