# SPDX-License-Identifier: MIT
"""How fast do shuffled rows of 128 KiB come from a file that is not in memory: with hints to the kernel, and without?

Before each epoch the file is dropped from the page cache, which is verified; each epoch opens the file anew. The limit
knows the whole order and tells the kernel of each row 16 rows before it copies it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import rows_shuffled
from fastbatch.bench.scenarios.rows_shuffled import UNIT

RIVALS = ("fastbatch", "fastbatch-unadvised", "numpy")
TARGETS = (
    Target(of="fastbatch", to="limit", at_least=0.8),
    Target(of="fastbatch", to="fastbatch-unadvised", at_least=5),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n, columns = (128, 4_096) if smoke else (5_000, 32_768)
    return make_job(folder, threads, n, columns, 16)


def make_job(folder: Path, threads: int, n: int, columns: int, batch_size: int) -> Job:
    """Return a job on its own file: dropping the pages of another scenario's file would slow that one."""
    path, ids = data.rows(folder, n, columns, name="cold"), data.ids(folder, n)
    options: dict[str, Any] = {"n": n, "columns": columns, "batch_size": batch_size, "threads": threads}
    return Job(kind="rows", data=str(path), ids=str(ids), is_cold=True, **options)


def limits(job: Job) -> dict[str, list[str]]:
    return {
        "limit": rows_shuffled.limits(job, cold=1, advice=16, part=1)["limit-rows"],
        "limit-unadvised": rows_shuffled.limits(job, cold=1, advice=0, part=1)["limit-rows"],
    }


__all__ = ["RIVALS", "TARGETS", "UNIT", "job", "limits"]
