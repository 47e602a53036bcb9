# SPDX-License-Identifier: MIT
"""How much faster does torchvision's training recipe on a folder of JPEGs become by changing the loader's import?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import MEAN, STD, Job, Target

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
    from fastbatch.bench.torch_race import ratio, recipe_epochs
    from fastbatch.bench.torchvision_import import datasets, transforms

    steps = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()]
    steps += [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    dataset = datasets.ImageFolder(job.data, transforms.Compose(steps))
    found = recipe_epochs(dataset, job.batch_size, job.threads, fast={"exact": False})
    return {
        "exact, times torch, 2 workers": ratio(found["torch, 2"], found["ours"]),
        "fast, times torch, 2 workers": ratio(found["torch, 2"], found["fast"]),
        "exact with num_workers=0, times torch, 2 workers": ratio(found["torch, 2"], found["none"]),
        "dataset() in torch's own loader, of ours": ratio(found["ours"], found["wrapped"]),
        "images/s, exact": job.n / sorted(found["ours"])[2],
        "images/s, fast": job.n / sorted(found["fast"])[2],
    }
