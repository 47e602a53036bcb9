# SPDX-License-Identifier: MIT
"""How much memory does a loader use beyond its prefetched batches; does it grow with epochs or abandoned iterators?"""

from __future__ import annotations

import gc
from pathlib import Path

from fastbatch.bench.job import Job, Target
from fastbatch.bench.rivals.fastbatch import build
from fastbatch.bench.scenarios import rows_shuffled
from fastbatch.bench.subject import MIB, memory, package

PREFETCH = 4
TARGETS = (
    Target(of="extra beyond prefetch x batch", at_most=16, unit="MiB"),
    Target(of="growth over 50 epochs", at_most=1, unit="MiB"),
    Target(of="growth over 10,000 abandoned iterators", at_most=1, unit="MiB"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return rows_shuffled.job(folder, threads, smoke)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Record the process's anonymous memory after every batch."""
    fastbatch = package(subject)
    epochs, abandoned = (5, 100) if job.n < 10_000 else (50, 10_000)
    gc.collect()
    before = memory("RssAnon")
    with build(fastbatch, job, threads=job.threads, prefetch=PREFETCH) as loader:
        peak, batch_bytes = before, 0
        for x, ids in loader:
            peak = max(peak, memory("RssAnon"))
            batch_bytes = max(batch_bytes, x.nbytes + ids.nbytes)
        del x, ids
        after_one = _settled()
        for _ in range(epochs - 1):
            for _ in loader:
                pass
        after_all = _settled()
        for _ in range(100):
            next(iter(loader))
        some_abandoned = _settled()
        for _ in range(abandoned):
            next(iter(loader))
        all_abandoned = _settled()
    return {
        "extra beyond prefetch x batch": peak - before - PREFETCH * batch_bytes / MIB,
        "growth over 50 epochs": after_all - after_one,
        "growth over 10,000 abandoned iterators": all_abandoned - some_abandoned,
        "peak above the start (MiB)": peak - before,
        "left after close (MiB)": _settled() - before,
    }


def _settled() -> float:
    gc.collect()
    return memory("RssAnon")
