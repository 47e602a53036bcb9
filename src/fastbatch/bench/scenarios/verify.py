# SPDX-License-Identifier: MIT
"""How fast are damaged photographs found among good ones, against Pillow in a pool of processes?"""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package

TARGETS = (Target(of="files per second / Pillow's pool", at_least=3),)
ROUNDS = 5
EVERY = 50  # files from one that is damaged to the next
_AT_ONCE = 16  # files of a task of the pool


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else 2_000
    source = data.jpegs(folder, n)

    def make(path: Path) -> None:
        shutil.copytree(source, path)
        for i, one in enumerate(sorted(path.rglob("*.jpg"))[::EVERY]):
            content = one.read_bytes()
            one.write_bytes(b"<!doctype html><title>404</title>" if i % 2 else content[: len(content) // 2])

    damaged = data.once(folder / f"damaged-jpegs-{n}", make)
    return Job(kind="jpeg", data=str(damaged), n=n, batch_size=1, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns. Both must find the same files before their time counts."""
    fastbatch = package(subject)
    paths = sorted(map(str, Path(job.data).rglob("*.jpg")))
    times: dict[str, list[float]] = {"ours": [], "Pillow": []}
    with ProcessPoolExecutor(job.threads) as pool:
        _by_pillow(pool, paths[: 4 * _AT_ONCE * job.threads])  # its processes import Pillow
        for _ in range(ROUNDS):
            ours = _timed(times["ours"], lambda: _by_verify(fastbatch, paths, job.threads))
            theirs = _timed(times["Pillow"], lambda: _by_pillow(pool, paths))
            if ours != theirs or len(ours) != -(-len(paths) // EVERY):
                raise RuntimeError(f"expected {len(paths) // EVERY} bad files, found {len(ours)}, Pillow {len(theirs)}")
    ratios = [theirs / ours for ours, theirs in zip(times["ours"], times["Pillow"], strict=True)]
    return {
        "files per second / Pillow's pool": median(ratios),
        "files per second": len(paths) / median(times["ours"]),
        "files per second (Pillow's pool)": len(paths) / median(times["Pillow"]),
    }


def _timed(times: list[float], call: Any) -> list[str]:
    start = time.perf_counter()
    found: list[str] = call()
    times.append(time.perf_counter() - start)
    return found


def _by_verify(fastbatch: Any, paths: list[str], threads: int) -> list[str]:
    return [bad.path for bad in fastbatch.verify(paths, threads=threads).bad]


def _by_pillow(pool: ProcessPoolExecutor, paths: list[str]) -> list[str]:
    good = pool.map(_is_good, paths, chunksize=_AT_ONCE)
    return [path for path, one in zip(paths, good, strict=True) if not one]


def _is_good(path: str) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.verify()
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True
