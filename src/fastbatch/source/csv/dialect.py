# SPDX-License-Identifier: MIT
"""The options of files that are not plain tables of numbers: marks, comments, dates, categories; checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import flag, listed, shown, whole

MOST_SKIPPED = 1 << 20  # lines
UNITS = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1000, "us": 1}  # in microseconds

Dates = tuple[tuple[str | int, str], ...]
Categories = tuple[tuple[str | int, tuple[str, ...] | None], ...]


@dataclass(frozen=True)
class Dialect:
    """How cells are written. All of it affects the result.

    Attributes:
        decimal: The mark before the fraction of a number.
        thousands: The mark between groups of three digits, or None.
        comment: From this character to the end of the line nothing is read; or None.
        skip_rows: Number of lines before the table.
        na_values: Further words for a missing number.
        trailing_delimiter: Each row ends with a delimiter.
        dates: Columns of dates, and their units.
        categories: Columns of categories, and their names in the order of their codes; None: all in the file, sorted.
    """

    decimal: str = "."
    thousands: str | None = None
    comment: str | None = None
    skip_rows: int = 0
    na_values: tuple[str, ...] = ()
    trailing_delimiter: bool = False
    dates: Dates = ()
    categories: Categories = ()

    @property
    def is_plain(self) -> bool:
        """Numbers are written as in Python."""
        return self.decimal == "." and self.thousands is None


def make_dialect(
    delimiter: str,
    element: np.dtype[Any],
    *,
    decimal: Any = ".",
    thousands: Any = None,
    comment: Any = None,
    skip_rows: Any = 0,
    na_values: Any = (),
    trailing_delimiter: Any = False,
    dates: Any = (),
    categories: Any = (),
) -> Dialect:
    """Return the checked options.

    Raises:
        TypeError, ValueError: An option of the wrong type or out of range; the message names it.
    """
    if decimal not in (".", ","):
        raise ValueError(f"decimal: expected '.' or ',', found {shown(decimal)}")
    for name, mark, known in (("thousands", thousands, ".,'_ "), ("comment", comment, "")):
        is_mark = isinstance(mark, str) and len(mark) == 1 and mark.isascii() and mark.isprintable()
        if mark is not None and (not is_mark or mark.isalnum() or mark in '"+-' or (known and mark not in known)):
            wanted = f"one of {' '.join(map(repr, known))}" if known else "one ASCII character that no number contains"
            raise ValueError(f"{name}: expected {wanted}, found {shown(mark)}")
    marks = {"delimiter": delimiter, "decimal": decimal, "thousands": thousands, "comment": comment}
    used = [mark for mark in marks.values() if mark is not None]
    if len(set(used)) < len(used):
        given = ", ".join(f"{name}={mark!r}" for name, mark in marks.items() if mark is not None)
        raise ValueError(f"expected different characters, found {given}")
    return Dialect(
        decimal,
        thousands,
        comment,
        whole("skip_rows", skip_rows, 0, MOST_SKIPPED),
        _words(na_values),
        flag("trailing_delimiter", trailing_delimiter),
        _dates(dates, element),
        _categories(categories),
    )


def _words(words: Any) -> tuple[str, ...]:
    if isinstance(words, set | frozenset):  # any order will do, but the same one in each run
        words = sorted(words, key=repr)
    given = [words] if isinstance(words, str) or hasattr(words, "__index__") else listed("na_values", words, "words")
    for word in given:
        if isinstance(word, bool) or not (isinstance(word, str) or hasattr(word, "__index__")):
            raise TypeError(f"na_values: expected words, as they are written in the file, found {shown(word)}")
    return tuple(sorted({word.strip(" \t") if isinstance(word, str) else str(int(word)) for word in given}))


def _dates(dates: Any, element: np.dtype[Any]) -> Dates:
    given = dates if isinstance(dates, Mapping) else dict.fromkeys(_columns("dates", dates), "s")
    for column, unit in given.items():
        if unit not in UNITS:
            raise ValueError(f"dates: expected one of the units {', '.join(UNITS)}, found {shown(unit)}")
        if unit != "D" and element.itemsize < 8:
            raise ValueError(
                f"dates: expected dtype float64 or int64, or {{{shown(column)}: 'D'}} for days, found {element}"
            )
        if element.kind == "f" and element.itemsize < 4:
            raise ValueError(f"dates: expected dtype float32 or another that holds days, found {element}")
    return tuple(sorted(zip(_columns("dates", given), given.values(), strict=True), key=repr))


def _categories(categories: Any) -> Categories:
    if not isinstance(categories, Mapping):
        return tuple(sorted(((column, None) for column in _columns("categories", categories)), key=repr))
    made = []
    for column, names in zip(_columns("categories", categories), categories.values(), strict=True):
        known = None if names is None else tuple(listed("categories", names, "names"))
        if known is not None and (not known or not all(isinstance(one, str) for one in known)):
            raise TypeError(f"categories: {shown(column)}: expected names, found {shown(names)}")
        if known is not None and len(set(known)) < len(known):
            raise ValueError(f"categories: {shown(column)}: expected different names, found {shown(names)}")
        made.append((column, known))
    return tuple(sorted(made, key=repr))


def _columns(name: str, given: Iterable[Any]) -> list[str | int]:
    columns = list(given) if isinstance(given, Mapping) else listed(name, given, "a list of columns")
    return [one if isinstance(one, str) else whole(name, one, 0, 2**31) for one in columns]
