# SPDX-License-Identifier: MIT
"""Which batches of an epoch a loader serves: `take` and `skip`, composed as tf.data composes them."""

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
        """Return how many batches may follow after the first `n_before` of the epoch, or None: all there are."""
        return None if self.stop is None else max(0, self.stop - n_before)

    def __str__(self) -> str:
        """Return the calls that make it, as they are shown in the `repr` of loaders."""
        parts = [f"skip={self.first}"] if self.first else []
        return ", ".join(parts if self.stop is None else [*parts, f"take={self.stop - self.first}"])


EVERY_BATCH = BatchRange()


def dealt(n_batches: int, rank: int, world_size: int) -> int:
    """Return how many of `n_batches` a rank gets that takes batches rank, rank + world_size, ..."""
    return max(0, -(-(n_batches - rank) // world_size))
