# SPDX-License-Identifier: MIT
"""DALI without a GPU: reader, decoder with random crop, resize and normalisation, all of them operators of the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from nvidia.dali import fn, pipeline_def, types

from fastbatch.bench.job import MEAN, SIDE, STD, Feed, Job, Skipped
from fastbatch.bench.rivals.numpy import list_jpegs


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind != "jpeg":
        raise Skipped("its adapter reads JPEGs only")
    files = list_jpegs(job.data)
    paths, labels = [path for path, _ in files], [label for _, label in files]

    @pipeline_def(batch_size=job.batch_size, num_threads=job.threads, device_id=None, seed=job.seed)
    def pipeline() -> Any:
        read = {"shuffle_after_epoch": job.shuffle, "pad_last_batch": True}
        encoded, label = fn.readers.file(files=paths, labels=labels, name="files", **read)
        if job.crop == "random_resized":
            image = fn.decoders.image_random_crop(encoded, random_aspect_ratio=(3 / 4, 4 / 3), random_area=(0.08, 1.0))
        else:
            image = fn.decoders.image(encoded)
        if job.crop == "center":
            image = fn.resize(image, resize_shorter=job.resize, antialias=True)
        else:
            image = fn.resize(image, resize_x=SIDE, resize_y=SIDE, antialias=True)
        mirror = fn.random.coin_flip() if job.flip else 0
        mean, std = [255 * m for m in MEAN], [255 * s for s in STD]
        options = {"dtype": types.FLOAT, "output_layout": "CHW", "crop": (SIDE, SIDE), "mirror": mirror}
        return fn.crop_mirror_normalize(image, mean=mean, std=std, **options), label

    built = pipeline()
    built.build()

    def epoch() -> Iterator[tuple[Any, Any]]:
        left = job.n
        while left > 0:  # the last batch is padded
            images, found = built.run()
            x, y = images.as_array(), found.as_array().reshape(-1)
            yield x[:left], y[:left].astype(np.int64)
            left -= len(x)

    return Feed(
        epoch=epoch,
        config=f"operators of the CPU, num_threads={job.threads}",
        other_work="its own resize",
        own_draws=job.draws,
    )
