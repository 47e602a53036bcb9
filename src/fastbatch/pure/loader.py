# SPDX-License-Identifier: MIT
"""Batches made one after another by the thread that asks for them: what `csrc/loader/` does with many threads ahead."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from fastbatch.batch.column import array_identity, files_identity
from fastbatch.decode.concat import Join
from fastbatch.decode.conversion import Conversion, native_dtype
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.transform import NativeTransform, call_transform
from fastbatch.errors import DecodeError, FormatError
from fastbatch.loader.bad_samples import Bad, what_is_wrong
from fastbatch.plan.plan import REPLACE, Plan

from .augment import augment, round_to_bytes
from .decode import convert, image
from .drawn import DrawnOrder
from .plan import BatchPlan, Order, below, stream
from .sequences import require_parts, standardize

Array = np.ndarray[Any, Any]
Made = tuple[int, list[Array], list[Bad]]  # a batch: its number, its columns, its bad samples
MOST_REPLACEMENTS = 32  # that are tried for one sample


class PureColumn(Protocol):
    """A column that makes one sample at a time."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def sample(self, index: int, seed: int, epoch: int) -> Array: ...


class ArrayColumn:
    """Rows of an array."""

    def __init__(self, source: Any, conversion: Conversion) -> None:
        self.source = source
        self.n_samples: int = source.shape[0]
        self.dtype = conversion.dtype
        self.shape = conversion.shape
        self._conversion = conversion

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        require_parts(self.source)
        sample = np.asarray(self.source[index])
        if self._conversion.standardize:
            return standardize(sample, self._conversion.dtype)
        return convert(sample, self._conversion)

    def identity(self) -> Any:
        return array_identity(self.source.shape, self.source.dtype, self._row)

    def _row(self, index: int) -> bytes:
        require_parts(self.source)
        row = np.asarray(self.source[index : index + 1])
        return row.astype(native_dtype(row.dtype), copy=False).tobytes()


class ImageColumn:
    """Image files, decoded."""

    def __init__(self, paths: Sequence[bytes], options: ImageOptions) -> None:
        self.paths = list(paths)
        self.n_samples = len(self.paths)
        self.dtype = options.conversion.dtype
        self.shape = options.conversion.shape
        self._options = options

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        pixels = image(self.paths[index], index, self._options, seed, epoch)
        conversion = self._options.conversion
        if self._options.augment is not None:
            floats = augment(pixels, self._options.augment, seed, epoch, index)
            pixels = floats if conversion.dtype.kind == "f" else round_to_bytes(floats)
        return convert(pixels, conversion)

    def identity(self) -> Any:
        return files_identity(self.paths)


class ConcatColumn:
    """Arrays side by side."""

    def __init__(self, parts: Sequence[Any], join: Join) -> None:
        self.n_samples: int = parts[0].n_samples
        self.dtype: np.dtype[Any] = parts[0].dtype
        self.shape = join.shape
        self._parts = parts
        self._axis = join.axis

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        return np.concatenate([part.sample(index, seed, epoch) for part in self._parts], self._axis)

    def identity(self) -> Any:
        return [part.identity() for part in self._parts]


class TransformColumn:
    """Another column, each of whose samples goes through a C function of the user's own."""

    def __init__(self, inner: Any, transform: NativeTransform) -> None:
        self.n_samples: int = inner.n_samples
        self.dtype: np.dtype[Any] = inner.dtype
        self.shape: tuple[int, ...] = inner.shape
        self.identity = inner.identity
        self._inner = inner
        self._transform = transform

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        array = np.array(self._inner.sample(index, seed, epoch), self.dtype, order="C")
        status = call_transform(self._transform, array, index, seed, epoch)
        if status != 0:
            raise DecodeError(f"the transform failed: expected 0, found {status}", sample=index)
        return array


def batch_plan(plan: Plan, position: int) -> BatchPlan:
    """Return how the rest of an epoch falls into batches."""
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
    """Yield the batches of an epoch from a position on, each with its bad samples: fastbatch in one function."""
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
    """Return another sample of the epoch in place of one that cannot be decoded; raise its error if there is none."""
    draws = stream(plan.seed, epoch, index, operation=REPLACE)
    for _ in range(MOST_REPLACEMENTS):
        other = int(order.at([below(draws, plan.n)])[0])
        with contextlib.suppress(DecodeError, FormatError, OSError):
            return other, [column.sample(other, plan.seed, epoch) for column in columns]
    raise error


class PureRun:
    """A pass over an epoch; its lock lets threads share it."""

    def __init__(self, engine: PureEngine, source: Iterator[tuple[list[Array], list[Bad]]]) -> None:
        self._engine = engine
        self._source = ((number, *batch) for number, batch in enumerate(source))
        self._lock = threading.Lock()

    def next(self) -> Made | Literal[False] | None:
        with self._lock:
            return self._engine.count(self._source)


class PureEngine:
    """Makes batches when they are asked for, and counts them."""

    def __init__(self, columns: Sequence[Any], plan: Plan) -> None:
        self._columns = columns
        self._closed = False
        self._counts = {"batches": 0, "samples": 0, "bytes": 0, "bad_samples": 0}
        self._wait_s = 0.0

    def start(self, plan: Plan, epoch: int, position: int) -> PureRun:
        return PureRun(self, batches(self._columns, plan, epoch, position))

    def count(self, source: Iterator[Made]) -> Made | Literal[False] | None:
        """Return the next batch of `source`, counted and timed."""
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
