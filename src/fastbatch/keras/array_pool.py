# SPDX-License-Identifier: MIT
"""Reused memory for batches: fresh memory costs a page fault per 4 KB."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from fastbatch.loader import fork as process

from .image_utils import Array

MIN_BYTES = 1 << 18  # bytes; smaller arrays are not kept


class ArrayPool:
    """A pool of arrays of one kind. An array is reused once nothing else refers to it or to a view of it. Threads: any.

    Args:
        most: Arrays to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[Array] = []
        self._lock = process.new_lock()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an uninitialised array."""
        with self._lock:
            for i in range(len(self._kept)):
                if _references(self._kept, i) == _UNSHARED:
                    array = self._kept[i]
                    if array.shape == shape and array.dtype == dtype:
                        return array
            array = np.empty(shape, dtype)
            if array.nbytes >= MIN_BYTES:
                self._kept = [array, *self._kept[: self._most - 1]]
            return array


def _references(arrays: list[Array], i: int) -> int:
    return sys.getrefcount(arrays[i])


_UNSHARED = _references([np.empty(1)], 0)  # the count of an array that only the list refers to
