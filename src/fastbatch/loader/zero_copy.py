# SPDX-License-Identifier: MIT
"""Batches that are views of an array in memory: `windows(..., copy=False)`. No copies, no threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fastbatch.batch.pickling import pack, unpack
from fastbatch.plan.plan import Plan
from fastbatch.profile.events import EVENT

from . import fork as process
from .counters import NO_STATS

if TYPE_CHECKING:
    from fastbatch.batch.column import Column
    from fastbatch.decode.conversion import Field
    from fastbatch.source.window import Part

    from .bad_samples import Bad
    from .engine import BatchPlan, EngineOptions, Implementation

Array = NDArray[Any]
Indices = Callable[[Plan, int, int, int], Array]  # plan, epoch, position, batch -> samples


def strided(rows: Array, part: Part) -> Array:
    """Return a view whose element `i` is part `i` of an array."""
    if part.length is not None:
        reach = (part.length - 1) * part.step + 1
        rows = np.moveaxis(sliding_window_view(rows, reach, axis=0)[..., :: part.step], -1, 1)
    return rows[part.start : part.start + (part.n - 1) * part.stride + 1 : part.stride]


def viewable(field: Field) -> Array:
    """Return the array of a field that can be served in place, or raise ValueError."""
    array = field.leaf
    if not isinstance(array, np.ndarray):
        raise ValueError(f"copy=False: expected arrays in memory, found {type(array).__name__}")
    options = (field.scale, field.mean, field.std, field.layout, field.standardize or None)
    converts = field.dtype is not None and np.dtype(field.dtype) != array.dtype
    if converts or any(option is not None for option in options) or not array.dtype.isnative:
        raise ValueError("copy=False: expected data that need no conversion, found one, or another byte order")
    return array


class ViewRun:
    """A pass over an epoch. Threads: any; the lock guards the number of the next batch."""

    def __init__(self, engine: ViewEngine, plan: Plan, epoch: int, position: int, n_batches: int) -> None:
        self._engine = engine
        self._plan, self._epoch, self._position = plan, epoch, position
        self._n_batches = n_batches
        self._k = 0
        self._lock = process.new_lock()

    def next(self) -> tuple[int, list[Array], Sequence[Bad]] | Literal[False] | None:
        with self._lock:
            if self._engine.closed:
                return False
            if self._k == self._n_batches:
                return None
            k = self._k
            columns = self._engine.batch(self._plan, self._epoch, self._position, k)
            self._k += 1
            return k, columns, ()

    def under_way(self) -> list[tuple[str, int, int, int, int]]:
        return []


class Viewing:
    """A backend whose batches are slices of `arrays`, one per column. Immutable."""

    def __init__(self, inner: Implementation, indices: Indices, arrays: Sequence[Array]) -> None:
        self._inner = inner
        self._indices = indices
        self._arrays = [array.view() for array in arrays]
        for array in self._arrays:
            array.flags.writeable = False

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> Array:
        """Return the samples of batch `k`, counted from a position within an epoch."""
        return self._indices(plan, epoch, position, k)

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan:
        """Return the division of the rest of an epoch into batches."""
        return self._inner.batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> ViewEngine:
        """Return the engine of one loader."""
        return ViewEngine(self._inner, self._indices, self._arrays)

    def __reduce__(self) -> Any:
        # Not pickled as arrays: windows overlap in memory, and each would be copied.
        return _made_again, (self._inner, self._indices, [pack(array) for array in self._arrays])


def _made_again(inner: Implementation, indices: Indices, arrays: Sequence[Any]) -> Viewing:
    return Viewing(inner, indices, [unpack(array) for array in arrays])


class ViewEngine:
    """Slices batches from arrays on request, and counts them.

    Threads: any; the lock guards the counters.
    """

    def __init__(self, inner: Implementation, indices: Indices, arrays: Sequence[Array]) -> None:
        self._inner = inner
        self._indices = indices
        self._arrays = arrays
        self._counts = {"batches": 0, "samples": 0, "bytes": 0}
        self._wait_s = 0.0
        self._lock = process.new_lock()
        self.closed = False

    def start(self, plan: Plan, epoch: int, position: int) -> ViewRun:
        """Begin a run at a position within an epoch."""
        return ViewRun(self, plan, epoch, position, self._inner.batch_plan(plan, position).n_batches)

    def batch(self, plan: Plan, epoch: int, position: int, k: int) -> list[Array]:
        """Return a batch: views, or copies if the padding of a shard wraps around to the first sample."""
        start = time.perf_counter()
        samples = self._indices(plan, epoch, position, k).astype(np.int64)
        step = int(samples[1] - samples[0]) if len(samples) > 1 else 1
        if step > 0 and np.all(np.diff(samples) == step):
            part = slice(int(samples[0]), int(samples[-1]) + 1, step)
            columns = [array[part] for array in self._arrays]
        else:
            columns = [array[samples] for array in self._arrays]
        with self._lock:
            self._counts["batches"] += 1
            self._counts["samples"] += len(samples)
            self._counts["bytes"] += sum(column.nbytes for column in columns)
            self._wait_s += time.perf_counter() - start
        return columns

    def verify(self) -> None:
        """Do nothing: views show later changes of the arrays."""

    def stats(self) -> dict[str, Any]:
        """Return the counters; `wait_s` is the time spent in slicing."""
        with self._lock:
            counted = {**self._counts, "wait_s": self._wait_s}
        return {**NO_STATS, **counted, "decode_s": [0.0] * len(self._arrays)}

    def start_recording(self, events_per_thread: int) -> None:
        """Do nothing: there is no work."""

    def stop_recording(self) -> tuple[Array, int]:
        return np.zeros(0, EVENT), 0

    def close(self) -> None:
        """End all runs: they return False from now on."""
        self.closed = True
