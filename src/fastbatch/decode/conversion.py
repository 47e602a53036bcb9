# SPDX-License-Identifier: MIT
"""The conversion of a sample's elements and layout: the options, checked once for both implementations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastbatch.batch.column import native_dtype
from fastbatch.checks import element_type, floats, shown

from .transform import NativeTransform, native_transform

Numbers = float | Sequence[float] | np.ndarray[Any, Any]
CONVERTIBLE = "?BbHhIiLlQqefd"  # type codes that can be cast; all others are only copied


@dataclass(frozen=True)
class Field:
    """An array with its own conversion: see `field`."""

    leaf: Any
    dtype: DTypeLike | None = None
    scale: Numbers | None = None
    mean: Numbers | None = None
    std: Numbers | None = None
    layout: str | None = None
    transform: NativeTransform | None = None
    standardize: bool = False  # each channel of each sample on its own


def field(
    leaf: ArrayLike | Any,
    *,
    dtype: DTypeLike | None = None,
    scale: Numbers | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    layout: Literal["NHWC", "NCHW", "NHWC->NCHW", "NCHW->NHWC", "NHWC->NHWC", "NCHW->NCHW"] | None = None,
    transform: Any = None,
) -> Field:
    """Return one part of the data for `arrays` with its own conversion `(x * scale - mean) / std`.

    Args:
        leaf: Data that `arrays` takes: an array, a path, a source.
        dtype: Type of the batch. None keeps the type, or is float32 (float64 for float64) if one of `scale`, `mean` and
            `std` is given.
        scale, mean, std: One number, or one per channel. mean and std are in units after scaling.
        layout: "NCHW" moves the channels of (height, width, channels) samples to the front, "NCHW->NHWC" to the back.
            "NCHW->NCHW" declares that they are in front and keeps them there; by default they are last.
        transform: C function that the worker threads call on each converted sample: see `arrays`.

    Returns:
        A datum for `arrays`.

    Raises:
        TypeError: A Python function as `transform`, or an option of another type.
        ValueError: An option out of range.

    Example:
        >>> import fastbatch as fb
        >>> x = fb.field("x.npy", dtype="float32", scale=1 / 255)
        >>> loader = fb.arrays({"image": x, "label": "y.npy"}, batch_size=4)
        >>> batch = next(iter(loader))
        >>> batch["image"].dtype, batch["image"].shape, batch["label"].shape
        (dtype('float32'), (4, 784), (4,))

    Source: `csrc/decode/array_decoder.cpp`, `csrc/kernels/cast.h`.
    """
    native = None if transform is None else native_transform(transform)
    if transform is not None and native is None:
        raise TypeError("transform: expected a C function; arrays(), images() and map() take Python functions")
    if dtype is not None:
        element_type("dtype", dtype)
    for name, numbers in (("scale", scale), ("mean", mean), ("std", std)):
        floats(name, 1.0 if numbers is None else numbers)
    _layout(layout, (0, 0, 0))
    return Field(leaf, dtype, scale, mean, std, layout, native)


@dataclass(frozen=True)
class Conversion:
    """Conversion of a sample: cast, `x * scale + shift`, transpose. `csrc/kernels/kernels.h` defines the arithmetic.

    Attributes:
        dtype: Type of the batch.
        shape: Shape of one sample in the batch.
        channels: Length of scale and shift; the sample is (pixels, channels), or (channels, pixels).
        scale, shift: Empty for a plain cast.
        is_copy: True if only the byte order changes; in records not even that.
        standardize: Subtract each channel's mean and divide by its standard deviation in the sample, (rows, channels),
            then cast to `dtype`, float32 or float64. `csrc/decode/standardize.h` defines the arithmetic.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    channels: int = 1
    from_first: bool = False
    to_first: bool = False
    scale: tuple[float, ...] = ()
    shift: tuple[float, ...] = ()
    is_copy: bool = False
    standardize: bool = False


def make_conversion(source: np.dtype[Any], shape: tuple[int, ...], options: Field) -> Conversion:
    """Return the conversion of samples of this type and shape.

    Raises:
        TypeError: The elements are of a type that can only be copied (complex, strings, dates, records).
        ValueError: Numbers per channel that do not fit the channels, a std of zero, or an unknown layout.
    """
    native = native_dtype(source)
    affine = any(option is not None for option in (options.scale, options.mean, options.std))
    if options.dtype is not None:
        target = native_dtype(element_type("dtype", options.dtype))
    elif affine:
        target = np.dtype("f8" if native == np.float64 else "f4")
    else:
        target = native
    if options.standardize:
        return _standardized(native, shape, options)
    from_first, to_first = _layout(options.layout, shape)
    moves = from_first != to_first
    if target == native and not affine and not moves:
        return Conversion(native, shape, is_copy=True)
    for dtype in (native, target):
        if dtype.char not in CONVERTIBLE:
            raise TypeError(
                f"elements of type {dtype} can be copied but not converted; expected bool, integer or float"
            )
    channels = (shape[0] if from_first else shape[-1]) if shape else 1
    scale, shift = _affine(options, channels) if affine else ((), ())
    if not moves and len(set(zip(scale, shift, strict=True))) <= 1:
        channels, scale, shift = 1, scale[:1], shift[:1]  # equal for all channels: the channels may be unknown
    out_shape = shape
    if moves:
        out_shape = (*shape[1:], shape[0]) if from_first else (shape[-1], *shape[:-1])
    return Conversion(target, out_shape, max(1, channels), from_first, to_first, scale, shift)


def _standardized(native: np.dtype[Any], shape: tuple[int, ...], options: Field) -> Conversion:
    target = element_type("dtype", "f4" if options.dtype is None else options.dtype)
    if native.char not in CONVERTIBLE:
        raise TypeError(f"elements of type {native} cannot be standardized; expected bool, integer or float")
    if target not in (np.float32, np.float64):
        raise ValueError(f"dtype: expected float32 or float64 for standardized samples, found {target}")
    channels = max(1, math.prod(shape[1:]))
    return Conversion(target.newbyteorder("="), shape, channels, standardize=True)


def _layout(layout: str | None, shape: tuple[int, ...]) -> tuple[bool, bool]:
    """Return whether channels come first in the source, and in the batch."""
    if layout is None:
        return False, False
    source, arrow, target = layout.partition("->") if isinstance(layout, str) else (layout, "", "")
    if not arrow:
        source, target = "NHWC", source
    if any(name not in ("NHWC", "NCHW") for name in (source, target)):
        raise ValueError(f"layout: expected NHWC or NCHW, or one '->' the other, found {shown(layout)}")
    if source != target and len(shape) != 3:
        raise ValueError(f"layout {shown(layout)}: expected samples of 3 dimensions, found shape {shape}")
    return source == "NCHW", target == "NCHW"


def _affine(options: Field, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    scale = _per_channel("scale", options.scale, channels, 1.0)
    mean = _per_channel("mean", options.mean, channels, 0.0)
    std = _per_channel("std", options.std, channels, 1.0)
    if 0.0 in std:
        raise ValueError(f"std: expected numbers other than 0, found {shown(options.std)}")
    return tuple(a / s for a, s in zip(scale, std, strict=True)), tuple(-m / s for m, s in zip(mean, std, strict=True))


def _per_channel(name: str, numbers: Numbers | None, channels: int, default: float) -> list[float]:
    values = floats(name, default if numbers is None else numbers)
    if values.ndim > 1 or (values.ndim == 1 and len(values) not in (1, channels)):
        raise ValueError(f"{name}: expected one number, or one for each of {channels} channels, found {shown(numbers)}")
    if not all(map(math.isfinite, values.flat)):
        raise ValueError(f"{name}: expected finite numbers, found {shown(numbers)}")
    return [float(value) for value in np.broadcast_to(values, (channels,))]
