# SPDX-License-Identifier: MIT
"""Samples that are parts of a sequence. The same in C++: `csrc/source/window.cpp`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.sequences import Part

from .source import require_mapped

Array = np.ndarray[Any, Any]


class PartOf:
    """Looks like an array whose element `i` is part `i` of another."""

    def __init__(self, rows: Any, part: Part) -> None:
        self._rows = rows
        self._part = part
        window = () if part.length is None else (part.length,)
        self.dtype: np.dtype[Any] = rows.dtype
        self.shape: tuple[int, ...] = (part.n, *window, *rows.shape[1:])

    def __getitem__(self, index: int | slice) -> Array:
        if isinstance(index, slice):
            return np.stack([self[i] for i in range(self._part.n)[index]])
        require_mapped(self._rows)
        part = self._part
        first = part.start + index * part.stride
        if part.length is None:
            return np.asarray(self._rows[first])
        return np.asarray(self._rows[first : first + (part.length - 1) * part.step + 1 : part.step])
