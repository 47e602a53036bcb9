# SPDX-License-Identifier: MIT
"""`series`: several arrays as one datum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastbatch.batch.tree import is_path
from fastbatch.source.formats import as_rows, open_array
from fastbatch.source.series import Series

from .backend import Backend


def series(backend: Backend, parts: Iterable[Any]) -> Series:
    """Return several arrays as one datum for `windows`, which never cut across the end of one; or for `arrays`.

    Args:
        parts: Arrays, paths of .npy or IDX files, sources; all with the same dtype and the same shape of a row.

    Raises:
        ValueError: No parts, or parts that differ.
        TypeError, OSError, FormatError: As for `arrays`.

    Source: `csrc/decode/joined_decoder.cpp`.
    """
    if is_path(parts) or hasattr(parts, "dtype"):
        raise TypeError(f"expected a list of arrays or paths, found {type(parts).__name__}")
    opened = [as_rows(open_array(backend, part)) for part in parts]
    if not opened:
        raise ValueError("expected at least one series, found none")
    return Series(opened)
