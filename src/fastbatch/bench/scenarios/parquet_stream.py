# SPDX-License-Identifier: MIT
"""How fast are shuffled batches of Parquet files larger than the memory they may use, against reading them in order?"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import MIB, memory, package

COLUMNS = 16
FILES = 4
GROUP_ROWS = 50_000
MEMORY_BYTES = 64 * MIB
MOST_BYTES = 512 * MIB  # of data and heap that the process may add: the files have as much in memory
ROUNDS = 5

TARGETS = (
    Target(of="speed against reading in order", at_least=0.6),
    Target(of="memory beyond a loader's", at_most=2 * MEMORY_BYTES / MIB, unit="MiB"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40_000 if smoke else 4_000_000

    def make(path: Path) -> None:
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ImportError:
            raise Skipped("pyarrow is not installed") from None
        path.mkdir()
        random = np.random.default_rng(0)
        for i in range(FILES):
            columns = {f"c{j}": random.normal(size=n // FILES).astype(np.float32) for j in range(COLUMNS - 1)}
            columns["id"] = np.arange(i * n // FILES, (i + 1) * n // FILES, dtype=np.int32)
            parquet.write_table(arrow.table(columns), path / f"{i}.parquet", row_group_size=GROUP_ROWS)

    return Job(kind="rows", data=str(data.once(folder / f"parquet-{n}", make)), n=n, batch_size=256, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between a shuffled epoch and one in order, under a limit of the process's memory."""
    import pyarrow.parquet  # noqa: F401 - its memory is not the loader's

    fastbatch = package(subject)
    options = {"batch_size": job.batch_size, "threads": job.threads, "memory_bytes": MEMORY_BYTES}
    files = f"{job.data}/*.parquet"
    _few(fastbatch, options)  # modules, threads
    before = memory("RssAnon")
    _limit_memory()
    shuffled = fastbatch.table(files, shuffle="block", **options)
    _epoch(shuffled)
    added = memory("RssAnon") - before
    in_order = fastbatch.table(files, **options)
    for loader, ids in ((shuffled, np.sort(_ids(shuffled))), (in_order, _ids(in_order))):
        if not np.array_equal(ids, np.arange(job.n)):
            raise RuntimeError(f"not every row once: {loader}")
    rounds = [(_epoch(shuffled), _epoch(in_order)) for _ in range(ROUNDS)]
    return {
        "speed against reading in order": median(other / one for (one, _), (other, _) in rounds),
        "the same in CPU time": median(other / one for (_, one), (_, other) in rounds),
        "memory beyond a loader's": added,
        "rows/s": job.n / median(one for (one, _), _ in rounds),
    }


def _few(fastbatch: Any, options: dict[str, Any]) -> None:
    """Read an epoch of a small file."""
    import pyarrow as arrow
    from pyarrow import parquet

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/few.parquet"
        parquet.write_table(arrow.table({f"c{j}": np.zeros(1000, np.float32) for j in range(COLUMNS)}), path)
        _epoch(fastbatch.table(path, shuffle="block", **options))


def _limit_memory() -> None:
    """Let the process have no more than `MOST_BYTES` of heap and private memory beyond what it has."""
    now = int(memory("VmData") * MIB)
    resource.setrlimit(resource.RLIMIT_DATA, (now + MOST_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _ids(loader: Any) -> Any:
    return np.concatenate([batch["id"] for batch in loader])


def _epoch(loader: Any) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of an epoch."""
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in loader:
        pass
    return time.perf_counter() - start, time.process_time() - start_cpu
