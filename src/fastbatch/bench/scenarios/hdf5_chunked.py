# SPDX-License-Identifier: MIT
"""How fast are shuffled rows of a chunked, gzipped data set of HDF5, against h5py in a loop?

The images, one a chunk, are more than a loader keeps in memory; the features, 64 rows a chunk, are less.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import package

SIDE = 64
FEATURES = 784
CHUNK_ROWS = 64  # of features
BATCHES_OF_RIVAL = 10  # of its epoch, which takes minutes where each row needs a whole chunk
ROUNDS = 5
NAMES = ("images", "features")

TARGETS = tuple(Target(of=f"speed against h5py, {name}", at_least=5) for name in NAMES)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 500 if smoke else 24_000

    def make(path: Path) -> None:
        try:
            import h5py
        except ImportError:
            raise Skipped("h5py is not installed") from None
        random = np.random.default_rng(0)
        options = {"compression": "gzip", "shuffle": True}
        with h5py.File(path, "w") as file:
            images = file.create_dataset("images", (n, SIDE, SIDE, 3), "u1", chunks=(1, SIDE, SIDE, 3), **options)
            features = file.create_dataset("features", (n, FEATURES), "f4", chunks=(CHUNK_ROWS, FEATURES), **options)
            for start in range(0, n, 100):
                few = min(100, n - start)
                images[start : start + few] = random.integers(0, 16, (few, SIDE, SIDE, 3), np.uint8) * 16
                features[start : start + few] = random.normal(size=(few, FEATURES)).round(2)

    return Job(kind="rows", data=str(data.once(folder / f"chunked-{n}.h5", make)), n=n, batch_size=64, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between the loader and a loop over h5py, of which the first batches are timed."""
    import h5py

    fastbatch = package(subject)
    figures: dict[str, float] = {}
    with h5py.File(job.data, "r") as file:
        for name in NAMES:
            rows = file[name]
            loader = fastbatch.arrays(
                rows, batch_size=job.batch_size, shuffle=True, threads=job.threads, with_index=True
            )
            batch, index = next(iter(loader))
            if not np.array_equal(batch, np.stack([rows[i] for i in index.tolist()])):
                raise RuntimeError("other rows than h5py's")
            rounds = [(_epoch(loader, job.n), _loop(rows, job)) for _ in range(ROUNDS)]
            figures[f"speed against h5py, {name}"] = median(other / one for (one, _), (other, _) in rounds)
            figures[f"the same in CPU time, {name}"] = median(other / one for (_, one), (_, other) in rounds)
            figures[f"rows/s, {name}"] = job.n / median(one for (one, _), _ in rounds)
    return figures


def _epoch(loader: Any, n: int) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of an epoch."""
    start, start_cpu = time.perf_counter(), time.process_time()
    found = sum(len(index) for _, index in loader)
    if found != n:
        raise RuntimeError(f"expected {n} rows, found {found}")
    return time.perf_counter() - start, time.process_time() - start_cpu


def _loop(rows: Any, job: Job) -> tuple[float, float]:
    """Return the same for h5py, from its first batches of a random order."""
    order = np.random.default_rng(0).permutation(job.n).tolist()
    n = min(BATCHES_OF_RIVAL, job.n // job.batch_size) * job.batch_size
    start, start_cpu = time.perf_counter(), time.process_time()
    for i in range(0, n, job.batch_size):
        np.stack([rows[j] for j in order[i : i + job.batch_size]])
    scale = job.n / n
    return (time.perf_counter() - start) * scale, (time.process_time() - start_cpu) * scale
