# SPDX-License-Identifier: MIT
"""Batches of different shapes: an engine's sample is a whole batch, and its slot is cut to the batch's own shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastbatch.plan.plan import Plan

from . import fork as process
from .map import BatchInfo

if TYPE_CHECKING:
    from fastbatch.batch.column import Column

    from .bad_samples import Bad
    from .engine import BatchPlan, Engine, EngineOptions, Implementation, Run

Array = NDArray[Any]
HEAD = 3  # numbers before the lengths: rows, width, documents that count


@dataclass(frozen=True, eq=False)
class Shape:
    """How a slot becomes a batch. Immutable.

    Attributes:
        max_rows: Rows of the largest batch.
        is_padded: Rows of equal length; otherwise the documents one after another, with their offsets.
        labels: The label of each document, or None.
        index: The index of each document, which is appended; or None.
    """

    max_rows: int
    is_padded: bool
    labels: Array | None = None
    index: Array | None = None

    def parts(self, tokens: Array, numbers: Array) -> list[Array]:
        """Return the leaves of a batch: tokens, lengths, and offsets, labels and index as far as there are any."""
        rows, width = int(numbers[0]), int(numbers[1])
        lengths = numbers[HEAD : HEAD + rows].copy()
        if self.is_padded:
            found = [tokens[: rows * width].reshape(rows, width), lengths]
        else:
            offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
            found = [tokens[: int(offsets[-1])], lengths, offsets]
        of = numbers[HEAD + self.max_rows : HEAD + self.max_rows + rows]
        return found + [one[of] for one in (self.labels, self.index) if one is not None]


class Bucketed:
    """An implementation whose samples are batches. Immutable."""

    def __init__(self, inner: Implementation, shape: Shape) -> None:
        self._inner = inner
        self._shape = shape

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> Array:
        """Return the number of batch `k`, counted from a position within an epoch."""
        return self._inner.indices(plan, epoch, position, k)

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan:
        """Return the division of the rest of an epoch."""
        return self._inner.batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> BucketEngine:
        """Return the engine of one loader."""
        return BucketEngine(self._inner.engine(columns, plan, options), self._shape)


class BucketEngine:
    """An engine that counts the documents of its batches. Threads: any; the lock guards the count."""

    def __init__(self, inner: Engine, shape: Shape) -> None:
        self._inner = inner
        self._shape = shape
        self._n_documents = 0
        self._lock = process.new_lock()

    def start(self, plan: Plan, epoch: int, position: int) -> BucketRun:
        """Begin a run at a position within an epoch."""
        return BucketRun(self, self._inner.start(plan, epoch, position), self._shape)

    def count(self, n: int) -> None:
        """Count the documents of a batch."""
        with self._lock:
            self._n_documents += n

    def verify(self) -> None:
        """Raise FormatError if a mapped file was written to since it was opened."""
        self._inner.verify()

    def stats(self) -> dict[str, Any]:
        """Return the counters of the engine, with documents as samples."""
        return {**self._inner.stats(), "samples": self._n_documents}

    def start_recording(self, events_per_thread: int) -> None:
        """Record what the threads do."""
        self._inner.start_recording(events_per_thread)

    def stop_recording(self) -> tuple[Array, int]:
        """Return the events, and the number of those that were overwritten."""
        return self._inner.stop_recording()

    def close(self) -> None:
        """End all runs: they return False from now on."""
        self._inner.close()


class BucketRun:
    """One pass over an epoch. Threads: any; it has no state of its own."""

    def __init__(self, engine: BucketEngine, inner: Run, shape: Shape) -> None:
        self._engine, self._inner, self._shape = engine, inner, shape

    def next(self) -> tuple[int, list[Array], Sequence[Bad]] | Literal[False] | None:
        """Return the next batch, in its own shape."""
        made = self._inner.next()
        if made is None or made is False:
            return made
        number, (tokens, numbers), bad = made
        parts = self._shape.parts(tokens[0], numbers[0])
        self._engine.count(len(parts[1]))
        return number, parts, bad

    def under_way(self) -> list[tuple[str, int, int, int, int]]:
        """Return what is done now: the "samples" are batches."""
        return self._inner.under_way()


@dataclass(frozen=True)
class AppendDocumentMask:
    """Function of a batch that appends the mask of its rows. Immutable.

    Attributes:
        implementation: Knows the order of the batches.
        plan: The plan of the batches of one rank.
        counts, rows: Documents that count, and rows, of each batch.
        stride: Positions of one batch.
    """

    implementation: Implementation
    plan: Plan
    counts: Array
    rows: Array
    stride: int

    def __call__(self, batch: Any, info: BatchInfo) -> tuple[Any, ...]:
        """Return the parts of the batch and its mask, bool of shape (rows,)."""
        position = info.position // self.stride
        place = position % self.plan.n
        number = int(self.implementation.indices(self.plan, info.epoch, place, 0)[0])
        real = int(self.counts[number]) if position < self.plan.n else 0
        parts = batch if isinstance(batch, tuple) and not hasattr(batch, "_fields") else (batch,)
        return (*parts, np.arange(int(self.rows[number])) < real)
