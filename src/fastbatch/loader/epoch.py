# SPDX-License-Identifier: MIT
"""The iterator of one epoch: batches as the engine hands them out, packed, and mapped by the user's functions."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.errors import ClosedError, add_note, refuse_copy
from fastbatch.plan.plan import Plan

from . import fork as process
from .bad_samples import Bad, Budget, error_of
from .engine import Run
from .map import BatchInfo

if TYPE_CHECKING:
    from .loader import Loader


@dataclass
class Progress:
    """How far one iterator is. Outlives it, since the state may be asked for after the loop was left."""

    plan: Plan
    epoch: int
    start: int  # global position
    batches: int = 0
    ended: bool = False


class Epoch:
    """The iterator of one epoch. After its last batch, or an error, it stays at its end.

    Threads: any; each batch goes to one caller.
    """

    def __init__(self, loader: Loader, progress: Progress) -> None:
        self._loader = loader
        self._pack = loader._recipe.pack
        self._steps = loader._recipe.steps
        self._progress = progress
        self._process = process.current
        self._lock = threading.Lock()
        self._budget = loader._budget(progress.plan)
        self._run: Run | None = loader._start(progress)

    def __iter__(self) -> Epoch:
        return self

    def __next__(self) -> Any:
        if self._run is not None and self._process is not process.current:
            self._restart()
        if self._budget is None:
            number, columns, _ = self._take()
        else:
            with self._lock:  # the samples that break the budget are the same for any number of threads
                number, columns = self._take_sound(self._budget)
        packed = self._pack(columns)
        if self._steps:
            packed = self._map(packed, number)
        self._count(number)
        return packed

    def _take(self) -> tuple[int, list[np.ndarray[Any, Any]], Sequence[Bad]]:
        """Return the next batch from the engine, whatever is in it."""
        run = self._run
        if run is None:
            raise StopIteration
        try:
            batch = run.next()
        except KeyboardInterrupt:
            raise
        except BaseException:
            self._run = None
            raise
        if batch is None:
            self._run = None
            self._progress.ended = True
            raise StopIteration
        if batch is False:
            self._run = None
            raise ClosedError("the loader was closed")
        return batch

    def _take_sound(self, budget: Budget) -> tuple[int, list[np.ndarray[Any, Any]]]:
        """Return the next batch that has samples, and note the bad ones; raise when they are too many."""
        while True:
            number, columns, bad = self._take()
            if bad:
                borne = budget.spend(bad)
                self._loader._report.add(self._progress.epoch, bad[: borne + 1])
                if borne < len(bad):
                    self._run = None
                    error = error_of(bad[borne])
                    add_note(error, f"fastbatch: one bad sample more than max_bad={self._progress.plan.max_bad}")
                    raise error
            if len(columns[0]) > 0:
                return number, columns
            self._count(number)

    def _count(self, number: int) -> None:
        if number >= self._progress.batches:  # threads that share an iterator may come out of order
            self._progress.batches = number + 1

    def _map(self, batch: Any, number: int) -> Any:
        progress, plan = self._progress, self._progress.plan
        position = progress.start + number * plan.batch_size * plan.world_size + plan.rank
        number += plan.batches_before(progress.start)
        info = BatchInfo(plan.seed, progress.epoch, number, position, plan.world_size)
        try:
            for step in self._steps:
                batch = step(batch, info)
        except BaseException:
            self._run = None
            raise
        return batch

    def _restart(self) -> None:
        """Go on in a forked child: same epoch, same batch, own threads."""
        progress = self._progress
        loader = self._loader
        progress.start = loader._batch_plan(progress.start).position_after(progress.batches)
        progress.batches = 0
        self._process = process.current
        self._lock = threading.Lock()  # a thread that did not come along may have held it
        self._run = loader._start(progress)

    def __length_hint__(self) -> int:
        loader, progress = self._loader, self._progress
        if self._run is None:
            return 0
        return loader._batch_plan(progress.start).n_batches - progress.batches

    __reduce__ = refuse_copy

    def close(self) -> None:
        """End this pass; `next` raises StopIteration from now on."""
        self._run = None
