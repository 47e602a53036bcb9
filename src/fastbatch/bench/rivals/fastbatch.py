# SPDX-License-Identifier: MIT
"""fastbatch itself.

Variants: `t1`, `t2`, ... for the number of threads; `unadvised` without hints to the kernel, and names of instruction
sets (`avx2`): their processes are started with the variables of the environment that say so; `unindexed` reads JPEGs in
each epoch as in the first one.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from fastbatch.bench.job import MEAN, SIDE, STD, Feed, Job


def open_feed(variant: str, job: Job) -> Feed:
    import fastbatch
    from fastbatch.native import kernels

    threads = int(variant[1:]) if variant[:1] == "t" and variant[1:].isdigit() else job.threads
    simd = f", {kernels.active_target()} at most" if "FASTBATCH_SIMD" in os.environ else ""
    options = {"seek_index_bytes": 0} if variant == "unindexed" else {}
    loader = build(fastbatch, job, threads=threads, **options)
    # Large photographs are decoded at a half, a quarter or an eighth of their size.
    other_work = "" if job.exact or not job.is_large else "decoded at a smaller scale"
    return Feed(epoch=lambda: loader, config=f"threads={threads}{simd}", close=loader.close, other_work=other_work)


def build(package: ModuleType, job: Job, **options: Any) -> Any:
    """Return the loader for the job, of the compiled package or of `fastbatch.pure`."""
    options = {"batch_size": job.batch_size, "shuffle": job.shuffle, "seed": job.seed, **options}
    if job.kind == "jpeg":
        options.update(size=SIDE, dtype="float32", layout="NCHW", mean=MEAN, std=STD)
        options.update(crop=job.crop, resize=job.resize or None, flip=job.flip, exact=job.exact)
        return package.images(job.data, **options)
    if job.kind == "windows":
        return package.windows(job.data, job.ids, length=job.length, stride=job.stride, **options)
    if job.kind == "tokens":
        return package.tokens(job.data, context=job.length, stride=job.stride, **options)
    if job.kind == "images":
        options.update(dtype="float32", scale=1 / 255, mean=MEAN, std=STD, layout="NCHW")
    return package.arrays(job.data, job.ids, **options)
