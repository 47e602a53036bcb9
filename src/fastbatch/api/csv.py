# SPDX-License-Identifier: MIT
"""`csv`: the numbers of a CSV file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, SupportsIndex

from fastbatch.source.csv.options import make_csv_options
from fastbatch.source.csv.reader import read_csv
from fastbatch.source.csv.table import Table
from fastbatch.source.local_file import path_text

from .backend import Backend

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def csv(
    backend: Backend,
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str | int] | None = None,
    dtype: DTypeLike = "float32",
    header: int | str | Sequence[str] | None = "infer",
    delimiter: str | None = None,
    missing: Literal["nan", "error"] | float = "nan",
    encoding: str = "utf-8",
    threads: SupportsIndex | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Table:
    """Return the numbers of a CSV file as a table, for `arrays` and `windows`.

    The file is parsed block by block into a temporary file (in `TMPDIR`), which is mapped, so that files of any size
    need little memory. With `pyarrow` (`pip install fastbatch[csv]`) the parser runs in threads; without it Python's
    own parser gives the same result, about fifty times slower.

    Args:
        columns: Names (of a file with a header) or numbers from 0 on of the columns to read, in that order.
        dtype: A float or integer type. Floats are read as float64 and then rounded.
        header: "infer": the first row holds names when a cell of it is no number, and where it looks like the names
            that pandas writes (`docs/csv.md`). A number: of the row that holds the names, from 0 on, empty lines left
            out; rows before it are skipped. None: there are no names. A list: the names, which the file lacks.
        delimiter: One character; None is a tab for a .tsv file, and a comma otherwise.
        missing: Of an empty cell, a NaN in any spelling, and of pandas's words for a missing number (NA, N/A, null,
            None, ...): "nan", "error", or this number instead.
        encoding: Of names and of cells that are not read; a byte order mark is left out.
        threads: Of the parser; None takes what it thinks best, 1 is one.
        cache: A folder where the parsed numbers are kept, as a .npy file, for the next time that the same file
            (path, size, inode, times of its last changes) is read in the same way. A kept file that is damaged is
            made again, and there is no cache in a folder that may not be written to. The temporary file is where
            `TMPDIR` says otherwise, and gone when nothing uses it any more.

    Raises:
        FormatError: A row with too many or too few cells, a cell that is not a number, no rows, or a file that changed
            while it was read. The message names the row (a line of the file, from 1) and the column.
        ValueError, TypeError: Columns that are not in the file, or options out of range.
        OSError: The file cannot be read, or there is no space for the numbers.

    Example:
        >>> import fastbatch as fb
        >>> table = fb.csv("sensors.csv", columns=["temperature", "pressure"])
        >>> table.shape, table.dtype, table.column_names
        ((2000, 2), dtype('float32'), ('temperature', 'pressure'))
        >>> x = next(iter(fb.windows(table, length=16)))
        >>> x.shape
        (32, 16, 2)

    Source: `src/fastbatch/source/csv/`.
    """
    text = path_text("path", path)
    options = make_csv_options(text, columns, dtype, header, delimiter, missing, encoding, threads)
    return read_csv(backend, text, options, cache)
