# SPDX-License-Identifier: MIT
"""Whether two batches are the same: structure, shapes, types, every element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_ROUNDING = 1e-6  # of the largest value


def difference(theirs: Any, ours: Any, where: str = "batch") -> str:
    """Return in words what differs first, or ""."""
    if isinstance(theirs, Mapping):
        if not isinstance(ours, Mapping) or list(theirs) != list(ours):
            return f"{where}: expected the keys {list(theirs)}, found {_shape_of(ours)}"
        return next(filter(None, (difference(theirs[k], ours[k], f"{where}[{k!r}]") for k in theirs)), "")
    if isinstance(theirs, (list, tuple)):
        if not isinstance(ours, (list, tuple)) or len(theirs) != len(ours):
            return f"{where}: expected {len(theirs)} parts, found {_shape_of(ours)}"
        pairs = zip(theirs, ours, strict=True)
        return next(filter(None, (difference(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(pairs))), "")
    return _of_arrays(theirs, ours, where)


def _of_arrays(theirs: Any, ours: Any, where: str) -> str:
    expected, found = np.asarray(theirs), np.asarray(ours)
    if (expected.dtype, expected.shape) != (found.dtype, found.shape):
        return f"{where}: expected {expected.dtype} {expected.shape}, found {found.dtype} {found.shape}"
    if expected.tobytes() == found.tobytes():
        return ""
    if expected.dtype.kind in "fc":
        if np.array_equal(expected, found, equal_nan=True):
            return ""  # 0.0 and -0.0, or other bits of NaN
        with np.errstate(all="ignore"):
            most = float(np.nanmax(np.abs(expected.astype(np.float64) - found.astype(np.float64))))
        return f"{where}: values differ by up to {most:.3g}"
    unequal = int(np.count_nonzero(expected != found))
    return f"{where}: {unequal:,} of {expected.size:,} values differ" if unequal else ""


def _shape_of(thing: Any) -> str:
    if isinstance(thing, Mapping):
        return f"the keys {list(thing)}"
    return f"{len(thing)} parts" if isinstance(thing, (list, tuple)) else type(thing).__name__


def is_rounding(theirs: Any, ours: Any) -> bool:
    """Return whether two batches, which differ, are equal but for the rounding of float32."""
    if isinstance(theirs, Mapping):
        return (
            isinstance(ours, Mapping)
            and list(theirs) == list(ours)
            and all(is_rounding(theirs[k], ours[k]) for k in theirs)
        )
    if isinstance(theirs, (list, tuple)):
        same = isinstance(ours, (list, tuple)) and len(theirs) == len(ours)
        return same and all(map(is_rounding, theirs, ours))
    expected, found = np.asarray(theirs), np.asarray(ours)
    if (expected.dtype, expected.shape) != (found.dtype, found.shape):
        return False
    if expected.dtype.kind not in "fc":
        return bool(np.array_equal(expected, found))
    scale = float(np.nanmax(np.abs(expected), initial=0.0))
    return bool(np.allclose(expected, found, rtol=0, atol=_ROUNDING * scale, equal_nan=True))
