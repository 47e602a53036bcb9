# SPDX-License-Identifier: MIT
"""Test data, and helpers that compare and consume batches."""

import io
import itertools
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image


def make_photos(root, n_per_class=4):
    """Write n_per_class JPEGs into each of three class folders and return their folder."""
    rng = np.random.default_rng(0)
    for c, name in enumerate(["cat", "dog", "owl"]):
        (root / name).mkdir(parents=True)
        for i in range(n_per_class):
            height, width = 40 + 13 * i + c, 60 + 7 * i
            smooth = rng.integers(0, 255, (5, 7, 3), dtype=np.uint8)
            image = Image.fromarray(smooth).resize((width, height), Image.Resampling.BICUBIC)
            image = image.convert("L") if i == 1 else image
            image.save(root / name / f"{i}.jpg", quality=90, progressive=i == 2)
    return root


def same(one, other):
    """Assert that two batches are equal: structure, types, shapes, bytes."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, (str, bytes)):
        assert one == other
    else:
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()


def same_batches(ones, others):
    """Assert that two iterables give the same batches."""
    ones, others = list(ones), list(others)
    assert len(ones) == len(others)
    for one, other in zip(ones, others, strict=True):
        same(one, other)


def ids(loader):
    """Return the samples of one epoch of a loader whose batches, or their last columns, are sample numbers."""
    return [int(i) for batch in loader for i in (batch[-1] if isinstance(batch, tuple) else batch)]


def joined(loader):
    """Return one epoch, concatenated, as a pair of arrays."""
    return [np.concatenate(part) for part in zip(*loader, strict=True)]


def error_of(call, *arguments, **options):
    """Return the exception that a call raises."""
    with pytest.raises(Exception) as caught:
        call(*arguments, **options)
    return caught.value


def jpeg(size=(64, 48)):
    """Return the bytes of a small JPEG file."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def numbers(n=10):
    """Yield 0, 1, ..., n - 1."""
    yield from range(n)


def numbers_from(n, start=0):
    """Yield start, ..., n - 1."""
    yield from range(start, n)


def take(data, n):
    """Return the first n batches of a pass, leaving it early."""
    return list(itertools.islice(iter(data), n))


def worker_threads():
    """Return the threads that prefetch items of the user's generators."""
    return [thread for thread in threading.enumerate() if thread.name == "fastbatch prefetch"]


class NewThreads:
    """The threads of the process that began after this object was made, those of the core included.

    Threads of earlier tests may end meanwhile, and the system lists a joined thread for a moment longer: numbers of
    threads before and after do not compare.
    """

    def __init__(self):
        self._before = self._ids()

    def __len__(self):
        return len(self._ids() - self._before)

    @staticmethod
    def _ids():
        return set(os.listdir("/proc/self/task"))


PATIENCE_S = 30  # timeout of steps that should take no time


def in_thread(function):
    """Start a thread that runs a function, and return it."""
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def wait_until(condition):
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)
