# SPDX-License-Identifier: MIT
"""Helpers for transforms written in Numba, like `include/fastbatch/transform.h` for C.

This module needs Numba. Example:

    import numba
    import numpy as np
    import fastbatch
    from fastbatch.numba import array, signature, uniform

    @numba.cfunc(signature)
    def jitter(samples, user_data):
        x = array(samples, np.float32)
        x *= np.float32(0.8 + 0.4 * uniform(samples, 0))
        return 0

    fastbatch.arrays(images, transform=jitter)
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

try:
    from llvmlite import ir
    from numba import carray, njit, types
    from numba.core import cgutils
    from numba.extending import intrinsic
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("fastbatch.numba needs Numba: pip install numba", name=error.name) from None

from fastbatch.decode.transform import Sample

__all__ = ["array", "sample", "shape", "signature", "uniform"]

_RECORD = types.Record.make_c_struct(
    [(name, types.int64 if kind is ctypes.c_int64 else types.uint64) for name, kind in Sample._fields_]
)
signature = types.int32(types.CPointer(_RECORD), types.voidptr)


@intrinsic
def _pointer(context: Any, address: Any) -> Any:
    """Convert an address to a pointer."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


@intrinsic
def _high(context: Any, a: Any, b: Any) -> Any:
    """Return the upper 64 bits of the product of two 64-bit integers."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(values[0], wide), builder.zext(values[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@njit
def sample(samples):
    """Return the sample as a record with the fields of `fastbatch_sample`; pointers are integers."""
    return carray(samples, 1)[0]


@njit
def shape(samples):
    """Return the shape of the sample as an array of int64."""
    one = carray(samples, 1)[0]
    return carray(_pointer(one.shape), one.ndim, np.int64)


@njit
def array(samples, dtype):
    """Return the elements of the sample, in C order, as a 1-d array; `dtype` must be their type."""
    one = carray(samples, 1)[0]
    n = 1
    for side in shape(samples):
        n *= side
    return carray(_pointer(one.data), n, dtype)


@njit
def uniform(samples, i):
    """Return random number `i` of the sample in [0, 1), as `fastbatch_uniform` does."""
    one = carray(samples, 1)[0]
    c0, c1, c2, c3 = np.uint64(i) // np.uint64(4) + np.uint64(1), one.index, np.uint64(0), np.uint64(12)
    k0, k1 = one.seed, one.epoch
    for _ in range(10):
        even, even_high = np.uint64(0xD2E7470EE14C6C93) * c0, _high(np.uint64(0xD2E7470EE14C6C93), c0)
        odd, odd_high = np.uint64(0xCA5A826395121157) * c2, _high(np.uint64(0xCA5A826395121157), c2)
        c0, c1, c2, c3 = odd_high ^ c1 ^ k0, odd, even_high ^ c3 ^ k1, even
        k0 += np.uint64(0x9E3779B97F4A7C15)
        k1 += np.uint64(0xBB67AE8584CAA73B)
    drawn = (c0, c1, c2, c3)[i % 4]
    return np.float64(drawn >> np.uint64(11)) * 2.0**-53
