# SPDX-License-Identifier: MIT
"""How fast are photographs of 4,000 x 3,000 randomly cropped, resized to 224 x 224, mirrored and normalised?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import jpeg_crop

UNIT = "images/s"
RIVALS = ("fastbatch", "fastbatch-unindexed", "torch-w2", "tf")
SMOKE = ("fastbatch",)
TARGETS = (
    Target(of="fastbatch", to="tf", at_least=8),
    Target(of="fastbatch-unindexed", to="tf", at_least=3.5),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 4 if smoke else 64
    photographs = data.large_jpegs(folder, n, *((400, 300) if smoke else (4000, 3000)))
    return Job(
        kind="jpeg",
        data=str(photographs),
        n=n,
        batch_size=4 if smoke else 16,
        threads=threads,
        crop="random_resized",
        flip=True,
        is_large=True,
    )


def limits(job: Job) -> dict[str, list[str]]:
    return jpeg_crop.limits(job)
