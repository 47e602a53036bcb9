# SPDX-License-Identifier: MIT
"""How fast are shuffled batches of a Parquet table in memory, against the same columns as .npy, and Hugging Face's?"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import package

COLUMNS = 10
ROUNDS = 5
BATCHES_OF_RIVAL = 50  # of its epoch, which takes minutes

TARGETS = (
    Target(of="speed against .npy columns", at_least=0.7),
    Target(of="speed against datasets with torch format", at_least=20),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 20_000 if smoke else 1_000_000

    def make(path: Path) -> None:
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ImportError:
            raise Skipped("pyarrow is not installed") from None
        random = np.random.default_rng(0)
        columns = {f"c{i}": random.normal(size=n).astype(np.float32) for i in range(COLUMNS)}
        parquet.write_table(arrow.table(columns), path, row_group_size=100_000)

    return Job(
        kind="rows", data=str(data.once(folder / f"table-{n}.parquet", make)), n=n, batch_size=256, threads=threads
    )


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between the table, the same columns as arrays, and the rival, whose first batches are timed."""
    from pyarrow import parquet

    fastbatch = package(subject)
    read = parquet.read_table(job.data)
    arrays = {name: read.column(name).to_numpy() for name in read.column_names}
    options = {"batch_size": job.batch_size, "shuffle": True, "threads": job.threads}
    table, plain = fastbatch.table(job.data, **options), fastbatch.arrays(arrays, **options)
    if any(not np.array_equal(one[name], other[name]) for one, other in zip(table, plain, strict=True) for name in one):
        raise RuntimeError("the table and the arrays give different batches")
    rival = _rival(job)
    rounds = [(_epoch(table, job.n), _epoch(plain, job.n), rival()) for _ in range(ROUNDS)]
    ours = median(one for one, _, _ in rounds)
    return {
        "speed against .npy columns": median(other / one for one, other, _ in rounds),
        "speed against datasets with torch format": median(other / one for one, _, other in rounds),
        "an epoch (s)": ours,
        "rows/s": job.n / ours,
    }


def _epoch(loader: Any, n: int) -> float:
    start = time.perf_counter()
    found = sum(len(batch["c0"]) for batch in loader)
    taken = time.perf_counter() - start
    if found != n:
        raise RuntimeError(f"expected {n} rows, found {found}")
    return taken


def _rival(job: Job) -> Any:
    """Return a function that returns the seconds of an epoch, from its first batches."""
    try:
        import datasets
        import torch  # noqa: F401
    except ImportError:
        raise Skipped("datasets or torch is not installed") from None
    rows = datasets.Dataset.from_parquet(job.data, cache_dir=f"{job.data}.cache").with_format("torch")
    order = np.random.default_rng(0).permutation(job.n)

    def run() -> float:
        n_batches = min(BATCHES_OF_RIVAL, job.n // job.batch_size)
        start = time.perf_counter()
        for i in range(0, n_batches * job.batch_size, job.batch_size):
            rows[order[i : i + job.batch_size].tolist()]
        return (time.perf_counter() - start) * job.n / (n_batches * job.batch_size)

    return run
