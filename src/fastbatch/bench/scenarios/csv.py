# SPDX-License-Identifier: MIT
"""How long until the first batch of windows of a CSV file, against the parser alone, and with how much memory?"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import memory, package

TARGETS = (
    Target(of="speed against pyarrow.csv.read_csv", at_least=0.9),
    Target(of="memory above the start", at_most=64, unit="MiB"),
)
COLUMNS = 8
ROUNDS = 5
PARSER_ALONE = """
import sys, time
import pyarrow as pa
from pyarrow import csv
start = time.perf_counter()
names = [str(i) for i in range(8)]
csv.read_csv(sys.argv[1], convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64())))
print(time.perf_counter() - start)
"""


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 5_000 if smoke else 2_700_000  # 200 MB
    return Job(kind="rows", data=str(data.csv(folder, n, COLUMNS)), n=n, length=128, batch_size=256, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns with a process that only parses the file into memory."""
    try:
        import pyarrow
        from pyarrow import csv
    except ImportError:
        raise Skipped("pyarrow is not installed") from None
    fastbatch = package(subject)
    del pyarrow, csv
    Path(job.data).read_bytes()  # loads the file into the page cache
    before, rounds, peak = memory("RssAnon"), [], 0.0
    for _ in range(ROUNDS):
        command = [sys.executable, "-c", PARSER_ALONE, job.data]
        parser = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        start = time.perf_counter()
        loader = fastbatch.windows(job.data, length=job.length, batch_size=job.batch_size, shuffle=True)
        next(iter(loader))
        ours = time.perf_counter() - start
        peak = max(peak, memory("RssAnon"))
        loader.close()
        rounds.append((parser, ours))
    return {
        "speed against pyarrow.csv.read_csv": median(parser / ours for parser, ours in rounds),
        "memory above the start": peak - before,
        "to the first batch (s)": median(ours for _, ours in rounds),
        "the parser alone (s)": median(parser for parser, _ in rounds),
        "MB/s": Path(job.data).stat().st_size / 1e6 / median(ours for _, ours in rounds),
    }
