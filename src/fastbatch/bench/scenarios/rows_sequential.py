# SPDX-License-Identifier: MIT
"""How fast do rows of one big float32 .npy become batches in file order, when the file is in the page cache?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import rows_shuffled
from fastbatch.bench.scenarios.rows_shuffled import RIVALS, UNIT, limits

SMOKE = ("fastbatch", "pure", "numpy", "numpy-tuned")
TARGETS = (
    Target(of="fastbatch", to="limit", at_least=0.9),
    Target(of="fastbatch", to="fastest rival", at_least=1.8),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return rows_shuffled.job(folder, threads, smoke, shuffle=False)


__all__ = ["RIVALS", "TARGETS", "UNIT", "job", "limits"]
