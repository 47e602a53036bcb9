# SPDX-License-Identifier: MIT
"""`arrays`: a loader over arrays of equal length; and how data become the columns of a loader, for all families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

from numpy.typing import ArrayLike, DTypeLike

from fastbatch.batch.column import Column
from fastbatch.batch.tree import flatten, is_path, packer
from fastbatch.calls import takes
from fastbatch.checks import whole
from fastbatch.decode.concat import Joined, conversions, join
from fastbatch.decode.conversion import Field, Numbers, make_conversion
from fastbatch.decode.transform import native_transform
from fastbatch.loader.engine import Recipe
from fastbatch.loader.first_part import python_steps
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.source.formats import as_rows, open_file

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
    steps = python_steps(transform, native, alone=not rest)
    return SampleLoader(Recipe(backend, columns, packer(structure), chosen.engine(), steps=steps), plan)


def open_fields(backend: Backend, datum: Any, convert: Callable[[Any], Field]) -> Any:
    """Return `datum` with every leaf opened and made a Field."""
    leaves, structure = flatten(datum)
    opened: list[Any] = []
    for leaf in leaves:
        field = leaf if isinstance(leaf, Field) else convert(leaf)
        source = open_file(backend, field.leaf) if is_path(field.leaf) else field.leaf
        if isinstance(source, dict):  # a .npz file: one leaf per member
            opened.append({name: replace(field, leaf=member) for name, member in source.items()})
        else:
            opened.append(replace(field, leaf=source))
    return packer(structure)(opened)


def column_of(backend: Backend, field: Field | Joined) -> Column:
    """Return the column that an opened array, or several side by side, make."""
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
    parts = [backend.array_column(f.leaf, made) for f, made in zip(fields, conversions(fields), strict=True)]
    column = backend.concat_column(parts, join(parts, joined.axis))
    return column if joined.transform is None else backend.transform_column(column, joined.transform)


def _equal_length(columns: Sequence[Column]) -> int:
    lengths = [column.n_samples for column in columns]
    if not lengths:
        raise ValueError("expected at least one array, found none")
    if len(set(lengths)) != 1:
        raise ValueError(f"expected arrays of equal length, found {', '.join(map(str, lengths))} samples")
    return lengths[0]


def _labels(rest: Sequence[Any]) -> Any:
    if not rest or isinstance(rest[0], (dict, Field)) or is_path(rest[0]):
        raise ValueError("balance='classes': expected an array of labels as the second datum; or give the labels")
    return rest[0]
