# SPDX-License-Identifier: MIT
"""Tables from files and from other libraries, by the Arrow C stream interface."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import FormatError
from fastbatch.source.foreign import FEATHER, PARQUET, known_format
from fastbatch.source.local_file import open_unbuffered, read_head
from fastbatch.source.patterns import files_of
from fastbatch.source.remote.urls import as_url

PARQUET_ENDS = (".parquet", ".pq")
IPC_ENDS = (".feather", ".arrow", ".ipc")
ENDS = (*PARQUET_ENDS, *IPC_ENDS)
NO_PYARROW = "tables need pyarrow: pip install fastbatch[arrow]"


def pyarrow() -> Any:
    """Return pyarrow; a missing one is an error that says what to install."""
    try:
        import pyarrow as arrow
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(NO_PYARROW, name=error.name) from None
    return arrow


@dataclass(frozen=True)
class ArrowTable:
    """A table, and what its library says of it.

    Attributes:
        table: A `pyarrow.Table`.
        names: Class names of the columns that have some (`ClassLabel` of Hugging Face datasets).
        order: The rows of the table in order, if they are a selection; empty for all in turn.
        path: The file, or the first of several, for messages.
    """

    table: Any
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    path: str | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows, of the selection if there is one."""
        return len(self.order) or int(self.table.num_rows)

    def column(self, option: str, name: Any) -> Any:
        """Return a column as a `pyarrow.ChunkedArray`; ValueError, naming the option, if there is none or several."""
        if self.table.column_names.count(name) != 1:
            there = ", ".join(map(str, self.table.column_names))
            raise ValueError(f"{option}: expected one of the columns {there}, found {shown(name)}")
        return self.table.column(name)


def is_table(data: Any) -> bool:
    """Return whether data are a table, or the path of one by its extension: of a file, a pattern or a list of files."""
    if isinstance(data, list | tuple):
        return bool(data) and all(isinstance(one, str | bytes | os.PathLike) and is_table(one) for one in data)
    if isinstance(data, str | bytes | os.PathLike):
        return os.fsdecode(data).lower().endswith(ENDS) and not os.path.isdir(os.fsdecode(data))
    has_columns = hasattr(data, "columns") or hasattr(data, "column_names")
    return is_dataset(data) or (hasattr(data, "__arrow_c_stream__") and has_columns)


def is_paths(data: Any) -> bool:
    """Return whether data are a path, a pattern or a list of files."""
    return isinstance(data, str | bytes | os.PathLike | list | tuple)


def is_dataset(data: Any) -> bool:
    """Return whether data are a `datasets.Dataset`."""
    return any((base.__module__, base.__name__) == ("datasets.arrow_dataset", "Dataset") for base in type(data).__mro__)


def as_table(data: Any, columns: Sequence[str] | None = None) -> ArrowTable:
    """Return a table.

    Args:
        data: A path, a pattern or a list of Parquet or Feather files; a `datasets.Dataset`; or an object with
            `__arrow_c_stream__`.
        columns: The columns to read from files; None: all.

    Raises:
        OSError: A file cannot be read.
        FormatError: A broken file, or one whose columns differ from those of the first.
        TypeError: Data of another kind.
        ModuleNotFoundError: pyarrow is not installed.
    """
    arrow = pyarrow()
    if isinstance(data, str | bytes | os.PathLike | list | tuple):
        paths = files_of("data", data)
        return ArrowTable(_read_files(arrow, paths, columns), path=paths[0])
    if is_dataset(data):
        return _of_dataset(data)
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(f"expected a table, a Parquet file or a Dataset, found {shown(data)}")
    if type(data).__module__.partition(".")[0] == "pandas":
        return ArrowTable(arrow.Table.from_pandas(data, preserve_index=False))  # the index is no column
    try:
        return ArrowTable(data if isinstance(data, arrow.Table) else arrow.table(data))
    except (arrow.ArrowException, TypeError, ValueError) as error:
        raise TypeError(f"expected a table with columns, found {type(data).__name__}: {error!s:.200}") from None


def columns_of(data: Any) -> ArrowTable:
    """Return a table, of files only the names and types of the columns of the first, without rows."""
    if not isinstance(data, str | bytes | os.PathLike | list | tuple):
        return as_table(data)
    arrow = pyarrow()
    path = files_of("data", data, urls=True)[0]
    if as_url(path) is not None:
        found = _read(arrow, path, _schema_in_store, None)
        if found is not None:
            return ArrowTable(found.empty_table(), path=path)
    path = files_of("data", path)[0]
    found = _read(arrow, path, _parquet_schema if _is_parquet(path) else _read_ipc, None)
    return ArrowTable(getattr(found, "schema", found).empty_table(), path=path)


def _read_files(arrow: Any, paths: Sequence[str], columns: Sequence[str] | None) -> Any:
    tables: list[Any] = []
    for path in paths:
        table = _read(arrow, path, _read_parquet if _is_parquet(path) else _read_ipc, columns)
        tables.append(table)
        refuse_other_columns(path, tables[0].schema, table.schema)
    return arrow.concat_tables(tables)


def _is_parquet(path: str) -> bool:
    """Return whether a file is Parquet, not Feather; FormatError if it is of another known format."""
    head = read_head(path)
    other = known_format(path, head) if head else None  # Arrow's stream format has no signature
    if other is not None and other.title not in (PARQUET.title, FEATHER.title):
        raise FormatError("not a table", path=path, expected="Parquet or Feather", found=other)
    return head.startswith(PARQUET.begins)


def refuse_other_columns(path: str, expected: Any, found: Any) -> None:
    """Raise FormatError if a file has another schema than the first one."""
    if not found.equals(expected):
        first, other = (", ".join(f"{one.name} {one.type}" for one in schema) for schema in (expected, found))
        raise FormatError("other columns than in the first file", path=path, expected=first, found=other)


def _read(arrow: Any, path: str, read: Callable[..., Any], columns: Sequence[str] | None) -> Any:
    try:
        return read(arrow, path, columns)
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:  # the last of names that are not UTF-8
        name = "Parquet" if read in (_read_parquet, _parquet_schema) else "Feather"
        raise_unreadable(error, path, name)


def raise_unreadable(error: Exception, path: str, name: str) -> NoReturn:
    """Raise pyarrow's error about a file as a FormatError that names it; what the system says stays an OSError."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    raise FormatError(f"a {name} file that pyarrow cannot read: {error!s:.300}", path=path) from error


def _schema_in_store(arrow: Any, url: str, _: Sequence[str] | None) -> Any:
    """Return the schema of a Parquet file in a store, of which only the footer is read; None: another format."""
    from pyarrow import parquet

    from fastbatch.source.remote.fetcher import fetcher
    from fastbatch.source.remote.object_file import ObjectFile

    one = ObjectFile(fetcher().head(url))
    if not one.read(4).startswith(PARQUET.begins):
        return None
    return parquet.ParquetFile(arrow.PythonFile(one, "r")).schema_arrow


def _read_parquet(arrow: Any, path: str, columns: Sequence[str] | None) -> Any:
    from pyarrow import parquet

    with open_unbuffered(path) as opened, parquet.ParquetFile(arrow.PythonFile(opened, "r")) as file:
        names = file.schema_arrow.names
        _require(path, columns, names)
        return file.read(columns=None if columns is None else list(columns))


def _parquet_schema(arrow: Any, path: str, columns: None) -> Any:
    from pyarrow import parquet

    with open_unbuffered(path) as opened, parquet.ParquetFile(arrow.PythonFile(opened, "r")) as file:
        schema = file.schema_arrow
        schema.names  # noqa: B018 - may be no UTF-8
        return schema


def _read_ipc(arrow: Any, path: str, columns: Sequence[str] | None) -> Any:
    # Not mapped: a mapped file that is cut short would end the process.
    with open_unbuffered(path) as opened:
        is_file = read_head(path).startswith(b"ARROW1")
        content = arrow.py_buffer(opened.readall())
    table = (arrow.ipc.open_file if is_file else arrow.ipc.open_stream)(content).read_all()
    _require(path, columns, table.column_names)
    return table if columns is None else table.select(list(columns))


def _require(path: str, columns: Sequence[str] | None, there: Sequence[str]) -> None:
    missing = [name for name in columns or () if name not in there]
    if missing:
        names = ", ".join(map(str, there))
        raise ValueError(f"{path}: expected columns among {names}, found {shown(missing[0])}")


def _of_dataset(dataset: Any) -> ArrowTable:
    """Return the table of a Hugging Face dataset, which may be a selection of its rows."""
    table = getattr(dataset.data, "table", dataset.data)
    names = {}
    for column, feature in (dataset.features or {}).items():
        found = getattr(feature, "names", None)
        if type(feature).__name__ == "ClassLabel" and found:
            names[column] = tuple(found)
    chosen = getattr(dataset, "_indices", None)
    order = np.zeros(0, np.uint64) if chosen is None else chosen.column(0).to_numpy().astype(np.uint64)
    if chosen is not None and len(order) == 0:
        table = table.slice(0, 0)
    return ArrowTable(table, names, order)
