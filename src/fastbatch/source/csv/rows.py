# SPDX-License-Identifier: MIT
"""CSV files read by Python's own parser: defines every number, and the position in the error of an invalid cell.

`source/csv/arrow.py` is the fast path; files that it rejects are read again here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import FormatError
from fastbatch.source.foreign import container_format, signed_format
from fastbatch.source.local_file import HEAD_BYTES, open_regular

from .grammar import BIT_PATTERN, DATE, FLOAT, INTEGER, content, first_row_is_header, is_missing

if TYPE_CHECKING:
    from .options import CsvOptions

NEWLINE = re.compile(r"\r\n|\r|\n")
BLOCK_ROWS = 4096
LONGEST_ROW = 1 << 26  # characters of a line; a longer one is an error
LONGEST_SHOWN = 40  # characters of a cell in a message
MOST_SHOWN = 20  # names in a message


@dataclass(frozen=True)
class Layout:
    """The columns of a file, known from its first rows.

    Attributes:
        n_columns: Number of columns in the file.
        all_names: Name of every column; its number if there is no header.
        chosen: Numbers of the requested columns.
        names: Names of the requested columns.
        first_line: Lines before the first row of numbers.
        is_simple: No cell of the header contains a newline.
    """

    n_columns: int
    all_names: tuple[str, ...]
    chosen: tuple[int, ...]
    first_line: int
    is_simple: bool

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.all_names[i] for i in self.chosen)


def records(path: str, options: CsvOptions) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first line, cells) of each record; empty lines are skipped."""
    # Undecodable bytes are kept as surrogates: they are an error only in a cell that is read as a number.
    encoding = "utf-8-sig" if options.is_utf8 else options.encoding
    with io.TextIOWrapper(open_regular(path), encoding, errors="surrogateescape", newline="") as file:
        reader = csv.reader(_lines(file, path), delimiter=options.delimiter)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise FormatError(f"row {line}: not CSV: {error}", path=path) from None
            if cells:
                yield line, cells


def _lines(file: TextIO, path: str) -> Iterator[str]:
    """Yield the lines; FormatError for one of `LONGEST_ROW` characters, which bounds the memory."""
    number = 1
    while line := file.readline(LONGEST_ROW):
        if len(line) == LONGEST_ROW and line[-1] not in "\r\n":
            found = f"{LONGEST_ROW} characters without an end"
            raise FormatError(f"row {number}: not CSV", path=path, expected="a shorter line", found=found)
        yield line
        number += 1


def find_layout(path: str, options: CsvOptions) -> Layout:
    """Return the columns of a file; FormatError if it is empty, ValueError if a requested column is missing."""
    asked = options.header
    with open_regular(path) as file:
        head = file.read(HEAD_BYTES)
    other = container_format(path, head) or signed_format(head)
    if other is not None:
        raise FormatError("not a table", path=path, expected="rows of numbers", found=other)
    source = records(path, options)
    rows = list(islice(source, asked + 1 if isinstance(asked, int) else 2))
    source.close()  # type: ignore[attr-defined]
    if not rows:
        raise FormatError("not a table", path=path, expected="rows of numbers", found="an empty file")
    place = _header_place(path, rows, asked)
    line, cells = rows[0 if place is None else place]
    n = len(cells)
    if isinstance(asked, tuple):
        names = asked
        if len(names) != n:
            raise ValueError(f"{path}: header: expected {n} names, one for each column, found {len(names)}")
    else:
        names = tuple(map(str, range(n))) if place is None else tuple(cells)
    before = rows[: 1 if place is None else place + 1]  # rows that the fast parser would have to skip
    lines = [sum(len(NEWLINE.findall(cell)) for cell in row) for _, row in before]
    first_line = line - 1 if place is None else line + lines[-1]
    has_names = place is not None or isinstance(asked, tuple)
    chosen = tuple(range(n)) if options.columns is None else _choose(path, options.columns, names, has_names)
    return Layout(n, names, chosen, first_line, not any(lines))


def _header_place(
    path: str, rows: list[tuple[int, list[str]]], asked: str | int | tuple[str, ...] | None
) -> int | None:
    """Return which of the first rows holds the names, or None."""
    if asked is None or isinstance(asked, tuple):
        return None
    if isinstance(asked, int):
        if asked >= len(rows):
            expected = f"a header in row {asked}, counted from 0 without empty lines"
            raise FormatError("not a table", path=path, expected=expected, found=f"{len(rows)} rows")
        return asked
    first, second = rows[0][1], rows[1][1] if len(rows) > 1 else None
    has_header = first_row_is_header(first, second)
    if has_header is None:
        expected = "header=0 if they are names, header=None if they are numbers"
        raise FormatError(f"row {rows[0][0]}: names or numbers", path=path, expected=expected, found=shown(first))
    return 0 if has_header else None


def _choose(path: str, columns: Sequence[str | int], names: tuple[str, ...], has_header: bool) -> tuple[int, ...]:
    chosen = []
    for column in columns:
        if isinstance(column, int):
            if column >= len(names):
                raise ValueError(f"{path}: columns: expected numbers below {len(names)}, found {column}")
            chosen.append(column)
            continue
        if not has_header:
            raise ValueError(f"{path}: columns: expected numbers, since there is no header, found {shown(column)}")
        places = [i for i, name in enumerate(names) if name == column]
        if len(places) != 1:
            found = f"{len(places)} columns called {shown(column)}" if places else f"no column {shown(column)}"
            raise ValueError(f"{path}: columns: expected one of {listed_names(names)}, found {found}")
        chosen.append(places[0])
    return tuple(chosen)


def listed_names(names: Sequence[str]) -> str:
    """Return names for a message, not all of many."""
    few = ", ".join(map(shown, names[:MOST_SHOWN]))
    return few if len(names) <= MOST_SHOWN else f"{few}, ... ({len(names)} names)"


def plain_blocks(path: str, layout: Layout, options: CsvOptions) -> Iterator[NDArray[Any]]:
    """Yield the rows of a file in order, as arrays of type `options.dtype`."""
    rows: list[list[Any]] = []
    for line, cells in records(path, options):
        if line <= layout.first_line:
            continue  # the header
        if len(cells) != layout.n_columns:
            raise FormatError(
                f"row {line}: another number of cells", path=path, expected=layout.n_columns, found=len(cells)
            )
        rows.append([number(cells[i], options, (path, line, layout.all_names[i])) for i in layout.chosen])
        if len(rows) == BLOCK_ROWS:
            yield rounded(np.array(rows, compute_type(options.dtype)), options.dtype)
            rows = []
    if rows:
        yield rounded(np.array(rows, compute_type(options.dtype)), options.dtype)


def compute_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that numbers are parsed to."""
    return np.dtype("f8") if dtype.kind == "f" else dtype


def rounded(numbers: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the numbers converted to `dtype`."""
    with np.errstate(all="ignore"):  # overflow becomes infinity
        return numbers.astype(dtype, copy=False)


def number(cell: str, options: CsvOptions, place: tuple[str, int, str]) -> float | int:
    """Return the number in a cell; `place` is (path, row, column) for the error."""
    text = content(cell)
    if is_missing(text):
        if options.missing == "nan":
            return float("nan")
        if options.missing == "error":
            raise _error("no number", place, f"a number of type {options.dtype}", _shown(cell))
        assert not isinstance(options.missing, str)
        return options.missing
    if options.dtype.kind == "f":
        if FLOAT.fullmatch(text):
            return float(text)
    elif INTEGER.fullmatch(text):
        limits = np.iinfo(options.dtype)
        value = int(text) if len(text) < 40 else limits.max + 1
        if limits.min <= value <= limits.max:
            return value
        raise _error("too large a number", place, f"{limits.min} to {limits.max}", text[:LONGEST_SHOWN])
    elif (bits := BIT_PATTERN.fullmatch(text)) and len(bits[1]) <= 2 * options.dtype.itemsize:
        value = int(bits[1], 16)
        return value - 2 ** (8 * options.dtype.itemsize) if value > np.iinfo(options.dtype).max else value
    other = next((one for one in ";\t|" if one in cell and one != options.delimiter), None)
    if DATE.match(text):
        raise _error(
            "a date, not a number (columns= chooses others)", place, f"a number of type {options.dtype}", _shown(cell)
        )
    what = "not a number" if other is None else f"not a number (delimiter={shown(other)} perhaps)"
    raise _error(what, place, f"a number of type {options.dtype}", _shown(cell))


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= LONGEST_SHOWN else cell[:LONGEST_SHOWN] + "...")


def _error(what: str, place: tuple[str, int, str], expected: str, found: str) -> FormatError:
    path, line, column = place
    return FormatError(f"row {line}, column {shown(column)}: {what}", path=path, expected=expected, found=found)
