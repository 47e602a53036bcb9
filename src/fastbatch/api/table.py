# SPDX-License-Identifier: MIT
"""`table`: a loader over the columns of a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import date
from functools import partial
from numbers import Number
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from fastbatch.calls import takes
from fastbatch.checks import MAX_INT64, flag, listed, shown, whole
from fastbatch.decode.conversion import CONVERTIBLE, Field
from fastbatch.loader.engine import Recipe
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.plan.blocks import Blocks
from fastbatch.source.arrow.batch import Gathered, PackTable, Place, digest_of_values
from fastbatch.source.arrow.column import Numbers, Values, convert
from fastbatch.source.arrow.parquet_files import open_parquet
from fastbatch.source.arrow.row_groups import grouped_table
from fastbatch.source.arrow.table import ArrowTable, as_table

from .arrays import column_of, numbers_column
from .backend import Backend

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Unpack


@takes(LoaderOptions)
def table(
    backend: Backend,
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    targets: str | Sequence[str] | None = None,
    dtype: DTypeLike | None = None,
    missing: Any = "error",
    memory_bytes: SupportsIndex | None = None,
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over the rows of a table: batches are dicts of its columns, by name.

    Numbers and lists of one length are read from the buffers of the table, which is not copied. Needs pyarrow
    (`pip install fastbatch[arrow]`).

    Args:
        data: A table of pyarrow, Polars, pandas or DuckDB, or any object with `__arrow_c_stream__`; a
            `datasets.Dataset` of Hugging Face; or Parquet or Feather files: a path, a pattern, or a list of files with
            the same columns, which are read into memory, or row group by row group with `memory_bytes`.
        columns: Names of the columns of a batch, in this order; None: all but the targets.
        targets: A column: batches are `(dict, array)`. Several: batches are `(dict, dict)`.
        dtype: Type of the numbers among `columns`, such as "float32"; None keeps their types.
        missing: In place of nulls: a value, "nan", or a dict of these by column. "error": a null is an error.
        memory_bytes: For Parquet files that are larger than memory: as many bytes of row groups are kept in memory, and
            one more for each thread while it is read. `shuffle="block"` permutes the row groups, and shuffles the rows
            of each `window` groups together: as many as fit into half of these bytes, unless given. These rows are not
            drawn by weight, selected or split at random.
        batch_size: Rows in a batch (32); the last batch may be smaller.
        shuffle: True for a new random order in each epoch.
        seed: Together with the epoch, determines the order and all random draws.
        drop_last: Omit a smaller last batch.
        shard: `(rank, world_size)`: every world_size-th row of the shuffled order, starting at `rank`.
        weights, balance: Draw rows by weight, or so that all targets are equally likely.
        options: Remaining options: see `LoaderOptions` (`fastbatch.loader.options`).

    Returns:
        A loader. Numbers, bools, dates and lists of one length are arrays of shape (batch, ...). Dictionaries of
        strings are the numbers of their values (int64); `loader.class_names` has the values of a single target. Strings
        and bytes are lists of `str` and `bytes`, lists of different lengths are lists of arrays: these are gathered
        by Arrow in the consumer's thread.

    Raises:
        ValueError: An unknown column, nulls, no rows, or an option out of range.
        TypeError: No table, or a column of a type that no batch can hold.
        OSError: A file cannot be read.
        FormatError: A broken file, or files with different columns.
        ModuleNotFoundError: pyarrow is not installed.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.table("people.parquet", ["age", "income"], targets="city", batch_size=64, shuffle=True)
        >>> x, y = next(iter(loader))
        >>> x["age"].shape, x["income"].dtype, y.dtype, loader.class_names
        ((64,), dtype('float32'), dtype('int64'), ('Oslo', 'Rome', 'Lima'))

    Source: `src/fastbatch/source/arrow/`, `csrc/decode/array_decoder.cpp`.
    """
    of_targets = [targets] if isinstance(targets, str) else listed("targets", targets or (), "names of columns")
    wanted = None if columns is None else listed("columns", columns, "names of columns")
    chosen = LoaderOptions(**options)
    if memory_bytes is None:
        opened = _in_memory(data, wanted, of_targets, missing)
    else:
        limit = whole("memory_bytes", memory_bytes, 1, MAX_INT64)
        opened = _in_groups(data, wanted, of_targets, missing, limit)
        chosen = in_blocks(chosen, opened.window, "window" in options)
    fields: list[Field] = []

    def place(name: str, kind: DTypeLike | None) -> Place:
        part = opened.columns[name]
        if not isinstance(part, Numbers):
            return part
        fields.append(Field(part.rows, _type(part, kind)))
        return len(fields) - 1

    of_features = {name: place(name, dtype) for name in opened.features}
    rest = {name: place(name, None) for name in of_targets}
    made = [column_of(backend, field) for field in fields]
    gathered = [one for one in [*of_features.values(), *rest.values()] if not isinstance(one, int)]
    rows = None
    if gathered:
        rows = len(made)
        identity = opened.identity or partial(digest_of_values, gathered, opened.n_rows)
        made.append(backend.index_column(opened.n_rows, identity, opened.verify))
    index_column = None
    if flag("with_index", chosen.with_index):
        index_column = partial(numbers_column, backend)
        made.append(index_column(np.arange(opened.n_rows)))
    last = len(made) - 1 if index_column else None
    pack = PackTable(of_features, rest[targets] if isinstance(targets, str) else rest or None, rows, last)
    plan = chosen.plan(opened.n_rows, lambda: _labels(targets, opened.columns), opened.blocks)
    names = opened.class_names(targets) if isinstance(targets, str) else None
    recipe = Recipe(backend, tuple(made), pack, chosen.engine(), names, column_names=tuple(opened.features))
    return SampleLoader(replace(recipe, index_column=index_column), plan)


@dataclass(frozen=True)
class _Opened:
    """The columns of a table, features and targets, and how its rows are ordered."""

    columns: Mapping[str, Numbers | Gathered]
    features: Sequence[str]
    n_rows: int
    names: Mapping[str, tuple[str, ...]] = dataclass_field(default_factory=dict)
    blocks: Blocks | None = None
    window: int = 0
    identity: Callable[[], str] | None = None
    verify: Callable[[bool], None] | None = None

    def class_names(self, name: str) -> tuple[str, ...] | None:
        """Return the names of the classes in a column."""
        part = self.columns[name]
        return (part.names if isinstance(part, Numbers) else None) or self.names.get(name)


def _in_memory(data: Any, wanted: list[str] | None, targets: list[str], missing: Any) -> _Opened:
    opened = as_table(data, None if wanted is None else list(dict.fromkeys([*wanted, *targets])))
    features = _features(wanted, opened.table.column_names, targets)
    rows = _selected(opened)
    given = _missing(missing, [*features, *targets])
    if rows.n_rows == 0:
        raise ValueError("data: expected at least one row, found none")
    columns = {
        name: convert(name, rows.column("columns" if name in features else "targets", name), value)
        for name, value in given.items()
    }
    return _Opened(columns, features, rows.n_rows, rows.names)


def _in_groups(data: Any, wanted: list[str] | None, targets: list[str], missing: Any, limit: int) -> _Opened:
    if not isinstance(data, str | bytes | os.PathLike | list | tuple):
        raise TypeError(f"memory_bytes: expected Parquet files, found {shown(data)}")
    files = open_parquet(data)
    there = files.schema.names
    features = _features(wanted, there, targets)
    for option, names in (("columns", features), ("targets", targets)):
        for name in names:
            if there.count(name) != 1:
                raise ValueError(f"{option}: expected one of the columns {', '.join(there)}, found {shown(name)}")
    given = _missing(missing, [*features, *targets])
    if files.n_rows == 0:
        raise ValueError("data: expected at least one row, found none")
    table = grouped_table(files, given, limit)
    return _Opened(table.columns, features, files.n_rows, {}, table.blocks, table.window, table.identity, table.verify)


def in_blocks(options: LoaderOptions, window: int, has_window: bool) -> LoaderOptions:
    """Return the options for rows that are read in row groups, of which `window` fit into half of the memory."""
    if options.shuffle is True:
        raise ValueError(
            "shuffle: expected False or 'block' with memory_bytes, found True: each row would need its whole row group"
        )
    if options.weights is not None or options.balance is not None:
        raise ValueError("weights, balance: expected none with memory_bytes: each row would need its whole row group")
    if not has_window:
        return replace(options, window=window)
    if whole("window", options.window, 1, MAX_INT64) > window:
        raise ValueError(f"window: expected at most {window} row groups with this memory_bytes, found {options.window}")
    return options


def _features(wanted: list[str] | None, there: Sequence[str], targets: Sequence[str]) -> list[str]:
    features = [name for name in there if name not in targets] if wanted is None else wanted
    if not features:
        raise ValueError("columns: expected at least one, found none")
    return features


def _selected(opened: ArrowTable) -> ArrowTable:
    """Return the table of the rows in order; a selection of rows is copied."""
    if not len(opened.order):
        return opened
    return ArrowTable(opened.table.take(opened.order), opened.names, path=opened.path)


def _missing(missing: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return what takes the place of nulls in each column."""
    if not isinstance(missing, str | bytes | Number | np.generic | date | Mapping):
        raise TypeError(f"missing: expected a value, 'nan', 'error' or a dict of these, found {shown(missing)}")
    for name in missing if isinstance(missing, Mapping) else ():
        if name not in names:
            raise ValueError(f"missing: expected names of columns ({', '.join(names)}), found {shown(name)}")
    return {name: missing.get(name, "error") if isinstance(missing, Mapping) else missing for name in names}


def _type(part: Numbers, dtype: DTypeLike | None) -> DTypeLike | None:
    if part.names is not None:
        return np.int64
    return dtype if np.dtype(part.rows.dtype).char in CONVERTIBLE else None


def _labels(targets: Any, columns: Mapping[str, Numbers | Gathered]) -> Any:
    if not isinstance(targets, str):
        raise ValueError("balance='classes': expected one column as targets=, or give the labels")
    part = columns[targets]
    if isinstance(part, Numbers):
        return np.asarray(part.rows[:])
    assert isinstance(part, Values)  # in memory: weights are refused for others
    return part.column.to_pylist()
