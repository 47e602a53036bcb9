# SPDX-License-Identifier: MIT
"""How fast do shuffled rows of one big float32 .npy become batches, when the file is in the page cache?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target

UNIT = "rows/s"
COLUMNS = 784
HEADER = 128  # bytes before the first row of these .npy files
RIVALS = (
    "fastbatch",
    "pure",
    "numpy",
    "numpy-tuned",
    "torch-w0",
    "torch-w2",
    "torch-batched-w0",
    "torch-batched-w2",
    "tf",
    "grain",
)
SMOKE = ("fastbatch", "pure", "numpy", "numpy-tuned", "torch-w2", "tf", "grain")
TARGETS = (
    Target(of="fastbatch", to="limit", at_least=0.9),
    Target(of="fastbatch", to="fastest rival", at_least=1.8),
    Target(of="fastbatch", to="torch-w2", at_least=25),
)


def job(folder: Path, threads: int, smoke: bool, shuffle: bool = True) -> Job:
    n = 2_000 if smoke else 200_000
    return Job(
        kind="rows",
        data=str(data.rows(folder, n, COLUMNS)),
        ids=str(data.ids(folder, n)),
        n=n,
        columns=COLUMNS,
        batch_size=256,
        threads=threads,
        shuffle=shuffle,
    )


def limits(job: Job, **more: int) -> dict[str, list[str]]:
    """Gather the rows with their labels, the fastest way that the program knows; `limit-rows`: without labels."""
    options = {
        "file": job.data,
        "offset": HEADER,
        "row-bytes": 4 * job.columns,
        "samples": job.n,
        "batch": job.batch_size,
        "threads": job.threads,
        "order": "shuffled" if job.shuffle else "sequential",
        "ring": 4,
        **more,
    }
    return gathers(options, {"labels": job.ids})


def gathers(options: dict[str, Any], labels: dict[str, Any]) -> dict[str, list[str]]:
    """Return the commands of two limits: with the labels that a loader delivers, and the rows alone."""
    rows = ["gather", *(word for key, value in options.items() for word in (f"--{key}", str(value)))]
    return {
        "limit": rows + [word for key, value in labels.items() for word in (f"--{key}", str(value))],
        "limit-rows": rows,
    }
