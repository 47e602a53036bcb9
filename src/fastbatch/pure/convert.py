# SPDX-License-Identifier: MIT
"""Conversion of numbers: cast, scale, transpose. In C++, byte for byte equal: `csrc/kernels/`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.decode.conversion import Conversion

Array = np.ndarray[Any, Any]


def convert(sample: Array, conversion: Conversion) -> Array:
    """Return one sample, cast, scaled as `sample * scale + shift` if there is a scale, and transposed.

    `csrc/kernels/kernels.h` defines the arithmetic.
    """
    if conversion.is_copy:
        return sample.astype(conversion.dtype, copy=False)
    x = sample
    if conversion.scale:
        compute = _compute_type(sample.dtype, conversion.dtype)
        scale, shift = (_per_channel(numbers, x.ndim, conversion) for numbers in (conversion.scale, conversion.shift))
        with np.errstate(all="ignore"):
            x = x.astype(compute) * scale.astype(compute)  # rounded here,
            x = x + shift.astype(compute)  # and here again
    x = cast(x, conversion.dtype)
    if conversion.from_first and not conversion.to_first:
        return np.moveaxis(x, 0, -1)
    if conversion.to_first and not conversion.from_first:
        return np.moveaxis(x, -1, 0)
    return x


def _compute_type(source: np.dtype[Any], target: np.dtype[Any]) -> type[np.floating[Any]]:
    """Return the type of the scaling: float32 where it is precise enough, else float64."""

    def is_short(dtype: np.dtype[Any]) -> bool:
        return dtype.itemsize <= 2 or dtype.newbyteorder("=") == np.float32

    is_single = target == np.float16 or (is_short(source) and is_short(target))
    return np.float32 if is_single else np.float64


def _per_channel(numbers: tuple[float, ...], n_dimensions: int, conversion: Conversion) -> Array:
    """Return one number per channel, in a shape that broadcasts to the sample."""
    values = np.array(numbers, dtype=np.float64)
    if n_dimensions == 0:
        return values.reshape(())
    if conversion.from_first and n_dimensions > 1:
        return values.reshape(-1, *[1] * (n_dimensions - 1))
    return values


def cast(x: Array, dtype: np.dtype[Any]) -> Array:
    """Return `x.astype(dtype)`, with a defined result where C leaves it undefined.

    From float to integer, a number out of range gives the nearest integer of the type, and NaN gives 0.
    """
    if x.dtype.kind == "f" and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        wide = x.astype(np.float64)
        low = wide <= limits.min
        high = wide >= float(limits.max + 1)  # limits.max itself may not be representable
        inside = np.where(low | high | np.isnan(wide), 0.0, wide)
        out = inside.astype(dtype)  # toward zero
        return np.where(low, dtype.type(limits.min), np.where(high, dtype.type(limits.max), out))
    with np.errstate(all="ignore"):  # overflow becomes infinity
        return x.astype(dtype)
