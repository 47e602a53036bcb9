# SPDX-License-Identifier: MIT
"""`arrays`: a loader over arrays of equal length; and the conversion of data into columns, for all loaders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastbatch.batch.column import Column
from fastbatch.batch.tree import flatten, is_path, packer
from fastbatch.calls import takes
from fastbatch.checks import flag, whole
from fastbatch.decode.concat import Joined, conversions, join
from fastbatch.decode.conversion import Field, Numbers, make_conversion
from fastbatch.decode.transform import native_transform
from fastbatch.loader.engine import Recipe
from fastbatch.loader.first_part import python_steps
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.source.chunks import refuse_chunks
from fastbatch.source.formats import as_rows, names_of_columns, open_leaf

from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack


@takes(LoaderOptions)
def arrays(
    backend: Backend,
    *data: Any,
    dtype: DTypeLike | None = None,
    scale: Numbers | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    layout: Literal["NHWC", "NCHW", "NHWC->NCHW", "NCHW->NHWC", "NHWC->NHWC", "NCHW->NCHW"] | None = None,
    transform: Any = None,
    concat: SupportsIndex | None = None,
    sample_weight: ArrayLike | None = None,
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over arrays of equal length, in memory or in mapped files.

    Args:
        data: Arrays, paths of .npy, .npz, safetensors or IDX files (recognised by content), sources (`npy`, `npz`,
            `raw`, `idx`, `csv`), data frames of numbers, data sets of h5py (mapped, or read chunk by chunk), or nested
            tuples, lists and dicts of those. One argument gives batches of its structure, several give tuples. Sample
            `i` of an array is its row `[i]`.
        dtype: Type of the first argument's batches. None keeps the type, or is float32 (float64 for float64) if one of
            `scale`, `mean` and `std` is given.
        scale, mean, std: Conversion `(x * scale - mean) / std` of the first argument, one number or one per channel.
            Other parts of the data are converted by `field`.
        layout: Order of the dimensions of the first argument, as for `field`.
        transform: Function of one sample of the first argument, called after the conversion. A C function is called by
            the worker threads and changes the sample in place (`fastbatch/transform.h` in `get_include()`;
            `docs/transforms.md`): a `scipy.LowLevelCallable`, a ctypes function pointer, a Numba `@cfunc`, a capsule,
            or one of the last three with its data as `(function, user_data)`. A Python function returns a new sample;
            it is called in the consumer's thread, as with `map(function, each="sample")`.
        concat: Concatenate the arrays of the first argument along this axis of the batch, as `np.concatenate` does; -1
            is the last axis. The arrays may have different dtypes.
        sample_weight: Third part of each batch, one weight per sample; only valid with two arguments `(x, y)`. Keras
            expects batches `(x, y, sample_weight)`.
        batch_size: Samples in a batch (32); the last batch may be smaller.
        shuffle: True for a new random order in each epoch; "block" for data larger than memory.
        seed: Together with the epoch, determines the order and all random draws.
        drop_last: Omit a smaller last batch.
        shard: `(rank, world_size)`: every world_size-th sample of the shuffled order, starting at `rank`.
        weights, balance: Draw samples by weight, or so that all labels are equally likely. `balance="classes"` takes
            the second argument as the labels.
        on_error: "raise", "skip" or "replace": the handling of bad samples.
        threads: Worker threads; None: the CPUs available to this process. Small batches of rows are also made in the
            consumer's thread.
        options: Remaining options: see `LoaderOptions` (`fastbatch.loader.options`).

    Returns:
        A loader of batches of shape (batch, ...), in the structure of the data.

    Raises:
        ValueError: Arrays of different lengths, no data, or an option out of range.
        TypeError: Data that are not an array, Python objects, or elements that cannot be converted.
        OSError: A file cannot be read.
        FormatError: A file does not match its header.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.arrays("x.npy", "y.npy", dtype="float32", scale=1 / 255, batch_size=64, shuffle=True)
        >>> len(loader)
        32
        >>> x, y = next(iter(loader))
        >>> x.shape, x.dtype, y.shape
        ((64, 784), dtype('float32'), (64,))

    Source: `csrc/decode/array_decoder.cpp`, `csrc/plan/order.cpp`, `csrc/loader/loader.cpp`.
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
    opened = open_fields(backend, first, convert)
    if concat is not None:
        opened = Joined(tuple(flatten(opened)[0]), whole("concat", concat, -64, 64), native)
    if rest:
        opened = (opened, *(open_fields(backend, datum, Field) for datum in rest))
    leaves, structure = flatten(opened)
    columns = tuple(column_of(backend, leaf) for leaf in leaves)
    n_samples = _equal_length(columns)
    chosen = LoaderOptions(**options)
    plan = chosen.plan(n_samples, lambda: _labels(rest))
    parts = structure if rest else (structure,)
    index_column = None
    if flag("with_index", chosen.with_index):
        index_column = partial(numbers_column, backend)
        columns, structure = (*columns, index_column(np.arange(n_samples))), (*parts, len(columns))
    steps = python_steps(transform, native, alone=not rest and index_column is None)
    labels = opened[1].leaf if rest and isinstance(opened[1], Field) else None
    recipe = Recipe(backend, columns, packer(structure), chosen.engine(), steps=steps, labels=labels)
    names = names_of_columns(first)
    return SampleLoader(replace(recipe, index_column=index_column, column_names=names), plan)


def numbers_column(backend: Backend, numbers: NDArray[Any]) -> Column:
    """Return the column of a number for each sample."""
    return column_of(backend, Field(numbers))


def open_fields(backend: Backend, datum: Any, convert: Callable[[Any], Field]) -> Any:
    """Return `datum` with every leaf opened and wrapped in a Field."""
    leaves, structure = flatten(datum)
    if isinstance(structure, list) and leaves and all(isinstance(leaf, list | tuple) for leaf in leaves):
        raise ValueError("lists of numbers in a list may be rows or columns: give np.array(rows), or a tuple of arrays")
    opened: list[Any] = []
    for leaf in leaves:
        field = leaf if isinstance(leaf, Field) else convert(leaf)
        source = open_leaf(backend, field.leaf)
        opened.append(_fields(source, field))
    return packer(structure)(opened)


def _fields(source: Any, field: Field) -> Any:
    """Return the field of a source, or of a .npz or safetensors file or of records one for each member."""
    if not isinstance(source, dict):
        return replace(field, leaf=source)
    return {name: _fields(member, field) for name, member in source.items()}


def column_of(backend: Backend, field: Field | Joined) -> Column:
    """Return the column of an opened array or of several concatenated arrays."""
    if isinstance(field, Joined):
        return _joined(backend, field)
    source = as_rows(field.leaf)
    column = backend.array_column(source, make_conversion(source.dtype, tuple(source.shape[1:]), field))
    return column if field.transform is None else backend.transform_column(column, field.transform)


def _joined(backend: Backend, joined: Joined) -> Column:
    fields = [replace(field, leaf=as_rows(field.leaf)) for field in joined.fields]
    if not fields:
        raise ValueError("expected at least one array, found none")
    if any(hasattr(field.leaf, "lengths") for field in fields):
        raise TypeError("concat: expected arrays, found series")
    for field in fields:
        refuse_chunks(field.leaf, "concat")
    parts = [backend.array_column(f.leaf, made) for f, made in zip(fields, conversions(fields), strict=True)]
    column = backend.concat_column(parts, join(parts, joined.axis))
    return column if joined.transform is None else backend.transform_column(column, joined.transform)


def _equal_length(columns: Sequence[Column]) -> int:
    lengths = [column.n_samples for column in columns]
    if not lengths:
        raise ValueError("expected at least one array, found none")
    if len(set(lengths)) != 1:
        raise ValueError(f"expected arrays of equal length, found {', '.join(map(str, lengths))} samples")
    if lengths[0] == 0:
        raise ValueError("expected at least one sample, found arrays without rows")
    return lengths[0]


def _labels(rest: Sequence[Any]) -> Any:
    if not rest or isinstance(rest[0], (dict, Field)) or is_path(rest[0]):
        raise ValueError("balance='classes': expected an array of labels as the second datum; or give the labels")
    return rest[0]
