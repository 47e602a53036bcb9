# SPDX-License-Identifier: MIT
"""What does the order of 10^12 samples cost on one of 1,000 ranks: time for a batch, memory, size of a state?"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import MIB, memory, package
from fastbatch.plan.mixture import Mixture, mixed_length
from fastbatch.plan.plan import Plan, make_plan

SAMPLES, RANKS, BATCH = 10**12, 1_000, 256
TARGETS = (
    Target(of="a position in mid-epoch, shuffled", at_most=1, unit="ms"),
    Target(of="a position in mid-epoch, mixed", at_most=1, unit="ms"),
    Target(of="memory of both orders", at_most=8, unit="MB"),
    Target(of="a state", at_most=1000, unit="bytes"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="plan", data="", n=SAMPLES, batch_size=BATCH, threads=threads)


def shuffled(n: int, seed: int = 0) -> Plan:
    """Return the plan of a rank."""
    return make_plan(n, batch_size=BATCH, shuffle=True, seed=seed, shard=(RANKS // 3, RANKS))


def mixed(n: int) -> Plan:
    """Return the plan of a rank of a mixture of `n` samples and two smaller parts."""
    weights = (5, 3, 2)
    parts = tuple(replace(shuffled(size, i), rank=0, world_size=1) for i, size in enumerate((n, n // 3, n // 100)))
    length = mixed_length([part.n for part in parts], weights, "last")
    mixture = Mixture(parts, (0, n, n + n // 3), weights, length)
    return replace(shuffled(length), shuffle=False, mixture=mixture)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Ask for batches at random positions of random epochs, each time from nothing, as a resume does."""
    fastbatch = package(subject)
    loader = fastbatch.arrays(np.zeros(1))
    orders = loader.recipe.implementation
    one, three = shuffled(job.n), mixed(job.n)
    before = memory("RssAnon")
    tracemalloc.start()
    single = timed(lambda epoch, position: orders.indices(one, epoch, position, 0), one)
    several = timed(lambda epoch, position: orders.indices(three, epoch, position, 0), three)
    held = max(tracemalloc.get_traced_memory()[1], (memory("RssAnon") - before) * MIB)
    tracemalloc.stop()
    state = {**loader.state_dict(), "epoch": 999, "position": job.n // 2, "order": three.order()}
    return {
        "a position in mid-epoch, shuffled": 1e3 * single,
        "a position in mid-epoch, mixed": 1e3 * several,
        "memory of both orders": held / 1e6,
        "a state": float(len(json.dumps(state))),
    }


def timed(batch: Callable[[int, int], Any], plan: Plan) -> float:
    """Return the seconds for the indices of one batch."""
    random = np.random.default_rng(3)
    times = []
    for _ in range(50):
        epoch, position = int(random.integers(1000)), int(random.integers(plan.n // 2))
        start = time.perf_counter()
        indices = batch(epoch, position)
        times.append(time.perf_counter() - start)
        if len(indices) != BATCH or len(np.unique(indices)) != BATCH:
            raise ValueError(f"expected {BATCH} different samples, found {len(np.unique(indices))}")
    return median(times)
