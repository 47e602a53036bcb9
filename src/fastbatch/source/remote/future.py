# SPDX-License-Identifier: MIT
"""The coming uses of blocks, in their order: known, since the order of an epoch and of the next one is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEVER = 1 << 62  # and above: no further use is known; among these, what was used last has the largest number


class Future:
    """Uses of blocks, numbered from `first` on.

    Threads: immutable.

    Attributes:
        first: The number of the first use.
        uses: Rows (batch, space, block, last batch of this use).
        next: For each use the number of the next one of the same block; NEVER + its own number if none is known.
    """

    def __init__(self, uses: NDArray[np.uint64], first: int) -> None:
        self.first, self.uses = first, uses
        n = len(uses)
        self._order = np.lexsort((np.arange(n), uses[:, 2], uses[:, 1]))  # by block, then by time
        by_block = uses[self._order, 1:3]
        is_again = (by_block[1:] == by_block[:-1]).all(1)
        numbers = np.arange(first, first + n, dtype=np.uint64)
        self.next = numbers + np.uint64(NEVER)
        again = np.flatnonzero(is_again) + 1
        self.next[self._order[again - 1]] = numbers[self._order[again]]

    def by_block(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the uses by block, as rows (space, block), and the number of each, those of a block in order."""
        return self.uses[self._order, 1:3], np.uint64(self.first) + self._order.astype(np.uint64)
