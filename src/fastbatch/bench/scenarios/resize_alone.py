# SPDX-License-Identifier: MIT
"""How much faster than Pillow is the exact resize alone, 500 x 375 to 224 x 224, on one thread?"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench.job import SIDE, Job, Target

TARGETS = (
    Target(of="avx2 / Pillow", at_least=3),
    Target(of="avx3 / Pillow", at_least=6),
)
REPEATS = 10


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=3 if smoke else 40, batch_size=1, threads=1)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns with Pillow, `n` times, on each instruction set; the ratio is the median of the turns' ratios."""
    from PIL import Image

    import fastbatch
    from fastbatch.native import kernels

    pixels = np.random.default_rng(0).integers(0, 256, (375, 500, 3), np.uint8)
    image = Image.fromarray(pixels)
    values = {}
    for target in ("avx3", "avx2"):
        if target not in kernels.supported_targets():
            continue
        kernels.narrow_targets(target)
        if not np.array_equal(fastbatch.resize(pixels, SIDE), image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)):
            raise RuntimeError(f"{target}: the bytes are not Pillow's")
        turns = [
            (
                _time(lambda: image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)),
                _time(lambda: fastbatch.resize(pixels, SIDE)),
            )
            for _ in range(job.n)
        ]
        values[f"{target} / Pillow"] = median(theirs / ours for theirs, ours in turns)
        values[f"{target} (us)"] = median(ours for _, ours in turns)
        values["Pillow (us)"] = median(theirs for theirs, _ in turns)
    kernels.narrow_targets("")
    return values


def _time(call: Callable[[], Any]) -> float:
    start = time.process_time()
    for _ in range(REPEATS):
        call()
    return (time.process_time() - start) / REPEATS * 1e6
