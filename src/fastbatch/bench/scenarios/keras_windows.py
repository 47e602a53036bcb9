# SPDX-License-Identifier: MIT
"""How much faster than Keras's is `timeseries_dataset_from_array`, and how much memory do its windows take?"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench.job import Job, Target
from fastbatch.bench.rivals.keras import timeseries
from fastbatch.bench.subject import memory

TARGETS = (
    Target(of="windows, times Keras", at_least=5),
    Target(of="memory above the data (MiB)", at_most=64),
)
LENGTH = 60


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=2_000 if smoke else 400_000, batch_size=256, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns over whole epochs of shuffled windows of 60 rows of 16 numbers."""
    from fastbatch.keras import timeseries_dataset_from_array

    theirs = timeseries()
    data = np.random.default_rng(0).standard_normal((job.n, 16)).astype(np.float32)
    targets = np.arange(job.n)
    options: dict[str, Any] = {"sequence_length": LENGTH, "batch_size": job.batch_size, "shuffle": True, "seed": 1}
    before = memory("VmHWM")
    mine = timeseries_dataset_from_array(data, targets, **options)
    n = sum(len(y) for _, y in mine)
    peak = memory("VmHWM") - before
    keras = theirs(data, targets, **options)
    if n != job.n - LENGTH + 1 or n != sum(len(y) for _, y in keras):
        raise AssertionError("not Keras's windows")
    rates = [(n / _seconds(mine), n / _seconds(keras)) for _ in range(3)]
    return {
        "windows, times Keras": median(one / other for one, other in rates),
        "windows/s": median(one for one, _ in rates),
        "windows/s, Keras": median(other for _, other in rates),
        "memory above the data (MiB)": peak,
    }


def _seconds(batches: Any) -> float:
    start = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - start
