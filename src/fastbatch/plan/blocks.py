# SPDX-License-Identifier: MIT
"""Blocks of different sizes in which samples are read and shuffled: row groups of files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Blocks:
    """The ends of consecutive blocks.

    Threads: immutable once made; any thread.

    Attributes:
        ends: The sample after the last of each block: uint64, ascending, read-only. No block is empty.
    """

    def __init__(self, ends: ArrayLike) -> None:
        self.ends: NDArray[np.uint64] = np.array(ends, np.uint64)
        self.ends.flags.writeable = False
        self._digest: str | None = None

    def part(self, start: int, count: int) -> Blocks:
        """Return the blocks of samples `start` to `start + count`, numbered from 0; the outer ones may be cut."""
        inside = self.ends[(self.ends > start) & (self.ends < start + count)]
        return Blocks([*(inside - np.uint64(start)).tolist(), count] if count else [])

    def __str__(self) -> str:
        """Return the number of blocks and a digest of their sizes, for the order of a plan."""
        if self._digest is None:
            import hashlib  # slow to import, and only states need it

            self._digest = hashlib.blake2b(self.ends.astype("<u8").tobytes(), digest_size=8).hexdigest()
        return f"{len(self.ends)} blocks {self._digest}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Blocks):
            return NotImplemented
        return self is other or np.array_equal(self.ends, other.ends)

    def __hash__(self) -> int:
        return hash((len(self.ends), int(self.ends[-1]) if len(self.ends) else 0))

    def __reduce__(self) -> Any:
        return Blocks, (self.ends,)
