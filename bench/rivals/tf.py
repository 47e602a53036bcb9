# SPDX-License-Identifier: MIT
"""tf.data with AUTOTUNE. Variant `nhwc` leaves the channels last, TensorFlow's own layout."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from job import SIDE, Feed, Job

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

from rivals.numpy import MEAN32, STD32, list_jpegs


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind == "jpeg":
        return _jpegs(job)
    x, ids = tf.constant(np.load(job.data)), tf.constant(np.load(job.ids))
    order = tf.data.Dataset.range(job.n)
    if job.shuffle:
        order = order.shuffle(job.n, seed=job.seed, reshuffle_each_iteration=True)

    def fetch(index: Any) -> Any:
        batch = tf.gather(x, index)
        if job.kind == "images":
            batch = _normalised(batch)
            if variant != "nhwc":
                batch = tf.transpose(batch, (0, 3, 1, 2))
        return batch, tf.gather(ids, index)

    # A batch of indices gathered at once beats from_tensor_slices, which handles every sample apart.
    feed = order.batch(job.batch_size).map(fetch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return Feed(
        epoch=lambda: feed,
        config="range, batch, map(tf.gather), AUTOTUNE",
        other_work="channels last" if variant == "nhwc" else "",
        layout="NHWC" if variant == "nhwc" else "NCHW",
    )


def _normalised(x: Any) -> Any:
    return tf.cast(x, tf.float32) * (1 / (255 * STD32)) - MEAN32 / STD32


def _jpegs(job: Job) -> Feed:
    files = list_jpegs(job.data)

    def fetch(path: Any, label: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_FAST")
        return _normalised(tf.image.resize(image, (SIDE, SIDE))), label

    feed = tf.data.Dataset.from_tensor_slices(([path for path, _ in files], [label for _, label in files]))
    if job.shuffle:
        feed = feed.shuffle(len(files), seed=job.seed, reshuffle_each_iteration=True)
    feed = feed.map(fetch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
    feed = feed.batch(job.batch_size).prefetch(tf.data.AUTOTUNE)
    return Feed(
        epoch=lambda: feed,
        config="decode INTEGER_FAST, resize without antialias, AUTOTUNE, any order",
        other_work="inexact decode, resize without antialias, channels last",
        layout="NHWC",
    )
