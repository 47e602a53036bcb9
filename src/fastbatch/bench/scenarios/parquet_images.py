# SPDX-License-Identifier: MIT
"""How fast are shuffled images of Parquet files that are larger than the memory they may use, against a folder?"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import MIB, memory, package

FILES = 4
GROUP_ROWS = 50
SIZE = 224
MEMORY_BYTES = 64 * MIB
ROUNDS = 5

TARGETS = (
    Target(of="speed against a folder", at_least=0.95),
    Target(of="memory beyond a loader's", at_most=2.5 * MEMORY_BYTES / MIB, unit="MiB"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 60 if smoke else 2_000
    same = data.jpegs(folder, n)
    photos = sorted(same.rglob("*.jpg"))

    def make(path: Path) -> None:
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ImportError:
            raise Skipped("pyarrow is not installed") from None
        path.mkdir()
        for i in range(FILES):
            files = photos[i::FILES]
            columns = {"image": [file.read_bytes() for file in files], "label": list(range(i, n, FILES))}
            parquet.write_table(arrow.table(columns), path / f"{i}.parquet", row_group_size=GROUP_ROWS)

    made = data.once(folder / f"parquet-images-{n}", make)
    return Job(kind="jpeg", data=str(made), ids=str(same), n=n, batch_size=32, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between the loaders. Memory is counted before all images are in it, beyond that of a loader."""
    import pyarrow.parquet  # noqa: F401 - its memory is not the loader's

    fastbatch = package(subject)
    options: dict[str, Any] = {
        "column": "image",
        "size": SIZE,
        "crop": "random_resized",
        "dtype": "uint8",
        "batch_size": job.batch_size,
        "threads": job.threads,
        "seek_index_bytes": 0,
    }
    files = f"{job.data}/*.parquet"
    few = _few(fastbatch, files, options)
    _epoch(few)  # buffers, threads, codecs
    before = memory("RssAnon")
    grouped = fastbatch.images(files, memory_bytes=MEMORY_BYTES, shuffle="block", **options)
    labels = np.concatenate([y for _, y in grouped])
    added = memory("RssAnon") - before
    if not np.array_equal(np.sort(labels), np.arange(job.n)):
        raise RuntimeError(f"not every image once: {grouped}")
    whole = fastbatch.images(files, shuffle=True, **options)
    del options["column"]
    folder = fastbatch.images(job.ids, shuffle=True, **options)
    loaders = (grouped, folder, whole)
    for loader in loaders:
        _epoch(loader)
    rounds = [[_epoch(loader) for loader in loaders] for _ in range(ROUNDS)]
    return {
        "speed against a folder": median(other[0] / one[0] for one, other, _ in rounds),
        "the same in CPU time": median(other[1] / one[1] for one, other, _ in rounds),
        "CPU time against all in memory": median(other[1] / one[1] for one, _, other in rounds),
        "memory beyond a loader's": added,
        "images/s": job.n / median(one[0] for one, _, _ in rounds),
    }


def _few(fastbatch: Any, files: str, options: dict[str, Any]) -> Any:
    """Return a loader over images of one row group."""
    from pyarrow import parquet

    path = sorted(Path(files).parent.glob("*.parquet"))[0]
    return fastbatch.images(parquet.ParquetFile(path).read_row_group(0), **options)


def _epoch(loader: Any) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of an epoch."""
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in loader:
        pass
    return time.perf_counter() - start, time.process_time() - start_cpu
