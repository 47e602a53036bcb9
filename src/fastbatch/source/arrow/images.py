# SPDX-License-Identifier: MIT
"""Encoded images in a column of a table: bytes, or structs of bytes and a path, as Hugging Face datasets keep them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbatch.checks import shown
from fastbatch.source.samples import EncodedSamples, FileSamples, JoinedSamples, SampleSource

from .column import Numbers, convert
from .table import ArrowTable

LABELS = ("label", "labels")  # names of the column with the labels, if no type tells it
LARGEST_BUFFER = 1 << 62


def image_samples(table: ArrowTable, option: str, name: str, first: int = 0) -> SampleSource:
    """Return the images in a column, without copying their bytes.

    Args:
        first: The number of the first row, for messages.

    Raises:
        ValueError: No such column, a null, or no images.
        TypeError: A column of another type.
    """
    column = table.column(option, name)
    if isinstance(getattr(column.type, "storage_type", None), type(column.type)):
        column = column.cast(column.type.storage_type)
    parts: list[SampleSource] = []
    for chunk in column.chunks:
        if len(chunk):
            parts.append(_chunk(option, name, chunk, first))
            first += len(chunk)
    if table.n_rows == 0 or not parts:
        raise ValueError(f"{option}: expected images in column {shown(name)}, found no rows")
    return parts[0] if len(parts) == 1 and not len(table.order) else JoinedSamples(parts, table.order)


def image_column(table: ArrowTable, column: str | None) -> str:
    """Return the name of the column with the images: the given one, or the only one of bytes."""
    if column is not None:
        return column
    found = [one.name for one in table.table.schema if _holds_bytes(one.type)]
    if len(found) != 1:
        there = " and ".join(found) or "none"
        raise ValueError(f"column: expected the name of the column with the images, since bytes are in {there}")
    return str(found[0])


def table_labels(table: ArrowTable, labels: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Return the labels of the rows, and the class names.

    Args:
        labels: "infer": the column of class labels or of a dictionary, or the one called "label", if there is one.
            Another str: the name of a column. None, or labels: returned as they are.
    """
    if not isinstance(labels, str):
        return labels, None
    name = label_column(table, labels)
    if name is None:
        return None, None
    found = convert(name, table.column("labels", name))
    order = table.order if len(table.order) else np.arange(table.n_rows)
    if not isinstance(found, Numbers):
        return found.take(order), None
    rows = found.rows[:]  # a copy of the column, which is small beside the images
    return np.asarray(rows)[order.astype(np.int64)], found.names or table.names.get(name)


def label_column(table: ArrowTable, labels: Any) -> str | None:
    """Return the name of the column with the labels, if it is one; see `table_labels`."""
    from pyarrow import types

    if not isinstance(labels, str) or labels != "infer":
        return labels if isinstance(labels, str) else None
    schema = table.table.schema
    found = [one.name for one in schema if one.name in table.names or types.is_dictionary(one.type)]
    found = found or [name for name in schema.names if name in LABELS]
    if len(found) > 1:
        raise ValueError(f"labels: expected the name of their column, since {' and '.join(found)} are labels")
    return found[0] if found else None


def _holds_bytes(kind: Any) -> bool:
    text = str(kind)
    return text in ("binary", "large_binary", "binary_view") or (text.startswith("struct") and "bytes: binary" in text)


def _chunk(option: str, name: str, chunk: Any, first: int) -> SampleSource:
    """Return the images of one chunk, whose first row is row `first` of the table."""
    from pyarrow import types

    names: Sequence[str] | None = None
    if types.is_struct(chunk.type) and chunk.type.get_field_index("bytes") >= 0:
        _refuse_null(option, name, chunk, first)
        paths = chunk.flatten()[chunk.type.get_field_index("path")] if chunk.type.get_field_index("path") >= 0 else None
        content = chunk.flatten()[chunk.type.get_field_index("bytes")]
        if paths is not None and paths.null_count == 0:
            names = paths.to_pylist()
            if content.null_count == len(content):
                return FileSamples([os.fsencode(path) for path in names])
        chunk = content
    _refuse_null(option, name, chunk, first)
    if str(chunk.type) == "binary_view":  # of Polars
        chunk = chunk.cast("large_binary")
    if not (types.is_binary(chunk.type) or types.is_large_binary(chunk.type)):
        raise TypeError(f"{option}: expected bytes in column {shown(name)}, found {chunk.type}")
    _, offsets, content = chunk.buffers()
    wide = np.dtype("<i8" if types.is_large_binary(chunk.type) else "<i4")
    ends = np.frombuffer(offsets, wide, len(chunk) + 1, chunk.offset * wide.itemsize).astype(np.uint64)
    blob = np.zeros(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)
    return EncodedSamples(blob, ends, names)


def _refuse_null(option: str, name: str, chunk: Any, first: int) -> None:
    if chunk.null_count:
        row = first + int(np.flatnonzero(chunk.is_null().to_numpy(zero_copy_only=False))[0])
        raise ValueError(f"{option}: column {shown(name)}: row {row}: expected an image, found null")
