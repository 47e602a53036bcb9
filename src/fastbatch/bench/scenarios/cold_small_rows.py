# SPDX-License-Identifier: MIT
"""The same with rows of 3,136 bytes: how fast is a cold file whose pages each hold parts of several rows?

The limit here reads the whole file sequentially while it copies: the file fits into memory, an epoch needs all of it,
and large sequential reads are fastest on a disk. `limit-by-row` tells the kernel of each row.
"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import cold_rows, rows_shuffled
from fastbatch.bench.scenarios.rows_shuffled import COLUMNS, UNIT

RIVALS = ("fastbatch", "fastbatch-unadvised", "numpy")
TARGETS = (Target(of="fastbatch", to="limit-by-row", at_least=0.8),)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return cold_rows.make_job(folder, threads, 2_000 if smoke else 200_000, COLUMNS, 256)


def limits(job: Job) -> dict[str, list[str]]:
    return {
        "limit": rows_shuffled.limits(job, cold=1, sweep=1, part=16)["limit-rows"],
        "limit-by-row": rows_shuffled.limits(job, cold=1, advice=4096, part=16)["limit-rows"],
        "limit-unadvised": rows_shuffled.limits(job, cold=1, advice=0, part=16)["limit-rows"],
    }


__all__ = ["RIVALS", "TARGETS", "UNIT", "job", "limits"]
