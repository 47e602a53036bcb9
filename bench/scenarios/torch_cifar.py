# SPDX-License-Identifier: MIT
"""How much faster does torchvision's recipe for CIFAR-10 become by changing the loader's import?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from job import Job, Target

TARGETS = (Target(of="times torch, 2 workers", at_least=15),)
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="images", data="", n=1_000 if smoke else 20_000, batch_size=128, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Time whole epochs in turns, after comparing every byte of one."""
    import numpy as np
    from torch.utils.data import DataLoader

    import fastbatch.torch
    from torch_race import in_turns, ratio, same_batches, seconds
    from torchvision_import import datasets, transforms

    random = np.random.default_rng(1)
    dataset: Any = object.__new__(datasets.CIFAR10)  # without its files
    dataset.data = random.integers(0, 256, (job.n, 3, 32, 32), dtype=np.uint8).transpose(0, 2, 3, 1)
    dataset.targets = random.integers(0, 10, job.n).tolist()
    dataset.target_transform = None
    steps = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    dataset.transform = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    options: dict[str, Any] = {"batch_size": job.batch_size, "shuffle": True}
    workers: dict[str, Any] = {**options, "num_workers": 2, "persistent_workers": True}
    loaders = {
        "ours": fastbatch.torch.DataLoader(dataset, **workers, threads=job.threads),
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
        "times torch, 2 workers": ratio(found["torch, 2"], found["ours"]),
        "with num_workers=0, times torch, 2 workers": ratio(found["torch, 2"], found["none"]),
        "dataset() in torch's own loader, of ours": ratio(found["ours"], found["wrapped"]),
        "images/s": job.n / sorted(found["ours"])[2],
    }
