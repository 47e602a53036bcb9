# SPDX-License-Identifier: MIT
"""How much does `import fastbatch` add to `import numpy`, and the first use of `arrays`, in fresh interpreters?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from fastbatch.bench.job import Job, Target

TARGETS = (
    Target(of="import above NumPy's", at_most=60, unit="ms"),
    Target(of="import above NumPy's / NumPy's own", at_most=0.5),
)
# Public functions, and NumPy, are imported when they are first used.
SCRIPT = """
import time
start = time.perf_counter()
import numpy
numpy_s = time.perf_counter() - start
import {subject} as fb
import_s = time.perf_counter() - start - numpy_s
fb.arrays(numpy.zeros((2, 2)))
print(numpy_s, import_s, time.perf_counter() - start - numpy_s)
"""


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=2 if smoke else 15, batch_size=1, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Import in `n` interpreters; the first one warms the page cache and is not counted."""
    numpy_s, import_s, first_s = zip(*[_seconds(subject) for _ in range(job.n + 1)][1:], strict=True)
    return {
        "import above NumPy's": 1e3 * median(import_s),
        "import above NumPy's / NumPy's own": median(
            ours / theirs for ours, theirs in zip(import_s, numpy_s, strict=True)
        ),
        "import and first loader above NumPy's (ms)": 1e3 * median(first_s),
        "import numpy (ms)": 1e3 * median(numpy_s),
    }


def _seconds(subject: str) -> list[float]:
    command = [sys.executable, "-c", SCRIPT.format(subject=subject)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]
