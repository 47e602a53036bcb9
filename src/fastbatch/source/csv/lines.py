# SPDX-License-Identifier: MIT
"""The lines of a CSV file: without those that are skipped, and without comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
