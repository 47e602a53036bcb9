# SPDX-License-Identifier: MIT
"""Grain's MapDataset with threads. Its fastest form for arrays: one record is one batch of indices."""

from __future__ import annotations

from typing import Any

import grain
import numpy as np

from fastbatch.bench.job import Feed, Job
from fastbatch.bench.rivals.numpy import batches, list_jpegs, normalise, read_jpeg


def open_feed(variant: str, job: Job) -> Feed:
    options = grain.ReadOptions(num_threads=job.threads, prefetch_buffer_size=16 if job.kind == "rows" else 4)
    random = np.random.default_rng(job.seed)
    if job.kind == "jpeg":
        files = list_jpegs(job.data)
        options = grain.ReadOptions(num_threads=job.threads, prefetch_buffer_size=2 * job.batch_size)

        def jpegs() -> Any:
            feed = grain.MapDataset.range(job.n)
            if job.shuffle:
                feed = feed.shuffle(seed=int(random.integers(2**31)))
            feed = feed.map(lambda i: (normalise(read_jpeg(files[i][0], job)[None])[0], files[i][1]))
            return feed.to_iter_dataset(options).batch(job.batch_size)

        own_draws = job.draws
        return Feed(epoch=jpegs, config=f"Pillow, num_threads={job.threads}", own_draws=own_draws)

    data, ids = np.load(job.data, mmap_mode="r"), np.load(job.ids)

    def fetch(index: Any) -> tuple[Any, Any]:
        if job.kind == "images":
            return normalise(data[index]), ids[index]
        return np.array(data[index]) if isinstance(index, slice) else np.take(data, index, axis=0), ids[index]

    def arrays() -> Any:
        return grain.MapDataset.source(list(batches(job, random))).map(fetch).to_iter_dataset(options)

    return Feed(epoch=arrays, config=f"one record = one batch of indices, num_threads={job.threads}")
