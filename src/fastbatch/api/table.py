# SPDX-License-Identifier: MIT
"""`table`: a loader over the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.calls import takes
from fastbatch.checks import flag, listed, shown
from fastbatch.decode.conversion import CONVERTIBLE, Field
from fastbatch.loader.engine import Recipe
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.source.arrow.batch import PackTable, numbered
from fastbatch.source.arrow.column import Numbers, Values, convert
from fastbatch.source.arrow.table import ArrowTable, as_table

from .arrays import column_of
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
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over the rows of a table: batches are dicts of its columns, by name.

    Numbers and lists of one length are read from the buffers of the table, which is not copied. Needs pyarrow
    (`pip install fastbatch[arrow]`).

    Args:
        data: A table of pyarrow, Polars, pandas or DuckDB, or any object with `__arrow_c_stream__`; a
            `datasets.Dataset` of Hugging Face; or Parquet or Feather files: a path, a pattern, or a list of files with
            the same columns, which are read into memory.
        columns: Names of the columns of a batch, in this order; None: all but the targets.
        targets: A column: batches are `(dict, array)`. Several: batches are `(dict, dict)`.
        dtype: Type of the numbers among `columns`, such as "float32"; None keeps their types.
        missing: In place of nulls: a value, "nan", or a dict of these by column. "error": a null is an error.
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
    opened = as_table(data, None if wanted is None else list(dict.fromkeys([*wanted, *of_targets])))
    if wanted is None:
        wanted = [name for name in opened.table.column_names if name not in of_targets]
    if not wanted:
        raise ValueError("columns: expected at least one, found none")
    rows = _selected(opened)
    if rows.n_rows == 0:
        raise ValueError("data: expected at least one row, found none")
    _refuse_unknown(missing, [*wanted, *of_targets])
    made = {name: _column(rows, "columns", name, missing) for name in wanted}
    made_targets = {name: _column(rows, "targets", name, missing) for name in of_targets}
    parts = [*made.values(), *made_targets.values()]
    fields: list[Field] = [
        Field(part.rows, _type(part, dtype if i < len(made) else None))
        for i, part in enumerate(parts)
        if isinstance(part, Numbers)
    ]
    number = iter(range(len(fields)))
    places = [next(number) if isinstance(part, Numbers) else part for part in parts]
    gathered = [part for part in parts if isinstance(part, Values)]
    if gathered:
        fields.append(Field(numbered(gathered, rows.n_rows)))
    of_features = dict(zip(wanted, places, strict=False))
    rest = dict(zip(of_targets, places[len(wanted) :], strict=True))
    pack = PackTable(of_features, rest[targets] if isinstance(targets, str) else rest or None)
    chosen = LoaderOptions(**options)
    if flag("with_index", chosen.with_index):
        raise ValueError("with_index: expected False with table(); a column of numbers tells the rows apart")
    plan = chosen.plan(rows.n_rows, lambda: _labels(targets, made_targets))
    names = _class_names(rows, targets, made_targets)
    engine_columns = tuple(column_of(backend, field) for field in fields)
    recipe = Recipe(backend, engine_columns, pack, chosen.engine(), names, column_names=tuple(wanted))
    return SampleLoader(recipe, plan)


def _selected(opened: ArrowTable) -> ArrowTable:
    """Return the table of the rows in order; a selection of rows is copied."""
    if not len(opened.order):
        return opened
    return ArrowTable(opened.table.take(opened.order), opened.names, path=opened.path)


def _column(opened: ArrowTable, option: str, name: Any, missing: Any) -> Numbers | Values:
    given = missing.get(name, "error") if isinstance(missing, Mapping) else missing
    return convert(name, opened.column(option, name), given)


def _refuse_unknown(missing: Any, names: Sequence[str]) -> None:
    if not isinstance(missing, str | bytes | Number | np.generic | date | Mapping):
        raise TypeError(f"missing: expected a value, 'nan', 'error' or a dict of these, found {shown(missing)}")
    for name in missing if isinstance(missing, Mapping) else ():
        if name not in names:
            raise ValueError(f"missing: expected names of columns ({', '.join(names)}), found {shown(name)}")


def _type(part: Numbers, dtype: DTypeLike | None) -> DTypeLike | None:
    if part.names is not None:
        return np.int64
    return dtype if np.dtype(part.rows.dtype).char in CONVERTIBLE else None


def _labels(targets: Any, made: Mapping[str, Numbers | Values]) -> Any:
    if not isinstance(targets, str):
        raise ValueError("balance='classes': expected one column as targets=, or give the labels")
    part = made[targets]
    return np.asarray(part.rows[:]) if isinstance(part, Numbers) else part.column.to_pylist()


def _class_names(opened: ArrowTable, targets: Any, made: Mapping[str, Numbers | Values]) -> tuple[str, ...] | None:
    if not isinstance(targets, str):
        return None
    part = made[targets]
    return (part.names if isinstance(part, Numbers) else None) or opened.names.get(targets)
