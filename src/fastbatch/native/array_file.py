# SPDX-License-Identifier: MIT
"""Arrays in files, mapped: where the bytes of sample `i` lie."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastbatch import _core
from fastbatch.checks import whole
from fastbatch.errors import FormatError

MAX_LENGTH = 2**63 - 1


class Source:
    """An array in a file. Nothing is read before it is asked for, and nothing is copied.

    Attributes:
        dtype, shape: As the file has them, byte order included.
    """

    def __init__(self, view: _core.ArrayView, path: str, made_by: tuple[Any, ...]) -> None:
        self.view = view
        self.path = path
        self._made_by = made_by  # a function, and what it was called with
        self._array = view.array()
        self.dtype: np.dtype[Any] = self._array.dtype
        self.shape: tuple[int, ...] = self._array.shape

    def __reduce__(self) -> Any:
        """Pickle where it comes from: files are opened again."""
        function, *arguments = self._made_by
        return function, tuple(arguments)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """Return what indexing a read-only NumPy array gives; views stay valid as long as they live."""
        return self._array[index]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if dtype is None or np.dtype(dtype) == self.dtype:
            return self._array.copy() if copy else self._array
        if copy is False:
            raise ValueError(f"{self.path}: a copy is needed to make {self.dtype} into {np.dtype(dtype)}")
        return self._array.astype(dtype)

    def __repr__(self) -> str:
        return f"Source({self.path!r}, dtype={self.dtype}, shape={self.shape})"


def npy(path: str | os.PathLike[str]) -> Source:
    """Map a .npy file (NEP 1, versions 1 to 3).

    Raises:
        OSError: It cannot be read.
        FormatError: It is no .npy file, is shorter than its header promises, or holds Python objects.

    Source: `csrc/source/npy.cpp`.
    """
    return Source(_core.open_npy(_path_bytes(path)), os.fsdecode(path), (npy, path))


def npz(path: str | os.PathLike[str], member: str | None = None) -> Any:
    """Map a .npz file: one member, or a dict of all of them. Stored members are mapped, compressed ones inflated.

    Raises:
        KeyError: It has no such member.
        OSError, FormatError: As for `npy`.

    Source: `csrc/source/npz.cpp`.
    """
    file = _core.NpzFile(_path_bytes(path))
    text = os.fsdecode(path)
    if member is None:
        return {
            name: Source(file.open(i), f"{text}: member {name}", (npz, path, name)) for i, name in enumerate(file.names)
        }
    if member not in file.names:
        member = member.removesuffix(".npy")
    if member not in file.names:
        raise KeyError(f"{text}: expected member {member!r}, found {', '.join(file.names) or 'none'}")
    return Source(file.open(file.names.index(member)), f"{text}: member {member}", (npz, path, member))


def raw(path: str | os.PathLike[str], dtype: DTypeLike, shape: Sequence[int] | int, offset: int = 0) -> Source:
    """Map a file that holds elements and nothing else, from byte `offset` on.

    Args:
        shape: The first number may be -1: as many as fit.

    Raises:
        OSError, FormatError: As for `npy`.

    Source: `csrc/source/raw.cpp`.
    """
    element, lengths, start = raw_layout(dtype, shape, offset)
    return Source(
        _core.open_raw(_path_bytes(path), element.str, lengths, start),
        os.fsdecode(path),
        (raw, path, element, lengths, start),
    )


def raw_layout(dtype: DTypeLike, shape: Any, offset: Any) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return what `raw` was asked for, checked: the element type, the shape, the offset."""
    element = np.dtype(dtype)
    if element.hasobject or element.fields or element.subdtype or element.itemsize == 0:
        raise TypeError(f"dtype: expected numbers, or another type of fixed size, found {element}")
    given = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    lengths = tuple(whole("shape", length, 0 if i else -1, MAX_LENGTH) for i, length in enumerate(given))
    return element, lengths, whole("offset", offset, 0, MAX_LENGTH)


def _path_bytes(path: str | bytes | os.PathLike[Any]) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"path: embedded null byte in {os.fsdecode(path)!r}")
    return encoded


def idx(path: str | os.PathLike[str]) -> Source:
    """Map an IDX file (the format of MNIST); one that gzip has compressed is inflated into memory.

    Raises:
        OSError, FormatError: As for `npy`.

    Source: `csrc/source/idx.cpp`.
    """
    return Source(_core.open_idx(_path_bytes(path)), os.fsdecode(path), (idx, path))


def open_file(path: bytes) -> Any:
    """Open a .npy, .npz or IDX file, whatever its name."""
    openers = {"npy": npy, "npz": npz, "idx": idx}
    content = _core.recognise(_path_bytes(path))
    if content not in openers:
        found = {"empty": "an empty file", "jpeg": "a JPEG image"}.get(content, "something else")
        raise FormatError(
            "not an array",
            path=os.fsdecode(path),
            expected=".npy, .npz or IDX",
            found=found,
        )
    return openers[content](os.fsdecode(path))
