# SPDX-License-Identifier: MIT
"""`statistics` on many machines: sums over parts of the rows, put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, SupportsIndex

import numpy as np

from fastbatch.api.statistics import statistics as statistics_of
from fastbatch.checks import whole
from fastbatch.decode.statistics import Statistics
from fastbatch.native.backend import NativeBackend
from fastbatch.source.formats import as_rows, open_array
from fastbatch.source.remote.urls import as_url

from .tasks import On, done_parts

PART_BYTES = 1 << 28


def statistics(
    path: str | os.PathLike[str],
    *,
    on: On = "ray",
    address: str | None = None,
    part_rows: SupportsIndex | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Statistics:
    """Return mean and standard deviation of each channel: `fastbatch.statistics` as tasks of Ray, or by threads.

    Args:
        path: Of a .npy or IDX file, or its URL. All machines need to reach it by the same path.
        on, address: As for `verify`.
        part_rows: Rows of a task; None: 256 MiB.
        progress: Called after each part with the number of rows that are done, and that of all.

    Returns:
        `Statistics`: equal to that of `fastbatch.statistics` but for rounding. The same for any number of machines.

    Raises:
        ValueError, TypeError, OSError, FormatError: As for `fastbatch.statistics`.
        ModuleNotFoundError: Ray is not installed.
        PartLostError: A part's worker died four times.

    Example:
        >>> import fastbatch.ray as fbr
        >>> seen = fbr.statistics("sensors.npy", on="local", part_rows=500)
        >>> seen.n, seen.mean.shape
        (2000, (3,))

    Source: `src/fastbatch/ray/statistics_job.py`; Chan, Golub and LeVeque, "Algorithms for Computing the Sample
    Variance", 1983.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path: expected the path of a file, found {type(path).__name__}")
    rows = as_rows(open_array(NativeBackend(), path))
    n = rows.shape[0]
    row_bytes = max(1, int(np.prod(rows.shape[1:], dtype=np.int64)) * rows.dtype.itemsize)
    size = max(1, PART_BYTES // row_bytes) if part_rows is None else whole("part_rows", part_rows, 1)
    name = os.fspath(path)
    place = name if as_url(name) else os.path.abspath(name)
    parts = [(first, min(n, first + size)) for first in range(0, n, size)] or [(0, 0)]
    found: list[Any] = [None] * len(parts)
    done = 0
    for number, part in done_parts(partial(_of_rows, place), parts, on=on, address=address):
        found[number] = part
        done += part.n
        if progress is not None:
            progress(done, n)
    return merged(found)


def _of_rows(path: str, part: tuple[int, int]) -> Statistics:
    return statistics_of(NativeBackend(), path, *part)


def merged(parts: Iterable[Statistics]) -> Statistics:
    """Return the statistics of all rows, from those of parts of them, in the given order."""
    first, *others = parts
    mean, square, n = first.mean, first.std**2 * first.n, first.n
    for part in others:
        both = n + part.n
        apart = part.mean - mean
        mean = mean + apart * (part.n / both)
        square = square + part.std**2 * part.n + apart**2 * (n * part.n / both)
        n = both
    return Statistics(mean, np.sqrt(square / n), n)
