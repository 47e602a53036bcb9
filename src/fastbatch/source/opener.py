# SPDX-License-Identifier: MIT
"""The interface through which files are opened; both implementations provide it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastbatch.checks import MAX_INT64, element_type, whole

if TYPE_CHECKING:
    from .csv.options import CsvOptions
    from .csv.rows import Layout
    from .remote.urls import Object
    from .tar.groups import Members


class StoredArchive(Protocol):
    """A tar archive in a store. Threads: any.

    Attributes:
        path: Its URL, for messages.
        one: The object as it was when it was opened. Reads of another one are errors.
    """

    path: str
    one: Object

    def members(self) -> Members:
        """Return the regular files in it."""

    def read(self, offset: int, size: int) -> bytes:
        """Return a range of it."""


class Opener(Protocol):
    """Opens files of each format as read-only arrays, mapped where possible."""

    def npy(self, path: Any) -> Any: ...
    def npz(self, path: Any, member: str | None = None) -> Any: ...
    def idx(self, path: Any) -> Any: ...
    def raw(self, path: Any, dtype: DTypeLike, shape: Sequence[int] | int, offset: int = 0) -> Any: ...

    def tar_members(self, path: str) -> Members:
        """Return the regular files in a tar archive."""

    def stored_archive(self, url: str) -> StoredArchive | None:
        """Return a tar archive in a store, which is read block by block; None: archives are copied first."""

    def csv_blocks(self, path: str, layout: Layout, options: CsvOptions) -> Iterator[NDArray[Any]]:
        """Yield the rows of a file in order, as arrays (rows, columns) of type `options.dtype`."""

    def reopened_by(self, source: Any, path: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return the array of a temporary file so that it pickles as the call `function(*arguments)`."""


def raw_layout(dtype: DTypeLike, shape: Any, offset: Any) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return the checked arguments of `raw`: the element type, the shape and the offset."""
    element = element_type("dtype", dtype)
    if element.hasobject or element.fields or element.subdtype or element.itemsize == 0:
        raise TypeError(f"dtype: expected numbers, or another type of fixed size, found {element}")
    given = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    lengths = tuple(whole("shape", length, 0 if i else -1, MAX_INT64) for i, length in enumerate(given))
    return element, lengths, whole("offset", offset, 0, MAX_INT64)
