# SPDX-License-Identifier: MIT
"""The lines of a CSV file: without those that are skipped, and without comments."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from fastbatch.errors import FormatError

if TYPE_CHECKING:
    from .options import CsvOptions

LONGEST_ROW = 1 << 26  # characters of a line; a longer one is an error


def lines(file: TextIO, path: str, options: CsvOptions) -> Iterator[str]:
    """Yield the lines behind the skipped ones; FormatError for one of `LONGEST_ROW` characters, to bound the memory.

    A line that is a comment is empty.
    """
    comment = options.dialect.comment
    number = 0
    in_quotes = False
    while line := file.readline(LONGEST_ROW):
        number += 1
        if len(line) == LONGEST_ROW and line[-1] not in "\r\n":
            found = f"{LONGEST_ROW} characters without an end"
            raise FormatError(f"row {number}: not CSV", path=path, expected="a shorter line", found=found)
        if number <= options.dialect.skip_rows:
            continue
        if comment is not None:
            line = _without_comment(line, comment, in_quotes, options.delimiter)
            in_quotes ^= line.count('"') % 2 == 1
        yield line


def rows_of_cells(path: str, given: Iterable[str], delimiter: str, skipped: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first line, cells) of each row; empty lines are skipped.

    Args:
        skipped: Lines of the file before those given.

    Raises:
        FormatError: Not CSV, or a quote that is never closed: its cell would swallow all rows after it.
    """
    line = 0

    def whole() -> Iterator[str]:
        yield from given
        if skipped + reader.line_num >= line:  # asked for more of a row
            found = "the end of the file"
            raise FormatError(f"row {line}: quotes are not closed", path=path, expected='a second "', found=found)

    reader = csv.reader(whole(), delimiter=delimiter)
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FormatError(f"row {line}: not CSV: {error}", path=path) from None
        if cells:
            yield line, cells


def comment_pattern(options: CsvOptions) -> bytes:
    """Return a regular expression of a comment outside of quotes, and of the blanks before it."""
    blanks = "".join(blank for blank in " \t" if blank != options.delimiter)
    return f"[{blanks}]*{re.escape(options.dialect.comment or '')}[^\r\n]*".encode("ascii")


def _without_comment(line: str, comment: str, in_quotes: bool, delimiter: str) -> str:
    at = _comment_at(line, comment, in_quotes)
    if at < 0:
        return line
    blanks = "".join(blank for blank in " \t" if blank != delimiter)
    end = len(line.rstrip("\r\n"))
    return line[:at].rstrip(blanks) + line[end:]


def _comment_at(line: str, comment: str, in_quotes: bool) -> int:
    """Return where a comment begins, or -1."""
    if comment not in line:
        return -1
    if not in_quotes and '"' not in line:
        return line.index(comment)
    for at, letter in enumerate(line):
        if letter == '"':
            in_quotes = not in_quotes
        elif letter == comment and not in_quotes:
            return at
    return -1
