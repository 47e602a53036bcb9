# SPDX-License-Identifier: MIT
"""How long until the first batch of a new loader, and of a new epoch, when the arrays are in memory?"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import numpy as np

from fastbatch.bench.job import Job, Target
from fastbatch.bench.rivals.fastbatch import build
from fastbatch.bench.scenarios import rows_shuffled
from fastbatch.bench.subject import package

TARGETS = (
    Target(of="new epoch to its first batch, small rows", at_most=200, unit="us"),
    Target(of="construction to the first batch", at_most=10, unit="ms"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return rows_shuffled.job(folder, threads, smoke)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Time each step many times; return medians."""
    fastbatch = package(subject)
    first, construction = [], []
    np.load(job.data).sum()  # loads the file into the page cache
    for _ in range(20):
        start = time.perf_counter()
        with build(fastbatch, job, threads=job.threads) as loader:
            construction.append(time.perf_counter() - start)
            next(iter(loader))
            first.append(time.perf_counter() - start)
    with build(fastbatch, job, threads=job.threads) as loader:
        restart = [_first_batch(loader) for _ in range(50)]
    # 64 floats per row, 32 rows per batch: the overhead is timed, not the copying.
    small = np.zeros((20_000, 64), np.float32)
    with fastbatch.arrays(small, batch_size=32, shuffle=True, threads=job.threads) as loader:
        epoch = [_first_batch(loader) for _ in range(200)]
    return {
        "new epoch to its first batch, small rows": 1e6 * median(epoch),
        "construction to the first batch": 1e3 * median(first),
        "first construction of the process to its first batch (ms)": 1e3 * first[0],
        "construction alone (ms)": 1e3 * median(construction),
        "new epoch to its first batch, 256 rows of 3,136 bytes (us)": 1e6 * median(restart),
    }


def _first_batch(loader: object) -> float:
    start = time.perf_counter()
    iterator = iter(loader)  # type: ignore[call-overload]
    next(iterator)
    return time.perf_counter() - start
