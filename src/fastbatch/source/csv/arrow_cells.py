# SPDX-License-Identifier: MIT
"""Texts of pyarrow as numbers: with marks between digits, dates, categories. In Python: `source/csv/rows.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute

from .cells import DATE_PATTERN, Coded, Dated, number_patterns

if TYPE_CHECKING:
    from .cells import Kind
    from .options import CsvOptions

_BLANKS = " \t"


class RejectedError(Exception):
    """A text that this module does not read: Python's parser reads it, or says what is wrong with it."""


def numbers_of(texts: Any, kind: Kind, options: CsvOptions) -> NDArray[Any]:
    """Return the numbers of a column of texts, with any number for a null.

    Raises:
        RejectedError: See there.
    """
    texts = compute.utf8_trim(texts, characters=_BLANKS)
    if isinstance(kind, Coded):
        return _codes(texts, kind, options)
    if isinstance(kind, Dated):
        return _dates(texts, kind, options)
    return _numbers(texts, options)


def _numbers(texts: Any, options: CsvOptions) -> NDArray[Any]:
    number, whole = number_patterns(options.dialect)
    is_float = options.dtype.kind == "f"
    _require(texts, number if is_float else whole)
    if options.dialect.thousands is not None:
        texts = compute.replace_substring(texts, options.dialect.thousands, "")
    if options.dialect.decimal != ".":
        texts = compute.replace_substring(texts, options.dialect.decimal, ".")
    return memory_of(_cast(texts, pyarrow.float64() if is_float else pyarrow.from_numpy_dtype(options.dtype)))


def _codes(texts: Any, kind: Coded, options: CsvOptions) -> NDArray[Any]:
    names = pyarrow.array(list(kind.codes), pyarrow.string())
    codes = compute.index_in(texts, value_set=names, skip_nulls=True)
    if codes.null_count != texts.null_count:
        raise RejectedError
    return memory_of(codes).astype(options.dtype)


def _dates(texts: Any, kind: Dated, options: CsvOptions) -> NDArray[Any]:
    _require(texts, DATE_PATTERN)
    times = _cast(compute.replace_substring(texts, "Z", ""), pyarrow.timestamp("us"))
    values = memory_of(times.cast(pyarrow.int64()))
    if options.dtype.kind == "f" and kind.unit != "D":
        return values.astype(np.float64) / kind.microseconds
    is_null = np.zeros(len(values), bool) if not times.null_count else np.asarray(times.is_null().to_numpy(False))
    values = np.where(is_null, 0, values)
    if (values % kind.microseconds).any():
        raise RejectedError
    values = values // kind.microseconds
    if options.dtype.kind in "iu":
        limits = np.iinfo(options.dtype)
        if len(values) and (int(values.min()) < limits.min or int(values.max()) > limits.max):
            raise RejectedError
    return values


def _require(texts: Any, pattern: str) -> None:
    matches = compute.match_substring_regex(texts, f"^(?:{pattern})$")
    if compute.all(matches).as_py() is False:
        raise RejectedError


def _cast(texts: Any, element: Any) -> Any:
    try:
        return texts.cast(element)
    except pyarrow.ArrowInvalid:
        raise RejectedError from None


def memory_of(column: Any) -> NDArray[Any]:
    """Return the memory of a column of numbers; nulls have any number there."""
    kind = str(column.type)  # some versions of pyarrow need pandas for `to_pandas_dtype`
    element = np.dtype({"halffloat": "float16", "float": "float32", "double": "float64"}.get(kind, kind))
    if len(column) == 0:
        return np.empty(0, element)
    return np.frombuffer(column.buffers()[1], element, len(column), column.offset * element.itemsize)
