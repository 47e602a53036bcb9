# SPDX-License-Identifier: MIT
"""How much faster does torchvision's recipe for CIFAR-10 become by changing the loader's import?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastbatch.bench.job import Job, Target

TARGETS = (Target(of="times torch, 2 workers", at_least=15),)
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="images", data="", n=1_000 if smoke else 20_000, batch_size=128, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Time whole epochs in turns, after comparing every byte of one."""
    import numpy as np

    from fastbatch.bench.torch_race import ratio, recipe_epochs
    from fastbatch.bench.torchvision_import import datasets, transforms

    random = np.random.default_rng(1)
    dataset: Any = object.__new__(datasets.CIFAR10)  # without its files
    dataset.data = random.integers(0, 256, (job.n, 3, 32, 32), dtype=np.uint8).transpose(0, 2, 3, 1)
    dataset.targets = random.integers(0, 10, job.n).tolist()
    dataset.target_transform = None
    steps = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    dataset.transform = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    found = recipe_epochs(dataset, job.batch_size, job.threads)
    return {
        "times torch, 2 workers": ratio(found["torch, 2"], found["ours"]),
        "with num_workers=0, times torch, 2 workers": ratio(found["torch, 2"], found["none"]),
        "dataset() in torch's own loader, of ours": ratio(found["ours"], found["wrapped"]),
        "images/s": job.n / sorted(found["ours"])[2],
    }
