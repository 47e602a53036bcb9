# SPDX-License-Identifier: MIT
"""The first argument of `images`: a folder, paths, tar archives or images in memory, and their labels and masks."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastbatch.checks import text
from fastbatch.source.image_folder import list_images
from fastbatch.source.samples import EncodedSamples, SampleSource

from .backend import Backend


class ImageData(NamedTuple):
    """Images and what belongs to them.

    Attributes:
        labels: For `make_labels`, or None.
        class_names: Of a folder's classes.
        masks: As given, or the members of an archive.
    """

    samples: SampleSource
    labels: Any = None
    class_names: tuple[str, ...] | None = None
    masks: Any = None


def open_images(
    backend: Backend,
    data: Any,
    labels: Any = None,
    masks: Any = None,
    column: str | None = None,
    root: Any = None,
    class_names: tuple[str, ...] | None = None,
    index_cache: bool = True,
) -> ImageData:
    """Return the images of the first argument of `images`; see there."""
    from fastbatch.source.arrow.table import is_table
    from fastbatch.source.tar.paths import names_archives

    is_infer = isinstance(labels, str) and labels == "infer"
    is_archive = names_archives(data)
    has_columns = not is_archive and is_table(data)
    if root is not None and (is_archive or has_columns or isinstance(data, EncodedSamples)):
        raise ValueError("root: only valid with a list of paths")
    if is_archive:
        return _in_archives(backend, data, labels, masks, column, index_cache)
    if has_columns:
        return _in_table(data, labels, masks, column)
    if column is not None:
        raise ValueError("column: only valid with tar archives and tables")
    if isinstance(data, EncodedSamples):
        return ImageData(data, None if is_infer else labels, None, masks)
    files = list_images(
        data, is_infer, root=root, class_names=class_names, scan=backend.scan_folder, index_cache=index_cache
    )
    return ImageData(files.samples, files.labels if is_infer else labels, files.class_names, masks)


def _in_table(data: Any, labels: Any, masks: Any, column: str | None) -> ImageData:
    from fastbatch.source.arrow.images import image_column, image_samples, label_column, table_labels
    from fastbatch.source.arrow.table import as_table, columns_of

    known = columns_of(data)
    of_images = image_column(known, None if column is None else text("column", column))
    needed = [of_images, label_column(known, labels), masks if isinstance(masks, str) else None]
    for option, name in zip(("column", "labels", "masks"), needed, strict=True):
        if name is not None:
            known.column(option, name)
    opened = known if known.path is None else as_table(data, list(dict.fromkeys(filter(None, needed))))
    samples = image_samples(opened, "column", of_images)
    found, names = table_labels(opened, labels)
    of_masks = image_samples(opened, "masks", masks) if isinstance(masks, str) else masks
    return ImageData(samples, found, names, of_masks)


def _in_archives(
    backend: Backend, data: Any, labels: Any, masks: Any, column: str | None, index_cache: bool
) -> ImageData:
    from fastbatch.source.tar.archive import open_archive
    from fastbatch.source.tar.images import images_in, masks_in

    archive = open_archive(backend, data, index_cache)
    of, samples, found = images_in(archive, None if column is None else text("column", column), labels)
    return ImageData(samples, found, None, masks_in(archive, masks, of))
