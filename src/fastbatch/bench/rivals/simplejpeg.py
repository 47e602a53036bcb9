# SPDX-License-Identifier: MIT
"""simplejpeg: libjpeg-turbo without Pillow, called by a pool of threads; it releases the GIL while it decodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image

from fastbatch.bench.job import Feed, Job, Skipped
from fastbatch.bench.rivals.numpy import batches, fit, list_jpegs, normalise

AHEAD = 2  # batches


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind != "jpeg":
        raise Skipped("it reads JPEGs only")
    files = list_jpegs(job.data)
    pool = ThreadPoolExecutor(job.threads)
    random = np.random.default_rng(job.seed)

    def read(number: int) -> tuple[Any, int]:
        path, label = files[number]
        pixels = simplejpeg.decode_jpeg(Path(path).read_bytes(), "RGB")
        return normalise(fit(Image.fromarray(pixels), job)[None])[0], label

    def epoch() -> Iterator[tuple[Any, Any]]:
        every = np.arange(job.n)
        groups = (every[index] for index in batches(job, random))
        waiting = deque([pool.submit(read, int(i)) for i in group] for group in islice(groups, AHEAD))
        while waiting:
            x, y = zip(*(one.result() for one in waiting.popleft()), strict=True)
            waiting.extend([pool.submit(read, int(i)) for i in group] for group in islice(groups, 1))
            yield np.stack(x), np.array(y)

    own_draws = job.draws
    config = f"decode_jpeg in {job.threads} threads, resize by Pillow"
    return Feed(epoch=epoch, config=config, own_draws=own_draws, close=pool.shutdown)
