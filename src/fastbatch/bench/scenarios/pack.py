# SPDX-License-Identifier: MIT
"""How long does it take to pack ten million documents, how much memory, and how full are the contexts?"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package
from fastbatch.source.packing import Packing

TARGETS = (
    Target(of="plan", at_most=10, unit="s"),
    Target(of="memory beyond the lengths", at_most=200, unit="MB"),
    Target(of="fill", at_least=0.98),
)
CONTEXT = 2048


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="documents", data="", n=20_000 if smoke else 10_000_000, batch_size=8, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Pack documents of lengths as in web text: log-normal, 400 tokens in the median, 820 on average."""
    fastbatch = package(subject)
    lengths = np.random.default_rng(1).lognormal(6, 1.2, job.n).astype(np.uint64) + np.uint64(1)
    before, peak, done = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    packing = fastbatch.arrays(np.zeros(1)).recipe.implementation.pack_documents(lengths, True, CONTEXT, 16384, True)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    memory = max(peak[0], resident()) - before
    check(packing, lengths)
    return {
        "plan": seconds,
        "memory beyond the lengths": memory / 1e6,
        "fill": packing.fill,
    }


def check(packing: Packing, lengths: np.ndarray[Any, Any]) -> None:
    """Raise ValueError unless each token is in one pack, and no pack is too long."""
    in_order = np.argsort(packing.starts)
    starts, sizes = packing.starts[in_order], packing.lengths[in_order].astype(np.uint64)
    tiled = bool((starts[1:] == (starts + sizes)[:-1]).all())
    filled = np.add.reduceat(packing.lengths, np.r_[0, packing.ends[:-1].astype(np.int64)], dtype=np.uint64)
    if not tiled or starts[0] != 0 or starts[-1] + sizes[-1] != lengths.sum() or filled.max() > CONTEXT:
        raise ValueError("the packs are not those of the documents")


def resident() -> float:
    """Return the bytes of memory of this process."""
    return float(Path("/proc/self/statm").read_text().split()[1]) * 4096
