# SPDX-License-Identifier: MIT
"""Memory-mapped array files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from fastbatch import _core
from fastbatch.checks import shown
from fastbatch.errors import FormatError
from fastbatch.source.identity import OpenedFile, opened_file
from fastbatch.source.local_file import path_bytes
from fastbatch.source.opener import raw_layout
from fastbatch.source.remote.urls import as_url
from fastbatch.source.structured import LONGEST_HEADER, field_of, fields_of, may_have_records, records_in

if TYPE_CHECKING:
    from fastbatch.source.window import Part


class Source:
    """An array in a file. Data is read on access only, without copies.

    Attributes:
        dtype, shape: As in the file, byte order included.
        file: The mapped file as it was when it was opened, or None where it is of no importance any more.
    """

    serves_rows = True

    def __init__(
        self, view: _core.ArrayView, path: str, made_by: tuple[Any, ...], file: OpenedFile | None = None
    ) -> None:
        self.view = view
        self.path = path
        self.file = file if view.mapped else None
        self._made_by = made_by  # a function and its arguments
        self._array = view.array()
        self.dtype: np.dtype[Any] = self._array.dtype
        self.shape: tuple[int, ...] = self._array.shape

    def __reduce__(self) -> Any:
        """Pickle the call that opened it; unpickling opens the file again, which must be unchanged."""
        function, *arguments = self._made_by
        return _reopened, (function, tuple(arguments), self.dtype, self.shape, self.file)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if the file was written to since it was opened: costs one stat."""
        if self.file is not None:
            self.file.verify(may_be_shorter)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """Return the result of indexing a read-only NumPy array; views keep the mapping alive."""
        return self._array[index]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if dtype is None or np.dtype(dtype) == self.dtype:
            return self.read_elements() if copy else self._array
        if copy is False:
            raise ValueError(f"{self.path}: a copy is needed to make {self.dtype} into {np.dtype(dtype)}")
        return self.read_elements().astype(dtype)

    def read_elements(self) -> np.ndarray[Any, Any]:
        """Return a copy of all elements; raises FormatError if the file became shorter."""
        return self.view.read()

    def read_rows(self, start: int, stop: int) -> np.ndarray[Any, Any]:
        """Return a copy of rows `start` to `stop`, at least one; raises FormatError if the file became shorter."""
        return self.view.every(start, stop - start, 1).read()

    def __repr__(self) -> str:
        return f"Source({self.path!r}, dtype={self.dtype}, shape={self.shape})"


def _reopened(
    function: Any, arguments: tuple[Any, ...], dtype: np.dtype[Any], shape: tuple[int, ...], file: OpenedFile | None
) -> Any:
    """Return a source that was pickled."""
    if file is not None:
        file.verify()
    source = function(*arguments)
    if (source.dtype, source.shape) != (dtype, shape):
        expected, found = f"{dtype} {shape}", f"{source.dtype} {source.shape}"
        raise FormatError("another array than when it was pickled", path=source.path, expected=expected, found=found)
    return source


def npy(path: str | os.PathLike[str]) -> Any:
    """Map a .npy file (NEP 1, versions 1 to 3). Records become a dict of their fields.

    Raises:
        OSError: The file cannot be read.
        FormatError: Not a .npy file, shorter than its header says, or an array of Python objects.

    Source: `csrc/source/npy.cpp`.
    """
    if (url := as_url(path)) is not None:
        return stored_npy(url)
    file = opened_file(path_bytes("path", path))
    records = records_in(file.path)
    if records is None:
        return Source(_core.open_npy(os.fsencode(file.path)), file.path, (npy, path), file)
    return fields_of(records.dtype, partial(_npy_field, file.path))


def _npy_field(path: str, names: tuple[str, ...]) -> Source:
    """Map one field of the records in a .npy file."""
    file = opened_file(path)
    records = records_in(path)
    if records is None:
        raise FormatError("not a .npy file of records", path=path)
    rows = raw(path, f"V{records.dtype.itemsize}", records.shape, records.offset)
    field = field_of(rows[:].view(records.dtype), names)
    return Source(_core.view_of(field), path, (_npy_field, path, names), file)


def npz(path: str | os.PathLike[str], member: str | None = None) -> Any:
    """Map a .npz file: one member, or a dict of all. Stored members are mapped, compressed ones are inflated.

    Raises:
        KeyError: There is no such member.
        OSError, FormatError: As for `npy`.

    Source: `csrc/source/npz.cpp`.
    """
    file = opened_file(path_bytes("path", path))
    name = os.fsencode(file.path)
    archive = _core.NpzFile(name)
    try:
        names = archive.names
    except UnicodeDecodeError:
        raise FormatError("bad zip directory", path=file.path, expected="names in UTF-8", found="others") from None

    def opened(one: str) -> Source:
        return Source(archive.open(names.index(one)), f"{file.path}: member {one}", (npz, path, one), file)

    if member is None:
        return {one: opened(one) for one in names}
    if member not in names:
        member = member.removesuffix(".npy")
    if member not in names:
        raise KeyError(f"{file.path}: expected member {shown(member)}, found {', '.join(names) or 'none'}")
    return opened(member)


def raw(path: str | os.PathLike[str], dtype: DTypeLike, shape: Sequence[int] | int, offset: int = 0) -> Source:
    """Map a file without a header: elements from byte `offset` on.

    Args:
        shape: The first number may be -1: inferred from the file's size.

    Raises:
        OSError, FormatError: As for `npy`.

    Source: `csrc/source/raw.cpp`.
    """
    element, lengths, start = raw_layout(dtype, shape, offset)
    if (url := as_url(path)) is not None:
        return stored_raw(url, element, lengths, start)
    file = opened_file(path_bytes("path", path))
    name = os.fsencode(file.path)
    view = _core.open_raw(name, element.str, lengths, start)
    return Source(view, file.path, (raw, path, element, lengths, start), file)


def idx(path: str | os.PathLike[str]) -> Source:
    """Map an IDX file (the format of MNIST); a gzip-compressed file is inflated into memory.

    Raises:
        OSError, FormatError: As for `npy`.

    Source: `csrc/source/idx.cpp`.
    """
    file = opened_file(path_bytes("path", path))
    name = os.fsencode(file.path)
    return Source(_core.open_idx(name), file.path, (idx, path), file)


class StoredSource(Source):
    """An array in a store. Each access copies what it needs, and waits for it."""

    def __getitem__(self, index: Any) -> Any:
        first, *rest = index if isinstance(index, tuple) else (index,)
        if isinstance(first, slice):
            start, stop, step = first.indices(len(self))
            rows = np.arange(start, stop, step)
            low, high = (int(rows.min()), int(rows.max()) + 1) if len(rows) else (0, 0)
            return self.read_rows(low, high)[rows - low][tuple([slice(None)] + rest)]
        numbers = np.asarray(first)
        if numbers.dtype == bool or first is None or first is Ellipsis:
            return self.read_elements()[index]
        row = np.array([self._row(int(i)) for i in numbers.ravel()])
        return row.reshape(*numbers.shape, *self.shape[1:])[tuple([slice(None)] * numbers.ndim + rest)]

    def _row(self, index: int) -> np.ndarray[Any, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"expected an index from {-len(self)} to {len(self) - 1}, found {index}")
        found: np.ndarray[Any, Any] = self.read_rows(index % len(self), index % len(self) + 1)[0]
        return found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if copy is False:
            raise ValueError(f"{self.path}: an array in a store is copied into memory")
        return self.read_elements().astype(dtype or self.dtype, copy=False)

    def read_elements(self) -> np.ndarray[Any, Any]:
        return self.read_rows(0, len(self)) if self.shape else super().read_elements()

    def read_rows(self, start: int, stop: int) -> np.ndarray[Any, Any]:
        from .stores import forget_errors

        forget_errors()
        made = np.empty((stop - start, *self.shape[1:]), self.dtype)
        step = max(1, _PIECE_BYTES * len(made) // max(1, made.nbytes))
        for at in range(start, stop, step):
            end = min(at + step, stop)
            made[at - start : end - start] = self.view.every(at, end - at, 1).read()
        return made


_PIECE_BYTES = 16 << 20  # read together: what a read needs at once is kept mapped until it is over


def stored_npy(url: str) -> Any:
    """Open a .npy object; one with records is copied whole."""
    from .stores import open_space

    space, one = open_space(url)
    head = space.raw("|u1", [min(one.size, LONGEST_HEADER)], 0).read()
    if may_have_records(head.tobytes()):
        return npy(os.fsdecode(path_bytes("path", url)))
    return StoredSource(space.npy(), one.name, (npy, url))


def stored_raw(url: str, element: np.dtype[Any], lengths: Sequence[int], offset: int) -> StoredSource:
    """Open an object without a header."""
    from .stores import open_space

    space, one = open_space(url)
    return StoredSource(space.raw(element.str, lengths, offset), one.name, (raw, url, element, lengths, offset))


def part_of(source: Source, part: Part) -> Source:
    """Return a source whose sample `i` is part `i` of another source."""
    view = source.view if part.length is None else source.view.windows(part.length, part.step)
    cut = view.every(part.start, part.n, part.stride)
    return type(source)(cut, source.path, (part_of, source, part), source.file)
