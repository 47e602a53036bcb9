# SPDX-License-Identifier: MIT
"""Rows of lists, as a column of a table has them: all values one after another, and the length of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .table import pyarrow

Array = NDArray[Any]


def is_arrow_array(data: Any) -> bool:
    """Return whether data are an array or a column of an Arrow library: pyarrow, Polars, ..."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


def lists_of(data: Any) -> tuple[Array, Array] | None:
    """Return the values of a column of lists, not copied if it has one chunk, and the lengths; None for integers.

    Raises:
        ValueError: A row, or a value in one, is missing.
        TypeError: Neither integers nor lists of integers.
    """
    arrow = pyarrow()
    from pyarrow import types

    column = arrow.chunked_array(data) if hasattr(data, "__arrow_c_stream__") else arrow.chunked_array([data])
    kind = column.type
    if types.is_fixed_size_list(kind):
        column = column.cast(arrow.list_(kind.value_type))
    elif types.is_integer(kind):
        return None
    elif not (types.is_list(kind) or types.is_large_list(kind)):
        raise TypeError(f"tokens: expected a column of integers or of lists of integers, found {kind}")
    if not types.is_integer(kind.value_type):
        raise TypeError(f"tokens: expected lists of integers, found {kind}")
    if column.null_count:
        row = next(i for i, one in enumerate(column) if not one.is_valid)
        raise ValueError(f"tokens: row {row}: expected a list, found none")
    values, lengths = [], []
    for chunk in column.chunks:
        flat = chunk.flatten()
        if flat.null_count:
            raise ValueError(f"tokens: expected integers, found {flat.null_count} missing ones")
        values.append(flat.to_numpy(zero_copy_only=True))
        lengths.append(np.diff(chunk.offsets.to_numpy().astype(np.int64)))
    empty = np.zeros(0, str(kind.value_type))
    flat_values = values[0] if len(values) == 1 else np.concatenate([empty, *values])
    return flat_values, np.concatenate([np.zeros(0, np.int64), *lengths])


def lists_in_python(data: Any) -> tuple[Array, Array] | None:
    """Return the same for a list of lists or arrays; None for any other data, as a list of numbers.

    Raises:
        TypeError: A row is not integers in one dimension.
    """
    if not isinstance(data, list | tuple) or not data or not all(hasattr(row, "__len__") for row in data):
        return None
    if any(isinstance(row, str | bytes) for row in data):
        return None
    rows = [np.asarray(row) for row in data]
    for i, row in enumerate(rows):
        if row.ndim != 1 or (row.dtype.kind not in "iu" and len(row)):
            raise TypeError(f"tokens: row {i}: expected integers in 1 dimension, found {row.dtype} {row.shape}")
    some = [row for row in rows if len(row)]
    return np.concatenate(some) if some else np.zeros(0, np.int64), np.array([len(row) for row in rows])
