# SPDX-License-Identifier: MIT
"""`npy`, `npz`, `raw`, `idx`: arrays in files, opened but not read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .backend import Backend

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

PathLike = str | os.PathLike[str]


def npy(backend: Backend, path: PathLike) -> Any:
    """Return the array of a .npy file (NEP 1, versions 1 to 3), mapped.

    Args:
        path: The file.

    Returns:
        A read-only array-like with `dtype`, `shape`, `len()` and NumPy's indexing; nothing is read before it is used.

    Raises:
        OSError: The file cannot be read.
        FormatError: It is not a .npy file, is shorter than its header promises, or holds Python objects.

    Example:
        >>> import fastbatch as fb
        >>> fb.npy("x.npy").shape
        (1000, 8)

    Source: `csrc/source/npy.cpp`.
    """
    return backend.npy(path)


def npz(backend: Backend, path: PathLike, member: str | None = None) -> Any:
    """Return one member of a .npz file, or a dict of all of them.

    Args:
        path: The file.
        member: Name of the array, with or without `.npy`; None for a dict of all arrays by name.

    Returns:
        As `npy`. Stored members are mapped, compressed ones are inflated into memory.

    Raises:
        KeyError: The file has no such member.
        OSError, FormatError: As for `npy`.

    Example:
        >>> import fastbatch as fb
        >>> sorted(fb.npz("data.npz"))
        ['x', 'y']

    Source: `csrc/source/npz.cpp`.
    """
    return backend.npz(path, member)


def raw(backend: Backend, path: PathLike, dtype: DTypeLike, shape: Sequence[int] | int, offset: int = 0) -> Any:
    """Return the elements of a file without a header, mapped.

    Args:
        path: The file.
        dtype: Type of the elements, byte order included.
        shape: Of the array; the first number may be -1: as many rows as fit.
        offset: Bytes before the first element.

    Returns:
        As `npy`.

    Raises:
        TypeError, ValueError: A dtype of no fixed size, a shape or an offset out of range.
        OSError, FormatError: As for `npy`; also when -1 leaves part of a row.

    Example:
        >>> import fastbatch as fb
        >>> fb.raw("tokens.bin", "uint16", -1).shape
        (10000,)

    Source: `csrc/source/raw.cpp`.
    """
    return backend.raw(path, dtype, shape, offset)


def idx(backend: Backend, path: PathLike) -> Any:
    """Return the array of an IDX file (the format of MNIST), mapped; one compressed by gzip is inflated into memory.

    Args:
        path: The file.

    Returns:
        As `npy`.

    Raises:
        OSError, FormatError: As for `npy`.

    Example:
        >>> import fastbatch as fb
        >>> fb.idx("digits.idx").shape
        (100, 28, 28)

    Source: `csrc/source/idx.cpp`.
    """
    return backend.idx(path)
