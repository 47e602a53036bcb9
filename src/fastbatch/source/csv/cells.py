# SPDX-License-Identifier: MIT
"""The content of a cell as a number, in the dialect of a file: numbers, dates, categories. `docs/csv.md` states it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from .dialect import UNITS
from .grammar import FLOAT, INTEGER, is_missing

if TYPE_CHECKING:
    from .dialect import Dialect

DATE_PATTERN = (  # without a look-ahead: RE2 has none
    r"([1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?Z?"
)
_DATE = re.compile(DATE_PATTERN, re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Dated:
    """A column of dates: numbers of a unit since 1970-01-01T00:00."""

    unit: str

    @property
    def microseconds(self) -> int:
        """The length of the unit."""
        return UNITS[self.unit]


@dataclass(frozen=True)
class Coded:
    """A column of categories: the number of each name."""

    codes: Mapping[str, int]


Kind = Dated | Coded | None


class Cells:
    """Reads the content of cells, without the blanks around it."""

    def __init__(self, dialect: Dialect) -> None:
        self._na_values = frozenset(dialect.na_values)
        self._is_plain = dialect.is_plain
        self._thousands = dialect.thousands
        self._decimal = dialect.decimal
        self.float_pattern, self.integer_pattern = number_patterns(dialect)
        self._float = FLOAT if self._is_plain else re.compile(self.float_pattern, re.ASCII | re.IGNORECASE)
        self._integer = INTEGER if self._is_plain else re.compile(self.integer_pattern, re.ASCII)

    def is_missing(self, text: str) -> bool:
        """Return whether the content stands for a missing number."""
        return is_missing(text) or text in self._na_values

    def as_float(self, text: str) -> str | None:
        """Return a number as Python writes it; None if the content is no number."""
        return self._spelled(text) if self._float.fullmatch(text) else None

    def as_integer(self, text: str) -> str | None:
        """Return a whole number as Python writes it; None if the content is none."""
        return self._spelled(text) if self._integer.fullmatch(text) else None

    def spelled(self, text: str) -> str:
        """Return a number as Python writes it, "nan" for a further word for a missing one, or the text itself."""
        return "nan" if text in self._na_values else self.as_float(text) or text

    def _spelled(self, text: str) -> str:
        if self._is_plain:
            return text
        return (text if self._thousands is None else text.replace(self._thousands, "")).replace(self._decimal, ".")


def number_patterns(dialect: Dialect) -> tuple[str, str]:
    """Return regular expressions of a number and of a whole number in a dialect."""
    mark = re.escape(dialect.decimal)
    groups = "" if dialect.thousands is None else rf"\d{{1,3}}(?:{re.escape(dialect.thousands)}\d{{3}})+|"
    digits = rf"(?:{groups}\d+)"
    number = (
        rf"[-+]?(?:{digits}(?:{mark}\d*)?|{mark}\d+)(?:[eE][-+]?\d+)?|[-+]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
    )
    return number, rf"[-+]?{digits}"


def microseconds(text: str) -> int | None:
    """Return the microseconds from 1970-01-01T00:00 to a date; None if the content is no date."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if hour > 23 or minute > 59 or second > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    fraction = int((found[7] or "").ljust(6, "0"))
    return ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + fraction
