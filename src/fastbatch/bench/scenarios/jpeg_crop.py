# SPDX-License-Identifier: MIT
"""How fast do photographs (500 x 375) become randomly cropped, resized, mirrored and normalised float32 batches?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import jpeg_folder

UNIT = "images/s"
RIVALS = ("fastbatch", "fastbatch-unindexed", "torch-w2", "tf", "grain", *jpeg_folder.MORE)
SMOKE = ("fastbatch",)
TARGETS = (
    Target(of="fastbatch", to="limit-crop", at_least=1.5),
    Target(of="fastbatch-unindexed", to="limit-crop", at_least=1.2),
    Target(of="fastbatch", to="limit-full", at_least=1.2),
    Target(of="fastbatch", to="tf", at_least=1.7),
    Target(of="fastbatch", to="torch-w2", at_least=3.4),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return adapt(jpeg_folder.job(folder, threads, smoke))


def adapt(job: Job) -> Job:
    """Return the request for other photographs."""
    return replace(job, crop="random_resized", flip=True, exact=False)


def limits(job: Job) -> dict[str, list[str]]:
    """The codec alone: only boxes drawn by the same rule, and whole images."""
    full = jpeg_folder.limits(job)["limit"]
    return {"limit-crop": [*full, "--crop", "random"], "limit-full": full}
