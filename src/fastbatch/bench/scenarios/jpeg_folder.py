# SPDX-License-Identifier: MIT
"""How fast does a folder of JPEG photographs (500 x 375, 100 KB) become shuffled float32 batches at 224 x 224?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target

UNIT = "images/s"
MORE = ("torchvision-w2", "simplejpeg", "spdl", "dali", "ffcv", "webdataset-w2", "datasets-w2")
RIVALS = ("fastbatch", "pure", "numpy", "torch-w0", "torch-w2", "tf", "grain", *MORE)
SMOKE = ("fastbatch", "pure", "numpy", "torch-w0", "tf", "grain")
TARGETS = (
    Target(of="fastbatch", to="limit", at_least=0.85),
    Target(of="fastbatch", to="torch-w2", at_least=2.4),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else 1_000
    photographs = str(data.jpegs(folder, n))
    return Job(kind="jpeg", data=photographs, n=n, batch_size=16 if smoke else 64, threads=threads, exact=True)


def adapt(job: Job) -> Job:
    """Return the request for other photographs."""
    return job


def limits(job: Job) -> dict[str, list[str]]:
    """Read each file with one pread and decode it whole, without a resize."""
    return {"limit": ["jpeg", "--folder", job.data, "--threads", str(job.threads)]}
