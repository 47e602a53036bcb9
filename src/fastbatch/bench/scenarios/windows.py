# SPDX-License-Identifier: MIT
"""How fast do shuffled, overlapping windows of a time series become batches? (2,000,000 x 8 float32, 128 rows each.)"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios.rows_shuffled import gathers

UNIT = "windows/s"
COLUMNS, LENGTH, STRIDE = 8, 128, 10
HEADER = 128  # bytes before the first row of these .npy files
RIVALS = ("fastbatch", "pure", "numpy", "torch-w0", "torch-w2", "torch-batched-w0", "torch-batched-w2")
SMOKE = ("fastbatch", "pure", "numpy", "torch-w2")
TARGETS = (
    Target(of="fastbatch", to="limit", at_least=0.9),
    Target(of="fastbatch", to="fastest rival", at_least=2),
    Target(of="fastbatch", to="torch-w2", at_least=30),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n_rows = 20_000 if smoke else 2_000_000
    return Job(
        kind="windows",
        data=str(data.rows(folder, n_rows, COLUMNS, "series")),
        ids=str(data.window_ids(folder, n_rows, LENGTH, STRIDE)),
        n=(n_rows - LENGTH) // STRIDE + 1,
        columns=COLUMNS,
        length=LENGTH,
        stride=STRIDE,
        batch_size=256,
        threads=threads,
    )


def limits(job: Job) -> dict[str, list[str]]:
    """Gather the windows with their labels, the fastest way that the program knows; `limit-rows`: without labels."""
    row = 4 * job.columns
    options = {
        "file": job.data,
        "offset": HEADER,
        "row-bytes": row * job.length,
        "stride": row * job.stride,
        "samples": job.n,
        "batch": job.batch_size,
        "threads": job.threads,
        "order": "shuffled",
        "ring": 4,
    }
    return gathers(options, {"labels": job.ids, "labels-first": job.length - 1, "labels-stride": job.stride})
