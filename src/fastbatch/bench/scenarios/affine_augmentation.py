# SPDX-License-Identifier: MIT
"""How many photographs (500 x 375, 100 KB) can be rotated, sheared, zoomed, shifted and flipped at 224 x 224?

Keras's ImageDataGenerator does the same with SciPy and one thread: both read the same folder, in turns.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import SIDE, Job, Target
from fastbatch.bench.subject import package

TARGETS = (Target(of="fastbatch.images / Keras", at_least=8),)
ROUNDS = 5


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else 400
    return Job(kind="jpeg", data=str(data.jpegs(folder, n)), n=n, batch_size=16 if smoke else 64, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Return the rates of whole epochs, taken in turns; the ratio is the median of the ratios within a round."""
    fastbatch = package(subject)
    augment = fastbatch.Augment(rotation=20, shear=10, zoom=0.2, shift=0.1)
    options: dict[str, Any] = {"size": SIDE, "layout": "NHWC", "filter": "nearest", "batch_size": job.batch_size}
    options |= {"shuffle": True, "threads": job.threads}
    contestants: dict[str, Callable[[], Iterable[Any]]] = {}
    with (
        fastbatch.images(job.data, flip=True, augment=augment, **options) as augmented,
        fastbatch.images(job.data, flip=True, **options) as plain,
    ):
        contestants = {"fastbatch.images": lambda: augmented, "the same without the affine map": lambda: plain}
        with contextlib.suppress(ImportError):
            contestants["Keras"] = keras_epochs(job)
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for number in range(1 + (ROUNDS if job.n > 100 else 1)):
            for name, epoch in contestants.items():
                rate = rate_of(epoch(), job)
                if number > 0:  # the first round is a warm-up
                    rates[name].append(rate)
    results = {f"{name} (images/s)": median(found) for name, found in rates.items()}
    if "Keras" in rates:
        pairs = zip(rates["fastbatch.images"], rates["Keras"], strict=True)
        results["fastbatch.images / Keras"] = median(ours / theirs for ours, theirs in pairs)
    return results


def rate_of(epoch: Iterable[Any], job: Job) -> float:
    start, n = time.perf_counter(), 0
    for x, _ in epoch:
        assert x.shape[1:] == (SIDE, SIDE, 3)
        assert x.dtype == np.float32
        n += len(x)
    assert n == job.n
    return n / (time.perf_counter() - start)


def keras_epochs(job: Job) -> Callable[[], Iterable[Any]]:
    """Return a function that starts an epoch of Keras's generator."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(
        rescale=1 / 255,
        rotation_range=20,
        shear_range=10,
        zoom_range=0.2,
        width_shift_range=0.1,
        height_shift_range=0.1,
        horizontal_flip=True,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        flow = generator.flow_from_directory(job.data, target_size=(SIDE, SIDE), batch_size=job.batch_size)
    return lambda: (flow[i] for i in range(len(flow)))
