# SPDX-License-Identifier: MIT
"""Which samples have equal labels, for `split` and `balance`: labels of any kind, compared as Python compares them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import refuse_masked, shown
from fastbatch.mapped import elements

Numbers = NDArray[np.int64]


def equal_labels(name: str, given: Any, n: int, expected: str) -> Numbers:
    """Return a number for each label: 0, 1, ... in the order in which different ones appear.

    Raises:
        ValueError: Not `n` labels, or a missing one: None, NaN or pandas's NA; the message has `expected`.
        TypeError: Labels that are neither numbers nor names, or masked.
    """
    refuse_masked(name, given)
    values = given if isinstance(given, list | tuple) else elements(given)
    shape = (len(values),) if isinstance(values, list | tuple) else values.shape
    if shape != (n,):
        raise ValueError(f"{name}: expected {expected} for each of {n} samples, found shape {shape}")
    if isinstance(values, list | tuple) or values.dtype.hasobject:
        missing = next((i for i, value in enumerate(values) if _is_missing(value)), None)
    else:
        missing = next(iter(np.flatnonzero(values != values).tolist()), None)
    if missing is not None:
        raise ValueError(
            f"{name}: expected {expected} for each of {n} samples, found {values[missing]} for sample {missing}"
        )
    if isinstance(values, list | tuple) or values.dtype.hasobject:
        return _of_objects(name, list(values))
    _, first, numbers = np.unique(values, return_index=True, return_inverse=True)
    by_appearance: Numbers = np.argsort(np.argsort(first))
    return by_appearance[numbers]


def _of_objects(name: str, values: list[Any]) -> Numbers:
    """Return the numbers of Python objects. As an array of NumPy some that differ would be equal, as 1 and "1"."""
    numbers: dict[Any, int] = {}
    found = np.empty(len(values), np.int64)
    i = 0
    try:
        for i, value in enumerate(values):
            found[i] = numbers.setdefault(value, len(numbers))
    except TypeError:
        raise TypeError(f"{name}: sample {i}: expected a number or a name, found {shown(values[i])}") from None
    return found


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas's NA
        return True
    except ValueError:  # an array, which is refused
        return False
