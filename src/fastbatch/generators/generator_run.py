# SPDX-License-Identifier: MIT
"""One pass over the items of a generator function, optionally prefetched by a thread."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from fastbatch.loader import fork as process
from fastbatch.loader.run import CLOSED, END

from .prefetch import Prefetch


@dataclass(frozen=True)
class Reached:
    """A position within an epoch. Immutable.

    Attributes:
        items: Items that the function yields before it.
        slack: Number of these that may be missing: ranks of an earlier pass, or `skip`, may have passed the end.
    """

    items: int = 0
    slack: int = 0


class GeneratorRun:
    """One pass over the items of one call of a function.

    Threads: any; the lock guards the count and the generator, which one thread at a time may run.
    """

    def __init__(self, items: Generator[Any, None, None], start: Reached, world_size: int, prefetch: int) -> None:
        self._start, self._world_size = start, world_size
        self._lock = process.new_lock()
        self._n_batches = 0
        self._is_broken = False
        self.is_dropped = False  # its iterator is finalized: the thread must not be joined
        self._is_over = False
        self._items: Generator[Any, None, None] | Prefetch | None = items
        self._ahead = Prefetch(items, prefetch) if prefetch else None
        if self._ahead is not None:
            self._items = self._ahead

    def next(self) -> Any:
        """Return the next item; END after the last one; CLOSED after `close`."""
        with self._lock:
            items = self._items
            if items is None:
                return END if self._is_over else CLOSED
            if self._is_broken:  # after an exception it is unknown whether items are left
                raise StopIteration
            try:
                item = next(items)
            except StopIteration:
                if self._items is None:  # closed by another thread
                    return CLOSED
                self._items, self._is_over = None, True
                return END
            except BaseException as error:
                # With a prefetch thread Ctrl-C interrupts the wait, not the work.
                if not (self._ahead and isinstance(error, KeyboardInterrupt)):
                    self._is_broken = True
                raise
            self._n_batches += 1
            return item

    def position(self) -> Reached:
        """Return the position after the last returned item."""
        if not self._n_batches:
            return self._start
        return Reached(self._start.items + self._n_batches * self._world_size, self._world_size - 1)

    def counts(self) -> tuple[int, int]:
        """Return the number of returned items, and 0: their numbers of samples are unknown."""
        return self._n_batches, 0

    def go_on_after_fork(self) -> bool:
        """Return whether the run continues unchanged in a forked child: only without a prefetch thread."""
        if self._ahead is not None:
            return False
        self._lock = process.new_lock()  # a thread of the parent may have held it
        return True

    def close(self) -> None:
        """End the pass and the prefetch thread."""
        items, self._items = self._items, None
        if self._ahead is not None:
            self._ahead.close(join=not self.is_dropped)
        elif items is not None:
            with self._lock:
                items.close()
