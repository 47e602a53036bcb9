# SPDX-License-Identifier: MIT
"""A run over text for a loader: omits the batches of `skip`, and has a position."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from fastbatch.loader import fork as process
from fastbatch.plan.batch_range import EVERY_BATCH
from fastbatch.source.identity import OpenedFile

from .plan import Place, TextImplementation, TextPlan, TextRun


class SkippingRun:
    """One pass over the text from a position, without the batches that `skip` omits.

    Threads: any; the lock guards the start.

    Attributes:
        files: As they were before the run began.
        start: Position of the first batch. With `skip` the text before it must be read: the first `next` splits it
            into words or lines without making strings.
        next: Returns the next batch, as `TextRun.next`. An attribute, to save a call per batch.
    """

    def __init__(
        self,
        implementation: TextImplementation,
        plan: TextPlan,
        epoch: int,
        start: Place,
        known: dict[str, Any],
        files: tuple[OpenedFile, ...],
    ) -> None:
        self.start = start
        self.files = files
        self._implementation, self._plan, self._epoch, self._known = implementation, plan, epoch, known
        self._lock = process.new_lock()
        self._is_closed = False
        self._has_begun = start.items >= plan.first_item
        self._run: TextRun | None = None  # returns batches, or only reads
        self.next: Any = self._skip
        if self._has_begun:
            self._run = self._begin_run(plan, start)
            self.next = self._run.next

    def _begin_run(self, plan: TextPlan, place: Place) -> TextRun:
        return self._implementation.start(plan, self._epoch, place, self._known)

    def _skip(self) -> Any:
        with self._lock:
            if not self._has_begun:
                place = self._place_after_skipping()
                if place is False:
                    return False
                self.start, self._has_begun = place, True
                self._run = self._begin_run(self._plan, place)
                self.next = self._run.next
                if self._is_closed:
                    self._run.close()
        return self.next()

    def _place_after_skipping(self) -> Place | Literal[False]:
        plan, place = self._plan, self.start
        n = plan.first_item - place.items
        at_once = plan.batch_size * plan.world_size
        at_once = n if n % at_once else at_once
        read = replace(
            plan,
            batch_size=at_once,
            output="offsets",
            vocabulary=None,
            rank=0,
            world_size=1,
            drop_last=False,
            batches=EVERY_BATCH,
        )
        self._run = self._begin_run(read, place)
        try:
            for _ in range(n // at_once):
                made = self._run.next()
                if made is False or self._is_closed:
                    return False
                if made is None:
                    break
            return _reached(place, self._run)
        finally:
            self._run.close()

    def position(self) -> Place:
        """Return the position after the last returned batch."""
        return _reached(self.start, self._run) if self._has_begun and self._run is not None else self.start

    def counts(self) -> tuple[int, int]:
        """Return the numbers of returned batches and of words or lines in them."""
        if not self._has_begun or self._run is None:
            return 0, 0
        n_batches, n_items, *_ = self._run.progress()
        return n_batches, n_items

    def close(self) -> None:
        """Stop the prefetch. `next` returns False from now on."""
        self._is_closed = True
        if self._run is not None:
            self._run.close()
        if not self._has_begun:
            self.next = _closed


def _reached(start: Place, run: TextRun) -> Place:
    n_batches, _, unit, byte, items = run.progress()
    return Place(start.items + items, unit, byte) if n_batches else start


def _closed() -> Literal[False]:
    return False
