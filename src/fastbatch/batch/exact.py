# SPDX-License-Identifier: MIT
"""Integers in arrays of several types: NumPy rounds those beyond 2**53 to floats; here they are kept, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MOST_EXACT = 2**53  # all integers up to here are float64


def exact_array(values: Any) -> Array:
    """Return `np.asarray(values)`; in lists of integers those from 2**63 on remain integers.

    Raises:
        ValueError: A list with an integer that the type of all its numbers would round.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fc" or not isinstance(values, list | tuple) or not (np.abs(array) >= MOST_EXACT).any():
        return array
    given = np.array(values, dtype=object).ravel().tolist()
    whole = [value for value in given if isinstance(value, int | np.integer)]
    if all(_survives(int(value)) for value in whole):
        return array
    if len(whole) == len(given) and min(given) >= 0:
        return np.array(values, np.uint64)
    raise _rounded(next(value for value in whole if not _survives(int(value))), array.dtype)


def exact_join(join: Callable[[Sequence[Array]], Array], parts: Sequence[Array]) -> Array:
    """Return `join(parts)`; integers that their common type would round become uint64, or are a ValueError."""
    joined = join(parts)
    if joined.dtype.kind not in "fc":
        return joined
    try:
        refuse_rounding(parts, joined.dtype)
    except ValueError:
        if all(part.dtype.kind in "iub" and (part.size == 0 or part.min() >= 0) for part in parts):
            return join([part.astype(np.uint64) for part in parts])
        raise
    return joined


def refuse_rounding(parts: Iterable[Array], dtype: np.dtype[Any]) -> None:
    """Raise ValueError if one of the arrays holds an integer that a float type would round."""
    for part in parts:
        if dtype.kind in "fc" and part.dtype.kind in "iu" and part.dtype.itemsize == 8:
            large = part[(part > MOST_EXACT) | (part < -MOST_EXACT if part.dtype.kind == "i" else False)]
            for value in large.ravel().tolist():
                if not _survives(value):
                    raise _rounded(value, dtype)


def refuse_rounded_frame(frame: Any, array: Array) -> None:
    """Raise ValueError if an integer of a frame or series, as of pandas or Polars, was rounded in its array."""
    if array.dtype.kind != "f":
        return
    for column in _columns(frame):
        if getattr(getattr(column, "dtype", None), "kind", "i") not in "iu":
            continue
        for name in ("dropna", "drop_nulls", "drop_null"):  # of pandas, Polars, pyarrow; other columns are arrays
            if hasattr(column, name):
                refuse_rounding([np.asarray(getattr(column, name)())], array.dtype)
                break


def _columns(frame: Any) -> Iterable[Any]:
    """Return the columns of a frame of pandas, Polars or pyarrow; of a series itself."""
    if hasattr(frame, "iloc"):
        return [frame] if len(frame.shape) == 1 else [frame.iloc[:, i] for i in range(frame.shape[1])]
    columns = frame.get_columns() if hasattr(frame, "get_columns") else getattr(frame, "columns", frame)
    return columns if isinstance(columns, list) else [columns]


def _survives(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _rounded(value: Any, dtype: np.dtype[Any]) -> ValueError:
    return ValueError(f"expected numbers that one type holds, found {value!r:.40}, which {dtype} would round")
