# SPDX-License-Identifier: MIT
"""How fast do photographs (500 x 375) become randomly cropped, resized, mirrored and normalised float32 batches?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from job import Job, Target
from scenarios import jpeg_folder

UNIT = "images/s"
RIVALS = ("fastbatch", "torch-w2", "tf", "grain")
SMOKE = ("fastbatch",)
TARGETS = (
    Target(of="fastbatch", to="limit-crop", at_least=0.88),
    Target(of="fastbatch", to="limit-full", at_least=1.2),
    Target(of="fastbatch", to="tf", at_least=1.7),
    Target(of="fastbatch", to="torch-w2", at_least=3.4),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return replace(jpeg_folder.job(folder, threads, smoke), crop="random_resized", flip=True, exact=False)


def limits(job: Job) -> dict[str, list[str]]:
    """The codec alone: only boxes drawn by the same rule, and whole images."""
    full = jpeg_folder.limits(job)["limit"]
    return {"limit-crop": [*full, "--crop", "random"], "limit-full": full}
