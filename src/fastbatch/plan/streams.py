# SPDX-License-Identifier: MIT
"""Streams of random numbers: one for each seed, epoch, index and purpose, so that no draw disturbs another."""

from __future__ import annotations

import numpy as np

# Purposes of random streams: separate the streams of the same seed, epoch and index.
SAMPLE = 0  # index = the sample's index in the source
EPOCH_ORDER = 1
SPLIT = 2
USER = 12  # operation of a user's transform
REPLACE = 11  # operation that draws the replacement of a bad sample
DRAW = 3  # weighted sampling; index = 0: draw p is for position p; index = 1: the epochs of their streams
BUCKET = 5  # the permutation of the documents of a bucket; index = the bucket
BATCH = 4  # a function of `map`; index = the position of the batch or sample


def stream(seed: int, epoch: int, index: int, purpose: int = SAMPLE, operation: int = 0) -> np.random.Generator:
    """Return the random generator of one sample (or window, or split): Philox, a counter-based generator.

    The first word of the counter counts blocks of four numbers. Each operation on a sample (crop, flip, ...) has its
    own stream, numbered as in `csrc/common/philox.h`, so that a new operation changes no other.
    """
    key = np.array([seed, epoch], dtype=np.uint64)
    counter = np.array([0, index, purpose, operation], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
