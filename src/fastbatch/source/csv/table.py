# SPDX-License-Identifier: MIT
"""Rows with named columns: what comes of a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastbatch.mapped import elements


class Table:
    """The numbers of a CSV file, as `csv` returns them: rows that `arrays` and `windows` take.

    Attributes:
        rows: The array or source with the numbers.
        column_names: Of the columns that were asked for.
        dtype, shape: (rows, columns).
    """

    def __init__(self, rows: Any, column_names: Sequence[str], path: str) -> None:
        self.rows = rows
        self.column_names = tuple(column_names)
        self.path = path
        self.dtype: np.dtype[Any] = rows.dtype
        self.shape: tuple[int, ...] = rows.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """Return what indexing a read-only NumPy array gives."""
        return self.rows[index]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if dtype is None or np.dtype(dtype) == self.dtype:
            return np.array(elements(self.rows)) if copy else np.asarray(self.rows)
        if copy is False:
            raise ValueError(f"{self.path}: a copy is needed to make {self.dtype} into {np.dtype(dtype)}")
        return elements(self.rows).astype(dtype)

    def read_elements(self) -> NDArray[Any]:
        """Return all rows; raises FormatError if a mapped file became shorter."""
        return elements(self.rows)

    def column(self, name: str) -> Any:
        """Return one column, read-only: targets for the rest of them, perhaps."""
        if self.column_names.count(name) != 1:
            raise KeyError(f"{self.path}: expected one of {', '.join(self.column_names)}, found {name!r}")
        return elements(self.rows)[:, self.column_names.index(name)]

    def __repr__(self) -> str:
        return f"Table({self.path!r}, dtype={self.dtype}, shape={self.shape}, columns={', '.join(self.column_names)})"
