# SPDX-License-Identifier: MIT
"""CSV files of numbers as arrays: parsed once, block by block, into a temporary file that is mapped like any .npy."""

from __future__ import annotations

import os
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastbatch.checks import whole
from fastbatch.errors import FormatError
from fastbatch.native.array_file import Source
from fastbatch.source.csv.rows import Layout, find_layout
from fastbatch.source.csv.table import Table
from fastbatch.source.sequence import PartSurface

Blocks = Iterator[NDArray[Any]]

SUFFIXES = {".csv": ",", ".tsv": "\t"}
HEADER_BYTES = 128  # of the .npy files that are written here
MISSING = ("nan", "error")


@dataclass(frozen=True)
class Wish:
    """What to make of a CSV file. All of it decides the result, but `threads`."""

    columns: tuple[str | int, ...] | None
    dtype: np.dtype[Any]
    header: bool | None
    delimiter: str
    missing: str | float
    encoding: str
    threads: int | None

    @property
    def key(self) -> str:
        parts = (self.columns, self.dtype.str, self.header, self.delimiter, self.missing, self.encoding)
        return repr(parts)


class CsvSurface(PartSurface):
    """A surface that reads CSV files."""

    @abstractmethod
    def csv_blocks(self, path: str, layout: Layout, wish: Wish) -> Blocks:
        """Yield the file's rows in order, as arrays (rows, columns) of the wanted type."""

    def csv(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Sequence[str | int] | None = None,
        dtype: DTypeLike = "float32",
        header: bool | str | None = "infer",
        delimiter: str | None = None,
        missing: str | float = "nan",
        encoding: str = "utf-8",
        threads: SupportsIndex | None = None,
        cache: str | os.PathLike[str] | None = None,
    ) -> Table:
        """Return the numbers of a CSV file, (rows, columns), for `arrays` and `windows`.

        The file is parsed block by block into a temporary file, which is mapped: files of any size take little memory.
        With `pyarrow` installed (`pip install fastbatch[csv]`) its parser does the work in threads; without it Python's
        own does, some fifty times slower, with the same result.

        Args:
            columns: Names (of a file with a header) or numbers from 0 on of the columns to read, in that order.
            dtype: A float or integer type. Floats are read as float64 and then rounded.
            header: "infer": the first row holds names when a cell of it is no number. True, False or None say it.
            delimiter: One character; None is a tab for a .tsv file, and a comma otherwise.
            missing: What an empty cell, NA, N/A, NaN, nan, null or NULL becomes: "nan", "error", or this number.
            encoding: Of names and of cells that are not read; a byte order mark is left out.
            threads: Of the parser; None takes what it thinks best, 1 is one.
            cache: A folder where the parsed numbers are kept, as a .npy file, for the next time that the same file
                (path, size, time of its last change) is read in the same way. The temporary file is where `TMPDIR`
                says otherwise, and gone when nothing uses it any more.

        Raises:
            FormatError: A row with too many or too few cells, a cell that is no number (path, row and column are named;
                rows are lines of the file, from 1 on), no rows, a file that changed while it was read.
            ValueError, TypeError: Columns that are not there, options without meaning.
            OSError: A file that cannot be read, or no room for the numbers.

        Source: `src/fastbatch/csv_arrow.py`, `src/fastbatch/csv_rows.py`.
        """
        text = os.fsdecode(path)
        wish = _wish(text, columns, dtype, header, delimiter, missing, encoding, threads)
        before = _state(text)
        kept = None if cache is None else _kept(Path(cache), text, before, wish)
        layout = find_layout(text, wish)
        if kept is not None and kept.exists():
            return Table(self.open_file(os.fsencode(kept)), layout.names, text)
        folder = kept.parent if kept else None
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".fastbatch-", suffix=".npy", delete=False) as file:
            try:
                n = _write(file, self.csv_blocks(text, layout, wish), wish.dtype, len(layout.chosen))
                if _state(text) != before:
                    raise FormatError("file changed while it was read", path=text)
                if n == 0:
                    raise FormatError("no rows", path=text, expected="numbers", found="a header alone")
                if kept is not None:
                    os.replace(file.name, kept)
                rows = self.open_file(os.fsencode(kept or file.name))
                if isinstance(rows, Source) and kept is None:  # pickled, the CSV file is read again
                    options = (columns, dtype, header, delimiter, missing, encoding, threads)
                    rows = Source(rows.view, text, (_read_again, text, *options))
                return Table(rows, layout.names, text)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(file.name)


def _read_again(path: str, *options: Any) -> Any:
    import fastbatch

    names = ("columns", "dtype", "header", "delimiter", "missing", "encoding", "threads")
    return fastbatch.csv(path, **dict(zip(names, options, strict=True))).rows


def is_csv(path: bytes) -> bool:
    """Return whether a file is to be read as CSV: it has no mark of its own, so its name decides."""
    return os.path.splitext(os.fsdecode(path))[1].lower() in SUFFIXES


def _wish(
    path: str, columns: Any, dtype: Any, header: Any, delimiter: Any, missing: Any, encoding: str, threads: Any
) -> Wish:
    element = np.dtype(dtype).newbyteorder("=")
    if element.kind not in "iuf" or element.itemsize > 8:
        raise TypeError(f"dtype: expected a float or integer type of at most 8 bytes, found {element}")
    if header not in ("infer", True, False, None):
        raise ValueError(f"header: expected 'infer', True, False or None, found {header!r}")
    if delimiter is None:
        delimiter = SUFFIXES.get(os.path.splitext(path)[1].lower(), ",")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise ValueError(f"delimiter: expected one ASCII character, found {delimiter!r}")
    if isinstance(missing, str) and missing not in MISSING:
        raise ValueError(f"missing: expected 'nan', 'error' or a number, found {missing!r}")
    if not isinstance(missing, str):
        missing = float(missing)
        if element.kind != "f" and element.type(missing) != missing:
            raise ValueError(f"missing: expected a number of type {element}, found {missing}")
    elif missing == "nan" and element.kind != "f":
        missing = "error"  # there is no NaN
    chosen = None
    if columns is not None:
        if isinstance(columns, str):
            raise TypeError(f"columns: expected a list of names or numbers, found {columns!r}")
        chosen = tuple(one if isinstance(one, str) else whole("columns", one, 0, 2**31) for one in columns)
        if not chosen:
            raise ValueError("columns: expected at least one, found none")
    n_threads = None if threads is None else whole("threads", threads, 1, 1024)
    return Wish(chosen, element, None if header == "infer" else bool(header), delimiter, missing, encoding, n_threads)


def _state(path: str) -> tuple[int, int]:
    about = os.stat(path)
    return about.st_size, about.st_mtime_ns


def _kept(folder: Path, path: str, state: tuple[int, int], wish: Wish) -> Path:
    import hashlib

    name = f"{os.path.realpath(path)}\0{state}\0{wish.key}"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return folder / f"{Path(path).stem}-{digest}.npy"


def _write(file: IO[bytes], blocks: Blocks, dtype: np.dtype[Any], columns: int) -> int:
    """Write a .npy file of all rows and return how many there are."""
    file.write(bytes(HEADER_BYTES))
    n = 0
    for block in blocks:
        n += len(block)
        file.write(np.ascontiguousarray(block).data)
    about = {"descr": dtype.str, "fortran_order": False, "shape": (n, columns)}
    text = repr(about).encode("ascii")
    file.seek(0)
    file.write(b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little"))
    file.write(text.ljust(HEADER_BYTES - 11) + b"\n")
    file.flush()
    return n
