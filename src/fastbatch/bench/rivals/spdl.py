# SPDX-License-Identifier: MIT
"""SPDL's pipeline: batches of paths are decoded, resized and cropped by FFmpeg in its threads, as its examples do.

FFmpeg draws no boxes of its own, so random crops are not among what its adapter can do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import spdl.io
from spdl.pipeline import PipelineBuilder

from fastbatch.bench.job import SIDE, Feed, Job, Skipped
from fastbatch.bench.rivals.numpy import batches, list_jpegs, normalise


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind != "jpeg" or job.crop != "none":
        raise Skipped("its filters resize whole photographs only, and draw no crops")
    files = list_jpegs(job.data)
    random = np.random.default_rng(job.seed)
    every = np.arange(job.n)

    def read(index: Any) -> tuple[Any, Any]:
        chosen = [files[i] for i in index]
        paths = [path for path, _ in chosen]
        images = spdl.io.load_image_batch(paths, width=SIDE, height=SIDE, pix_fmt="rgb24", strict=True)
        return normalise(spdl.io.to_numpy(images)), np.array([label for _, label in chosen])

    def epoch() -> Iterator[tuple[Any, Any]]:
        groups = (every[index] for index in batches(job, random))
        pipeline = (PipelineBuilder().add_source(groups).pipe(read, concurrency=job.threads).add_sink(2)).build(
            num_threads=job.threads
        )
        with pipeline.auto_stop():
            yield from pipeline

    return Feed(
        epoch=epoch,
        config=f"load_image_batch in a pipeline of {job.threads} threads",
        other_work="resized by FFmpeg (bicubic, in its own colours)",
    )
