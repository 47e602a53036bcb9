# SPDX-License-Identifier: MIT
"""Data sets of h5py: contiguous ones are mapped where they lie in their file, others are read chunk by chunk."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import DecodeError

from .chunks import ChunkedRows, Chunks, require_unchanged
from .identity import OpenedFile, opened_file
from .opener import Opener

MEMORY_BYTES = 1 << 28  # of the chunks of a data set that are kept
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}  # those that the core undoes, by HDF5's numbers
COMPRESSORS = ("deflate", "lzf")
ABSENT = 2**64 - 1  # offset of a chunk that was never written


def is_dataset(leaf: Any) -> bool:
    """Return whether a leaf is an `h5py.Dataset`."""
    return any(
        base.__module__.partition(".")[0] == "h5py" and base.__name__ == "Dataset" for base in type(leaf).__mro__
    )


def open_dataset(opener: Opener, dataset: Any) -> Any:
    """Return the rows of a data set: mapped, or read chunk by chunk.

    Raises:
        TypeError: A data set that is not in a file opened with mode "r", or is not of numbers.
        OSError, FormatError: As for `raw`.
    """
    reason = _why_not(dataset)
    if reason is None and dataset.chunks is not None:
        return _in_chunks(dataset)
    if reason is None:
        rows = opener.raw(dataset.file.filename, dataset.dtype, dataset.shape, dataset.id.get_offset())
        if _is_equal(rows, dataset):
            return rows
        reason = "its bytes in the file are not its values"
    raise TypeError(f"the h5py data set {dataset.name!s:.80} cannot be read from its file: {reason}; {WAY}")


WAY = "dataset[:] reads it whole into memory, and arrays() takes the result"


def _why_not(dataset: Any) -> str | None:
    """Return why a data set is neither one piece of its file nor chunks of it; None if it is."""
    if dataset.shape is None or len(dataset.shape) == 0 or 0 in dataset.shape:
        return "it has no rows"
    if dataset.dtype.hasobject or dataset.dtype.fields or dataset.dtype.subdtype:
        return f"its type is {dataset.dtype}"
    if dataset.file.driver not in ("sec2", "stdio") or dataset.file.mode != "r":
        driver, mode = shown(dataset.file.driver), shown(dataset.file.mode)
        return f"its file is open with driver {driver} and mode {mode}, expected 'r'"
    if dataset.chunks is not None:
        return _why_not_chunks(dataset)
    is_here = dataset.id.get_storage_size() > 0 and dataset.id.get_offset() is not None
    if dataset.is_virtual or dataset.external or not is_here:
        return "it is stored in other files, or in none yet"
    return None


def _why_not_chunks(dataset: Any) -> str | None:
    band = max(math.prod(dataset.chunks), min(dataset.chunks[0], dataset.shape[0]) * math.prod(dataset.shape[1:]))
    if band * dataset.dtype.itemsize > MEMORY_BYTES:
        together = f"{band * dataset.dtype.itemsize} bytes in chunks of {dataset.chunks}"
        return f"its rows are stored together, expected at most {MEMORY_BYTES} bytes, found {together}"
    import h5py

    for code, _, _, name in _filters(dataset):
        if not h5py.h5z.filter_avail(code):
            return f"this h5py lacks the filter {code} ({os.fsdecode(name)!s:.40}) (import hdf5plugin may bring it)"
    return None


def _filters(dataset: Any) -> list[tuple[int, int, tuple[int, ...], bytes]]:
    properties = dataset.id.get_create_plist()
    return [properties.get_filter(i) for i in range(properties.get_nfilters())]


def _is_equal(rows: Any, dataset: Any) -> bool:
    """Return whether the first and the last row are those that h5py reads."""
    return all(np.asarray(rows[i]).tobytes() == np.asarray(dataset[i]).tobytes() for i in (0, len(dataset) - 1))


def _in_chunks(dataset: Any) -> ChunkedRows:
    """Return the rows of a data set; a chunk of them has the rows of one or more chunks of HDF5, side by side."""
    n, rows = dataset.shape[0], dataset.chunks[0]
    file = opened_file(os.path.abspath(os.fsdecode(dataset.file.filename)))
    reader = DatasetReader(file, dataset.name, rows, n)
    ends = np.minimum(np.arange(1, -(-n // rows) + 1, dtype=np.uint64) * np.uint64(rows), np.uint64(n))
    return ChunkedRows(Chunks(reader, ends, MEMORY_BYTES), 0, dataset.dtype, dataset.shape[1:])


@dataclass(frozen=True)
class Tiles:
    """The chunks of a data set, for the core to read: see `csrc/source/hdf5_chunks.h`.

    Attributes:
        descr, shape: Of the data set.
        tile: Shape of a chunk.
        filters: Names of the filters, in the order of writing.
        fill: The bytes of one element where nothing was written.
        offsets, sizes, masks: Of each chunk in the file, in the order of the grid; uint64.
    """

    descr: str
    shape: tuple[int, ...]
    tile: tuple[int, ...]
    filters: tuple[str, ...]
    fill: bytes
    offsets: NDArray[np.uint64]
    sizes: NDArray[np.uint64]
    masks: NDArray[np.uint64]


@dataclass(frozen=True)
class DatasetReader:
    """Reads the rows of a data set with h5py, which opens the file each time.

    Attributes:
        file: The file as it was when it was opened.
        name: Of the data set.
        rows: Rows in a chunk.
        n: Rows in the data set.
    """

    file: OpenedFile
    name: str
    rows: int
    n: int

    def __call__(self, k: int) -> list[NDArray[Any]]:
        import h5py

        require_unchanged(self.file)
        with h5py.File(self.file.path, "r") as opened:
            try:
                found = opened[self.name][k * self.rows : min(self.n, (k + 1) * self.rows)]
            except OSError as error:  # of the library, also for damaged data
                require_unchanged(self.file)
                raise DecodeError(f"damaged chunk: {error!s:.200}", path=self.file.path) from error
        require_unchanged(self.file)
        return [found]

    def verify(self, may_be_shorter: bool) -> None:
        self.file.verify(may_be_shorter)

    def tiles(self) -> Tiles | None:
        """Return where the chunks lie in the file; None: an unknown filter, or a damaged index."""
        import h5py

        require_unchanged(self.file)
        with h5py.File(self.file.path, "r") as opened:
            dataset = opened[self.name]
            filters = _filters(dataset)
            names = tuple(FILTERS.get(code, "") for code, *_ in filters)
            sizes = [values[0] for code, _, values, _ in filters if FILTERS.get(code) == "shuffle"]
            is_known = "" not in names and sum(name in COMPRESSORS for name in names) <= 1
            if not is_known or opened.userblock_size or any(size != dataset.dtype.itemsize for size in sizes):
                return None
            grid = [-(-n // tile) for n, tile in zip(dataset.shape, dataset.chunks, strict=True)]
            table = np.zeros((3, *grid), np.uint64)
            table[0] = ABSENT
            try:
                stored = _stored(dataset)
            except (RuntimeError, OSError):  # a damaged index: reading says so
                return None
            for chunk in stored:
                place = tuple(at // tile for at, tile in zip(chunk.chunk_offset, dataset.chunks, strict=True))
                if all(at < n for at, n in zip(place, grid, strict=True)):
                    cell = (slice(None), *place)
                    table[cell] = (chunk.byte_offset, chunk.size, chunk.filter_mask)
            fill = np.asarray(dataset.fillvalue, dataset.dtype).tobytes()
            flat = table.reshape(3, -1)
            shape, tile = dataset.shape, dataset.chunks
            return Tiles(dataset.dtype.str, shape, tile, names, fill, flat[0], flat[1], flat[2])


def _stored(dataset: Any) -> list[Any]:
    """Return the chunks that have been written."""
    found: list[Any] = []
    if hasattr(dataset.id, "chunk_iter"):  # h5py 3.8 with HDF5 1.12.3
        dataset.id.chunk_iter(found.append)
    else:
        found += [dataset.id.get_chunk_info(i) for i in range(dataset.id.get_num_chunks())]
    return found
