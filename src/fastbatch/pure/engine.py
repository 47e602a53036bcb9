# SPDX-License-Identifier: MIT
"""Batches decoded one after another in the consumer's thread; `csrc/loader/` prefetches them with many threads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from fastbatch.batch.column import verify_columns
from fastbatch.errors import DecodeError, FormatError
from fastbatch.loader import fork as process
from fastbatch.loader.bad_samples import Bad, what_is_wrong
from fastbatch.plan.mixture import Mixture
from fastbatch.plan.plan import Plan
from fastbatch.plan.streams import REPLACE
from fastbatch.profile.events import DECODE, TAKE, Recorder

from .columns import PureColumn
from .drawn import DrawnOrder
from .filled import collected
from .mixture import MixedOrder
from .plan import BatchPlan, Order, below, stream

Array = np.ndarray[Any, Any]
Made = tuple[int, list[Array], list[Bad]]  # batch number, columns, bad and filled samples
MOST_REPLACEMENTS = 32  # maximum number of tries per sample


def batch_plan(plan: Plan, position: int) -> BatchPlan:
    """Return the batch plan for the rest of an epoch."""
    return BatchPlan(
        plan.n,
        position,
        plan.rank,
        plan.world_size,
        plan.tail,
        plan.batch_size,
        plan.drop_last,
        plan.max_batches(position),
    )


def order_of(plan: Plan, epoch: int) -> Order | DrawnOrder | MixedOrder:
    """Return the order of an epoch."""
    items = order_of_items(plan, epoch)
    if plan.mixture is None:
        return items
    assert isinstance(plan.mixture, Mixture)
    return MixedOrder(items, plan.mixture, epoch, order_of, plan.draw is not None and plan.draw.replacement)


def order_of_items(plan: Plan, epoch: int) -> Order | DrawnOrder:
    """Return the order of an epoch of the source's samples, or of the mixture's."""
    if plan.draw is None:
        order = (plan.shuffle, plan.block_size, plan.window, plan.seed, epoch, plan.item_blocks)
        return Order(plan.n_source, plan.subsets, *order)
    items = Order(plan.n_source, plan.subsets)
    return DrawnOrder(items, plan.draw.of_items(plan.subsets, plan.n_items, items.at), plan, epoch)


class Place:
    """The sample that is being decoded: batch of the run, slot, and thread; None between batches."""

    at: tuple[int, int, int] | None = None


def batches(
    columns: Sequence[PureColumn], plan: Plan, epoch: int, position: int, place: Place, engine: PureEngine
) -> Iterator[tuple[list[Array], list[Bad]]]:
    """Yield the batches of an epoch from a position on, each with its bad and filled samples."""
    rest = batch_plan(plan, position)
    order = order_of(plan, epoch)
    for k in range(rest.n_batches):
        batch = [np.empty((rest.batch_size(k), *column.shape), column.dtype) for column in columns]
        n = 0
        bad: list[Bad] = []
        filled: list[Bad] = []
        for slot, (index, key) in enumerate(
            zip(rest.indices(order, k).tolist(), order.keys(rest.positions(k), plan.seed), strict=True)
        ):
            place.at = (k, slot, threading.get_native_id())
            try:
                with collected() as notes:
                    if engine.recorder is None:
                        row = [column.sample(index, *key) for column in columns]
                    else:
                        row = recorded(engine.recorder, columns, key, index, k)
                if notes:
                    filled.append((index, None, what_is_wrong(notes[0]), True))
            except (DecodeError, FormatError, OSError) as error:
                if plan.on_error == "raise":
                    raise
                other = None
                if plan.on_error == "replace":
                    other, row = replacement(columns, plan, order, key, index, error)
                bad.append((index, other, what_is_wrong(error), False))
                if other is None:
                    continue
            for array, part in zip(batch, row, strict=True):
                array[n] = part
            n += 1
        place.at = None
        yield [array[:n] for array in batch], bad + filled


def recorded(
    recorder: Recorder, columns: Sequence[PureColumn], key: tuple[int, int], index: int, batch: int
) -> list[Array]:
    """Return a sample, and record how long each of its columns takes."""
    row, begin = [], time.monotonic_ns()
    for c, column in enumerate(columns):
        row.append(column.sample(index, *key))
        begin = recorder.add(DECODE, begin, batch=batch, sample=index, count=1, column=c)
    return row


def replacement(
    columns: Sequence[PureColumn],
    plan: Plan,
    order: Order | DrawnOrder | MixedOrder,
    key: tuple[int, int],
    index: int,
    error: Exception,
) -> tuple[int, list[Array]]:
    """Return a random other sample of the epoch in place of a bad one; raise its error if all tries fail."""
    draws = stream(*key, index, operation=REPLACE)
    for _ in range(MOST_REPLACEMENTS):
        other = int(order.at([below(draws, plan.n)])[0])
        with contextlib.suppress(DecodeError, FormatError, OSError):
            return other, [column.sample(other, *key) for column in columns]
    raise error


class PureRun:
    """A pass over an epoch; its lock makes it safe for several threads."""

    def __init__(
        self, engine: PureEngine, source: Iterator[tuple[list[Array], list[Bad]]], place: Place | None = None
    ) -> None:
        self._engine = engine
        self._place = place or Place()
        self._source = ((number, *batch) for number, batch in enumerate(source))
        self._lock = process.new_lock()

    def next(self) -> Made | Literal[False] | None:
        with self._lock:
            return self._engine.count(self._source)

    def under_way(self) -> list[tuple[str, int, int, int, int]]:
        at = self._place.at
        return [] if at is None else [("decode", at[0], at[1], 1, at[2])]


class PureEngine:
    """Decodes batches on request and keeps statistics."""

    def __init__(self, columns: Sequence[Any], plan: Plan) -> None:
        self._columns = columns
        self._may_be_bad = plan.on_error != "raise"
        self._closed = False
        self._counts = {"batches": 0, "samples": 0, "bytes": 0, "bad_samples": 0, "filled": 0}
        self._wait_s = 0.0
        self.recorder: Recorder | None = None

    def start(self, plan: Plan, epoch: int, position: int) -> PureRun:
        self.verify()
        place = Place()
        return PureRun(self, batches(self._columns, plan, epoch, position, place, self), place)

    def verify(self) -> None:
        """Raise FormatError if a mapped file was written to since it was opened."""
        verify_columns(self._columns, self._may_be_bad)

    def count(self, source: Iterator[Made]) -> Made | Literal[False] | None:
        """Return the next batch of `source` and update the statistics."""
        if self._closed:
            return False
        start = time.perf_counter()
        item = next(source, None)
        self._wait_s += time.perf_counter() - start
        if item is not None:
            if self.recorder is not None:
                self.recorder.add(TAKE, time.monotonic_ns(), batch=item[0], count=1)
            self._counts["batches"] += 1
            self._counts["samples"] += len(item[1][0])
            self._counts["bytes"] += sum(array.nbytes for array in item[1])
            n_filled = sum(is_filled for *_, is_filled in item[2])
            self._counts["bad_samples"] += len(item[2]) - n_filled
            self._counts["filled"] += n_filled
        return item

    def stats(self) -> dict[str, Any]:
        fixed = {"through_pillow": 0, "ready_batches": 0, "threads": 0, "prefetch": 0, "advise_s": 0.0}
        return {**self._counts, "wait_s": self._wait_s, "decode_s": [0.0] * len(self._columns), **fixed}

    def start_recording(self, events_per_thread: int) -> None:
        self.recorder = Recorder(events_per_thread)

    def stop_recording(self) -> tuple[Array, int]:
        recorder, self.recorder = self.recorder, None
        return Recorder(1).events() if recorder is None else recorder.events()

    def close(self) -> None:
        self._closed = True
