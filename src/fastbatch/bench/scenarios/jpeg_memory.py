# SPDX-License-Identifier: MIT
"""How much memory does a process need that reads photographs with two threads, batches of 64, and two prefetched?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench.job import Job, Target
from fastbatch.bench.rivals.fastbatch import build
from fastbatch.bench.scenarios import jpeg_crop
from fastbatch.bench.subject import memory, package

TARGETS = (Target(of="peak of the whole process", at_most=154, unit="MiB"),)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return jpeg_crop.job(folder, threads, smoke)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Run two epochs like a training loop, which holds only the current batch."""
    before = memory("VmHWM")
    with build(package(subject), job, threads=2, prefetch=2) as loader:
        for _ in range(2):
            for _ in loader:
                pass
    return {"peak of the whole process": memory("VmHWM"), "before (Python, NumPy)": before}
