# SPDX-License-Identifier: MIT
"""What does a shuffled loader over 10^9 rows cost before its first batch? (A sparse file; no order is stored.)"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import memory, package

TARGETS = (
    Target(of="construction", at_most=10, unit="ms"),
    Target(of="memory above NumPy's", at_most=20, unit="MiB"),
)
NUMPY_ALONE = """
import sys, numpy
a = numpy.load(sys.argv[1], mmap_mode="r")
print(next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 1_000_000 if smoke else 1_000_000_000
    return Job(kind="rows", data=str(data.sparse_rows(folder, n, 8)), n=n, batch_size=256, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Compare this process's peak memory with that of a process that only maps the file with NumPy."""
    command = [sys.executable, "-c", NUMPY_ALONE, job.data]
    numpy_alone = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    fastbatch = package(subject)
    start = time.perf_counter()
    loader = fastbatch.arrays(job.data, batch_size=job.batch_size, shuffle=True, threads=job.threads)
    constructed = time.perf_counter() - start
    peak = memory("VmHWM")
    next(iter(loader))
    first = time.perf_counter() - start
    loader.close()
    return {
        "construction": 1e3 * constructed,
        "memory above NumPy's": peak - numpy_alone,
        "construction to the first batch (ms)": 1e3 * first,
        "memory above NumPy's after the first batch (MiB)": memory("VmHWM") - numpy_alone,
    }
