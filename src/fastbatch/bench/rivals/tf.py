# SPDX-License-Identifier: MIT
"""tf.data with AUTOTUNE. Variant `nhwc` keeps the channels last, TensorFlow's native layout."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastbatch.bench.job import SIDE, Feed, Job

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

from fastbatch.bench.rivals.numpy import MEAN32, STD32, list_jpegs


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

    # Gathering a batch of indices at once is faster than from_tensor_slices, which handles samples one by one.
    feed = order.batch(job.batch_size).map(fetch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return Feed(
        epoch=lambda: feed,
        config="range, batch, map(tf.gather), AUTOTUNE",
        other_work="channels last" if variant == "nhwc" else "",
        layout="NHWC" if variant == "nhwc" else "NCHW",
    )


def _normalised(x: Any) -> Any:
    return tf.cast(x, tf.float32) * (1 / (255 * STD32)) - MEAN32 / STD32


def _box(file: Any, job: Job) -> Any:
    """Return top, left, height and width of the decoded part: drawn, or the centre."""
    shape = tf.io.extract_jpeg_shape(file)
    if job.crop == "center":
        side = tf.cast(SIDE / job.resize * tf.cast(tf.minimum(shape[0], shape[1]), tf.float32), tf.int32)
        return tf.stack([(shape[0] - side) // 2, (shape[1] - side) // 2, side, side])
    whole = tf.zeros((1, 0, 4))  # no object to keep inside
    begin, size, _ = tf.image.sample_distorted_bounding_box(
        shape,
        whole,
        min_object_covered=0.0,
        aspect_ratio_range=(3 / 4, 4 / 3),
        area_range=(0.08, 1.0),
        max_attempts=10,
        use_image_if_no_bounding_boxes=True,
    )
    return tf.stack([begin[0], begin[1], size[0], size[1]])


def _jpegs(job: Job) -> Feed:
    files = list_jpegs(job.data)

    def fetch(path: Any, label: Any) -> Any:
        file = tf.io.read_file(path)
        if job.crop == "none":
            image = tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_FAST")
        else:
            image = tf.io.decode_and_crop_jpeg(file, _box(file, job), channels=3, dct_method="INTEGER_FAST")
        image = tf.image.resize(image, (SIDE, SIDE))
        return _normalised(tf.image.random_flip_left_right(image) if job.flip else image), label

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
        own_draws=job.draws,
    )
