# SPDX-License-Identifier: MIT
"""A transform in Python, compiled by Numba."""

import numba
import numpy as np

import fastbatch as fb
from fastbatch.numba import array, sample, signature, uniform

FLOAT32 = ord("f")


@numba.cfunc(signature)
def jitter(samples, user_data):
    """Make each sample up to 20% darker or brighter."""
    if sample(samples).type != FLOAT32:
        return 1
    gain = np.float32(1.0 + 0.2 * (2.0 * uniform(samples, 0) - 1.0))
    x = array(samples, np.float32)
    for i in range(len(x)):
        x[i] *= gain
    return 0


if __name__ == "__main__":
    images = np.ones((1000, 3, 64, 64), np.float32)
    for batch in fb.arrays(images, transform=jitter, batch_size=250):
        print(batch.mean(axis=(1, 2, 3))[:5])
