# SPDX-License-Identifier: MIT
"""Checks of arguments. Each names the argument, what was expected and what was found."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

Range = tuple[float, float]
MAX_INT64 = 2**63 - 1


def whole(name: str, value: SupportsIndex, low: int, high: int | None = None) -> int:
    """Return `value` as an int in [low, high].

    Raises:
        TypeError: It is no integer (bool counts as none).
        ValueError: It is outside the range.
    """
    if isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, found {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, found {value!r}") from None
    if number < low or (high is not None and number > high):
        wanted = f"at least {low}" if high is None else f"{low} to {high}"
        raise ValueError(f"{name}: expected {wanted}, found {number}")
    return number


def one_of(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value`, which is one of `choices`, or raise ValueError."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, found {value!r}")
    return str(value)


def limited(name: str, value: Any, low: float, high: float) -> float:
    """Return `value` as a float in [low, high]."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected a number, found {value!r}") from None
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(f"{name}: expected a number in {low:g}..{high:g}, found {value!r}")
    return number


def pair(name: str, limits: Any, low: float, high: float) -> Range:
    """Return (lowest, highest) within [low, high]."""
    values: Sequence[Any] = tuple(limits) if isinstance(limits, Iterable) else ()
    if len(values) != 2 or isinstance(limits, str):
        raise ValueError(f"{name}: expected (lowest, highest), found {limits!r}")
    first, last = (limited(name, value, low, high) for value in values)
    if first > last:
        raise ValueError(f"{name}: expected lowest <= highest, found {limits!r}")
    return first, last
