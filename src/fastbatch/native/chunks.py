# SPDX-License-Identifier: MIT
"""The core's objects for rows that are stored in chunks."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastbatch import _core
from fastbatch.errors import FastbatchError
from fastbatch.source.chunks import ChunkedRows, ChunkedSamples, Chunks
from fastbatch.source.hdf5 import DatasetReader
from fastbatch.source.identity import OpenedFile


def chunked_decoder(rows: ChunkedRows, conversion: _core.Conversion | None) -> _core.ChunkedDecoder:
    """Return the decoder of an array in chunks."""
    chunks = rows.chunks
    if chunks.core is None:
        chunks.core = _core.ChunkCache(_chunk_source(rows), chunks.ends, chunks.memory_bytes)
    return _core.ChunkedDecoder(chunks.core, rows.field, np.empty((0, *rows.shape[1:]), rows.dtype), conversion)


def chunked_samples(samples: ChunkedSamples) -> _core.ChunkedSamples:
    """Return the core's object for images in row groups."""
    chunks = samples.chunks
    if chunks.core is None:
        chunks.core = _core.ChunkCache(_image_source(chunks), chunks.ends, chunks.memory_bytes)
    paths, first_rows = samples.places()
    return _core.ChunkedSamples(chunks.core, samples.field, [os.fsencode(path) for path in paths], first_rows)


def _image_source(chunks: Chunks) -> _core.ChunkSource:
    """Return the source of row groups of images: the core's own for plain pages, else a function of Python."""
    from fastbatch.source.arrow.image_groups import ImageReader
    from fastbatch.source.arrow.row_groups import WINDOWS

    reader = chunks.read
    other = _core.PythonChunks(reader)
    if not isinstance(reader, ImageReader) or (pages := reader.pages()) is None:
        return other
    groups = [
        (group.file, group.n_rows, [(p.begin, p.packed, p.unpacked, p.snappy, p.most_defined) for p in columns])
        for group, columns in zip(reader.files.groups, pages, strict=True)
    ]
    files = [_file(one) for one in reader.files.files if isinstance(one, OpenedFile)]
    return _core.ParquetImages(other, files, groups, chunks.memory_bytes // WINDOWS)


def _file(file: OpenedFile) -> tuple[bytes, int, int, int, int]:
    """Return a file as the core knows it again."""
    one = file.identity
    return os.fsencode(file.path), one.size, one.mtime, one.inode, one.device


def _chunk_source(rows: ChunkedRows) -> _core.ChunkSource:
    """Return the source of the chunks: the core's own for HDF5 if it knows the filters, else a function of Python."""
    reader = rows.chunks.read
    if not isinstance(reader, DatasetReader) or (tiles := reader.tiles()) is None:
        return _core.PythonChunks(reader)
    source = _core.Hdf5Chunks(
        _file(reader.file),
        tiles.descr,
        tiles.shape,
        tiles.tile,
        tiles.filters,
        tiles.fill,
        tiles.offsets,
        tiles.sizes,
        tiles.masks,
        rows.chunks.memory_bytes,
    )
    return source if _is_equal(source, rows) else _core.PythonChunks(reader)


def _is_equal(source: _core.Hdf5Chunks, rows: ChunkedRows) -> bool:
    """Return whether the core reads the first and the last row as h5py does, or h5py cannot read them either.

    They lie in all kinds of chunks that HDF5 stores otherwise: those that the edges of the data cut.
    """
    chunks = Chunks(rows.chunks.read, rows.chunks.ends, 0)
    core: Any = _core.ChunkCache(source, chunks.ends, 0)
    decoder = _core.ChunkedDecoder(core, 0, np.empty((0, *rows.shape[1:]), rows.dtype), None)
    native = rows.dtype.newbyteorder("=")
    for k, row in ((0, 0), (len(chunks.ends) - 1, -1)):
        try:
            expected = np.asarray(chunks.get(k)[0][row]).astype(native, copy=False).tobytes()
        except (FastbatchError, OSError):
            continue
        try:
            if decoder.row(row % len(rows)) != expected:
                return False
        except (FastbatchError, OSError):
            return False
    return True
