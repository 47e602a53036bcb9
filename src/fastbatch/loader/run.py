# SPDX-License-Identifier: MIT
"""A run: one pass over an epoch or the rest of it, for all kinds of loaders; and the set of active runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from . import fork as process

# Runs whose batches may be any Python object return these instead of None and False.
END = object()
CLOSED = object()


class Run(Protocol):
    """One pass over an epoch, from a position.

    Threads: any may call `next`; each batch goes to one of them.
    """

    def next(self) -> Any:
        """Return the next batch; None, or END, after the last one; False, or CLOSED, when the run was closed.

        Runs of a loader with columns return `(number of the batch, columns, bad samples)`, others the finished batch.
        """


class CountedRun(Run, Protocol):
    """A run that returns finished batches, and counts them itself. Threads: any."""

    def position(self) -> Any:
        """Return the position after the last returned batch; also valid after `close`."""

    def counts(self) -> tuple[int, int]:
        """Return the numbers of returned batches and samples; 0 samples if unknown."""

    def close(self) -> None:
        """Stop the prefetch. `next` returns False from now on."""


@dataclass
class Progress:
    """Progress of one iterator. It outlives the iterator: `state_dict` may be called after the loop.

    Threads: any may read it; the iterator writes.

    Attributes:
        plan: Plan of the loader when the iterator was made.
        start: Position within the epoch at which the run began.
        batches: Batches returned since, for runs that number their batches.
        ended: The epoch has ended.
        run: The run if it counts its batches itself, or None.
        reached: For such a run, the position after the last batch that the user's functions returned.
    """

    plan: Any
    epoch: int
    start: Any
    batches: int = 0
    ended: bool = False
    run: Any = None
    reached: Any = None


class LiveRuns:
    """The active runs of one loader, so that `close` can end them.

    Threads: any. The lock guards the list; it is reentrant, since the garbage collector may remove a run.
    """

    def __init__(self) -> None:
        self._runs: list[Any] = []
        self._lock = process.new_lock()

    def add(self, run: Any) -> None:
        """Add a run that has begun."""
        with self._lock:
            self._runs.append(run)

    def remove(self, run: Any) -> bool:
        """Remove a run; return whether it was in the list."""
        with self._lock:
            if not any(one is run for one in self._runs):
                return False
            self._runs = [one for one in self._runs if one is not run]
            return True

    def all(self) -> list[Any]:
        """Return the active runs."""
        with self._lock:
            return list(self._runs)
