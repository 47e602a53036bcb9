# SPDX-License-Identifier: MIT
"""A run: one pass over (the rest of) an epoch, as every kind of loader makes it, and the runs that are under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from . import fork as process

# Runs that hand out any Python object return these instead of None and False.
END = object()
CLOSED = object()


class Run(Protocol):
    """One pass over an epoch, from some position on.

    Threads: any may call `next`; each batch goes to one of them.
    """

    def next(self) -> Any:
        """Return the next batch; None, or END, after the last one; False, or CLOSED, when the run was closed.

        Runs of a loader with columns return `(number of the batch, columns, bad samples)`, and others a finished batch.
        """


class CountedRun(Run, Protocol):
    """A run that hands out finished batches, and counts them itself. Threads: any."""

    def position(self) -> Any:
        """Return the position after the last batch that was handed out, also once it was closed."""

    def counts(self) -> tuple[int, int]:
        """Return how many batches were handed out, and samples (0 where they are not known)."""

    def close(self) -> None:
        """End the work ahead. `next` returns False from now on."""


@dataclass
class Progress:
    """How far one iterator is. It outlives the iterator: a state may be asked for after the loop was left.

    Threads: any may read it; the iterator writes.

    Attributes:
        plan: Of the loader when the iterator was made.
        start: Position within the epoch at which the run began.
        batches: Handed out since, of runs that number their batches.
        ended: The epoch came to its end.
        run: That counts its batches itself, or None.
        reached: Position after the last batch that such a run, and then the user's functions, handed out.
    """

    plan: Any
    epoch: int
    start: Any
    batches: int = 0
    ended: bool = False
    run: Any = None
    reached: Any = None


class LiveRuns:
    """The runs of one loader that are under way, so that `close` can end them.

    Threads: any; the lock guards the list, and may be taken again by the garbage collector in the same thread.
    """

    def __init__(self) -> None:
        self._runs: list[Any] = []
        self._lock = process.new_lock()

    def add(self, run: Any) -> None:
        """Note a run that has begun."""
        with self._lock:
            self._runs.append(run)

    def remove(self, run: Any) -> bool:
        """Forget a run; return whether it was still there."""
        with self._lock:
            if not any(one is run for one in self._runs):
                return False
            self._runs = [one for one in self._runs if one is not run]
            return True

    def all(self) -> list[Any]:
        """Return those that are under way."""
        with self._lock:
            return list(self._runs)
