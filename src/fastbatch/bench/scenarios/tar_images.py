# SPDX-License-Identifier: MIT
"""How fast are images in tar archives, against a folder of the same files, and against webdataset with torch?"""

from __future__ import annotations

import io
import os
import random
import tarfile
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import package

ROUNDS = 5
SHARDS = 4
SIZE = 224

TARGETS = (
    Target(of="speed against a folder of the same files", at_least=0.95),
    Target(of="speed against webdataset", at_least=3),
    Target(of="listed again", at_most=0.2, unit="s"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 60 if smoke else 2_000
    photos = data.jpegs(folder, n)

    def make(path: Path) -> None:
        path.mkdir()
        files = sorted(Path(photos).rglob("*.jpg"))
        for shard in range(SHARDS):
            with tarfile.open(path / f"{shard}.tar", "w") as archive:
                for i, file in list(enumerate(files))[shard::SHARDS]:
                    archive.add(file, f"{i:06}.jpg")
                    info = tarfile.TarInfo(f"{i:06}.cls")
                    info.size = 1
                    archive.addfile(info, io.BytesIO(b"0"))

    shards = data.once(folder / f"shards-{n}", make)
    return Job(kind="jpeg", data=str(photos), ids=str(shards), n=n, batch_size=32, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between the archives, the folder and the rival; then list 100,000 members again."""
    fastbatch = package(subject)
    options = {"size": SIZE, "crop": "random_resized", "shuffle": True, "threads": job.threads, "dtype": "uint8"}
    shards = fastbatch.images(f"{job.ids}/*.tar", batch_size=job.batch_size, **options)
    folder = fastbatch.images(job.data, batch_size=job.batch_size, **options)
    rival = _rival(job)
    rounds = [(_epoch(shards, job.n), _epoch(folder, job.n), _epoch(rival, job.n)) for _ in range(ROUNDS)]
    return {
        "speed against a folder of the same files": median(other / one for one, other, _ in rounds),
        "speed against webdataset": median(other / one for one, _, other in rounds),
        "listed again": _listed_again(fastbatch),
        "images/s": job.n / median(one for one, _, _ in rounds),
    }


def _epoch(loader: Any, n: int) -> float:
    start = time.perf_counter()
    found = sum(len(batch[0]) for batch in loader)
    taken = time.perf_counter() - start
    if found != n:
        raise RuntimeError(f"expected {n} images, found {found}")
    return taken


def _rival(job: Job) -> Any:
    try:
        import torch
        import webdataset
    except ImportError:
        raise Skipped("webdataset or torch is not installed") from None
    urls = [f"{job.ids}/{shard}.tar" for shard in range(SHARDS)]
    rows = webdataset.WebDataset(urls, shardshuffle=SHARDS).shuffle(1000).decode("pil").to_tuple("jpg", "cls")
    return torch.utils.data.DataLoader(rows.map_tuple(_crop, int), batch_size=job.batch_size, num_workers=2)


def _crop(image: Any) -> NDArray[np.uint8]:
    """Return a random part of 8 to 100 % of the area, resized."""
    area = random.uniform(0.08, 1) * image.width * image.height
    ratio = random.uniform(3 / 4, 4 / 3)
    width, height = min(image.width, (area * ratio) ** 0.5), min(image.height, (area / ratio) ** 0.5)
    left, top = random.uniform(0, image.width - width), random.uniform(0, image.height - height)
    return np.asarray(image.convert("RGB").resize((SIZE, SIZE), 2, (left, top, left + width, top + height)))


def _listed_again(fastbatch: Any) -> float:
    """Return the seconds until a loader over 100,000 members is made, from the cached list."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        path = f"{folder}/many.tar"
        with tarfile.open(path, "w") as archive:
            for i in range(100_000):
                archive.addfile(tarfile.TarInfo(f"{i // 2:06}.{'jpg' if i % 2 else 'txt'}"), io.BytesIO())
        time.sleep(2.1)  # an archive that has just changed is not remembered
        fastbatch.images(path)
        start = time.perf_counter()
        fastbatch.images(path)
        return time.perf_counter() - start
