# SPDX-License-Identifier: MIT
"""Structured `.npy` files: each row is a record of named fields, which become a dict of arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import shown
from fastbatch.errors import FormatError

from .local_file import Path, open_regular

LONGEST_HEADER = 65536
_MARK = b"'descr': ["  # as NumPy writes the header of records


@dataclass(frozen=True)
class Records:
    """The records of a file.

    Attributes:
        dtype: With fields.
        shape: Of the array.
        offset: Of the first record in the file, in bytes.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int


def records_in(path: Path) -> Records | None:
    """Return the records of a structured .npy file; None for any other file, and for a header that is damaged.

    Raises:
        OSError: The file cannot be read.
        FormatError: Records that hold Python objects, have no fields, or are in Fortran's order.
    """
    with open_regular(path) as file:
        head = file.read(LONGEST_HEADER + 12)
    start = 10 if head[6:7] == b"\1" else 12
    end = start + int.from_bytes(head[8:start], "little")
    if not head.startswith(b"\x93NUMPY") or not start < end <= len(head) or _MARK not in head[start:end]:
        return None
    try:
        content = ast.literal_eval(head[start:end].decode("utf-8" if head[6:7] == b"\3" else "latin-1").strip())
        dtype = np.lib.format.descr_to_dtype(content["descr"])
        shape, is_fortran = content["shape"], content["fortran_order"]
        if not all(type(length) is int and 0 <= length < 2**63 for length in shape):
            return None
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, RecursionError, MemoryError) as error:
        raise FormatError(f"bad .npy header: {error!s:.200}", path=path, offset=start) from error
    if dtype.hasobject:
        what = "pickles, which are never read because reading them runs the code inside"
        raise FormatError("fields are Python objects", path=path, offset=start, expected="numbers", found=what)
    if not dtype.fields or dtype.itemsize == 0 or (is_fortran and len(shape) > 1):
        expected = "records of named fields in C's order"
        raise FormatError("bad .npy header", path=path, offset=start, expected=expected, found=shown(dtype))
    return Records(dtype, tuple(shape), end)


def may_have_records(head: bytes) -> bool:
    """Return whether a .npy file of this beginning may be one that `records_in` reads."""
    return _MARK in head[:LONGEST_HEADER]


def fields_of(dtype: np.dtype[Any], make: Callable[[tuple[str, ...]], Any], above: tuple[str, ...] = ()) -> Any:
    """Return `make(names)` of each field in a dict, nested like the fields; `names` lead to the field."""
    found = {}
    for name in dtype.names or ():
        inner = dtype[name]
        names = (*above, name)
        found[name] = fields_of(inner, make, names) if inner.fields else make(names)
    return found


def field_of(records: Any, names: tuple[str, ...]) -> Any:
    """Return a field of an array of records, without a copy."""
    for name in names:
        records = records[name]
    return records
