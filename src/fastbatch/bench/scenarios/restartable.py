# SPDX-License-Identifier: MIT
"""What does `restartable` add to each item of a generator, and do two sides of 5 ms each overlap with prefetch?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median

from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package

TARGETS = (
    Target(of="overhead of an item", at_most=2, unit="us"),
    Target(of="speed-up by prefetch", at_least=1.8),
)
ITEMS, ROUNDS = 100_000, 9
SLEEPS, SLEEP_S = 60, 0.005


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=1_000 if smoke else ITEMS, batch_size=1, threads=threads)


def numbers(n: int) -> Iterator[int]:
    yield from range(n)


def slow(n: int) -> Iterator[int]:
    for i in range(n):
        time.sleep(SLEEP_S)
        yield i


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns with the bare generator; return the median of the rounds. The overhead is CPU time."""
    fastbatch = package(subject)
    wrapped = fastbatch.restartable(numbers, job.n)
    ahead = fastbatch.restartable(numbers, job.n, prefetch=16)
    bare_s, wrapped_s, ahead_s = [], [], []
    for _ in range(ROUNDS):
        bare_s.append(cpu_seconds(lambda: numbers(job.n)))
        wrapped_s.append(cpu_seconds(lambda: wrapped))
        ahead_s.append(cpu_seconds(lambda: ahead))
    in_turns = seconds(lambda: slow(SLEEPS), SLEEP_S)
    overlapped = seconds(lambda: fastbatch.restartable(slow, SLEEPS, prefetch=4), SLEEP_S)
    per_item = 1e6 / job.n
    return {
        "overhead of an item": per_item * median(b - a for a, b in zip(bare_s, wrapped_s, strict=True)),
        "speed-up by prefetch": in_turns / overlapped,
        "an item with prefetch (us)": per_item * median(ahead_s),
        "a bare item (us)": per_item * median(bare_s),
    }


def seconds(make: Callable[[], Iterable[int]], work_s: float = 0) -> float:
    """Return the time needed to consume an iterable, with some work per item."""
    start = time.perf_counter()
    for _ in make():
        time.sleep(work_s)
    return time.perf_counter() - start


def cpu_seconds(make: Callable[[], Iterable[int]]) -> float:
    """Return the CPU time of all threads needed to consume an iterable."""
    start = time.process_time()
    for _ in make():
        pass
    return time.process_time() - start
