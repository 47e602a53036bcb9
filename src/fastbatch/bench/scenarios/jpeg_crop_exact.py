# SPDX-License-Identifier: MIT
"""What do Pillow's own bytes cost in `jpeg_crop`, where every photograph is decoded whole?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import jpeg_crop
from fastbatch.bench.scenarios.jpeg_crop import UNIT

RIVALS = ("fastbatch",)
TARGETS = (Target(of="fastbatch", to="limit-full", at_least=0.85),)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return replace(jpeg_crop.job(folder, threads, smoke), exact=True)


def limits(job: Job) -> dict[str, list[str]]:
    return {"limit-full": jpeg_crop.limits(job)["limit-full"]}


__all__ = ["RIVALS", "TARGETS", "UNIT", "job", "limits"]
