# SPDX-License-Identifier: MIT
"""The grammar of a cell, the same for both parsers, and how a header is told from numbers. `docs/csv.md` states it.

Spaces and tabs around a cell are not part of it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

# Those of pandas; besides, every spelling of NaN is a missing number.
NULLS = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "None"]
    + ["NaN", "nan", "-NaN", "-nan", "n/a", "null"]
)
NAN = re.compile(r"[-+]?nan(\([a-z0-9_]*\))?", re.ASCII | re.IGNORECASE)
FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|infinity)", re.ASCII | re.IGNORECASE)
INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
BIT_PATTERN = re.compile(r"0x([0-9a-f]+)", re.IGNORECASE)
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\d{1,2}:\d{2}\b", re.ASCII)  # for messages
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_BLANKS = " \t"
_YEARS = range(1900, 2101)


def content(cell: str) -> str:
    """Return a cell without the blanks around it."""
    return cell.strip(_BLANKS)


def is_missing(text: str) -> bool:
    """Return whether the content of a cell stands for a missing number."""
    return text in NULLS or NAN.fullmatch(text) is not None


def first_row_is_header(first: Sequence[str], second: Sequence[str] | None) -> bool | None:
    """Return whether the first of two rows holds names; None where it may be either.

    It does if one of its cells is neither a number nor missing; and in the forms that pandas writes: an empty cell
    before different whole numbers, numbers of columns from 0 on, or rising years. It may if only the row below has
    fractions.
    """
    cells = [content(cell) for cell in first]
    if any(not is_missing(cell) and not FLOAT.fullmatch(cell) for cell in cells):
        return True
    n_names = len(cells) - 1 if cells[0] == "" else len(cells)
    counts = [int(cell) for cell in cells if _COUNT.fullmatch(cell)]
    if len(counts) < n_names or len(set(counts)) < n_names or n_names == 0:
        return False
    if n_names < len(cells):
        return True
    if second is None or n_names == 1:
        return False
    is_rising = all(a < b for a, b in itertools.pairwise(counts))
    if counts == list(range(n_names)) or (is_rising and counts[0] in _YEARS and counts[-1] in _YEARS):
        return True
    below = [content(cell) for cell in second]
    return None if all(FLOAT.fullmatch(cell) and not INTEGER.fullmatch(cell) for cell in below) else False
