# SPDX-License-Identifier: MIT
"""Batches decoded one after another in the consumer's thread; `csrc/loader/` prefetches them with many threads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from fastbatch.batch.column import verify_columns
from fastbatch.errors import DecodeError, FormatError
from fastbatch.loader import fork as process
from fastbatch.loader.bad_samples import Bad, what_is_wrong
from fastbatch.plan.plan import REPLACE, Plan

from .columns import PureColumn
from .drawn import DrawnOrder
from .plan import BatchPlan, Order, below, stream

Array = np.ndarray[Any, Any]
Made = tuple[int, list[Array], list[Bad]]  # batch number, columns, bad samples
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


def order_of(plan: Plan, epoch: int) -> Order | DrawnOrder:
    """Return the order of an epoch."""
    if plan.draw is None:
        return Order(plan.n_source, plan.subsets, plan.shuffle, plan.block_size, plan.window, plan.seed, epoch)
    items = Order(plan.n_source, plan.subsets)
    return DrawnOrder(items, plan.draw.of_items(plan.subsets, plan.n_items, items.at), plan, epoch)


def batches(
    columns: Sequence[PureColumn], plan: Plan, epoch: int, position: int
) -> Iterator[tuple[list[Array], list[Bad]]]:
    """Yield the batches of an epoch from a position on, each with its bad samples."""
    rest = batch_plan(plan, position)
    order = order_of(plan, epoch)
    for k in range(rest.n_batches):
        batch = [np.empty((rest.batch_size(k), *column.shape), column.dtype) for column in columns]
        n, bad = 0, []
        for index, key in zip(rest.indices(order, k).tolist(), order.stream_epochs(rest.positions(k)), strict=True):
            try:
                row = [column.sample(index, plan.seed, key) for column in columns]
            except (DecodeError, FormatError, OSError) as error:
                if plan.on_error == "raise":
                    raise
                other = None
                if plan.on_error == "replace":
                    other, row = replacement(columns, plan, order, key, index, error)
                bad.append((index, other, what_is_wrong(error)))
                if other is None:
                    continue
            for array, part in zip(batch, row, strict=True):
                array[n] = part
            n += 1
        yield [array[:n] for array in batch], bad


def replacement(
    columns: Sequence[PureColumn], plan: Plan, order: Order | DrawnOrder, epoch: int, index: int, error: Exception
) -> tuple[int, list[Array]]:
    """Return a random other sample of the epoch in place of a bad one; raise its error if all tries fail."""
    draws = stream(plan.seed, epoch, index, operation=REPLACE)
    for _ in range(MOST_REPLACEMENTS):
        other = int(order.at([below(draws, plan.n)])[0])
        with contextlib.suppress(DecodeError, FormatError, OSError):
            return other, [column.sample(other, plan.seed, epoch) for column in columns]
    raise error


class PureRun:
    """A pass over an epoch; its lock makes it safe for several threads."""

    def __init__(self, engine: PureEngine, source: Iterator[tuple[list[Array], list[Bad]]]) -> None:
        self._engine = engine
        self._source = ((number, *batch) for number, batch in enumerate(source))
        self._lock = process.new_lock()

    def next(self) -> Made | Literal[False] | None:
        with self._lock:
            return self._engine.count(self._source)


class PureEngine:
    """Decodes batches on request and keeps statistics."""

    def __init__(self, columns: Sequence[Any], plan: Plan) -> None:
        self._columns = columns
        self._may_be_bad = plan.on_error != "raise"
        self._closed = False
        self._counts = {"batches": 0, "samples": 0, "bytes": 0, "bad_samples": 0}
        self._wait_s = 0.0

    def start(self, plan: Plan, epoch: int, position: int) -> PureRun:
        self.verify()
        return PureRun(self, batches(self._columns, plan, epoch, position))

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
            self._counts["batches"] += 1
            self._counts["samples"] += len(item[1][0])
            self._counts["bytes"] += sum(array.nbytes for array in item[1])
            self._counts["bad_samples"] += len(item[2])
        return item

    def stats(self) -> dict[str, Any]:
        fixed = {"through_pillow": 0, "ready_batches": 0, "threads": 0, "prefetch": 0, "advise_s": 0.0}
        return {**self._counts, "wait_s": self._wait_s, "decode_s": [0.0] * len(self._columns), **fixed}

    def close(self) -> None:
        self._closed = True
