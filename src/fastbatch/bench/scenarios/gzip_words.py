# SPDX-License-Identifier: MIT
"""How fast are the words of a gzipped text, against a plain generator over `gzip.open`?"""

from __future__ import annotations

import gzip
import shutil
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package

BATCH = 1024
ROUNDS = 5

TARGETS = (Target(of="speed against a generator over gzip.open", at_least=2.5),)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    megabytes = 1 if smoke else 50
    text = data.english(folder, megabytes)

    def make(path: Path) -> None:
        with text.open("rb") as plain, gzip.open(path, "wb", 6) as packed:
            shutil.copyfileobj(plain, packed)

    packed = data.once(folder / f"english-{megabytes}.txt.gz", make)
    return Job(kind="rows", data=str(packed), n=megabytes, batch_size=BATCH, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between `words` and the generator."""
    loader = package(subject).words(job.data, job.batch_size, threads=job.threads)
    if any(list(one) != list(other) for one, other in zip_longest(loader, _words(job.data))):
        raise RuntimeError("words() and the generator give different batches")
    rounds = [(_pass(loader), _pass(_words(job.data))) for _ in range(ROUNDS)]
    return {
        "speed against a generator over gzip.open": median(other / one for (one, _), (other, _) in rounds),
        "the same in CPU time": median(other / one for (_, one), (_, other) in rounds),
        "MB/s": job.n / median(one for (one, _), _ in rounds),
    }


def _words(path: str) -> Iterator[list[str]]:
    """Yield batches of words as people write it."""
    batch: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            for word in line.split():
                batch.append(word)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
    if batch:
        yield batch


def _pass(batches: Any) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of a pass."""
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in batches:
        pass
    return time.perf_counter() - start, time.process_time() - start_cpu
