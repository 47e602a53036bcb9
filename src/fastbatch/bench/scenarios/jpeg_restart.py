# SPDX-License-Identifier: MIT
"""How fast do photographs with a restart marker after each row of blocks become randomly cropped float32 batches?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import jpeg_crop

UNIT = "images/s"
RIVALS = ("fastbatch", "torch-w2", "tf")
SMOKE = ("fastbatch",)
TARGETS = (Target(of="fastbatch", to="limit-crop", at_least=1.0),)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    wanted = jpeg_crop.job(folder, threads, smoke)
    return replace(wanted, data=str(data.recoded_jpegs(folder, wanted.n, "restart", restart_marker_rows=1)))


def limits(job: Job) -> dict[str, list[str]]:
    return jpeg_crop.limits(job)
