# SPDX-License-Identifier: MIT
"""`verify` on many machines: the work of `fastbatch.verify`, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, SupportsIndex

from fastbatch.api.image_data import open_files
from fastbatch.api.verify import checked
from fastbatch.checks import whole
from fastbatch.decode.verification import BadFile, Verification, collected
from fastbatch.native.backend import NativeBackend
from fastbatch.source.samples import SampleSource

from .parts import SamplePart, parts_of
from .tasks import On, PartLostError, done_parts

PART_FILES = 256
DIED = "a worker that read it died, each time that it was tried"


def verify(
    paths: Any,
    *,
    on: On = "ray",
    address: str | None = None,
    part_files: SupportsIndex = PART_FILES,
    max_pixels: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Verification:
    """Return which image files are damaged: `fastbatch.verify` as tasks of Ray, or by threads of this process.

    A part whose worker or machine dies is done again elsewhere. If that happens four times, the part is divided, until
    the file that ends its worker is found; it is reported as bad. Each file is reported once.

    Args:
        paths: As for `fastbatch.verify`. All machines need to reach the files by the same paths or URLs.
        on: "ray": tasks of one CPU each, on the cluster that is initialized, or that `ray.init` finds or starts.
            "local": threads of this process.
        address: Of the cluster, as for `ray.init`, if Ray is not initialized yet.
        part_files: Files of a task.
        max_pixels: Larger images are bad (default: 178,956,970, where Pillow stops).
        progress: Called after each part with the number of files that are done, and that of all.

    Returns:
        A `Verification`, the same as of `fastbatch.verify`.

    Raises:
        ValueError, TypeError: A folder without images, paths of another type, or an option out of range.
        OSError: The folder cannot be read. Errors of a file are in the result.
        ModuleNotFoundError: Ray is not installed.

    Example:
        >>> import fastbatch.ray as fbr
        >>> fbr.verify("images", on="local").is_good
        True

    Source: `src/fastbatch/ray/tasks.py`.
    """
    samples = open_files(NativeBackend(), paths)
    parts = verify_parts(samples, on=on, address=address, part_files=part_files, max_pixels=max_pixels)
    return collected(parts, len(samples), progress)


def verify_parts(
    samples: SampleSource,
    *,
    on: On,
    address: str | None = None,
    part_files: SupportsIndex = PART_FILES,
    max_pixels: int | None = None,
) -> Iterator[Verification]:
    """Yield what is found in the samples, part by part, in the order in which parts are done."""
    size, (_, limit) = whole("part_files", part_files, 1, 1 << 20), checked(None, max_pixels)
    left = parts_of(samples, size)
    while left:
        again: list[SamplePart] = []
        lost = partial(_lost, again)
        for _, part in done_parts(partial(verify_part, limit), left, on=on, address=address, lost=lost):
            if part is not None:
                bad = tuple(BadFile(samples.name(one.sample), one.sample, one.reason) for one in part.bad)
                yield Verification(part.n_files, part.n_bytes, bad, part.seconds)
        left = again


def verify_part(max_pixels: int, part: SamplePart) -> Verification:
    """Return what is found in one part, with one thread for files, and those of stores for objects."""
    from fastbatch.source.remote.samples import ObjectSamples

    start = time.monotonic()
    threads = None if isinstance(part.samples, ObjectSamples) else 1
    found = NativeBackend().verify_images(part.samples, 0, len(part), threads, max_pixels)
    bad = tuple(BadFile(None, i, reason) for i, (_, reason) in enumerate(found, part.first) if reason is not None)
    return Verification(len(part), sum(size for size, _ in found), bad, time.monotonic() - start)


def _lost(again: list[SamplePart], part: SamplePart, error: PartLostError) -> Verification | None:
    """Divide a part whose workers died; report a single file as bad."""
    if len(part) > 1:
        again += part.halves()
        return None
    return Verification(1, 0, (BadFile(None, part.first, DIED),))
