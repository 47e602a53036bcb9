# SPDX-License-Identifier: MIT
"""The table of a CSV file: rows with named columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastbatch.calls import public_class
from fastbatch.checks import shown
from fastbatch.mapped import elements


@public_class
class Table:
    """The numbers of a CSV file, as returned by `csv`: an array-like for `arrays` and `windows`.

    Attributes:
        rows: The array or source with the numbers.
        column_names: Names of the columns that were read.
        path: The CSV file.
        categories: The names of the codes 0, 1, ..., for each column of categories.
        dtype: Type of the numbers.
        shape: (rows, columns).
    """

    def __init__(
        self,
        rows: Any,
        column_names: Sequence[str],
        path: str,
        categories: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.rows = rows
        self.column_names = tuple(column_names)
        self.path = path
        self.categories = dict(categories or {})
        self.dtype: np.dtype[Any] = rows.dtype
        self.shape: tuple[int, ...] = rows.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """Return rows or elements, indexed as a read-only NumPy array."""
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
        """Return one column, read-only, of shape (rows,); for example the targets.

        Raises:
            KeyError: No column, or several, of this name.

        Example:
            >>> import fastbatch as fb
            >>> table = fb.csv("sensors.csv")
            >>> table.column("pressure").shape
            (2000,)
        """
        if self.column_names.count(name) != 1:
            raise KeyError(f"{self.path}: expected one of {', '.join(self.column_names)}, found {shown(name)}")
        return elements(self.rows)[:, self.column_names.index(name)]

    def __repr__(self) -> str:
        return f"Table({self.path!r}, dtype={self.dtype}, shape={self.shape}, columns={', '.join(self.column_names)})"
