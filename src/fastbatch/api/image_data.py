# SPDX-License-Identifier: MIT
"""The first argument of `images`: a folder, paths, tar archives or images in memory, and their labels and masks."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from fastbatch.checks import MAX_INT64, shown, text, whole
from fastbatch.plan.blocks import Blocks
from fastbatch.source.image_folder import list_images
from fastbatch.source.local_file import path_text
from fastbatch.source.remote.urls import as_url
from fastbatch.source.samples import EncodedSamples, SampleSource
from fastbatch.source.tar.paths import names_archives

from .backend import Backend


class ImageData(NamedTuple):
    """Images and what belongs to them.

    Attributes:
        labels: For `make_labels`, or None.
        class_names: Of a folder's classes.
        masks: As given, or the members of an archive.
        blocks: The row groups in which they are read; None: each can be read alone.
        window: Row groups that can be shuffled together.
    """

    samples: SampleSource
    labels: Any = None
    class_names: tuple[str, ...] | None = None
    masks: Any = None
    blocks: Blocks | None = None
    window: int = 0


def open_images(
    backend: Backend,
    data: Any,
    labels: Any = None,
    masks: Any = None,
    column: str | None = None,
    root: Any = None,
    class_names: tuple[str, ...] | None = None,
    index_cache: bool = True,
    memory_bytes: Any = None,
) -> ImageData:
    """Return the images of the first argument of `images`; see there."""
    from fastbatch.source.arrow.table import is_table

    is_infer = isinstance(labels, str) and labels == "infer"
    is_archive = names_archives(data)
    has_columns = not is_archive and is_table(data)
    if root is not None and (is_archive or has_columns or isinstance(data, EncodedSamples)):
        raise ValueError("root: only valid with a list of paths")
    limit = None if memory_bytes is None else whole("memory_bytes", memory_bytes, 1, MAX_INT64)
    if limit is not None and not has_columns:
        raise ValueError("memory_bytes: only valid with Parquet files")
    if is_archive:
        return _in_archives(backend, data, labels, masks, column, index_cache)
    if has_columns:
        return _in_table(data, labels, masks, column, limit)
    if column is not None:
        raise ValueError("column: only valid with tar archives and tables")
    if isinstance(data, EncodedSamples):
        return ImageData(data, None if is_infer else labels, None, masks)
    files = list_images(
        data, is_infer, root=root, class_names=class_names, scan=backend.scan_folder, index_cache=index_cache
    )
    return ImageData(files.samples, files.labels if is_infer else labels, files.class_names, masks)


def open_files(backend: Backend, data: Any) -> SampleSource:
    """Return the images of the first argument of `images`, or the one image of a path."""
    is_one = isinstance(data, str | os.PathLike) and as_url(data) is None and os.path.isfile(path_text("path", data))
    return open_images(backend, [data] if is_one and not names_archives(data) else data).samples


def _in_table(data: Any, labels: Any, masks: Any, column: str | None, memory_bytes: int | None) -> ImageData:
    from fastbatch.source.arrow.images import image_column, image_samples, label_column, table_labels
    from fastbatch.source.arrow.table import as_table, columns_of, is_paths

    known = columns_of(data)
    of_images = image_column(known, None if column is None else text("column", column))
    needed = [of_images, label_column(known, labels), masks if isinstance(masks, str) else None]
    for option, name in zip(("column", "labels", "masks"), needed, strict=True):
        if name is not None:
            known.column(option, name)
    if memory_bytes is not None:
        if not is_paths(data):
            raise TypeError(f"memory_bytes: expected Parquet files, found {shown(data)}")
        return _in_groups(data, labels, (of_images, needed[1], needed[2]), masks, memory_bytes)
    opened = known if known.path is None else as_table(data, list(dict.fromkeys(filter(None, needed))))
    samples = image_samples(opened, "column", of_images)
    found, names = table_labels(opened, labels)
    of_masks = image_samples(opened, "masks", masks) if isinstance(masks, str) else masks
    return ImageData(samples, found, names, of_masks)


def _in_groups(
    data: Any, labels: Any, names: tuple[str, str | None, str | None], masks: Any, memory_bytes: int
) -> ImageData:
    """Return the images of Parquet files whose row groups are read one by one; `names`: of images, labels, masks."""
    from fastbatch.source.arrow.image_groups import grouped_images
    from fastbatch.source.arrow.images import table_labels
    from fastbatch.source.arrow.parquet_files import open_parquet

    of_images, of_labels, of_masks = names
    columns = [("column", of_images)] if of_masks is None else [("column", of_images), ("masks", of_masks)]
    files = open_parquet(data)
    groups = grouped_images(files, columns, memory_bytes)
    found, classes = labels, None
    if isinstance(labels, str):
        found, classes = (None, None) if of_labels is None else table_labels(files.column(of_labels), of_labels)
    given = masks if of_masks is None else groups.samples[1]
    return ImageData(groups.samples[0], found, classes, given, groups.blocks, groups.window)


def _in_archives(
    backend: Backend, data: Any, labels: Any, masks: Any, column: str | None, index_cache: bool
) -> ImageData:
    from fastbatch.source.tar.archive import open_archive
    from fastbatch.source.tar.images import images_in, masks_in

    archive = open_archive(backend, data, index_cache)
    of, samples, found = images_in(archive, None if column is None else text("column", column), labels)
    return ImageData(samples, found, None, masks_in(archive, masks, of))
