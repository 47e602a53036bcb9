# SPDX-License-Identifier: MIT
"""How fast are three loaders mixed by shares, against the slowest of them alone, and how long does a resume take?"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import jpeg_crop, rows_shuffled
from fastbatch.bench.subject import package
from fastbatch.plan.mixture import turns_of

TARGETS = (
    Target(of="rows: mix / the slowest alone", at_least=0.95),
    Target(of="JPEGs: mix / the slowest alone", at_least=0.95),
    Target(of="resume to the first batch", at_most=10, unit="ms"),
)
SHARES = (0.5, 0.3, 0.2)
ROUNDS = 7


def job(folder: Path, threads: int, smoke: bool) -> Job:
    images = jpeg_crop.job(folder, threads, smoke)
    return Job(**{**vars(rows_shuffled.job(folder, threads, smoke)), "ids": images.data})


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns: each part alone, and the mixture. The samples are compared before the time counts."""
    fastbatch = package(subject)
    options = {"shuffle": True, "batch_size": job.batch_size, "threads": job.threads}
    rows = np.load(job.data, mmap_mode="r")
    parts = [fastbatch.arrays(rows, seed=i, **options) for i in range(3)]  # all read as much memory
    batch_size = min(64, len(fastbatch.images(job.ids, size=1, batch_size=1)) // 2)  # at least two batches
    crops = {"size": 224, "crop": "random", "flip": True, **options, "batch_size": batch_size}
    photos = [fastbatch.images(job.ids, seed=i, **crops) for i in range(3)]
    rows_ratio = mixed_against_slowest(fastbatch, parts, options)
    images_ratio = mixed_against_slowest(fastbatch, photos, {"batch_size": batch_size, "threads": job.threads})
    return {
        "rows: mix / the slowest alone": rows_ratio,
        "JPEGs: mix / the slowest alone": images_ratio,
        "resume to the first batch": 1e3 * resume_s(fastbatch, parts, job),
    }


def mixed_against_slowest(fastbatch: Any, parts: list[Any], options: dict[str, Any]) -> float:
    """Return the ratio of samples per second."""
    options = {key: value for key, value in options.items() if key != "shuffle"}
    mixture = fastbatch.mix(zip(parts, SHARES, strict=True), stop="last", **options)
    check(mixture, parts)
    rates: dict[int, list[float]] = {i: [] for i in range(len(parts) + 1)}
    for _ in range(ROUNDS):
        for i, loader in enumerate([*parts, mixture]):
            rates[i].append(samples_per_second(loader, len(parts[0])))
    return median(rates[len(parts)]) / min(median(rates[i]) for i in range(len(parts)))


def check(mixture: Any, parts: list[Any]) -> None:
    """Raise ValueError unless the first samples of the first part are its own."""
    batch = first_part(next(iter(mixture)))
    turns = np.resize(turns_of((5, 3, 2)), len(batch))
    for i, part in enumerate(parts):
        mine = batch[turns == i]
        if not np.array_equal(mine, first_part(next(iter(part)))[: len(mine)]):
            raise ValueError(f"the mixture's samples of part {i} are not the part's")
        part.set_epoch(0)
    mixture.set_epoch(0)


def first_part(batch: Any) -> Any:
    """Return the samples without their labels."""
    return batch[0] if isinstance(batch, tuple) else batch


def samples_per_second(loader: Any, n_batches: int) -> float:
    """Return the rate of as many batches, after the first one."""
    batches = iter(loader)
    next(batches)
    n, start = 0, time.perf_counter()
    for _, batch in zip(range(n_batches - 1), batches, strict=False):
        n += len(first_part(batch))
    return n / (time.perf_counter() - start)


def resume_s(fastbatch: Any, parts: list[Any], job: Job) -> float:
    """Return the seconds from a state in mid-epoch to the next batch, construction included."""
    options = {"batch_size": job.batch_size, "threads": job.threads}
    state = fastbatch.mix(zip(parts, SHARES, strict=True), **options).state_dict()
    state.update(epoch=3, position=job.n // 4)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        mixture = fastbatch.mix(zip(parts, SHARES, strict=True), **options)
        mixture.load_state_dict(state)
        next(iter(mixture))
        times.append(time.perf_counter() - start)
        mixture.close()
    return median(times)
