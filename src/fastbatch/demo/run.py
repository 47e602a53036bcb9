# SPDX-License-Identifier: MIT
"""The demo from the first line of output to the last."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import fastbatch
import fastbatch.pure
from fastbatch.checks import n_of
from fastbatch.demo import DemoError
from fastbatch.errors import FastbatchError
from fastbatch.native import kernels

from .feed import run_feed
from .job import BATCH_SIZE, SIZE, Job, open_loaders
from .photos import PHOTOGRAPHS, make_digits, make_photos
from .pictures import save_batch, save_throughput
from .table import Comparison, Screen

_PHOTOS, _QUICK_PHOTOS = 3000, 96
_LOADING_S, _QUICK_LOADING_S = 2.0, 0.1
_FEWEST = 10  # minimum number of images: training and validation both need a few


@dataclass(frozen=True)
class Options:
    """Options of the command line.

    Attributes:
        images: The user's folder with a sub-folder per class; None uses the photographs in the wheels.
        out: Folder for the two pictures, created if needed.
        epochs: Number of epochs.
        photos: Number of photographs to make, or maximum number of the user's images; None for the demo's default.
        threads: Threads of the loader, and for making photographs; None for one per CPU.
        seed: Seed of photographs, shuffle, flips and classifier.
        quick: Fewer photographs, shorter measurements.
    """

    images: Path | None
    out: Path
    epochs: int
    photos: int | None
    threads: int | None
    seed: int
    quick: bool


def run_demo(options: Options) -> bool:
    """Run the demo and return whether both feeds gave the same batches.

    Raises:
        DemoError: Invalid arguments or data; the message says which.
    """
    _check(options)
    n_cpus = kernels.available_cpus()
    machine = f"Python {platform.python_version()}, NumPy {np.__version__}, {n_cpus} CPUs"
    screen = Screen()
    screen.line(f"fastbatch {fastbatch.__version__}, {machine}")
    if options.images is None:
        with screen.step("photographs, made once and kept") as progress:
            n_photos = options.photos or (_QUICK_PHOTOS if options.quick else _PHOTOS)
            photos = make_photos(n_photos, options.seed, options.threads or n_cpus, progress)
    else:
        photos = options.images
    digits = make_digits()
    screen.line(f"  {photos}\n  {digits}")

    photos_job = Job(
        feed="pure",
        data="photos",
        folder=str(photos),
        epochs=options.epochs,
        threads=options.threads,
        seed=options.seed,
        most=None if options.images is None else options.photos or (_QUICK_PHOTOS if options.quick else None),
        loading_s=_QUICK_LOADING_S if options.quick else _LOADING_S,
    )
    digits_job = replace(photos_job, data="digits", folder=str(digits), most=None)
    comparisons = [_compare(screen, photos_job), _compare(screen, digits_job)]

    screen.line()
    screen.table(comparisons)
    _save_pictures(options.out, photos_job, comparisons, machine)
    screen.line(f"  {options.out / 'batch.png'}\n  {options.out / 'throughput.png'}")
    for comparison in comparisons:
        if (difference := comparison.first_difference) is not None:
            screen.line(f"  {comparison.title}: the feeds differ from batch {difference} on")
    return all(comparison.same for comparison in comparisons)


def _check(options: Options) -> None:
    """Reject options that would fail only after a minute of work."""
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"--out {options.out}: cannot make this folder: {error.strerror}") from error
    if not os.access(options.out, os.W_OK):
        raise DemoError(f"--out {options.out}: this folder is not writable")
    if options.images is not None:
        _check_images(options.images, options.photos)
    elif options.photos is not None and options.photos < 2 * len(PHOTOGRAPHS):
        raise DemoError(f"--photos {options.photos}: expected at least {2 * len(PHOTOGRAPHS)}, two of each photograph")


def _check_images(folder: Path, most: int | None) -> None:
    """Reject a folder that a classifier cannot be trained on."""
    if not folder.exists():
        raise DemoError(f"--images {folder}: there is no such folder")
    if not folder.is_dir():
        raise DemoError(f"--images {folder}: expected a folder, found a file")
    try:
        with fastbatch.images(folder) as loader:
            names, n_images = loader.class_names, loader.n_samples
    except (FastbatchError, OSError, ValueError) as error:
        raise DemoError(f"--images: {error}") from error
    if not names or len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise DemoError(f"--images {folder}: expected images in at least two sub-folders, one a class; found {found}")
    n_used = min(n_images, most or n_images)
    if n_used < _FEWEST:
        raise DemoError(f"--images {folder}: expected at least {_FEWEST} images to use, found {n_used}")


def _compare(screen: Screen, job: Job) -> Comparison:
    # Read the first batch's files now, so that neither feed starts with a cold page cache.
    with suppress(FastbatchError, OSError), open_loaders(fastbatch.pure, job)[0] as warm_up:
        next(iter(warm_up))
    with screen.step(f"{job.data}: training, fed by plain Python") as progress:
        pure = run_feed(replace(job, feed="pure"), progress)
    with screen.step(f"{job.data}: training, fed by fastbatch") as progress:
        fast = run_feed(replace(job, feed="fastbatch"), progress)
    if job.data == "digits":
        title = f"{pure.n_samples:,} handwritten digits (.npy)"
    else:
        title = f"{n_of(pure.n_samples, 'JPEG')}, {n_of(pure.n_classes, 'class', 'classes')}"
    return Comparison(title, pure, fast)


def _save_pictures(out: Path, photos_job: Job, comparisons: list[Comparison], machine: str) -> None:
    train, _ = open_loaders(fastbatch, photos_job, dtype="uint8", layout="NHWC")
    with train:
        x, y = next(iter(train))
        names = train.class_names or ()
        save_batch(out / "batch.png", x, [names[label] for label in y])
    details = f"Batches of {BATCH_SIZE}, shuffled; photographs as {SIZE} x {SIZE} float32. {machine}"
    save_throughput(out / "throughput.png", comparisons, details)
