# SPDX-License-Identifier: MIT
"""How long does a loader take to list a folder of 100,000 images: the first time, and again from its index?"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package

CLASSES = 100
REPEATS = 5

TARGETS = (
    Target(of="first time / os.scandir", at_most=2),
    Target(of="again", at_most=0.2, unit="s"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 2_000 if smoke else 100_000

    def make(path: Path) -> None:
        for c in range(CLASSES):
            inside = path / f"class {c:03}"
            inside.mkdir(parents=True)
            for i in range(n // CLASSES):
                (inside / f"image_{i:06}.jpg").touch()
            os.utime(inside, (1_600_000_000, 1_600_000_000))  # recently changed folders are not cached

    path = data.once(folder / f"listing-{n}", make)
    return Job(kind="jpeg", data=str(path), n=n, batch_size=32, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between a plain walk, and loaders without an index, writing it, and reading it."""
    fastbatch = package(subject)
    times: dict[str, list[float]] = {name: [] for name in ("scandir", "without an index", "first time", "again")}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as caches:
            os.environ["XDG_CACHE_HOME"] = caches
            times["scandir"].append(_timed(lambda: _walk(job.data), job.n))
            times["without an index"].append(_timed(lambda: _load(fastbatch, job, index_cache=False), job.n))
            times["first time"].append(_timed(lambda: _load(fastbatch, job), job.n))
            times["again"].append(_timed(lambda: _load(fastbatch, job), job.n))
    middle = {name: median(values) for name, values in times.items()}
    return {
        "first time / os.scandir": median(a / b for a, b in zip(times["first time"], times["scandir"], strict=True)),
        "again": middle["again"],
        "os.scandir (s)": middle["scandir"],
        "first time (s)": middle["first time"],
        "without an index (s)": middle["without an index"],
    }


def _timed(call: Any, n: int) -> float:
    start = time.perf_counter()
    found = call()
    taken = time.perf_counter() - start
    if found != n:
        raise RuntimeError(f"expected {n} files, found {found}")
    return taken


def _walk(root: str) -> int:
    """Return the number of files, the minimum work of a search below a folder."""
    found = 0
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    found += 1
    return found


def _load(fastbatch: Any, job: Job, **options: Any) -> int:
    with fastbatch.images(job.data, size=8, threads=1, **options) as loader:
        return int(loader.n_samples)
