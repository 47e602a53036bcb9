# SPDX-License-Identifier: MIT
"""How much longer does `import fastbatch` take than `import numpy`, in fresh interpreters?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from job import Job, Target

TARGETS = (Target(of="import above NumPy's", at_most=60, unit="ms"),)
SCRIPT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=2 if smoke else 15, batch_size=1, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Import each in turn, `n` times; the first pair warms the page cache and is not counted."""
    pairs = [(_import("numpy"), _import(subject)) for _ in range(job.n + 1)][1:]
    return {
        "import above NumPy's": 1e3 * median(ours - numpy for numpy, ours in pairs),
        "import numpy (ms)": 1e3 * median(numpy for numpy, _ in pairs),
    }


def _import(module: str) -> float:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(module)], capture_output=True, text=True, check=True)
    return float(done.stdout)
