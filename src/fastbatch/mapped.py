# SPDX-License-Identifier: MIT
"""Reading mapped files from Python: a file that became shorter raises FormatError instead of ending the process."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from fastbatch.errors import FormatError

Array = np.ndarray[Any, Any]


def elements(source: Any) -> Array:
    """Return the elements of an array, a source or a table.

    A source of the core is copied under its guard against SIGBUS. For an array that NumPy mapped, the size of the file
    is checked first. A file that was written to since it was opened is a FormatError.
    """
    verify(source)
    read = getattr(source, "read_elements", None)
    if read is not None:
        copied: Array = read()
        verify(source)
        return copied
    require_mapped(source)
    return np.asarray(source)


def rows_of(source: Any, start: int, stop: int) -> Any:
    """Return rows `start` to `stop` of an array or a source, read as by `elements`."""
    read = getattr(source, "read_rows", None)
    if read is not None:
        return read(start, stop)
    require_mapped(source)
    return source[start:stop]


def verify(source: Any) -> None:
    """Raise FormatError if a file under an array, a source or a series was written to since: one `stat` a file."""
    for part in getattr(source, "parts", (source,)):
        known = part if hasattr(part, "verify") else getattr(mapping_of(part), "file", None)
        if known is not None:
            known.verify()


def require_mapped(array: Any) -> None:
    """Raise FormatError if the file under a mapped array has become shorter: an access would raise SIGBUS."""
    mapped = mapping_of(array)
    if mapped is not None:
        expected, found = mapped.offset + mapped.nbytes, mapped.base.size()
        if found < expected:
            what = "file became shorter while in use"
            raise FormatError(what, path=mapped.filename, expected=f"{expected} bytes", found=found)


def mapping_of(array: Any) -> Any:
    """Return the `np.memmap` of the whole mapping that an array is a view of, or None."""
    mapped = getattr(array, "base", None)
    while isinstance(mapped, np.ndarray):
        if isinstance(mapped, np.memmap) and isinstance(mapped.base, mmap.mmap):
            return mapped
        mapped = mapped.base
    return None
