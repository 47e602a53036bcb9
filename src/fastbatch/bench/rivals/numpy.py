# SPDX-License-Identifier: MIT
"""A typical generator with NumPy (and Pillow). Variant `tuned`: one reused buffer, no temporary array."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.bench.job import MEAN, SIDE, STD, Feed, Job

MEAN32, STD32 = np.array(MEAN, np.float32), np.array(STD, np.float32)
A = (1 / (255 * np.array(STD))).astype(np.float32)[:, None, None]
B = (-np.array(MEAN) / np.array(STD)).astype(np.float32)[:, None, None]


def open_feed(variant: str, job: Job) -> Feed:
    order = np.random.default_rng(job.seed)
    if job.kind == "jpeg":
        own_draws = job.draws
        return Feed(epoch=lambda: _jpegs(job, order), config="Pillow, one thread", own_draws=own_draws)
    if job.kind in ("windows", "tokens"):
        x, y = cut(job)
        return Feed(epoch=lambda: _cut(job, x, y, order), config=PLAIN[job.kind])
    data, ids = np.load(job.data, mmap_mode="r"), np.load(job.ids)
    if variant == "tuned":
        other = "each batch overwrites the one before" if job.kind == "rows" else ""
        return Feed(epoch=lambda: _tuned(job, data, ids, order), config=TUNED[job.kind], other_work=other)
    return Feed(epoch=lambda: _plain(job, data, ids, order), config=PLAIN[job.kind])


def cut(job: Job) -> tuple[Any, Any]:
    """Return all samples and labels of windows or tokens, as views of the mapped file."""
    data = np.load(job.data, mmap_mode="r")
    if job.kind == "windows":
        x = np.lib.stride_tricks.sliding_window_view(data, job.length, 0)[:: job.stride].swapaxes(1, 2)
        return x[: job.n], np.load(job.ids)[job.length - 1 :: job.stride][: job.n]
    contexts = np.lib.stride_tricks.sliding_window_view(data, job.length)
    return contexts[: -1 : job.stride][: job.n], contexts[1 :: job.stride][: job.n]


def _cut(job: Job, x: Any, y: Any, random: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    for index in batches(job, random):
        if job.kind == "tokens":
            yield x[index].astype(np.int64), y[index].astype(np.int64)
        else:
            # keeps the channels last in memory, as in the file
            yield x.swapaxes(1, 2)[index].swapaxes(1, 2), y[index]


PLAIN = {
    "windows": "sliding_window_view(mapped)[index]",
    "tokens": "sliding_window_view(mapped)[index].astype(int64)",
    "rows": "np.load(mmap_mode='r'), mm[index]",
    "images": "mm[index].astype(f32) / 255 - mean / std, transposed copy",
}
TUNED = {
    "rows": "np.take(out=reused buffer, mode='clip')",
    "images": "one multiply into the NCHW output, one add in place",
}


def batches(job: Job, generator: np.random.Generator) -> Iterator[Any]:
    """Yield the indices of each batch: a slice if nothing is shuffled."""
    order = generator.permutation(job.n) if job.shuffle else None
    for start in range(0, job.n, job.batch_size):
        index = slice(start, min(start + job.batch_size, job.n))
        yield order[index] if order is not None else index


def _plain(job: Job, data: Any, ids: Any, generator: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    for index in batches(job, generator):
        if job.kind == "rows":
            yield np.array(data[index]), ids[index]
        else:
            x = (data[index].astype(np.float32) / np.float32(255) - MEAN32) / STD32
            yield np.ascontiguousarray(x.transpose(0, 3, 1, 2)), ids[index]


def _tuned(job: Job, data: Any, ids: Any, generator: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    buffer = np.empty((job.batch_size, *data.shape[1:]), data.dtype)
    for index in batches(job, generator):
        if job.kind == "images":
            yield normalise(data[index]), ids[index]
        elif job.shuffle:
            out = buffer[: len(index)]
            np.take(data, index, axis=0, out=out, mode="clip")
            yield out, ids[index]
        else:
            out = buffer[: index.stop - index.start]
            np.copyto(out, data[index])
            yield out, ids[index]


def normalise(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return uint8 (n, h, w, 3) as normalised float32 (n, 3, h, w), with one multiplication and one addition."""
    out = np.empty((len(x), 3, *x.shape[1:3]), np.float32)
    np.multiply(x.transpose(0, 3, 1, 2), A, out=out)
    out += B
    return out


def list_jpegs(folder: str) -> list[tuple[str, int]]:
    """Return (path, class) of every image below class folders, both sorted."""
    classes = sorted(path for path in Path(folder).iterdir() if path.is_dir())
    return [(str(path), label) for label, one in enumerate(classes) for path in sorted(one.iterdir())]


def read_jpeg(path: str, job: Job) -> NDArray[np.uint8]:
    """Return one image as uint8 (224, 224, 3), decoded, cropped, resized and possibly mirrored by Pillow."""
    from PIL import Image

    with Image.open(path) as file:
        return fit(file.convert("RGB"), job)


def fit(image: Any, job: Job) -> NDArray[np.uint8]:
    """Return a Pillow image as uint8 (224, 224, 3), cropped, resized and possibly mirrored."""
    from PIL import Image

    if job.crop == "random_resized":
        left, top, width, height = _draw_box(image.width, image.height)
        image = image.crop((left, top, left + width, top + height))
    if job.crop == "center":
        shorter = min(image.size)
        width, height = (int(job.resize * side / shorter) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = round((image.width - SIDE) / 2), round((image.height - SIDE) / 2)
        image = image.crop((left, top, left + SIDE, top + SIDE))
    else:
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    if job.flip and random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(image)


def _draw_box(width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height as torchvision's RandomResizedCrop draws them."""
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1.0)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, width - w), random.randint(0, height - h), w, h
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, side, side


def _jpegs(job: Job, generator: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    files = list_jpegs(job.data)
    for index in batches(job, generator):
        chosen = [files[i] for i in (range(index.start, index.stop) if isinstance(index, slice) else index)]
        yield (
            normalise(np.stack([read_jpeg(path, job) for path, _ in chosen])),
            np.array([label for _, label in chosen]),
        )
