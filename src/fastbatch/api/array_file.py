# SPDX-License-Identifier: MIT
"""`npy`, `npz`, `raw`, `idx`: arrays in files, opened without reading their elements."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.errors import FormatError
from fastbatch.source.foreign import GZIP, IDX, NPY, ZIP, container_format, open_as
from fastbatch.source.local_file import path_text, read_head
from fastbatch.source.remote.urls import as_url

from .backend import Backend

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

PathLike = str | os.PathLike[str]


def npy(backend: Backend, path: PathLike) -> Any:
    """Return the array of a .npy file (NEP 1, versions 1 to 3), mapped into memory.

    Args:
        path: The file.

    Returns:
        A read-only array-like with `dtype`, `shape`, `len()` and NumPy's indexing. Rows are read when they are used. Of
        records (a structured dtype): a dict with such an array for each field.

    Raises:
        OSError: The file cannot be read.
        FormatError: The file is not a .npy file, is shorter than its header says, or holds Python objects.

    Example:
        >>> import fastbatch as fb
        >>> fb.npy("x.npy").shape
        (2000, 784)

    Source: `csrc/source/npy.cpp`.
    """
    return open_as(NPY, path, lambda: backend.npy(path))


def npz(backend: Backend, path: PathLike, member: str | None = None) -> Any:
    """Return one array of a .npz file, or a dict of all of them.

    Args:
        path: The file.
        member: Name of the array, with or without `.npy`; None for a dict of all arrays by name.

    Returns:
        An array-like as from `npy`, or a dict of them. Stored members are mapped; compressed ones are inflated into
        memory.

    Raises:
        KeyError: The file has no such member.
        OSError, FormatError: As for `npy`.

    Example:
        >>> import fastbatch as fb
        >>> sorted(fb.npz("data.npz"))
        ['x', 'y']

    Source: `csrc/source/npz.cpp`.
    """
    return open_as(ZIP, path, lambda: backend.npz(path, member))


def raw(backend: Backend, path: PathLike, dtype: DTypeLike, shape: Sequence[int] | int, offset: int = 0) -> Any:
    """Return the elements of a file without a header, mapped into memory.

    Args:
        path: The file.
        dtype: Type of the elements, including byte order.
        shape: Shape of the array. Its first number may be -1: as many rows as the file holds.
        offset: Bytes before the first element.

    Returns:
        An array-like as from `npy`.

    Raises:
        TypeError, ValueError: A dtype without a fixed size, a shape or an offset out of range.
        OSError, FormatError: As for `npy`; also if -1 leaves part of a row over.

    Example:
        >>> import fastbatch as fb
        >>> fb.raw("train.bin", "uint16", -1).shape
        (105982,)

    Source: `csrc/source/raw.cpp`.
    """
    if offset == 0 and np.dtype(dtype).itemsize > 1 and as_url(path) is None:  # the bytes of any file are bytes
        file = path_text("path", path)
        other = container_format(file, read_head(file))
        if other is not None:
            raise FormatError(
                "not bare numbers", path=file, expected="elements alone, or offset= behind a header", found=other
            )
    return backend.raw(path, dtype, shape, offset)


def idx(backend: Backend, path: PathLike) -> Any:
    """Return the array of an IDX file (the format of MNIST), mapped into memory.

    Args:
        path: The file. A file compressed by gzip is inflated into memory.

    Returns:
        An array-like as from `npy`.

    Raises:
        OSError, FormatError: As for `npy`.

    Example:
        >>> import fastbatch as fb
        >>> fb.idx("digits.idx").shape
        (100, 28, 28)

    Source: `csrc/source/idx.cpp`.
    """
    return open_as(IDX, path, lambda: backend.idx(path), GZIP)
