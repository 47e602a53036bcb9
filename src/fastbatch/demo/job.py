# SPDX-License-Identifier: MIT
"""The settings of one feed, its loaders, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from fastbatch.loader.loader import Loader

Data = Literal["photos", "digits"]
Feed = Literal["pure", "fastbatch"]

SIZE = 224  # pixels, the usual size for image networks
BATCH_SIZE = 64
VALIDATION = 0.2
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's


@dataclass(frozen=True)
class Job:
    """Settings of one feed; `most` limits the number of samples, `loading_s` is the least time of the measurement."""

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
    """The result of one feed; `digests` has a CRC-32 per batch, first of training, then of validation."""

    samples_per_s: float
    first_batch_s: float
    peak_bytes: int
    imports_bytes: int
    accuracy: float
    digests: list[int]
    n_samples: int
    n_classes: int


def open_loaders(package: ModuleType, job: Job, exact: bool = False, **options: Any) -> tuple[Loader, Loader]:
    """Return the training and the validation loader of `package`; `options` override the demo's own.

    Args:
        package: `fastbatch` or `fastbatch.pure`.
        job: The data, the number of samples, and the seed.
        exact: Photographs have Pillow's pixels, whatever their size.
        options: Loader options; with a `dtype`, photographs are not normalised.
    """
    options = {"batch_size": BATCH_SIZE, "shuffle": True, "seed": job.seed, "threads": job.threads} | options
    folder = Path(job.folder)
    if job.data == "digits":
        loader: Loader = package.arrays(folder / "x.npy", folder / "y.npy", dtype="float32", scale=1 / 16, **options)
    else:
        if "dtype" not in options:
            options |= {"mean": MEAN, "std": STD}
        loader = package.images(folder, size=SIZE, resize=256, crop="center", flip=True, exact=exact, **options)
    if job.most is not None and job.most < loader.n_samples:
        loader, _ = loader.split(validation=loader.n_samples - job.most, seed=job.seed)
    return loader.split(validation=VALIDATION, seed=job.seed)
