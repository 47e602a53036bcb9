# SPDX-License-Identifier: MIT
"""By how much does the memory of all processes grow in an epoch, when a dataset holds 10 million Python objects?

Worker processes share the objects with their parent, until they count their references: then each has its own copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastbatch.bench.job import Job, Target

TARGETS = (Target(of="growth with threads, of the objects' memory", at_most=0.1),)
N_READ = 1_000_000  # samples that an epoch takes, anywhere in the dataset


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=20_000 if smoke else 10_000_000, columns=1, batch_size=1000, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take the memory of the process and its children (each shared page counted in parts) before and in an epoch."""
    from torch.utils.data import DataLoader, Dataset, RandomSampler

    import fastbatch.torch

    class Names(Dataset[int]):
        def __init__(self) -> None:
            self.names = [f"image {i}.jpg" for i in range(job.n)]

        def __len__(self) -> int:
            return job.n

        def __getitem__(self, i: int) -> int:
            return len(self.names[i])

    empty = memory_of_all()
    dataset = Names()
    objects = memory_of_all() - empty

    def growth(loader_class: Any, **options: Any) -> float:
        sampler = RandomSampler(dataset, replacement=True, num_samples=min(job.n, N_READ))
        before = most = memory_of_all()
        for k, _ in enumerate(loader_class(dataset, job.batch_size, sampler=sampler, **options)):
            if k % 50 == 49:
                most = max(most, memory_of_all())
        return (most - before) / objects

    return {
        "growth with threads, of the objects' memory": growth(
            fastbatch.torch.DataLoader, workers="thread", threads=job.threads
        ),
        "growth with dataset(), of the objects' memory": growth(
            lambda source, *rest, **options: DataLoader(fastbatch.torch.dataset(source), *rest, **options)
        ),
        "growth with torch's 2 workers, of the objects' memory": growth(DataLoader, num_workers=2),
        "objects (MB)": objects / 1e6,
    }


def memory_of_all() -> float:
    """Return the bytes of this process and its children; a page that n of them share counts as 1 / n for each."""
    import psutil

    this = psutil.Process()
    return float(sum(one.memory_full_info().pss for one in (this, *this.children(recursive=True))))
