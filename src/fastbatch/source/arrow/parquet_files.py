# SPDX-License-Identifier: MIT
"""Parquet files of which only the footers are in memory, and their row groups, which are read one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.column import digest_of
from fastbatch.errors import FormatError
from fastbatch.source.chunks import require_unchanged
from fastbatch.source.identity import OpenedFile, opened_file
from fastbatch.source.local_file import open_regular, read_head
from fastbatch.source.patterns import files_of
from fastbatch.source.remote.urls import Object, as_url

from .footer import BYTE_ARRAY, SNAPPY, STORED, ColumnChunk, read_footer
from .table import ArrowTable, pyarrow, raise_unreadable, refuse_other_columns


@dataclass(frozen=True)
class StoredFile:
    """A Parquet file in a store, of which ranges are read; each answer is compared with the object's tag."""

    one: Object

    @property
    def path(self) -> str:
        """Its URL, for messages."""
        return self.one.name


_PARTS = 16  # in which a row group is unpacked
_MOST_ROWS = 256  # of a part


@dataclass(frozen=True)
class RowGroup:
    """A row group.

    Attributes:
        file: Index of its file.
        number: Its number in the file.
        first_row: Of all rows.
        n_rows: At least 1.
    """

    file: int
    number: int
    first_row: int
    n_rows: int


@dataclass(frozen=True)
class BytePages:
    """Where the byte strings of a column of a row group lie.

    Attributes:
        begin: In the file.
        packed, unpacked: Bytes, as the footer says.
        snappy: Whether they are packed by Snappy; else they are not.
        most_defined: Definition level of a string that is there.
    """

    begin: int
    packed: int
    unpacked: int
    snappy: bool
    most_defined: int


@dataclass(frozen=True)
class ParquetFiles:
    """Parquet files of one schema.

    Attributes:
        files: As they were when they were opened.
        chunks: The column chunks of each file, group by group.
        footers: A `pyarrow.parquet.FileMetaData` of each.
        schema: A `pyarrow.Schema`.
        groups: The row groups of all files, without empty ones.
        most_bytes: Of a row group with texts or lists in memory; None: no limit. A value that is repeated lies in a
            file, and counts in its footer, once.
    """

    files: tuple[OpenedFile | StoredFile, ...]
    footers: tuple[Any, ...]
    chunks: tuple[list[list[ColumnChunk]], ...]
    schema: Any
    groups: tuple[RowGroup, ...]
    most_bytes: int | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows in all files."""
        return self.groups[-1].first_row + self.groups[-1].n_rows if self.groups else 0

    @property
    def ends(self) -> NDArray[np.uint64]:
        """The row after the last of each group."""
        return np.array([group.first_row + group.n_rows for group in self.groups], np.uint64)

    def read(self, k: int, names: Sequence[str]) -> Any:
        """Return columns of a row group as a `pyarrow.Table`.

        Raises:
            FormatError: A broken file, one that has changed since it was opened, or more than `most_bytes`.
        """
        group = self.groups[k]
        if self.most_bytes is not None and not all(_has_fixed_size(self.schema.field(name).type) for name in names):
            parts = list(self.parts(k, names))
            table = pyarrow().concat_tables(parts or [self.schema.empty_table()])
        else:
            with self._opened(group, names) as reader:
                table = reader.read_row_group(group.number, columns=list(names))
        if table.num_rows != group.n_rows:
            what, path = f"row group {group.number}", self.files[group.file].path
            raise FormatError(what, path=path, expected=f"{group.n_rows} rows", found=table.num_rows)
        return table.combine_chunks()

    def column(self, name: str) -> ArrowTable:
        """Return a column of all row groups in memory; errors are those of `read`."""
        tables = [self.read(k, [name]) for k in range(len(self.groups))] or [self.schema.empty_table().select([name])]
        return ArrowTable(pyarrow().concat_tables(tables), path=self.files[0].path)

    def parts(self, k: int, names: Sequence[str]) -> Iterator[Any]:
        """Yield columns of a row group as tables of some rows, which are unpacked one after another.

        Raises:
            FormatError: As `read`.
        """
        group = self.groups[k]
        n_rows = min(_MOST_ROWS, max(1, group.n_rows // _PARTS))
        n_bytes = 0
        with self._opened(group, names) as reader:
            for batch in reader.iter_batches(n_rows, row_groups=[group.number], columns=list(names)):
                n_bytes += batch.nbytes
                if self.most_bytes is not None and n_bytes > self.most_bytes:
                    what = f"row group {group.number}: unpacks to more than its footer says"
                    found, path = f"{n_bytes} or more", self.files[group.file].path
                    raise FormatError(what, path=path, expected=f"{self.most_bytes} bytes", found=found)
                yield pyarrow().table(batch)

    @contextmanager
    def _opened(self, group: RowGroup, names: Sequence[str]) -> Iterator[Any]:
        """Open the file of a row group as a `pyarrow.parquet.ParquetFile`; errors are those of `read`."""
        arrow = pyarrow()
        from pyarrow import parquet

        file, footer = self.files[group.file], self.footers[group.file]
        _require_unchanged(file)
        try:
            ranges = [(one.begin, one.packed) for name in names for one in self._chunks(group, name)]
            with _file_of(arrow, file, ranges) as opened:
                yield parquet.ParquetFile(opened, metadata=footer)
        except (arrow.ArrowException, OSError) as error:
            _require_unchanged(file)
            raise_unreadable(error, file.path, "Parquet")
        _require_unchanged(file)

    def verify(self) -> None:
        """Raise FormatError if a file was replaced or written to since it was opened: one stat per file."""
        for file in self.files:
            _require_unchanged(file)

    def column_chunks(self, k: int, name: str) -> list[ColumnChunk]:
        """Return what the footer says of the leaves of a column in a row group."""
        return self._chunks(self.groups[k], name)

    def _chunks(self, group: RowGroup, name: str) -> list[ColumnChunk]:
        return [self.chunks[group.file][group.number][i] for i in self._leaves[name]]

    def byte_pages(self, k: int, name: str) -> BytePages | None:
        """Return where a column of bytes, or of structs with `bytes`, lies; None: in a store, or in another way."""
        group = self.groups[k]
        if not isinstance(self.files[group.file], OpenedFile):
            return None
        for i, chunk in zip(self._leaves[name], self.column_chunks(k, name), strict=True):
            leaf = self.footers[group.file].schema.column(i)
            if leaf.path not in (name, f"{name}.bytes"):
                continue
            is_known = chunk.type == BYTE_ARRAY and leaf.max_repetition_level == 0 and not chunk.is_elsewhere
            sizes = (chunk.begin, chunk.packed, chunk.unpacked)
            if not is_known or min(sizes) < 0 or chunk.codec not in (STORED, SNAPPY):
                return None
            return BytePages(*sizes, chunk.codec == SNAPPY, leaf.max_definition_level)
        return None

    @cached_property
    def _leaves(self) -> dict[str, list[int]]:
        """The leaves of each column, by their numbers in the files."""
        leaves: dict[str, list[int]] = {name: [] for name in self.schema.names}
        schema = self.footers[0].schema
        for i in range(len(schema.names)):
            parts = schema.column(i).path.split(".")  # of a nested column, or of a name with dots
            heads = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
            name = next((head for head in heads if head in leaves), None)
            if name is not None:
                leaves[name].append(i)
        return leaves

    def identity(self, names: Sequence[str]) -> str:
        """Return a digest of the columns as the footers describe them, wherever the files are."""
        parts = [str(self.schema.field(name)).encode() for name in names]
        for k, group in enumerate(self.groups):
            parts.append(b"%d" % group.n_rows)
            for name in names:
                parts += [repr((one.unpacked, one.statistics)).encode() for one in self.column_chunks(k, name)]
        return digest_of(parts)


def _has_fixed_size(kind: Any) -> bool:
    try:
        return int(kind.bit_width) > 0
    except ValueError:
        return False


def open_parquet(data: Any) -> ParquetFiles:
    """Return Parquet files, of which only the footers are read.

    Args:
        data: A path, a pattern, or a list of them.

    Raises:
        OSError: A file cannot be read.
        FormatError: A broken file, or one whose columns differ from those of the first.
        TypeError: Files of another format.
    """
    arrow = pyarrow()
    from pyarrow import parquet

    files, footers, chunks, groups = [], [], [], []
    schema: Any = None
    first_row = 0
    for file in _files(data):
        path = file.path
        if not _head(file).startswith(b"PAR1"):
            raise TypeError(f"memory_bytes: expected Parquet files, whose row groups are read one by one, found {path}")
        files.append(file)
        try:
            with _file_of(arrow, file) as opened:
                reader = parquet.ParquetFile(opened)
                footer, found = reader.metadata, reader.schema_arrow
                found.names  # noqa: B018 - may be no UTF-8
        except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
            raise_unreadable(error, path, "Parquet")
        schema = found if schema is None else schema
        refuse_other_columns(path, schema, found)
        footers.append(footer)
        with _binary(file) as opened:
            chunks.append(read_footer(opened, path))
        if [len(one) for one in chunks[-1]] != [len(footer.schema)] * footer.num_row_groups:
            raise FormatError("row groups", path=path, expected=f"{len(footer.schema)} columns each", found="others")
        for number in range(footer.num_row_groups):
            n_rows = footer.row_group(number).num_rows
            if n_rows < 0:
                raise FormatError(f"row group {number}", path=path, expected="0 rows or more", found=n_rows)
            if n_rows:
                groups.append(RowGroup(len(files) - 1, number, first_row, n_rows))
            first_row += n_rows
    return ParquetFiles(tuple(files), tuple(footers), tuple(chunks), schema, tuple(groups))


def _files(data: Any) -> list[OpenedFile | StoredFile]:
    paths = files_of("data", data, urls=True)
    urls = [url for path in paths if (url := as_url(path)) is not None]
    if not urls:
        return [opened_file(path) for path in paths]
    from fastbatch.source.remote.listing import objects_of

    stored = iter(objects_of(urls))
    return [opened_file(path) if as_url(path) is None else StoredFile(next(stored)) for path in paths]


def _head(file: OpenedFile | StoredFile) -> bytes:
    if isinstance(file, OpenedFile):
        return read_head(file.path)
    from fastbatch.source.remote.samples import read_range

    return read_range(file.one, 0, min(4, file.one.size))


def _file_of(arrow: Any, file: OpenedFile | StoredFile, ranges: Sequence[tuple[int, int]] = ()) -> Any:
    """Return a file of pyarrow, of which `ranges` will be read."""
    if isinstance(file, OpenedFile):
        return arrow.OSFile(file.path)
    return arrow.PythonFile(_binary(file, ranges), "r")


def _binary(file: OpenedFile | StoredFile, ranges: Sequence[tuple[int, int]] = ()) -> io.IOBase:
    if isinstance(file, OpenedFile):
        return open_regular(file.path)
    from fastbatch.source.remote.object_file import ObjectFile

    return ObjectFile(file.one, ranges)


def _require_unchanged(file: OpenedFile | StoredFile) -> None:
    if isinstance(file, OpenedFile):
        require_unchanged(file)
