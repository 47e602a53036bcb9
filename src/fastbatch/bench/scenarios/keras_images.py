# SPDX-License-Identifier: MIT
"""How much faster than Keras are the same ImageDataGenerator batches: JPEGs at 224 x 224, and small arrays?"""

from __future__ import annotations

import contextlib
import io
import time
from itertools import islice
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import SIDE, Job, Target
from fastbatch.bench.rivals.keras import images as import_keras

TARGETS = (
    Target(of="augmented files, times Keras", at_least=8),
    Target(of="rescaled and flipped files, times Keras", at_least=2.5),
    Target(of="shifted and flipped arrays, times Keras", at_least=15),
    Target(of="time to the first batch, of Keras's", at_most=1),
)
FLIP = {"rescale": 1 / 255, "horizontal_flip": True}
CHANGES = {**FLIP, "rotation_range": 20, "shear_range": 0.2, "zoom_range": 0.2}
SHIFTS = {"width_shift_range": 0.1, "height_shift_range": 0.1}
TOLERANCE = 1e-4  # relative to the range of values


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else 1_000
    return Job(kind="jpeg", data=str(data.jpegs(folder, n)), n=n, batch_size=8 if smoke else 32, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns with Keras on the same data with the same seed; return the medians of the ratios of each turn."""
    import fastbatch.keras as ours

    keras = import_keras()
    seconds = 0.2 if job.n < 100 else 3.0
    small = np.random.default_rng(0).integers(0, 256, (job.n if job.n < 100 else 50_000, 32, 32, 3), np.uint8)

    def files(module: ModuleType, options: dict[str, Any]) -> Any:
        generator = module.ImageDataGenerator(**options)
        with contextlib.redirect_stdout(io.StringIO()):
            return generator.flow_from_directory(job.data, (SIDE, SIDE), batch_size=job.batch_size, seed=1)

    def arrays(module: ModuleType, options: dict[str, Any]) -> Any:
        return module.ImageDataGenerator(**options).flow(small, np.arange(len(small)), batch_size=32, seed=1)

    values: dict[str, float] = {}
    for name, make, options in (
        ("augmented files", files, CHANGES | SHIFTS),
        ("rescaled and flipped files", files, FLIP),
        ("shifted and flipped arrays", arrays, SHIFTS | {"horizontal_flip": True}),
    ):
        _compare(make(ours, options), make(keras, options))
        rates = [(_rate(make(ours, options), seconds), _rate(make(keras, options), seconds)) for _ in range(3)]
        values[f"{name}, times Keras"] = median(one / other for one, other in rates)
        values[f"{name} (images/s)"] = median(one for one, _ in rates)
        values[f"{name}, Keras (images/s)"] = median(other for _, other in rates)
    firsts = [[_first(files, module, CHANGES) for module in (ours, keras)] for _ in range(5)]
    values["time to the first batch, of Keras's"] = median(one / other for one, other in firsts)
    return values


def _compare(ours: Any, keras: Any) -> None:
    """Verify that both do the same work."""
    for (x, y), (u, v) in islice(zip(ours, keras, strict=True), 3):
        if not np.array_equal(y, v) or np.abs(x - u).max() > TOLERANCE * np.ptp(u):
            raise AssertionError("not Keras's batches")


def _rate(batches: Any, seconds: float) -> float:
    next(batches)
    samples, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        samples += len(next(batches)[1])
    return samples / (time.perf_counter() - start)


def _first(make: Any, module: ModuleType, options: dict[str, Any]) -> float:
    start = time.perf_counter()
    next(make(module, options))
    return time.perf_counter() - start
