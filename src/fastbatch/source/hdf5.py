# SPDX-License-Identifier: MIT
"""Data sets of h5py: contiguous ones are mapped where they lie in their file. Others are refused, not read whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.checks import shown

from .opener import Opener


def is_dataset(leaf: Any) -> bool:
    """Return whether a leaf is an `h5py.Dataset`."""
    return any(
        base.__module__.partition(".")[0] == "h5py" and base.__name__ == "Dataset" for base in type(leaf).__mro__
    )


def open_dataset(opener: Opener, dataset: Any) -> Any:
    """Return the rows of a data set, mapped.

    Raises:
        TypeError: A data set that is not contiguous in a file opened with mode "r", or is not of numbers.
        OSError, FormatError: As for `raw`.
    """
    reason = _why_not(dataset)
    if reason is None:
        rows = opener.raw(dataset.file.filename, dataset.dtype, dataset.shape, dataset.id.get_offset())
        if _is_equal(rows, dataset):
            return rows
        reason = "its bytes in the file are not its values"
    raise TypeError(f"the h5py data set {dataset.name!s:.80} cannot be mapped: {reason}; {WAY}")


WAY = "dataset[:] reads it whole into memory, and arrays() takes the result"


def _why_not(dataset: Any) -> str | None:
    """Return why a data set is not one piece of its file; None if it is."""
    if dataset.shape is None or len(dataset.shape) == 0 or 0 in dataset.shape:
        return "it has no rows"
    if dataset.dtype.hasobject or dataset.dtype.fields or dataset.dtype.subdtype:
        return f"its type is {dataset.dtype}"
    if dataset.chunks is not None:
        return f"it is stored in chunks of {dataset.chunks}"
    is_here = dataset.id.get_storage_size() > 0 and dataset.id.get_offset() is not None
    if dataset.is_virtual or dataset.external or not is_here:
        return "it is stored in other files, or in none yet"
    if dataset.file.driver not in ("sec2", "stdio") or dataset.file.mode != "r":
        driver, mode = shown(dataset.file.driver), shown(dataset.file.mode)
        return f"its file is open with driver {driver} and mode {mode}, expected 'r'"
    return None


def _is_equal(rows: Any, dataset: Any) -> bool:
    """Return whether the first and the last row are those that h5py reads."""
    return all(np.asarray(rows[i]).tobytes() == np.asarray(dataset[i]).tobytes() for i in (0, len(dataset) - 1))
