# SPDX-License-Identifier: MIT
"""Columns of Parquet files that are larger than memory: some row groups are kept, the others are read again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import DecodeError, FormatError
from fastbatch.plan.blocks import Blocks
from fastbatch.source.chunks import ChunkedRows, Chunks

from .column import Numbers, Values, convert
from .parquet_files import ParquetFiles

WINDOWS = 2  # that fit into memory: the one that is read, and the next one


@dataclass(frozen=True)
class Kind:
    """A column of numbers: its type, which all row groups have.

    Attributes:
        name: Of the column.
        missing: In place of nulls; see `convert`.
        dtype, shape: Of one row.
        names: The values of a dictionary column in all groups, whose rows are their numbers; or None.
    """

    name: str
    missing: Any
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.dtype.itemsize * math.prod(self.shape)


@dataclass(frozen=True)
class NumberReader:
    """Reads the columns of numbers of a row group as arrays."""

    files: ParquetFiles
    kinds: tuple[Kind, ...]

    def __call__(self, k: int) -> list[NDArray[Any]]:
        # The numbers of a row lie side by side: a random row is then one access to memory, not one for each column.
        table = self.files.read(k, [kind.name for kind in self.kinds])
        fields = [(f"f{i}", kind.dtype, kind.shape) for i, kind in enumerate(self.kinds)]
        rows = np.empty(table.num_rows, fields)
        for (field_name, _, _), kind in zip(fields, self.kinds, strict=True):
            rows[field_name] = self._array(k, kind, table.column(kind.name))
        return [rows[field_name] for field_name, _, _ in fields]

    def verify(self, may_be_shorter: bool) -> None:
        self.files.verify()

    def identity(self, field: int) -> str:
        """Return a digest of a column, wherever the files are; no row is read for it."""
        return self.files.identity([self.kinds[field].name])

    def _array(self, k: int, kind: Kind, column: Any) -> NDArray[Any]:
        found = _converted(self.files, k, kind.name, column, kind.missing)
        rows = np.asarray(found.rows[:]) if isinstance(found, Numbers) else None
        if isinstance(found, Numbers) and rows is not None and kind.names is not None:
            numbers = {name: number for number, name in enumerate(kind.names)}
            rows = np.array([numbers[name] for name in found.names or ()], np.int64)[rows]
        if rows is None or (rows.dtype, rows.shape[1:]) != (kind.dtype, kind.shape):
            other = "lists of several lengths" if rows is None else f"{rows.dtype} {rows.shape[1:]}"
            expected = f"{kind.dtype} {kind.shape}, as in the first row group"
            raise FormatError(
                _place(self.files, k, kind.name), path=_path(self.files, k), expected=expected, found=other
            )
        return rows


@dataclass(frozen=True)
class ValueReader:
    """Reads the columns of a row group whose values Arrow gathers: strings, bytes, lists of different lengths."""

    files: ParquetFiles
    names: tuple[str, ...]
    missing: tuple[Any, ...]

    def __call__(self, k: int) -> list[Any]:
        table = self.files.read(k, list(dict.fromkeys(self.names)))
        columns = zip(self.names, self.missing, strict=True)
        place = (_path(self.files, k), f"row group {self.files.groups[k].number}", self.files.groups[k].first_row)
        return [_ValuesOfGroup(_converted(self.files, k, n, table.column(n), one), *place) for n, one in columns]

    def verify(self, may_be_shorter: bool) -> None:
        self.files.verify()


class _ValuesOfGroup:
    """The values of a row group, with their size. Lists that all have one length in this group are values here, too."""

    def __init__(self, found: Numbers | Values, path: str, group: str, first_row: int) -> None:
        self.found = found
        self.place = path, group, first_row
        self.nbytes = int(found.rows.nbytes if isinstance(found, Numbers) else found.column.nbytes)

    def take(self, rows: NDArray[np.int64]) -> list[Any]:
        if isinstance(self.found, Numbers):
            return list(self.found.rows[rows])
        try:
            return self.found.take(rows)
        except DecodeError as error:
            path, group, first_row = self.place
            raise DecodeError(f"{group}: {error.message}", path=path, sample=first_row + (error.sample or 0)) from None


@dataclass(frozen=True)
class GroupedValues:
    """A column of values that are gathered from the row groups in memory; see `Values`."""

    chunks: Chunks
    place: int

    def take(self, rows: Any) -> list[Any]:
        """Return the values of some rows."""
        numbers, places = self.chunks.place(rows)
        taken: list[Any] = [None] * len(numbers)
        for k in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == k)
            for at, value in zip(here.tolist(), self.chunks.get(k)[self.place].take(places[here]), strict=True):
                taken[at] = value
        return taken


@dataclass(frozen=True)
class GroupedTable:
    """Columns of Parquet files, of which a bounded number of row groups is in memory.

    Attributes:
        columns: The columns by name.
        blocks: The row groups.
        window: Row groups that can be shuffled together.
        identity: Returns a digest of the data.
        verify: Raises FormatError if a file was replaced or written to since it was opened.
    """

    columns: Mapping[str, Numbers | GroupedValues]
    blocks: Blocks
    window: int
    identity: Callable[[], str]
    verify: Callable[[bool], None]


def grouped_table(files: ParquetFiles, missing: Mapping[str, Any], memory_bytes: int) -> GroupedTable:
    """Return the columns with the names in `missing`.

    Args:
        missing: In place of nulls, for each column; see `convert`.
        memory_bytes: Of the row groups in memory.

    Raises:
        ValueError: Nulls; or too little memory.
        TypeError: A type that no batch can hold.
        FormatError: A broken file.
    """
    names = list(missing)
    files = replace(files, most_bytes=memory_bytes // WINDOWS)
    least = max((sum(_least_bytes(files, k, name) for name in names) for k in range(len(files.groups))), default=0)
    require_memory(memory_bytes, least)  # before anything is read
    _refuse_nulls(files, missing)
    first = files.read(0, names)
    found = {name: _converted(files, 0, name, first.column(name), missing[name]) for name in names}
    kinds, values = [], []
    for name, one in found.items():
        if not isinstance(one, Numbers):
            values.append(name)
            continue
        kind = Kind(name, missing[name], np.dtype(one.rows.dtype), tuple(one.rows.shape[1:]))
        if one.names is not None:
            kind = replace(kind, dtype=np.dtype(np.int64), names=_all_names(files, name, missing[name]))
        kinds.append(kind)
    sizes = _sizes(files, kinds, values)
    largest = int(sizes.sum(1).max())
    require_memory(memory_bytes, largest)
    window = memory_bytes // (WINDOWS * max(1, largest))
    share = int(memory_bytes * sizes[:, 0].max() / max(1, sizes.max(0).sum()))
    numbers = Chunks(NumberReader(files, tuple(kinds)), files.ends, share)
    texts = Chunks(
        ValueReader(files, tuple(values), tuple(missing[n] for n in values)), files.ends, memory_bytes - share
    )
    columns: dict[str, Numbers | GroupedValues] = {}
    for i, kind in enumerate(kinds):
        columns[kind.name] = Numbers(ChunkedRows(numbers, i, kind.dtype, kind.shape), kind.names)
    for i, name in enumerate(values):
        columns[name] = GroupedValues(texts, i)
    identity = partial(files.identity, tuple(names))
    return GroupedTable(columns, Blocks(files.ends), window, identity, texts.read.verify)


def require_memory(memory_bytes: int, group_bytes: int) -> None:
    """Raise ValueError unless `WINDOWS` row groups fit into the memory."""
    if memory_bytes < WINDOWS * group_bytes:
        expected = f"expected at least {WINDOWS * group_bytes} bytes, for {WINDOWS} row groups of these columns"
        raise ValueError(f"memory_bytes: {expected}, found {memory_bytes}")


def _least_bytes(files: ParquetFiles, k: int, name: str) -> int:
    """Return what a column of a row group needs in memory at least, by the footer."""
    n_rows = files.groups[k].n_rows
    try:
        return int(n_rows * files.schema.field(name).type.bit_width // 8)
    except ValueError:  # no fixed size: at least an offset for each row, and what is stored
        return n_rows * 4 + sum(one.unpacked for one in files.column_chunks(k, name))


def _converted(files: ParquetFiles, k: int, name: str, column: Any, missing: Any) -> Numbers | Values:
    """Return a column of a row group; the error of a null names the file and the row in the group."""
    try:
        return convert(name, column, missing)
    except ValueError as error:
        raise FormatError(f"row group {files.groups[k].number}: {error}", path=_path(files, k)) from None


def _path(files: ParquetFiles, k: int) -> str:
    return files.files[files.groups[k].file].path


def _place(files: ParquetFiles, k: int, name: str) -> str:
    return f"row group {files.groups[k].number}: column {shown(name)}"


def _refuse_nulls(files: ParquetFiles, missing: Mapping[str, Any]) -> None:
    """Raise the error of the first null that the footers tell of; others are found when they are read."""
    for name, value in missing.items():
        for k in range(len(files.groups)) if isinstance(value, str) and value == "error" else ():
            leaves = files.column_chunks(k, name)
            if any(one.n_nulls for one in leaves if ".".join(one.path) == name):
                _converted(files, k, name, files.read(k, [name]).column(name), value)


def _all_names(files: ParquetFiles, name: str, missing: Any) -> tuple[str, ...]:
    """Return the values of a dictionary column, in the order of their first row group: reads the whole column."""
    found: dict[str, None] = {}
    for k in range(len(files.groups)):
        part = _converted(files, k, name, files.read(k, [name]).column(name), missing)
        assert isinstance(part, Numbers)
        found.update(dict.fromkeys(part.names or ()))
    return tuple(found)


def _sizes(files: ParquetFiles, kinds: Sequence[Kind], values: Sequence[str]) -> NDArray[np.float64]:
    """Return the bytes of each row group in memory: of its numbers, and about of its other values."""
    row_bytes = sum(kind.row_bytes for kind in kinds)
    sizes = np.zeros((len(files.groups), 2))
    for k, group in enumerate(files.groups):
        sizes[k, 0] = group.n_rows * row_bytes
        sizes[k, 1] = sum(one.unpacked for name in values for one in files.column_chunks(k, name))
    return sizes
