# SPDX-License-Identifier: MIT
"""CSV files read by Python's own parser: defines every number, and the position in the error of an invalid cell.

`source/csv/arrow.py` is the fast path; files that it rejects are read again here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import FormatError
from fastbatch.source.compressed import open_content, uncompressed_name
from fastbatch.source.foreign import any_signed_format, container_format
from fastbatch.source.local_file import HEAD_BYTES

from .cells import Cells, Coded, Dated, Kind, microseconds
from .grammar import BIT_PATTERN, DATE, content, first_row_is_header
from .lines import lines, rows_of_cells

if TYPE_CHECKING:
    from .options import CsvOptions

NEWLINE = re.compile(r"\r\n|\r|\n")
BLOCK_ROWS = 4096
MOST_CATEGORIES = 65_536  # in a column, if their names are not given
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
        kinds: Of the requested columns: of dates, of categories, or None for numbers.
        trailing: Each row ends with a delimiter, after which there is nothing.
    """

    n_columns: int
    all_names: tuple[str, ...]
    chosen: tuple[int, ...]
    first_line: int
    is_simple: bool
    kinds: tuple[Kind, ...]
    trailing: bool = False

    @property
    def n_cells(self) -> int:
        """Cells in a row of the file."""
        return self.n_columns + self.trailing

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """The names of the codes, by column."""
        return {
            name: tuple(kind.codes)
            for name, kind in zip(self.names, self.kinds, strict=True)
            if isinstance(kind, Coded)
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.all_names[i] for i in self.chosen)


def records(path: str, options: CsvOptions) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first line, cells) of each record; empty lines are skipped."""
    # Undecodable bytes are kept as surrogates: they are an error only in a cell that is read as a number.
    encoding = "utf-8-sig" if options.is_utf8 else options.encoding
    with io.TextIOWrapper(open_content(path), encoding, errors="surrogateescape", newline="") as file:
        try:
            yield from rows_of_cells(path, lines(file, path, options), options.delimiter, options.dialect.skip_rows)
        except UnicodeError as error:  # of a codec that knows no surrogates, as of UTF-16
            expected = f"text in {options.encoding}"
            raise FormatError(
                f"not a table: {error!s:.200}", path=path, expected=expected, found="other bytes"
            ) from None


def find_layout(path: str, options: CsvOptions) -> Layout:
    """Return the columns of a file; FormatError if it is empty, ValueError if a requested column is missing."""
    asked = options.header
    with open_content(path) as file:
        head = file.read(HEAD_BYTES)
    other = container_format(uncompressed_name(path), head) or any_signed_format(head)
    if other is not None:
        raise FormatError("not a table", path=path, expected="rows of numbers", found=other)
    source = records(path, options)
    rows = list(islice(source, asked + 1 if isinstance(asked, int) else 2))
    source.close()  # type: ignore[attr-defined]
    if not rows:
        raise FormatError("not a table", path=path, expected="rows of numbers", found="an empty file")
    place = _header_place(path, rows, options)
    line, cells = rows[0 if place is None else place]
    trailing = options.dialect.trailing_delimiter
    if trailing and (place is None or (len(cells) > 1 and content(cells[-1]) == "")):
        cells = cells[:-1]
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
    kinds = _kinds(path, options, names, has_names)
    layout = Layout(n, names, chosen, first_line, not any(lines), tuple(kinds.get(i) for i in chosen), trailing)
    return _with_categories(path, layout, options)


def _kinds(path: str, options: CsvOptions, names: tuple[str, ...], has_names: bool) -> dict[int, Kind]:
    """Return the columns that are not numbers."""
    kinds: dict[int, Kind] = {}
    for what, given in (("dates", options.dialect.dates), ("categories", options.dialect.categories)):
        places = _choose(path, tuple(column for column, _ in given), names, has_names, what)
        for i, (_, detail) in zip(places, given, strict=True):
            if i in kinds:
                raise ValueError(f"{path}: {what}: expected different columns, found {shown(names[i])} twice")
            if what == "dates":
                kinds[i] = Dated(str(detail))
            else:
                kinds[i] = Coded({} if detail is None else {name: code for code, name in enumerate(detail)})
    return kinds


def _with_categories(path: str, layout: Layout, options: CsvOptions) -> Layout:
    """Return the layout with the names of all categories: of those that are not given, the names in the file."""
    unknown = [j for j, kind in enumerate(layout.kinds) if isinstance(kind, Coded) and not kind.codes]
    kinds = list(layout.kinds)
    if unknown:
        found: list[set[str]] = [set() for _ in unknown]
        is_missing = Cells(options.dialect).is_missing
        for line, cells in _rows(path, layout, options):
            for names, j in zip(found, unknown, strict=True):
                text = content(cells[layout.chosen[j]])
                if not is_missing(text):
                    names.add(text)
                    if len(names) > MOST_CATEGORIES:
                        column = shown(layout.names[j])
                        what = f"row {line}, column {column}: too many categories"
                        raise FormatError(what, path=path, expected=f"at most {MOST_CATEGORIES}", found="more")
        for names, j in zip(found, unknown, strict=True):
            kinds[j] = Coded({name: code for code, name in enumerate(sorted(names))})
    most = np.iinfo(options.dtype).max if options.dtype.kind in "iu" else 2 ** (np.finfo(options.dtype).nmant + 1)
    for kind, name in zip(kinds, layout.names, strict=True):
        if isinstance(kind, Coded) and len(kind.codes) - 1 > most:
            raise ValueError(
                f"{path}: categories: {shown(name)}: {options.dtype} does not hold {len(kind.codes)} codes"
            )
    return replace(layout, kinds=tuple(kinds))


def _rows(path: str, layout: Layout, options: CsvOptions) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header, each of the right number of cells."""
    is_missing = Cells(options.dialect).is_missing
    for line, cells in records(path, options):
        if line <= layout.first_line:
            continue  # the header
        if len(cells) != layout.n_cells:
            raise FormatError(
                f"row {line}: another number of cells", path=path, expected=layout.n_cells, found=len(cells)
            )
        if layout.trailing and not is_missing(content(cells[-1])):
            raise FormatError(
                f"row {line}: text after the last delimiter", path=path, expected="none", found=_shown(cells[-1])
            )
        yield line, cells


def _header_place(path: str, rows: list[tuple[int, list[str]]], options: CsvOptions) -> int | None:
    """Return which of the first rows holds the names, or None."""
    asked = options.header
    if asked is None or isinstance(asked, tuple):
        return None
    if isinstance(asked, int):
        if asked >= len(rows):
            expected = f"a header in row {asked}, counted from 0 without empty lines"
            raise FormatError("not a table", path=path, expected=expected, found=f"{len(rows)} rows")
        return asked
    first, second = rows[0][1], rows[1][1] if len(rows) > 1 else None
    has_header = _has_header(first, second, options)
    if has_header is None:
        expected = "header=0 if they are names, header=None if they are numbers"
        raise FormatError(f"row {rows[0][0]}: names or numbers", path=path, expected=expected, found=shown(first))
    return 0 if has_header else None


def _has_header(first: list[str], second: list[str] | None, options: CsvOptions) -> bool | None:
    """Return whether the first of two rows holds names, judged by the columns of numbers; None where it may be."""
    dates = [column for column, _ in options.dialect.dates]
    others = {*dates, *(column for column, _ in options.dialect.categories)}
    cells = Cells(options.dialect)
    if any(isinstance(column, str) for column in others):
        return True
    for i in dates:
        text = content(first[i]) if isinstance(i, int) and i < len(first) else ""
        if not cells.is_missing(text) and microseconds(text) is None:
            return True

    def numbers(row: list[str]) -> list[str]:
        end = len(row) - options.dialect.trailing_delimiter
        return [cells.spelled(content(cell)) for i, cell in enumerate(row[:end]) if i not in others]

    if others and not numbers(first):
        return False if dates else None
    return first_row_is_header(numbers(first) or first, None if second is None else numbers(second))


def _choose(
    path: str, columns: Sequence[str | int], names: tuple[str, ...], has_header: bool, option: str = "columns"
) -> tuple[int, ...]:
    chosen = []
    for column in columns:
        if isinstance(column, int):
            if column >= len(names):
                raise ValueError(f"{path}: {option}: expected numbers below {len(names)}, found {column}")
            chosen.append(column)
            continue
        if not has_header:
            raise ValueError(f"{path}: {option}: expected numbers, since there is no header, found {shown(column)}")
        places = [i for i, name in enumerate(names) if name == column]
        if len(places) != 1:
            found = f"{len(places)} columns called {shown(column)}" if places else f"no column {shown(column)}"
            raise ValueError(f"{path}: {option}: expected one of {listed_names(names)}, found {found}")
        chosen.append(places[0])
    return tuple(chosen)


def listed_names(names: Sequence[str]) -> str:
    """Return names for a message, not all of many."""
    few = ", ".join(map(shown, names[:MOST_SHOWN]))
    return few if len(names) <= MOST_SHOWN else f"{few}, ... ({len(names)} names)"


def plain_blocks(path: str, layout: Layout, options: CsvOptions) -> Iterator[NDArray[Any]]:
    """Yield the rows of a file in order, as arrays of type `options.dtype`."""
    rows: list[list[Any]] = []
    cells = Cells(options.dialect)
    for line, row in _rows(path, layout, options):
        rows.append(
            [
                number(row[i], kind, cells, options, (path, line, layout.all_names[i]))
                for i, kind in zip(layout.chosen, layout.kinds, strict=True)
            ]
        )
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


def number(cell: str, kind: Kind, cells: Cells, options: CsvOptions, place: tuple[str, int, str]) -> float | int:
    """Return the number in a cell; `place` is (path, row, column) for the error."""
    text = content(cell)
    if cells.is_missing(text):
        if options.missing == "nan":
            return float("nan")
        if options.missing == "error":
            raise _error("no number", place, f"a number of type {options.dtype}", _shown(cell))
        assert not isinstance(options.missing, str)
        return options.missing
    if isinstance(kind, Dated):
        return _date(cell, kind, options, place)
    if isinstance(kind, Coded):
        code = kind.codes.get(text)
        if code is None:
            raise _error("an unknown category", place, f"one of {listed_names(tuple(kind.codes))}", _shown(cell))
        return code
    if options.dtype.kind == "f":
        if (spelled := cells.as_float(text)) is not None:
            return float(spelled)
    elif (spelled := cells.as_integer(text)) is not None:
        return _in_range(int(spelled) if len(spelled) < 40 else 10**40, cell, options, place)
    elif (bits := BIT_PATTERN.fullmatch(text)) and len(bits[1]) <= 2 * options.dtype.itemsize:
        value = int(bits[1], 16)
        return value - 2 ** (8 * options.dtype.itemsize) if value > np.iinfo(options.dtype).max else value
    other = next((one for one in ";\t|" if one in cell and one != options.delimiter), None)
    if DATE.match(text):
        raise _error("a date, not a number (dates= reads it)", place, f"a number of type {options.dtype}", _shown(cell))
    what = "not a number" if other is None else f"not a number (delimiter={shown(other)} perhaps)"
    raise _error(what, place, f"a number of type {options.dtype}", _shown(cell))


def _date(cell: str, kind: Dated, options: CsvOptions, place: tuple[str, int, str]) -> float | int:
    """Return a date in its unit: whole for days and for integer types."""
    value = microseconds(content(cell))
    if value is None:
        wanted = "YYYY-MM-DD, or YYYY-MM-DD hh:mm:ss with at most 6 digits behind a point"
        raise _error("not a date", place, wanted, _shown(cell))
    if options.dtype.kind == "f" and kind.unit != "D":
        return float(value) / kind.microseconds
    if value % kind.microseconds:
        wanted = "a date alone" if kind.unit == "D" else f"a whole number of {kind.unit} for {options.dtype}"
        raise _error("a date with a fraction", place, wanted, _shown(cell))
    return _in_range(value // kind.microseconds, cell, options, place)


def _in_range(value: int, cell: str, options: CsvOptions, place: tuple[str, int, str]) -> int:
    """Return an integer that its type holds; floats hold all days."""
    if options.dtype.kind == "f":
        return value
    limits = np.iinfo(options.dtype)
    if limits.min <= value <= limits.max:
        return value
    raise _error("too large a number", place, f"{limits.min} to {limits.max}", content(cell)[:LONGEST_SHOWN])


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= LONGEST_SHOWN else cell[:LONGEST_SHOWN] + "...")


def _error(what: str, place: tuple[str, int, str], expected: str, found: str) -> FormatError:
    path, line, column = place
    return FormatError(f"row {line}, column {shown(column)}: {what}", path=path, expected=expected, found=found)
