# SPDX-License-Identifier: MIT
"""How fast do shuffled uint8 HWC images of one .npy become normalised float32 CHW batches?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import SIDE, Job, Target

UNIT = "images/s"
HEADER = 128
RIVALS = (
    "fastbatch",
    "pure",
    "numpy",
    "numpy-tuned",
    "torch-w0",
    "torch-w2",
    "torch-batched-w0",
    "torch-batched-w2",
    "tf",
    "tf-nhwc",
    "grain",
)
SMOKE = ("fastbatch", "pure", "numpy", "numpy-tuned", "torch-batched-w0", "grain")
TARGETS = (
    Target(of="fastbatch", to="limit", at_least=0.95),
    Target(of="fastbatch", to="fastest rival", at_least=3),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 130 if smoke else 6_000
    return Job(
        kind="images",
        data=str(data.images(folder, n, SIDE)),
        ids=str(data.ids(folder, n)),
        n=n,
        batch_size=64,
        threads=threads,
    )


def limits(job: Job) -> dict[str, list[str]]:
    """Cast image by image into three batch buffers, with plain or streaming stores, whichever is faster here."""
    options = {
        "file": job.data,
        "offset": HEADER,
        "pixels": SIDE * SIDE,
        "samples": job.n,
        "batch": job.batch_size,
        "threads": job.threads,
        "ring": 3,
    }
    return {"limit": ["cast", *(word for key, value in options.items() for word in (f"--{key}", str(value)))]}
