# SPDX-License-Identifier: MIT
"""Encoded images in Parquet files that are larger than memory: some row groups are kept, the others are read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import FormatError
from fastbatch.plan.blocks import Blocks
from fastbatch.source.chunks import ChunkedSamples, Chunks
from fastbatch.source.samples import FileSamples, JoinedSamples, SampleSource

from .images import image_samples
from .parquet_files import BytePages, ParquetFiles
from .row_groups import WINDOWS, require_memory
from .table import ArrowTable

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ImageReader:
    """Reads columns of images of a row group: for each, the begin and the end of each image, and the bytes of all.

    Attributes:
        columns: (option, name) of each column.
    """

    files: ParquetFiles
    columns: tuple[tuple[str, str], ...]

    def __call__(self, k: int) -> list[Array]:
        n_rows = self.files.groups[k].n_rows
        names = list(dict.fromkeys(name for _, name in self.columns))
        parts: list[list[_Part]] = [[] for _ in self.columns]
        n_read = 0
        for table in self.files.parts(k, names):
            for into, (option, name) in zip(parts, self.columns, strict=True):
                into += self._encoded(k, table, option, name, n_read)
            n_read += table.num_rows
        fields: list[Array] = []
        for one in parts:
            sizes = np.concatenate([part.sizes for part in one]) if one else np.zeros(0, np.uint64)
            if len(sizes) != n_rows:
                raise self._error(k, f"expected {n_rows} rows, found {len(sizes)}")
            ends = np.cumsum(sizes, dtype=np.uint64)
            bounds = np.stack([ends - sizes, ends], axis=1)
            fields += [bounds.reshape(-1), np.concatenate([part.content for part in one])]
        return fields

    def verify(self, may_be_shorter: bool) -> None:
        self.files.verify()

    def identity(self, field: int) -> str:
        """Return a digest of a column as the footers describe it."""
        return self.files.identity([self.columns[field // 2][1]])

    def places(self) -> tuple[list[str], list[int]]:
        """Return the file of each row group, and the row of the file with which the group begins."""
        first: dict[int, int] = {}
        starts = [group.first_row - first.setdefault(group.file, group.first_row) for group in self.files.groups]
        return [self.files.files[group.file].path for group in self.files.groups], starts

    def pages(self) -> list[list[BytePages]] | None:
        """Return where the images of each row group lie, column by column; None: some are stored in another way."""
        found: list[list[BytePages]] = []
        for k in range(len(self.files.groups)):
            columns = [self.files.byte_pages(k, name) for _, name in self.columns]
            there = [one for one in columns if one is not None]
            if len(there) < len(columns):
                return None
            found.append(there)
        return found

    def _encoded(self, k: int, table: Any, option: str, name: str, first: int) -> list[_Part]:
        try:
            samples: SampleSource = image_samples(ArrowTable(table), option, name, first)
        except ValueError as error:
            raise self._error(k, str(error)) from None
        found = []
        for part in samples.parts if isinstance(samples, JoinedSamples) else [samples]:
            if isinstance(part, FileSamples):
                wanted = f"expected bytes in column {shown(name)} with memory_bytes"
                raise TypeError(f"{option}: {wanted}, found paths alone")
            assert hasattr(part, "offsets")
            assert hasattr(part, "blob")
            first, last = int(part.offsets[0]), int(part.offsets[-1])
            found.append(_Part(np.diff(part.offsets), part.blob[first:last]))
        return found

    def _error(self, k: int, what: str) -> FormatError:
        group = self.files.groups[k]
        return FormatError(f"row group {group.number}: {what}", path=self.files.files[group.file].path)


@dataclass(frozen=True)
class _Part:
    sizes: NDArray[np.uint64]
    content: NDArray[np.uint8]


@dataclass(frozen=True)
class ImageGroups:
    """Columns of images in row groups.

    Attributes:
        samples: The images of each column.
        blocks: The row groups.
        window: Row groups that can be shuffled together.
    """

    samples: tuple[ChunkedSamples, ...]
    blocks: Blocks
    window: int


def grouped_images(files: ParquetFiles, columns: Sequence[tuple[str, str]], memory_bytes: int) -> ImageGroups:
    """Return columns of images, of which `memory_bytes` of row groups are in memory.

    Args:
        columns: (option, name) of each.

    Raises:
        ValueError: No rows, or too little memory.
        TypeError: A column without bytes.
        FormatError: A broken file.
    """
    if files.n_rows == 0:
        raise ValueError(f"{columns[0][0]}: expected images in column {shown(columns[0][1])}, found no rows")
    leaves = (
        sum(one.unpacked for _, name in columns for one in files.column_chunks(k, name))
        for k in range(len(files.groups))
    )
    largest = max(size + 16 * group.n_rows for size, group in zip(leaves, files.groups, strict=True))
    require_memory(memory_bytes, largest)
    reader = ImageReader(replace(files, most_bytes=memory_bytes // WINDOWS), tuple(columns))
    chunks = Chunks(reader, files.ends, memory_bytes)
    reader(0)  # what is wrong with the columns is an error now
    samples = tuple(ChunkedSamples(chunks, 2 * i) for i in range(len(columns)))
    return ImageGroups(samples, Blocks(files.ends), memory_bytes // (WINDOWS * max(1, largest)))
