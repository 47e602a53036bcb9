# SPDX-License-Identifier: MIT
"""How fast do shuffled contexts of 1,024 uint16 tokens become int64 batches, with the next tokens as targets?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target

UNIT = "contexts/s"
CONTEXT = 1024
HEADER = 128  # bytes before the first token of these .npy files
RIVALS = ("fastbatch", "pure", "numpy", "torch-w0", "torch-w2")
SMOKE = ("fastbatch", "pure", "numpy", "torch-w0")
TARGETS = (Target(of="fastbatch", to="limit", at_least=0.95), Target(of="fastbatch", to="fastest rival", at_least=1.5))


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 1_000 if smoke else 100_000
    return Job(
        kind="tokens",
        data=str(data.tokens(folder, n, CONTEXT)),
        n=n,
        length=CONTEXT,
        stride=CONTEXT,
        batch_size=64,
        threads=threads,
    )


def limits(job: Job) -> dict[str, list[str]]:
    """Widen each context and its targets into a ring of batch buffers."""
    options = {
        "file": job.data,
        "offset": HEADER,
        "row-bytes": 2 * job.length,
        "samples": job.n,
        "batch": job.batch_size,
        "threads": job.threads,
        "order": "shuffled",
        "ring": 4,
    }
    return {"limit": ["widen", *(word for key, value in options.items() for word in (f"--{key}", str(value)))]}
