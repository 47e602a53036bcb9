# SPDX-License-Identifier: MIT
"""One feed of the demo, in its own process so that its memory can be measured: train, load, measure.

Reads a `Job` from the command line and writes JSON lines: `{"done": samples, "total": samples}` as progress, and
finally `{"result": {...}}` or `{"error": "..."}`.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import SGDClassifier

import fastbatch
import fastbatch.pure
from fastbatch.errors import FastbatchError
from fastbatch.loader.loader import Loader
from fastbatch.system import peak_memory_bytes

from .job import Job, Result, open_loaders

_REPORT_EVERY_S = 0.1
_CELL = 32  # pixels


def run(job: Job, progress: Callable[[int, int], None]) -> Result:
    """Train for `job.epochs`, then measure loading alone; calls `progress(samples trained on, total)`."""
    package = fastbatch if job.feed == "fastbatch" else fastbatch.pure
    Image.preinit()  # Pillow imports its decoders on first use: not part of loading
    imports_bytes = _memory_bytes("VmRSS")

    start = time.perf_counter()
    train, _ = open_loaders(package, job)
    next(iter(train))
    first_batch_s = time.perf_counter() - start
    train.close()

    # Compared are batches that are meant to be equal: plain Python has no codec that reduces large photographs.
    train, validation = open_loaders(package, job, exact=True)
    n_classes = 10 if train.class_names is None else len(train.class_names)
    total = job.epochs * train.n_samples
    model, digests = _train(job, n_classes, train, lambda done: progress(done, total))
    train.close()  # gives back its batches before the next loader has its own
    accuracy = _validate(model, validation, digests)
    validation.close()
    # Only after training, which reads every file, is the page cache warm for both feeds.
    train, _ = open_loaders(package, job)
    samples_per_s = _loading_rate(train, job.loading_s)
    train.close()
    return Result(
        samples_per_s=samples_per_s,
        first_batch_s=first_batch_s,
        peak_bytes=_memory_bytes("VmHWM"),
        imports_bytes=imports_bytes,
        accuracy=accuracy,
        digests=digests,
        n_samples=train.n_samples + validation.n_samples,
        n_classes=n_classes,
    )


def _train(job: Job, n_classes: int, train: Loader, progress: Callable[[int], None]) -> tuple[SGDClassifier, list[int]]:
    """Return the trained classifier and the digests of all batches."""
    classes = np.arange(n_classes)
    model = SGDClassifier(loss="log_loss", alpha=3e-4, random_state=job.seed % 2**32)
    digests: list[int] = []
    done = 0
    for _ in range(job.epochs):
        for x, y in train:
            digests.append(digest(x, y))
            model.partial_fit(_features(x), y, classes=classes)
            done += len(y)
            progress(done)
    return model, digests


def _validate(model: SGDClassifier, validation: Loader, digests: list[int]) -> float:
    """Return the accuracy on the validation data, and append the digests of its batches."""
    right = 0
    for x, y in validation:
        digests.append(digest(x, y))
        right += int(np.count_nonzero(model.predict(_features(x)) == y))
    n: int = validation.n_samples
    return right / n


def _loading_rate(loader: Loader, least_s: float) -> float:
    """Return the samples per second, measured over `least_s` or slightly more, with no work on the batches.

    An unfinished batch at the end is not counted, since none was ready at the start.
    """
    done = 0
    start = time.perf_counter()
    while True:
        for _, y in loader:
            done += len(y)
            elapsed_s = time.perf_counter() - start
            if elapsed_s >= least_s:
                return done / elapsed_s


def digest(x: NDArray[Any], y: NDArray[Any]) -> int:
    """Return the CRC-32 of a batch: dtypes, shapes and all bytes of both arrays."""
    crc = 0
    for array in (x, y):
        crc = zlib.crc32(repr((array.dtype.str, array.shape)).encode(), crc)
        crc = zlib.crc32(np.ascontiguousarray(array).data, crc)
    return crc


def _features(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return flattened digits, or photographs `(n, 3, 224, 224)` as 7 x 7 mean colours, for a linear model."""
    if x.ndim == 4:
        n, channels, height, width = x.shape
        x = x.reshape(n, channels, height // _CELL, _CELL, width).sum(axis=3)  # whole rows first: faster
        x = x.reshape(n, channels, height // _CELL, width // _CELL, _CELL).sum(axis=4) / _CELL**2
    return x.reshape(len(x), -1)


def _memory_bytes(which: Literal["VmRSS", "VmHWM"]) -> int:
    """Return this process's resident memory now (`VmRSS`) or at its peak (`VmHWM`), in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        # Without /proc, only the peak is known. (On Linux, `ru_maxrss` would include the parent's memory at the fork.)
        return peak_memory_bytes()
    line = next(line for line in status.splitlines() if line.startswith(which))
    return int(line.split()[1]) * 1024


class _Report:
    """Writes `{"done": ...}` lines, at most ten per second: a line per batch would cost more than small batches."""

    def __init__(self) -> None:
        self._last_s = time.perf_counter()

    def __call__(self, done: int, total: int) -> None:
        now_s = time.perf_counter()
        if now_s - self._last_s >= _REPORT_EVERY_S:
            self._last_s = now_s
            _write({"done": done, "total": total})


def _write(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run the job given as JSON in the only argument."""
    (text,) = arguments
    try:
        result = run(Job(**json.loads(text)), _Report())
    except BrokenPipeError:
        return 1  # the parent process has exited
    except (FastbatchError, OSError, ValueError) as error:
        _write({"error": str(error)})
        return 1
    _write({"result": asdict(result)})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
