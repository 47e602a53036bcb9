# SPDX-License-Identifier: MIT
"""Rows that are stored in chunks, each of which is read as a whole: row groups of Parquet files, chunks of HDF5.

In C++: `csrc/source/chunk_cache.h`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastbatch.checks import n_of
from fastbatch.errors import FormatError
from fastbatch.locks import new_lock

from .identity import OpenedFile, identity_of

Array = np.ndarray[Any, Any]


class ChunkReader(Protocol):
    """Reads chunks. Threads: any. Can be pickled."""

    def __call__(self, k: int) -> Sequence[Any]:
        """Return the fields of chunk `k`, each with `nbytes`: arrays with a row per row, or columns of Arrow."""

    def verify(self, may_be_shorter: bool) -> None:
        """Raise FormatError if a file was written to or replaced since it was opened."""


class Chunks:
    """Chunks of rows, of which those that were used last are kept.

    Attributes:
        read: Reads a chunk.
        ends: The row after the last of each chunk: uint64, ascending.
        memory_bytes: Upper bound of the chunks that are kept; one is always.
        core: The compiled core's object, made on first use.
    """

    def __init__(self, read: ChunkReader, ends: ArrayLike, memory_bytes: int) -> None:
        self.read = read
        self.ends: NDArray[np.uint64] = np.array(ends, np.uint64)
        self._starts = np.concatenate([np.zeros(1, np.uint64), self.ends])
        self.memory_bytes = memory_bytes
        self.core: Any = None
        self._lock = new_lock()
        self._kept: OrderedDict[int, Sequence[Any]] = OrderedDict()  # the last used last
        self._bytes = 0  # of all kept

    def __reduce__(self) -> Any:
        return Chunks, (self.read, self.ends, self.memory_bytes)

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def place(self, rows: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the chunk of each row, and the row's place in it."""
        given = np.asarray(rows, np.uint64)
        numbers = np.searchsorted(self.ends, given, "right")
        return numbers.astype(np.int64), (given - self._starts[numbers]).astype(np.int64)

    def get(self, k: int) -> Sequence[Any]:
        """Return the fields of a chunk."""
        with self._lock:
            fields = self._kept.pop(k, None)
            if fields is None:
                fields = self.read(k)
                self._bytes += _n_bytes(fields)
            self._kept[k] = fields
            while len(self._kept) > 1 and self._bytes > self.memory_bytes:
                self._bytes -= _n_bytes(self._kept.popitem(last=False)[1])
        return fields


def _n_bytes(fields: Sequence[Any]) -> int:
    return sum(int(one.nbytes) for one in fields)


class ChunkedRows:
    """One array of rows that are stored in chunks.

    Attributes:
        chunks: The chunks, which may have several fields.
        field: The number of this one.
        dtype, shape: Of the whole array.
    """

    serves_rows = True  # see `as_rows`

    def __init__(self, chunks: Chunks, field: int, dtype: DTypeLike, row_shape: Sequence[int]) -> None:
        self.chunks = chunks
        self.field = field
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shape: tuple[int, ...] = (len(chunks), *row_shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._rows(np.arange(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"expected an index from {-len(self)} to {len(self) - 1}, found {index}")
        return self._rows(np.array([index % len(self)]))[0]

    def _rows(self, rows: NDArray[np.int64]) -> Array:
        numbers, places = self.chunks.place(rows)
        taken = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for k in np.unique(numbers).tolist():
            here = numbers == k
            taken[here] = np.asarray(self.chunks.get(k)[self.field])[places[here]]
        return taken

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        raise TypeError("rows that are stored in chunks are not read whole by themselves; x[:] reads them into memory")

    def read_elements(self) -> Array:
        """Return all rows, in memory."""
        return self._rows(np.arange(len(self)))

    def read_rows(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop`."""
        return self._rows(np.arange(start, stop))

    def own_identity(self) -> Any:
        """Return the identity of the rows that their reader knows; None: it is made of some of them."""
        identity = getattr(self.chunks.read, "identity", None)
        return None if identity is None else [list(self.shape), self.dtype.str, identity(self.field)]

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file was written to or replaced since it was opened."""
        self.chunks.read.verify(may_be_shorter)

    def __repr__(self) -> str:
        return f"ChunkedRows({n_of(len(self.chunks.ends), 'chunk')}, dtype={self.dtype}, shape={self.shape})"


class ChunkedSamples:
    """Encoded samples in chunks: a field has the begin and the end of each, side by side; the next has the bytes.

    The reader of the chunks also has `identity(field)`, a digest of the samples, and `places()`: the file of each chunk
    and the row of the file with which the chunk begins. In C++: `csrc/source/chunked_samples.h`. Immutable.

    Attributes:
        chunks: The chunks, which several columns may share.
        field: The number of the field with the bounds; the next one has the bytes.
    """

    def __init__(self, chunks: Chunks, field: int) -> None:
        self.chunks, self.field = chunks, field

    def __len__(self) -> int:
        return len(self.chunks)

    def read(self, index: int) -> bytes:
        """Return the bytes of a sample."""
        numbers, rows = self.chunks.place([index])
        fields, row = self.chunks.get(int(numbers[0])), int(rows[0])
        begin, end = fields[self.field][2 * row : 2 * row + 2].tolist()
        return bytes(fields[self.field + 1][begin:end])

    def name(self, index: int) -> str | None:
        """Return the file and the row in it."""
        numbers, rows = self.chunks.place([index])
        paths, starts = self.places()
        return f"{paths[int(numbers[0])]}: row {starts[int(numbers[0])] + int(rows[0])}"

    def places(self) -> tuple[list[str], list[int]]:
        """Return the file of each chunk, and the row of the file with which the chunk begins."""
        reader: Any = self.chunks.read
        paths, starts = reader.places()
        return list(paths), list(starts)

    def identity(self) -> Any:
        """Return a digest of the samples."""
        reader: Any = self.chunks.read
        return reader.identity(self.field)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file was written to or replaced since it was opened."""
        self.chunks.read.verify(may_be_shorter)


def refuse_chunks(source: Any, what: str) -> None:
    """Raise TypeError for rows in chunks, of which `what` cannot be made."""
    for part in getattr(source, "parts", [source]):
        if isinstance(part, ChunkedRows):
            raise TypeError(f"{what} of rows that are stored in chunks: expected an array; x[:] reads it into memory")


def require_unchanged(file: OpenedFile) -> None:
    """Raise FormatError if a file is not the one that was opened, or was written to since. FileNotFoundError."""
    import os

    before, now = file.identity, identity_of(os.stat(file.path))
    if (before.size, before.mtime, before.inode, before.device) != (now.size, now.mtime, now.inode, now.device):
        what = "file changed while in use: expected it as it was when it was opened, found another"
        raise FormatError(what, path=file.path)
    file.verify()
