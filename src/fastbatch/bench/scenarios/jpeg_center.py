# SPDX-License-Identifier: MIT
"""How fast is the usual evaluation: the shorter side to 256, the centre of 224 x 224, normalised?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import jpeg_folder

UNIT = "images/s"
RIVALS = ("fastbatch", "torch-w2", "tf", *jpeg_folder.MORE)
SMOKE = ("fastbatch",)
TARGETS = (
    Target(of="fastbatch", to="tf", at_least=1.5),
    Target(of="fastbatch", to="torch-w2", at_least=3),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return adapt(jpeg_folder.job(folder, threads, smoke))


def adapt(job: Job) -> Job:
    """Return the request for other photographs."""
    return replace(job, crop="center", resize=256, exact=False)


def limits(job: Job) -> dict[str, list[str]]:
    return {"limit-full": jpeg_folder.limits(job)["limit"]}
