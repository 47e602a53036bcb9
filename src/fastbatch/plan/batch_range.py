# SPDX-License-Identifier: MIT
"""The range of batches that a loader serves: `take` and `skip`, composed as in tf.data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BatchRange:
    """Batches [first, stop) of each epoch on this rank. Immutable.

    Attributes:
        first: The first batch that is served.
        stop: The batch after the last one, or None: to the epoch's end.
    """

    first: int = 0
    stop: int | None = None

    def take(self, n: int) -> BatchRange:
        """Return the range of its first `n` batches."""
        stop = self.first + n
        return BatchRange(self.first, stop if self.stop is None else min(self.stop, stop))

    def skip(self, n: int) -> BatchRange:
        """Return the range without its first `n` batches."""
        first = self.first + n
        return BatchRange(first if self.stop is None else min(first, self.stop), self.stop)

    def left(self, n_before: int) -> int | None:
        """Return the maximum number of batches after the first `n_before` of the epoch, or None: no limit."""
        return None if self.stop is None else max(0, self.stop - n_before)

    def __str__(self) -> str:
        """Return the calls that make the range, for the `repr` of loaders."""
        parts = [f"skip={self.first}"] if self.first else []
        return ", ".join(parts if self.stop is None else [*parts, f"take={self.stop - self.first}"])


EVERY_BATCH = BatchRange()


def dealt(n_batches: int, rank: int, world_size: int) -> int:
    """Return the number of batches of a rank, which gets batches rank, rank + world_size, ... of `n_batches`."""
    return max(0, -(-(n_batches - rank) // world_size))
