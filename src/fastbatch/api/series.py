# SPDX-License-Identifier: MIT
"""`series`: several arrays as one datum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastbatch.batch.tree import is_path
from fastbatch.source.formats import as_rows, open_array
from fastbatch.source.patterns import matching
from fastbatch.source.remote.opening import opening
from fastbatch.source.remote.urls import as_url, is_pattern
from fastbatch.source.series import Series

from .backend import Backend


def series(backend: Backend, parts: Iterable[Any]) -> Series:
    """Return several arrays as one datum: `windows` never cross from one to the next.

    Args:
        parts: Arrays, paths of .npy, IDX or CSV files, or sources, time first; all with the same dtype and shape of a
            row. Or a pattern with `*`, `?` or `[`, whose files are taken in sorted order.

    Returns:
        A source with the rows of all parts, for `windows`, `arrays` and `statistics`.

    Raises:
        ValueError: No parts, or parts of different dtype or shape of a row.
        TypeError, OSError, FormatError: As for `arrays`.

    Example:
        >>> import fastbatch as fb
        >>> both = fb.series(["a.npy", "b.npy"])
        >>> len(both)
        2000
        >>> fb.windows(both, length=101).n_samples  # 1200 - 100 and 800 - 100
        1800

    Source: `csrc/decode/joined_decoder.cpp`.
    """
    given: Any = parts
    if is_path(given):
        url = as_url(given)
        given = ([given] if is_pattern(url) else given) if url else matching("series", given) or given
    if is_path(given) or hasattr(given, "dtype"):
        raise TypeError(f"expected a list of arrays or paths, found {type(given).__name__}")
    opened: list[Any] = []
    given = list(given)
    with opening(given):
        for part in given:
            source = as_rows(open_array(backend, part))
            opened += source.parts if isinstance(source, Series) else [source]
    if not opened:
        raise ValueError("expected at least one series, found none")
    return Series(opened)
