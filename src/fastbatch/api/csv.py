# SPDX-License-Identifier: MIT
"""`csv`: the numbers of a CSV file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

from fastbatch.source.csv.options import make_csv_options
from fastbatch.source.csv.reader import read_csv
from fastbatch.source.csv.table import Table
from fastbatch.source.local_file import path_bytes
from fastbatch.source.patterns import matching

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
    na_values: str | int | Sequence[str | int] = (),
    decimal: Literal[".", ","] = ".",
    thousands: str | None = None,
    comment: str | None = None,
    skip_rows: SupportsIndex = 0,
    trailing_delimiter: bool = False,
    dates: Sequence[str | int] | Mapping[Any, Literal["D", "s", "ms", "us"]] = (),
    categories: Sequence[str | int] | Mapping[Any, Sequence[str] | None] = (),
    encoding: str = "utf-8",
    threads: SupportsIndex | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Table:
    """Return the numbers of a CSV file as a table, for `arrays` and `windows`.

    The file is parsed block by block into a temporary file (in `TMPDIR`), which is mapped, so that files of any size
    need little memory. With `pyarrow` (`pip install fastbatch[csv]`) the parser runs in threads; without it Python's
    own parser gives the same result, about fifty times slower.

    Args:
        path: The file, or a pattern that one file fits. `series` takes many.
        columns: Columns to read, in this order: names (if the file has a header) or numbers from 0. None reads all.
        dtype: A float or integer type. Numbers are read as float64 and then rounded to a float type.
        header: "infer": the first row holds names if one of its cells is not a number, or if it looks like the names
            that pandas writes (`docs/csv.md`). A number: the row that holds the names, from 0, empty lines not counted;
            rows before it are skipped. None: there are no names. A list: the names of a file that has none.
        delimiter: One ASCII character; None is a tab for a .tsv file, otherwise a comma, or a semicolon with
            decimal=",".
        missing: Value of an empty cell, of NaN in any spelling, and of pandas's words for a missing number (NA, N/A,
            null, None, ...): "nan", a number, or "error" to raise. "nan" is "error" for integer types.
        na_values: Further words for a missing number, as they are written in the file.
        decimal: Mark before the fraction of a number: "." or ",".
        thousands: Mark between groups of three digits: ".", ",", "'", "_" or " ".
        comment: Character from which on the rest of a line is not read, outside of quotes.
        skip_rows: Lines before the table, which are not read.
        trailing_delimiter: True: each row ends with a delimiter; the header may.
        dates: Columns of dates, YYYY-MM-DD or YYYY-MM-DD hh:mm:ss: names or numbers. They become seconds since
            1970-01-01T00:00, which need float64 or int64. A dict gives units: {"time": "ms", "day": "D"}. Days fit
            float32.
        categories: Columns of categories, which become the codes 0, 1, ...: names or numbers. The categories are those
            in the file, sorted, for which it is read twice; or those of a dict: {"size": ["S", "M", "L"]}.
        encoding: Encoding of names and of cells that are not read; a byte order mark is skipped.
        threads: Threads of the parser; None lets the parser choose.
        cache: Folder in which the parsed numbers are kept as a .npy file. It is reused if the file (path, size, inode,
            times of change) and the options are the same, and made again if it is damaged. If the folder may not be
            written to, there is no cache. None: a temporary file, deleted after its last use.

    Returns:
        A `Table` of shape (rows, columns): an array-like with `column_names`, `column(name)` and `categories`.

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
    files = matching("path", path) or [path_bytes("path", path)]
    if len(files) > 1:
        raise ValueError(f"{os.fsdecode(path)}: expected one file, found {len(files)}; series() takes them together")
    text = os.fsdecode(files[0])
    options = make_csv_options(
        text,
        columns,
        dtype,
        header,
        delimiter,
        missing,
        encoding,
        threads,
        na_values=na_values,
        decimal=decimal,
        thousands=thousands,
        comment=comment,
        skip_rows=skip_rows,
        trailing_delimiter=trailing_delimiter,
        dates=dates,
        categories=categories,
    )
    return read_csv(backend, text, options, cache)
