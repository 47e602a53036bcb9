# SPDX-License-Identifier: MIT
"""What one feed is asked to do, which loaders it opens for that, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from fastbatch.loader.loader import Loader

Data = Literal["photos", "digits"]
Feed = Literal["pure", "fastbatch"]

SIZE = 224  # pixels, as most image networks take them
BATCH_SIZE = 64
VALIDATION = 0.2
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which everybody uses


@dataclass(frozen=True)
class Job:
    """What to run; `most` limits the number of samples, loading is measured for `loading_s` or a little more."""

    feed: Feed
    data: Data
    folder: str
    epochs: int
    threads: int | None
    seed: int
    most: int | None
    loading_s: float


@dataclass(frozen=True)
class Result:
    """What one feed did; `digests` has one CRC-32 for every batch, of training first and then of validation."""

    samples_per_s: float
    first_batch_s: float
    peak_bytes: int
    imports_bytes: int
    accuracy: float
    digests: list[int]
    n_samples: int
    n_classes: int


def open_loaders(package: ModuleType, job: Job, **options: Any) -> tuple[Loader, Loader]:
    """Return the training and the validation loader of `package`; `options` go before the demo's own.

    Args:
        package: `fastbatch` or `fastbatch.pure`.
        job: Says which data, how many of them, and the seed.
        options: Others than the demo's; with a `dtype` photographs are not normalised.
    """
    options = {"batch_size": BATCH_SIZE, "shuffle": True, "seed": job.seed, "threads": job.threads} | options
    folder = Path(job.folder)
    if job.data == "digits":
        loader: Loader = package.arrays(folder / "x.npy", folder / "y.npy", dtype="float32", scale=1 / 16, **options)
    else:
        if "dtype" not in options:
            options |= {"mean": MEAN, "std": STD}
        loader = package.images(folder, size=SIZE, resize=256, crop="center", flip=True, **options)
    if job.most is not None and job.most < loader.n_samples:
        loader, _ = loader.split(validation=loader.n_samples - job.most, seed=job.seed)
    return loader.split(validation=VALIDATION, seed=job.seed)
