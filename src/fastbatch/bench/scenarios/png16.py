# SPDX-License-Identifier: MIT
"""How fast are images of 16 bits as float32, against a loop with Pillow over PNG, or with tifffile over TIFF?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import package

ROUNDS = 7
SIZE = 224
HEIGHT, WIDTH = 480, 640
TARGETS = (Target(of="PNG / Pillow", at_least=4),)

Float32 = NDArray[np.float32]


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 4 if smoke else 64

    def make(path: Path) -> None:
        from PIL import Image

        path.mkdir()
        for i in range(n):
            Image.fromarray(_picture(i)).save(path / f"{i:03}.png")
        _write_tiffs(path, n)

    made = data.once(folder / f"gray16-{n}", make)
    return Job(kind="jpeg", data=str(made), n=n, batch_size=16 if n > 16 else 2, threads=threads)


def _picture(seed: int) -> NDArray[np.uint16]:
    """Return waves with the noise of a sensor of 12 bits."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = np.sin(x / random.uniform(20, 90)) + np.sin(y / random.uniform(20, 90))
    noisy = (waves + 2) * 15_000 + random.normal(0, 100, waves.shape)
    return np.clip(noisy, 0, 65_535).astype(np.uint16)


def _write_tiffs(path: Path, n: int) -> None:
    try:
        import tifffile
    except ImportError:
        return
    for i in range(n):
        tifffile.imwrite(path / f"{i:03}.tif", _picture(i), compression="zlib")


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns with each loop; return the median of the rounds' ratios. The batches are compared first."""
    fastbatch = package(subject)
    values = {}
    rivals: list[tuple[str, str, Callable[[str], NDArray[np.uint16]]]] = [("PNG / Pillow", "png", _by_pillow)]
    if any(Path(job.data).glob("*.tif")):
        rivals.append(("TIFF / tifffile", "tif", _by_tifffile))
    for name, suffix, read in rivals:
        paths = sorted(map(str, Path(job.data).glob(f"*.{suffix}")))
        options = {"size": SIZE, "color": "grayscale", "batch_size": job.batch_size, "threads": job.threads}
        loader = fastbatch.images(paths, **options)
        for ours, theirs in zip(loader, _loop(paths, job.batch_size, read), strict=True):
            if not np.array_equal(ours, theirs):
                raise RuntimeError(f"{name}: the batches differ by up to {np.abs(ours - theirs).max()}")
        rounds = [(_seconds(loader), _seconds(_loop(paths, job.batch_size, read))) for _ in range(ROUNDS)]
        values[name] = median(theirs[0] / ours[0] for ours, theirs in rounds)
        values[f"{name}, by CPU time"] = median(theirs[1] / ours[1] for ours, theirs in rounds)
        values[f"{suffix} images/s"] = job.n / median(ours[0] for ours, _ in rounds)
    return values


def _loop(paths: list[str], batch_size: int, read: Callable[[str], NDArray[np.uint16]]) -> Iterator[Float32]:
    for first in range(0, len(paths), batch_size):
        images = [read(path) for path in paths[first : first + batch_size]]
        yield np.stack(images)[:, None].astype(np.float32) * np.float32(1 / 65_535)


def _by_pillow(path: str) -> NDArray[np.uint16]:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def _by_tifffile(path: str) -> NDArray[np.uint16]:
    import tifffile
    from PIL import Image

    image = Image.fromarray(tifffile.imread(path))
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def _seconds(batches: Any) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of an epoch. The loop has one thread, a loader those of the job."""
    start, start_cpu = time.perf_counter(), time.process_time()
    n = sum(1 for _ in batches)
    if n == 0:
        raise Skipped("no batches")
    return time.perf_counter() - start, time.process_time() - start_cpu
