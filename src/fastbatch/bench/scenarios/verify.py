# SPDX-License-Identifier: MIT
"""How fast are damaged photographs found among good ones, against Pillow in a pool of processes?

FASTBATCH_BENCH_FILES=100000 makes that many files: names of 2,000 contents, which both read from memory then.
"""

from __future__ import annotations

import os
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
_CONTENTS = 2_000  # different files; more names are links to them
_AT_ONCE = 16  # files of a task of the pool


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else int(os.environ.get("FASTBATCH_BENCH_FILES", _CONTENTS))
    source = data.jpegs(folder, min(n, _CONTENTS))

    def make(path: Path) -> None:
        contents = sorted(source.rglob("*.jpg"))
        for i in range(n):
            content, name = contents[i % len(contents)], path / f"{i // 1000:03d}/{i:06d}.jpg"
            name.parent.mkdir(parents=True, exist_ok=True)
            if i % EVERY:
                os.link(content, name)
            else:
                whole = content.read_bytes()
                name.write_bytes(b"<!doctype html><title>404</title>" if i // EVERY % 2 else whole[: len(whole) // 2])

    damaged = data.once(folder / f"damaged-names-{n}", make)
    return Job(kind="jpeg", data=str(damaged), n=n, batch_size=1, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns. Both must find the same files before their time counts."""
    fastbatch = package(subject)
    paths = sorted(map(str, Path(job.data).rglob("*.jpg")))
    times: dict[str, list[float]] = {"ours": [], "Pillow": []}
    with ProcessPoolExecutor(job.threads) as pool:
        _by_pillow(pool, paths[: 4 * _AT_ONCE * job.threads])  # its processes import Pillow
        for _ in range(ROUNDS if job.n <= _CONTENTS else 1):  # 100,000 files take minutes
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
