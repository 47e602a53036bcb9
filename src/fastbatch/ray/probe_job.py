# SPDX-License-Identifier: MIT
"""`probe` on many machines: the work of `fastbatch.probe`, part by part."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, SupportsIndex

from fastbatch.api.image_data import open_files
from fastbatch.checks import whole
from fastbatch.decode.image_options import pixel_limit
from fastbatch.decode.single_image import Array, records
from fastbatch.native.backend import NativeBackend
from fastbatch.source.samples import SampleSource

from .parts import SamplePart, parts_of
from .tasks import On, done_parts

PART_FILES = 4096


def probe(
    paths: Any,
    *,
    on: On = "ray",
    address: str | None = None,
    part_files: SupportsIndex = PART_FILES,
    max_pixels: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Array:
    """Return size, format, mode and orientation of image files: `fastbatch.probe` as tasks of Ray, or by threads.

    Args:
        paths: As for `fastbatch.probe`. All machines need to reach the files by the same paths or URLs.
        on, address, part_files, progress: As for `verify`.
        max_pixels: Larger images are an error in their record.

    Returns:
        A structured array with one record per file, the same as of `fastbatch.probe`.

    Raises:
        ValueError, TypeError, OSError, ModuleNotFoundError: As for `verify`.
        PartLostError: A part's worker died four times.

    Example:
        >>> import fastbatch.ray as fbr
        >>> set(fbr.probe("images", on="local")["format"].tolist())
        {'JPEG'}

    Source: `src/fastbatch/ray/tasks.py`.
    """
    samples = open_files(NativeBackend(), paths)
    return probe_samples(
        samples, on=on, address=address, part_files=part_files, max_pixels=max_pixels, progress=progress
    )


def probe_samples(
    samples: SampleSource,
    *,
    on: On,
    address: str | None = None,
    part_files: SupportsIndex = PART_FILES,
    max_pixels: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Array:
    """Return the records of samples that are opened already."""
    parts = parts_of(samples, whole("part_files", part_files, 1, 1 << 20))
    found: list[list[tuple[Any, ...]]] = [[] for _ in parts]
    done = 0
    for number, rows in done_parts(partial(_probe_part, pixel_limit(max_pixels)), parts, on=on, address=address):
        found[number] = rows
        done += len(rows)
        if progress is not None:
            progress(done, len(samples))
    return records([row for rows in found for row in rows])


def _probe_part(max_pixels: int, part: SamplePart) -> list[tuple[Any, ...]]:
    return NativeBackend().probe_images(part.samples, 1, max_pixels)
