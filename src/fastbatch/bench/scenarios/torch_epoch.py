# SPDX-License-Identifier: MIT
"""How long until an epoch begins, and until its first batch, and how much memory does a loader take beside torch's?"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

from fastbatch.bench.job import Job, Target

TARGETS = (
    Target(of="a new epoch (ms)", at_most=1),
    Target(of="first batch of the first epoch, of torch's with 2 workers", at_most=0.1),
    Target(of="resume in the middle of an epoch (ms)", at_most=20),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=2_000 if smoke else 200_000, columns=64, batch_size=256, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Make loaders anew, in turns with torch's; take the median of the rounds."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    import fastbatch.torch
    from fastbatch.bench.torch_race import in_turns, ratio, same_batches

    dataset = TensorDataset(torch.randn(job.n, job.columns), torch.arange(job.n))
    options: dict[str, Any] = {"batch_size": job.batch_size, "shuffle": True}

    def ours() -> Any:
        return fastbatch.torch.DataLoader(dataset, **options, threads=job.threads)

    def theirs(workers: int) -> Any:
        return DataLoader(dataset, **options, num_workers=workers)

    same_batches(ours(), theirs(0))
    kept = ours()
    list(kept)
    iterator = iter(kept)
    for _ in range(len(kept) // 2):
        next(iterator)
    middle = kept.state_dict()

    def resumed() -> Any:
        loader = ours()
        loader.load_state_dict(middle)
        return loader

    found = in_turns(
        {
            "iter": lambda: until_iterator(kept),
            "again": lambda: until_first(kept),
            "first": lambda: until_first(ours()),
            "torch, 0": lambda: until_first(theirs(0)),
            "torch, 2": lambda: until_first(theirs(2)),
            "resumed": lambda: until_first(resumed()),
        },
        9,
    )
    return {
        "a new epoch (ms)": 1e3 * median(found["iter"]),
        "a new epoch to its first batch (ms)": 1e3 * median(found["again"]),
        "first batch of the first epoch, of torch's with 2 workers": 1 / ratio(found["torch, 2"], found["first"]),
        "first batch of the first epoch, of torch's with 0 workers": 1 / ratio(found["torch, 0"], found["first"]),
        "resume in the middle of an epoch (ms)": 1e3 * median(found["resumed"]),
    }


def until_iterator(loader: Any) -> float:
    start = time.perf_counter()
    iter(loader)
    return time.perf_counter() - start


def until_first(loader: Any) -> float:
    start = time.perf_counter()
    next(iter(loader))
    return time.perf_counter() - start
