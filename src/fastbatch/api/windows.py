# SPDX-License-Identifier: MIT
"""`windows`: overlapping samples of one time series or of many."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastbatch.batch.tree import Pack, flatten, is_path, packer
from fastbatch.calls import takes
from fastbatch.checks import flag, n_of, refuse_masked, shown, whole
from fastbatch.decode.conversion import Field, Numbers
from fastbatch.decode.statistics import Statistics
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.loader.zero_copy import Viewing, strided, viewable
from fastbatch.mapped import elements
from fastbatch.plan.subset import Overlap
from fastbatch.source.formats import as_rows, names_of_columns
from fastbatch.source.series import Series
from fastbatch.source.window import MAX_ROWS, Part, Pieces
from fastbatch.source.window_shape import WindowShape, make_window_shape

from .arrays import arrays, open_fields
from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack

MakePart = Callable[..., Part]  # (samples, first row, pieces) -> Part


@takes(LoaderOptions)
def windows(
    backend: Backend,
    data: Any,
    targets: Any = None,
    *,
    length: SupportsIndex,
    stride: SupportsIndex = 1,
    sampling_rate: SupportsIndex = 1,
    horizon: SupportsIndex = 0,
    target_length: SupportsIndex | None = None,
    start_index: SupportsIndex = 0,
    end_index: SupportsIndex | None = None,
    lengths: ArrayLike | None = None,
    short: Literal["raise", "skip"] = "raise",
    normalize: str | Statistics | None = None,
    dtype: DTypeLike | None = None,
    scale: Numbers | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    copy: bool = True,
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over the windows of time series: `(x, y)`, or x alone without targets.

    Window `i` is `data[i * stride :][: length * sampling_rate : sampling_rate]`, and its target is
    `targets[i * stride + (length - 1) * sampling_rate + horizon]`. Incomplete windows, and windows whose target is
    outside of the series, are omitted.

    Args:
        data: The series, time first: anything that `arrays` takes, also several arrays of equal length in a tuple, list
            or dict; or `series([...])` for many series.
        targets: One target per row of the data. None with `horizon` or `target_length`: the data themselves, without
            their conversion, so that `windows(x, length=128, horizon=1)` forecasts the series itself.
        length: Rows in a window.
        stride: Rows from the start of one window to the start of the next.
        sampling_rate: Rows from one row of a window to the next.
        horizon: Rows from the last row of a window to its target. 0 is the target of the last row; below 0, of an
            earlier row of the window.
        target_length: Rows in a target, starting at the horizon: y is (batch, target_length, ...). None: one row, y is
            (batch, ...).
        start_index, end_index: Use only the rows from `start_index` to before `end_index`.
        lengths: Number of rows of each series, if `data` holds many series one after another. Windows do not cross from
            one series to the next.
        short: Handling of a series shorter than a window and its target: "raise", or "skip" if there are many series.
        normalize: "window": subtract the mean of each channel of each window and divide by its standard deviation, at
            least 1e-8; float32, or float64 by `dtype`. Or the result of `statistics`.
        dtype, scale, mean, std: Conversion of the data, as for `arrays`; channels are the last dimension.
        copy: False gives read-only views of an array in memory instead of copies; only valid for unshuffled,
            unconverted windows of one series. The views keep the array alive and show later changes of it.
        options: batch_size, shuffle, seed, drop_last, shard, threads, ...: see `arrays` and `LoaderOptions`. Samples
            are windows. `split` holds out the last ones, and leaves out training windows that share rows with them.

    Returns:
        A loader of batches `(x, y)`, or of x, of shape (batch, length, ...).

    Raises:
        ValueError: A series shorter than a window and its target, targets of another length, or options out of range.
        TypeError, OSError, FormatError: As for `arrays`.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.windows("sensors.npy", "labels.npy", length=100, horizon=1, batch_size=32, shuffle=True)
        >>> loader.n_samples
        1900
        >>> x, y = next(iter(loader))
        >>> x.shape, y.shape
        ((32, 100, 3), (32,))

    Source: `csrc/source/window.cpp`, `csrc/source/pieces.cpp`, `csrc/decode/standardize.cpp`.
    """
    forecasts_itself = targets is None and _is_ahead(horizon, target_length)
    has_targets = targets is not None or forecasts_itself
    shape = make_window_shape(length, stride, sampling_rate, horizon, target_length, has_targets)
    if short not in ("raise", "skip"):
        raise ValueError(f"short: expected 'raise' or 'skip', found {shown(short)}")
    flag("copy", copy)
    if not copy and options.get("with_index"):
        raise ValueError("with_index: only valid with copy=True")
    if not copy and any(is_path(leaf) for leaf in flatten((data, targets))[0]):
        raise ValueError("copy=False: expected arrays in memory, found a path")
    opened = [open_fields(backend, data, _field(normalize, dtype, scale, mean, std))]
    if targets is not None:
        opened.append(open_fields(backend, targets, Field))
    elif forecasts_itself:
        leaves, structure = flatten(opened[0])
        opened.append(packer(structure)([Field(one.leaf) for one in leaves]))
    fields, packers = _rows_of(opened)
    n_rows, series_lengths = _lengths([one.leaf for leaves in fields for one in leaves], lengths)
    first = whole("start_index", start_index, 0, n_rows)
    last = n_rows if end_index is None else whole("end_index", end_index, first, n_rows)
    if series_lengths is not None and (first, last) != (0, n_rows):
        raise ValueError("start_index, end_index: valid for a single series only")
    if not copy and (series_lengths is not None or options.get("shuffle")):
        raise ValueError("copy=False: expected one series in its own order, found many, or shuffle")
    single = np.array([last - first]) if series_lengths is None else series_lengths
    counts = _windows_of_each(shape, single, "raise" if series_lengths is None else short, has_targets)

    def served(leaf: Any, make: MakePart) -> Any:
        if series_lengths is None:
            return backend.part(leaf, make(int(counts[0]), first))
        return _cut(backend, leaf, make, series_lengths, counts)

    pairs = list(zip(fields, (shape.data, shape.targets), strict=False))
    cut = [[replace(one, leaf=served(one.leaf, make)) for one in leaves] for leaves, make in pairs]
    loader = arrays(backend, *[pack(leaves) for leaves, pack in zip(cut, packers, strict=True)], **options)
    per_series = counts[counts > 0].astype(np.int64)
    overlap = Overlap(-(-shape.needed // shape.every), np.cumsum(per_series) - per_series)
    recipe = replace(loader.recipe, overlap=overlap, kind="windows", labels=None, column_names=names_of_columns(data))
    loader = SampleLoader(recipe, loader.plan)
    if copy:
        return loader
    views = [strided(viewable(one), make(int(counts[0]), first)) for leaves, make in pairs for one in leaves]
    viewing = Viewing(backend, backend.indices, views)
    return SampleLoader(replace(loader.recipe, implementation=viewing), loader.plan)


def _is_ahead(horizon: Any, target_length: Any) -> bool:
    """Return whether `target_length` is given or `horizon` is not 0: the targets then default to the data."""
    return target_length is not None or not (hasattr(horizon, "__index__") and operator.index(horizon) == 0)


def _rows_of(opened: Sequence[Any]) -> tuple[list[list[Field]], list[Pack]]:
    """Return the arrays of the data and of the targets, and the functions that restore their structures."""
    pairs = [flatten(datum) for datum in opened]
    fields = [[replace(one, leaf=as_rows(one.leaf)) for one in leaves] for leaves, _ in pairs]
    if not fields[0]:
        raise ValueError("expected at least one array, found none")
    return fields, [packer(structure) for _, structure in pairs]


def _cut(backend: Backend, leaf: Any, make: MakePart, lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> Any:
    """Return the windows, or the targets, of many series."""
    if isinstance(leaf, Series):
        parts = [(part, int(n)) for part, n in zip(leaf.parts, counts, strict=True) if n > 0]
        return Series([backend.part(part, make(n)) for part, n in parts])
    starts = np.cumsum(lengths) - lengths
    pieces = Pieces(starts[counts > 0], counts[counts > 0])
    return backend.part(leaf, make(pieces.n, 0, pieces))


def _field(normalize: Any, dtype: Any, scale: Any, mean: Any, std: Any) -> Any:
    """Return the function that makes a Field of each array of the data."""
    if normalize is None:
        return partial(Field, dtype=dtype, scale=scale, mean=mean, std=std)
    if any(option is not None for option in (scale, mean, std)):
        raise ValueError("normalize: expected no scale, mean or std beside it")
    if isinstance(normalize, Statistics):
        return partial(Field, dtype=dtype, mean=normalize.mean, std=normalize.scale)
    if not (isinstance(normalize, str) and normalize == "window"):
        raise ValueError(f"normalize: expected 'window', what statistics() returned, or None, found {shown(normalize)}")
    return partial(Field, dtype=dtype, standardize=True)


def _lengths(leaves: Sequence[Any], lengths: ArrayLike | None) -> tuple[int, NDArray[np.int64] | None]:
    """Return the total number of rows, and the rows of each series if there are many."""
    rows = [leaf.shape[0] for leaf in leaves]
    many = [leaf.lengths for leaf in leaves if isinstance(leaf, Series)]
    if many and len(many) < len(leaves):
        raise ValueError("expected series of data and targets alike, found one of them whole")
    if len(set(rows)) != 1 or any(one != many[0] for one in many):
        raise ValueError(f"expected data and targets of equal length, found {', '.join(map(str, rows))} rows")
    if lengths is None:
        return rows[0], np.array(many[0], np.int64) if many else None
    if many:
        raise ValueError("lengths: only valid for series in one array")
    refuse_masked("lengths", lengths)
    given = elements(lengths)
    if given.ndim != 1 or given.dtype.kind not in "iu" or len(given) == 0:
        raise TypeError(f"lengths: expected integers in 1 dimension, found {given.dtype} {given.shape}")
    if given.min() < 0 or sum(given.tolist()) != rows[0]:
        raise ValueError(f"lengths: expected numbers from 0 on that make {rows[0]} rows, found {sum(given.tolist())}")
    return rows[0], given.astype(np.int64)


def _windows_of_each(
    shape: WindowShape, lengths: NDArray[np.int64], short: str, has_targets: bool
) -> NDArray[np.int64]:
    """Return the number of windows of each series."""
    what = "a window and its horizon" if has_targets and shape.target >= shape.length else "a window"
    if shape.needed > MAX_ROWS or lengths.max() < shape.needed:
        found = f"{lengths.max()}" if len(lengths) == 1 else f"none longer than {lengths.max()}"
        raise ValueError(f"series shorter than {what}: expected at least {n_of(shape.needed, 'row')}, found {found}")
    too_short = np.flatnonzero(lengths < shape.needed)
    if short == "raise" and len(too_short):
        i = int(too_short[0])
        raise ValueError(
            f"series {i} is shorter than {what}: expected at least {n_of(shape.needed, 'row')}, found {lengths[i]}; "
            "short='skip' leaves such series out"
        )
    counts: NDArray[np.int64] = shape.count(lengths)
    return counts
