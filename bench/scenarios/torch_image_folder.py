# SPDX-License-Identifier: MIT
"""How much faster does torchvision's training recipe on a folder of JPEGs become by changing the loader's import?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import data
from job import MEAN, STD, Job, Target

TARGETS = (
    Target(of="exact, times torch, 2 workers", at_least=2.5),
    Target(of="fast, times torch, 2 workers", at_least=4),
    Target(of="dataset() in torch's own loader, of ours", at_least=0.9),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else 1_000
    return Job(kind="jpeg", data=str(data.jpegs(folder, n)), n=n, batch_size=16 if smoke else 64, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Time whole epochs in turns, after comparing every byte of one."""
    from torch.utils.data import DataLoader

    import fastbatch.torch
    from torch_race import in_turns, ratio, same_batches, seconds
    from torchvision_import import datasets, transforms

    steps = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()]
    steps += [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    dataset = datasets.ImageFolder(job.data, transforms.Compose(steps))
    options: dict[str, Any] = {"batch_size": job.batch_size, "shuffle": True}
    workers: dict[str, Any] = {**options, "num_workers": 2, "persistent_workers": True}
    loaders = {
        "ours": fastbatch.torch.DataLoader(dataset, **workers, threads=job.threads),
        "fast": fastbatch.torch.DataLoader(dataset, **workers, threads=job.threads, exact=False),
        "none": fastbatch.torch.DataLoader(dataset, **options, threads=job.threads),
        "wrapped": DataLoader(fastbatch.torch.dataset(dataset, threads=job.threads), **options),
        "torch, 2": DataLoader(dataset, **workers),
    }
    if not loaders["ours"].explain().native:  # type: ignore[attr-defined]
        raise AssertionError(str(loaders["ours"].explain()))  # type: ignore[attr-defined]
    same_batches(fastbatch.torch.DataLoader(dataset, **workers), DataLoader(dataset, **workers))
    same_batches(loaders["wrapped"], loaders["none"])
    same_batches(loaders["none"], DataLoader(dataset, **options))
    for loader in loaders.values():
        seconds(loader)
    found = in_turns({name: lambda one=loader: seconds(one) for name, loader in loaders.items()}, 5)
    return {
        "exact, times torch, 2 workers": ratio(found["torch, 2"], found["ours"]),
        "fast, times torch, 2 workers": ratio(found["torch, 2"], found["fast"]),
        "exact with num_workers=0, times torch, 2 workers": ratio(found["torch, 2"], found["none"]),
        "dataset() in torch's own loader, of ours": ratio(found["ours"], found["wrapped"]),
        "images/s, exact": job.n / sorted(found["ours"])[2],
        "images/s, fast": job.n / sorted(found["fast"])[2],
    }
