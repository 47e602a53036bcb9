# SPDX-License-Identifier: MIT
"""The functions that make loaders, written once: `fastbatch` and `fastbatch.pure` differ in who does the work."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from fastbatch.batch.column import Column
from fastbatch.batch.tree import flatten, is_path, packer
from fastbatch.checks import whole
from fastbatch.decode.concat import Join, Joined, conversions, join
from fastbatch.decode.conversion import Conversion, Field, Numbers, make_conversion
from fastbatch.decode.transform import FirstPart, NativeTransform, native_transform
from fastbatch.loader.engine import BatchPlan, Engine, EngineOptions, Recipe
from fastbatch.loader.loader import Loader
from fastbatch.loader.map import Step, make_step
from fastbatch.plan.plan import Plan, make_plan
from fastbatch.plan.sampling import make_draw
from fastbatch.source.csv.table import Table

MAX_THREADS = 1024
MAX_PREFETCH = 65536


class Surface(ABC):
    """Makes loaders over one implementation of sources, columns and engines."""

    @abstractmethod
    def open_file(self, path: bytes) -> Any:
        """Return the array in a .npy or IDX file, or a dict of those in a .npz file, recognised by content."""

    @abstractmethod
    def array_column(self, source: Any, conversion: Conversion) -> Column: ...
    @abstractmethod
    def concat_column(self, parts: Sequence[Column], join: Join) -> Column: ...
    @abstractmethod
    def transform_column(self, column: Column, transform: NativeTransform) -> Column: ...
    @abstractmethod
    def batch_plan(self, plan: Plan, position: int) -> BatchPlan: ...
    @abstractmethod
    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> Engine: ...

    def arrays(
        self,
        *data: Any,
        dtype: DTypeLike | None = None,
        scale: Numbers | None = None,
        mean: Numbers | None = None,
        std: Numbers | None = None,
        layout: str | None = None,
        transform: Any = None,
        concat: SupportsIndex | None = None,
        sample_weight: Any = None,
        weights: Any = None,
        balance: Any = None,
        replacement: bool = True,
        samples_per_epoch: SupportsIndex | None = None,
        batch_size: int = 32,
        shuffle: bool | str = False,
        seed: int = 0,
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
        tail: str = "pad",
        block_size: int = 4096,
        window: int = 16,
        on_error: str = "raise",
        max_bad: float | None = None,
        threads: int | None = None,
        prefetch: int | None = None,
        prefetch_bytes: int | None = None,
    ) -> Loader:
        """Return a loader over arrays of equal length, in memory or in files that are mapped.

        Args:
            data: Arrays, paths of .npy, .npz or IDX files (recognised by content), sources (`npy`, `npz`, `raw`,
                `idx`), or tuples, lists and dicts of those, nested as you like. One datum gives batches of its
                structure, several give tuples. Sample `i` of each is its `[i]`.
            dtype, scale, mean, std, layout: Conversion `(x * scale - mean) / std` of the first datum; see `field`,
                which gives any part of the data a conversion of its own.
            transform: A function of your own for each sample of the first datum. A C function from Cython, Numba or C
                is run by the worker threads, in place (`include/fastbatch/transform.h`, `docs/transforms.md`): a
                `scipy.LowLevelCallable`, a ctypes function pointer, a Numba `@cfunc`, a capsule, or one of the last
                three with its data, `(function, user_data)`. A Python function returns the sample anew, in the thread
                that asks for the batch, as with `map(function, each="sample")`.
            concat: An axis of the batch: the arrays of the first datum, each written into its place, make one, as
                `np.concatenate` does it; -1 is the last. Their types may differ.
            sample_weight: With two data, `(x, y)`, the third part of each batch: what Keras expects there.
            weights: How likely each sample is: samples are then drawn, and not gone through, anew in each epoch.
            balance: "classes", the second datum being labels, or one label for each sample: all labels are equally
                likely.
            replacement: A sample may be drawn again in the same epoch; each time, what else is drawn for it is new.
                False: at most once; the likely ones come early.
            samples_per_epoch: How many are drawn; None: as many as there are.
            batch_size: Samples in a batch; the last one may be short.
            shuffle: True for a new random order in each epoch; "block" shuffles blocks of `block_size` neighbouring
                samples, and the samples inside each `window` blocks: for data larger than memory.
            seed: With the epoch, decides the order and all random draws.
            drop_last: Leave a short last batch out.
            shard: `(rank, world_size)`: every world_size-th sample of the shuffled order, from rank on.
            tail: If the samples are not a multiple of the ranks: "pad" repeats the first ones of the order, "drop"
                leaves the last ones out, "uneven" gives the first ranks one more.
            on_error: What becomes of samples that cannot be read or decoded. "raise": the `next()` that owes the first
                of them raises. "skip": it is left out, and its batch is shorter; a batch with no sample left is left
                out too, so that `len()` is the most there can be. "replace": another sample of the epoch stands in,
                drawn from the seed, the epoch and the bad sample's index alone. `report()` names them.
            max_bad: How many bad samples a pass may have (int), or which share of its samples (float), before the next
                one raises; None: as many as there are.
            threads: Worker threads; None takes the CPUs that this process may use (affinity, cgroup quota). Small
                batches of rows are also made by the thread that would have to wait for them.
            prefetch: Batches made ahead; None takes what fits 4 MB, 2 to 16. Never more than `prefetch_bytes`.

        Raises:
            ValueError: Arrays of different lengths, no data, options out of range.
            TypeError: A datum that is no array, Python objects, elements that cannot be converted.
            OSError: A file that cannot be read.
            FormatError: A file that is not what its header says.
        """
        if not data:
            raise TypeError("arrays() expects at least one array")
        if sample_weight is not None:
            if len(data) != 2:
                raise TypeError(f"sample_weight: expected inputs and targets before it, found {len(data)} data")
            data = (*data, sample_weight)
        first, rest = data[0], data[1:]
        native = None if transform is None else native_transform(transform)
        convert = partial(Field, dtype=dtype, scale=scale, mean=mean, std=std, layout=layout, transform=native)
        opened = self._open(first, convert)
        if concat is not None:
            opened = Joined(tuple(flatten(opened)[0]), whole("concat", concat, -64, 64), native)
        if rest:
            opened = (opened, *(self._open(datum, Field) for datum in rest))
        leaves, structure = flatten(opened)
        columns = tuple(self._column(leaf) for leaf in leaves)
        lengths = [column.n_samples for column in columns]
        if not lengths:
            raise ValueError("expected at least one array, found none")
        if len(set(lengths)) != 1:
            raise ValueError(f"expected arrays of equal length, found {', '.join(map(str, lengths))} samples")
        plan = make_plan(
            lengths[0],
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            shard=shard,
            tail=tail,
            block_size=block_size,
            window=window,
            on_error=on_error,
            max_bad=max_bad,
            draw=make_draw(lengths[0], weights, balance, replacement, samples_per_epoch, lambda: _labels(rest)),
        )
        options = engine_options(threads, prefetch, prefetch_bytes)
        steps = python_steps(transform, native, alone=not rest)
        return Loader(Recipe(self, columns, packer(structure), options, steps=steps), plan)

    def _open(self, datum: Any, convert: Callable[[Any], Field]) -> Any:
        """Return `datum` with every leaf opened and made a Field."""
        leaves, structure = flatten(datum)
        opened: list[Any] = []
        for leaf in leaves:
            field = leaf if isinstance(leaf, Field) else convert(leaf)
            source = self.open_file(os.fsencode(field.leaf)) if is_path(field.leaf) else field.leaf
            if isinstance(source, dict):  # a .npz file: one leaf a member
                opened.append({name: replace(field, leaf=member) for name, member in source.items()})
            else:
                opened.append(replace(field, leaf=source))
        return packer(structure)(opened)

    def _column(self, field: Field | Joined) -> Column:
        if isinstance(field, Joined):
            return self._joined(field)
        source = as_rows(field.leaf)
        column = self.array_column(source, make_conversion(source.dtype, tuple(source.shape[1:]), field))
        return column if field.transform is None else self.transform_column(column, field.transform)

    def _joined(self, joined: Joined) -> Column:
        fields = [replace(field, leaf=as_rows(field.leaf)) for field in joined.fields]
        if not fields:
            raise ValueError("expected at least one array, found none")
        if any(hasattr(field.leaf, "lengths") for field in fields):
            raise TypeError("concat: expected arrays, found series")
        parts = [self.array_column(f.leaf, made) for f, made in zip(fields, conversions(fields), strict=True)]
        column = self.concat_column(parts, join(parts, joined.axis))
        return column if joined.transform is None else self.transform_column(column, joined.transform)


def _labels(rest: Sequence[Any]) -> Any:
    if not rest or isinstance(rest[0], (dict, Field)) or is_path(rest[0]):
        raise ValueError("balance='classes': expected an array of labels as the second datum; or give the labels")
    return rest[0]


def as_rows(leaf: Any) -> Any:
    """Return what has a NumPy dtype and a shape as it is, and all else as an array; its rows are what can be served.

    Raises:
        TypeError: No array, Python objects, elements of no size.
        ValueError: An array without dimensions.
    """
    source = leaf.rows if isinstance(leaf, Table) else leaf
    if not (hasattr(source, "shape") and hasattr(source, "dtype") and isinstance(source.dtype, np.dtype)):
        if not hasattr(source, "__array__") and not isinstance(source, list | tuple):
            raise TypeError(f"expected an array, a path or a source, found {type(source).__name__}")
        source = np.asarray(source)
    if source.dtype.hasobject:
        raise TypeError("arrays of Python objects are refused; expected numbers, or another type of fixed size")
    if source.dtype.itemsize == 0:
        raise TypeError(f"expected elements of at least 1 byte, found {source.dtype}")
    if len(source.shape) == 0:
        raise ValueError("expected at least one dimension, found an array without any")
    return source


def python_steps(transform: Any, native: NativeTransform | None, alone: bool) -> tuple[Step, ...]:
    """Return what is left to do for a transform that is no C function.

    Args:
        alone: A batch is what the transform gets, not a tuple that begins with it.
    """
    if transform is None or native is not None:
        return ()
    return (make_step(FirstPart(transform, alone), "sample"),)


def engine_options(threads: Any, prefetch: Any, prefetch_bytes: Any) -> EngineOptions:
    """Return the checked options that change speed and memory only."""
    return EngineOptions(
        None if threads is None else whole("threads", threads, 1, MAX_THREADS),
        None if prefetch is None else whole("prefetch", prefetch, 1, MAX_PREFETCH),
        None if prefetch_bytes is None else whole("prefetch_bytes", prefetch_bytes, 1, 2**63 - 1),
    )
