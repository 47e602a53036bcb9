# SPDX-License-Identifier: MIT
"""`windows`: overlapping samples of one time series or of many, that never cross the end of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastbatch.batch.tree import Pack, flatten, is_path, packer
from fastbatch.calls import takes
from fastbatch.checks import flag, whole
from fastbatch.decode.conversion import Field, Numbers
from fastbatch.decode.statistics import Statistics
from fastbatch.loader.loader import Loader
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.zero_copy import Viewing, strided, viewable
from fastbatch.mapped import elements
from fastbatch.source.formats import as_rows
from fastbatch.source.series import Series
from fastbatch.source.window import MAX_ROWS, Part, Pieces
from fastbatch.source.window_shape import WindowShape, make_window_shape

from .arrays import arrays, open_fields
from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack

MakePart = Callable[..., Part]  # (samples, first row, pieces) -> which rows make which sample


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
    short: str = "raise",
    normalize: str | Statistics | None = None,
    dtype: DTypeLike | None = None,
    scale: Numbers | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    copy: bool = True,
    **options: Unpack[LoaderKeywords],
) -> Loader:
    """Return a loader over the windows of time series: `(x, y)`, or x alone without targets.

    Window `i` is `data[i * stride :][: length * sampling_rate : sampling_rate]`, and its target is
    `targets[i * stride + (length - 1) * sampling_rate + horizon]`.
    Only whole windows whose target is there are served.

    Args:
        data: The series, time first: anything that `arrays` takes, also several arrays of equal length that belong
            together (a tuple, list or dict); or `series([...])`, many series, each by itself.
        targets: One for each row of the data; `windows(x, x, horizon=1, ...)` forecasts the series itself.
        length: Rows in a window.
        stride: Rows from one window's start to the next one's.
        sampling_rate: Rows from one row of a window to the next.
        horizon: Rows from a window's last row to its target; 0 is the target of the last row itself, less than 0
            is that of an earlier row of the window.
        target_length: Rows of the target, from the horizon on: y is (batch, target_length, ...). None: one row.
        start_index, end_index: Serve rows `start_index` to `end_index` only, as if there were no others.
        lengths: Rows of each of many series that lie one after another in `data`, all of its rows together; no
            window crosses from one into the next.
        short: What a series does that is shorter than a window and its target: "raise", or "skip" (of many series).
        normalize: "window" gives each channel of each window mean 0 and standard deviation 1, by itself; one below
            1e-8 counts as 1e-8 (float32, or float64 by `dtype`). Or what `statistics` has returned.
        dtype, scale, mean, std: Conversion of the data, as for `arrays`; channels are the last dimension.
        copy: False gives read-only views of an array in memory instead of copies: unshuffled, unconverted windows
            of one series. They show what is written into the array later, and keep it alive.
        options: As for `arrays`: batch_size, shuffle, seed, drop_last, shard, threads, ... Samples are
            windows, so the parts of a `split` may share rows: cut the data themselves where that matters.

    Raises:
        ValueError: A series shorter than a window and its target, targets of another length, options out of range.
        TypeError, OSError, FormatError: As for `arrays`.

    Source: `csrc/source/window.cpp`, `csrc/source/pieces.cpp`, `csrc/decode/standardize.cpp`.
    """
    shape = make_window_shape(length, stride, sampling_rate, horizon, target_length, targets is not None)
    if short not in ("raise", "skip"):
        raise ValueError(f"short: expected 'raise' or 'skip', found {short!r}")
    flag("copy", copy)
    if not copy and any(is_path(leaf) for leaf in flatten((data, targets))[0]):
        raise ValueError("copy=False: expected arrays in memory, found a path")
    opened = [open_fields(backend, data, _field(normalize, dtype, scale, mean, std))]
    if targets is not None:
        opened.append(open_fields(backend, targets, Field))
    fields, packers = _rows_of(opened)
    n_rows, series_lengths = _lengths([one.leaf for leaves in fields for one in leaves], lengths)
    first = whole("start_index", start_index, 0, n_rows)
    last = n_rows if end_index is None else whole("end_index", end_index, first, n_rows)
    if series_lengths is not None and (first, last) != (0, n_rows):
        raise ValueError("start_index, end_index: valid for a single series only")
    if not copy and (series_lengths is not None or options.get("shuffle")):
        raise ValueError("copy=False: expected one series in its own order, found many, or shuffle")
    single = np.array([last - first]) if series_lengths is None else series_lengths
    counts = _windows_of_each(shape, single, "raise" if series_lengths is None else short, targets is not None)

    def served(leaf: Any, make: MakePart) -> Any:
        if series_lengths is None:
            return backend.part(leaf, make(int(counts[0]), first))
        return _cut(backend, leaf, make, series_lengths, counts)

    pairs = list(zip(fields, (shape.data, shape.targets), strict=False))
    cut = [[replace(one, leaf=served(one.leaf, make)) for one in leaves] for leaves, make in pairs]
    loader = arrays(backend, *[pack(leaves) for leaves, pack in zip(cut, packers, strict=True)], **options)
    if copy:
        return loader
    views = [strided(viewable(one), make(int(counts[0]), first)) for leaves, make in pairs for one in leaves]
    recipe = loader._recipe
    return Loader(replace(recipe, implementation=Viewing(backend, backend.indices, views)), loader._plan)


def _rows_of(opened: Sequence[Any]) -> tuple[list[list[Field]], list[Pack]]:
    """Return the arrays of the data and of the targets, and what puts each back into its structure."""
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
    """Return what makes a Field of each array of the data."""
    if normalize is None:
        return partial(Field, dtype=dtype, scale=scale, mean=mean, std=std)
    if any(option is not None for option in (scale, mean, std)):
        raise ValueError("normalize: expected no scale, mean or std beside it")
    if isinstance(normalize, Statistics):
        return partial(Field, dtype=dtype, mean=normalize.mean, std=normalize.scale)
    if not (isinstance(normalize, str) and normalize == "window"):
        raise ValueError(f"normalize: expected 'window', what statistics() returned, or None, found {normalize!r}")
    return partial(Field, dtype=dtype, standardize=True)


def _lengths(leaves: Sequence[Any], lengths: ArrayLike | None) -> tuple[int, NDArray[np.int64] | None]:
    """Return the rows in all, and those of each series when there are many."""
    rows = [leaf.shape[0] for leaf in leaves]
    many = [leaf.lengths for leaf in leaves if isinstance(leaf, Series)]
    if many and len(many) < len(leaves):
        raise ValueError("expected series of data and targets alike, found one of them whole")
    if len(set(rows)) != 1 or any(one != many[0] for one in many):
        raise ValueError(f"expected data and targets of equal length, found {', '.join(map(str, rows))} rows")
    if lengths is None:
        return rows[0], np.array(many[0], np.int64) if many else None
    if many:
        raise ValueError("lengths: mean something for series in one array only")
    given = elements(lengths)
    if given.ndim != 1 or given.dtype.kind not in "iu" or len(given) == 0:
        raise TypeError(f"lengths: expected integers in 1 dimension, found {given.dtype} {given.shape}")
    if given.min() < 0 or sum(given.tolist()) != rows[0]:
        raise ValueError(f"lengths: expected numbers from 0 on that make {rows[0]} rows, found {sum(given.tolist())}")
    return rows[0], given.astype(np.int64)


def _windows_of_each(
    shape: WindowShape, lengths: NDArray[np.int64], short: str, has_targets: bool
) -> NDArray[np.int64]:
    """Return how many windows each series has."""
    what = "a window and its horizon" if has_targets and shape.target >= shape.length else "a window"
    if shape.needed > MAX_ROWS or lengths.max() < shape.needed:
        found = f"{lengths.max()}" if len(lengths) == 1 else f"none longer than {lengths.max()}"
        raise ValueError(f"series shorter than {what}: expected at least {shape.needed} rows, found {found}")
    too_short = np.flatnonzero(lengths < shape.needed)
    if short == "raise" and len(too_short):
        i = int(too_short[0])
        raise ValueError(
            f"series {i} is shorter than {what}: expected at least {shape.needed} rows, found {lengths[i]}; "
            "short='skip' leaves such series out"
        )
    counts: NDArray[np.int64] = shape.count(lengths)
    return counts
