# SPDX-License-Identifier: MIT
"""`verify`: which files of a data set of images are damaged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, SupportsIndex

import numpy as np

from fastbatch.checks import whole
from fastbatch.decode.image_options import pixel_limit
from fastbatch.decode.verification import BadFile, Verification, collected
from fastbatch.source.remote.urls import as_url
from fastbatch.source.samples import JoinedSamples, SampleSource
from fastbatch.source.tar.paths import names_archives

from .backend import Backend
from .image_data import open_files, open_images

AT_ONCE = 256  # files between two reports of the progress


def verify(
    backend: Backend,
    paths: Any,
    threads: SupportsIndex | None = None,
    max_pixels: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Verification:
    """Return which image files are damaged, by reading each of them whole.

    A file is bad if `decode` would raise an error for it. JPEG, PNG and WebP are read by native threads, without making
    pixels where that changes nothing; other formats are decoded by Pillow if it is installed.

    Args:
        paths: As for `probe`: paths; or a folder: all images in it and below; a pattern; URLs of objects in stores; tar
            archives; or images in memory: `encoded([...])`.
        threads: Threads that read; None: the CPUs available to this process, or 32 for objects in stores.
        max_pixels: Larger images are bad (default: 178,956,970, where Pillow stops).
        progress: Called now and then with the number of files that are done, and that of all.

    Returns:
        A `Verification`: `is_good`, `n_files`, `n_bytes`, `bad`, and `save("report.json")`.

    Raises:
        ValueError, TypeError: A folder without images, paths of another type, or an option out of range.
        OSError: The folder cannot be read. Errors of a file are in the result.

    Example:
        >>> import fastbatch as fb
        >>> found = fb.verify("images")
        >>> found.n_files, found.bad
        (8, ())

    Source: `csrc/codecs/verify.h`.
    """
    n_threads, limit = checked(threads, max_pixels)
    samples = open_files(backend, paths)
    return collected(verify_parts(backend, samples, n_threads, limit), len(samples), progress)


def checked(threads: SupportsIndex | None, max_pixels: int | None) -> tuple[int | None, int]:
    """Return the two options, checked."""
    return None if threads is None else whole("threads", threads, 1, 1024), pixel_limit(max_pixels)


def verify_parts(
    backend: Backend, samples: SampleSource, threads: int | None, max_pixels: int
) -> Iterator[Verification]:
    """Yield what is found in the samples, part by part."""
    for first in range(0, len(samples), AT_ONCE):
        n = min(AT_ONCE, len(samples) - first)
        start = time.monotonic()
        found = backend.verify_images(samples, first, n, threads, max_pixels)
        bad = tuple(
            BadFile(samples.name(i), i, reason) for i, (_, reason) in enumerate(found, first) if reason is not None
        )
        yield Verification(n, sum(size for size, _ in found), bad, time.monotonic() - start)


def open_all(backend: Backend, names: list[str]) -> SampleSource:
    """Return the images of several folders, patterns, archives, URLs and files, in this order."""
    parts: list[SampleSource] = []
    files: list[str] = []
    for name in [*names, None]:
        if name is not None and _is_file(name):
            files.append(name)
            continue
        if files:
            parts.append(open_images(backend, files).samples)
            files = []
        if name is not None:
            parts.append(open_images(backend, name).samples)
    return parts[0] if len(parts) == 1 else JoinedSamples(parts, np.zeros(0, np.uint64))


def _is_file(name: str) -> bool:
    return as_url(name) is None and not names_archives(name) and os.path.isfile(name)
