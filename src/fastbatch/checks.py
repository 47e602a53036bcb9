# SPDX-License-Identifier: MIT
"""Checks of arguments. Error messages name the argument, the expected and the found value."""

from __future__ import annotations

import codecs
import math
import operator
from collections.abc import Iterable, KeysView, Sequence, Set
from typing import Any, SupportsIndex

import numpy as np

from fastbatch.errors import FastbatchError
from fastbatch.mapped import elements

Range = tuple[float, float]
MAX_INT64 = 2**63 - 1
MAX_SEED = 2**64 - 1  # of seeds and epochs
LONGEST_SHOWN = 120  # characters of a value in a message


def whole(name: str, value: SupportsIndex, low: int, high: int | None = None) -> int:
    """Return `value` as an int in [low, high].

    Raises:
        TypeError: Not an integer; bool is rejected.
        ValueError: Out of range.
    """
    if isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, found {shown(value)}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, found {shown(value)}") from None
    if number < low or (high is not None and number > high):
        wanted = f"at least {low}" if high is None else f"{low} to {high}"
        raise ValueError(f"{name}: expected {wanted}, found {number}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return a truth value as a bool, or raise TypeError; a str is rejected, since "False" would be true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, found {shown(value)}")
    return bool(value)


def element_type(name: str, value: Any) -> np.dtype[Any]:
    """Return the value as a NumPy dtype, or raise TypeError."""
    try:
        dtype: np.dtype[Any] = np.dtype(value)
    except TypeError:
        raise TypeError(f"{name}: expected a NumPy dtype, found {shown(value)}") from None
    return dtype


def floats(name: str, value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a float64 copy of numbers, or raise TypeError or ValueError as NumPy does."""
    refuse_masked(name, value)
    try:
        given = np.asarray(elements(value))
        if given.dtype.kind in "cmM":  # NumPy would drop imaginary parts, and count dates in their unit
            raise TypeError
        return np.array(given, dtype=np.float64)
    except FastbatchError:
        raise
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: expected numbers, found {shown(value)}") from None


def refuse_masked(name: str, value: Any) -> None:
    """Raise TypeError for an array with masked elements, or a list of such arrays: `np.asarray` would drop the mask."""
    for part in [value, *value] if isinstance(value, list | tuple) else [value]:
        if isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part):
            n = int(np.count_nonzero(np.ma.getmaskarray(part)))
            place = f"{name}: " if name else ""
            raise TypeError(
                f"{place}expected an array without masked elements, found {n} masked; .filled(x) fills them"
            )


def refuse_unordered(name: str, value: Any) -> None:
    """Raise TypeError for a set where the order matters: it differs from run to run."""
    if isinstance(value, Set) and not isinstance(value, KeysView):
        raise TypeError(f"{name}: expected a list, found {shown(value)}, which has no order")


def whole_numbers(name: str, value: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return integers as int64, or raise TypeError or ValueError: no number is rounded."""
    refuse_masked(name, value)
    given = np.asarray(value)
    if given.dtype.kind not in "iu" and given.size:
        raise TypeError(f"{name}: expected integers, found {given.dtype}")
    if given.size and not -(2**63) <= int(given.min()) <= int(given.max()) <= MAX_INT64:
        raise ValueError(f"{name}: expected integers of 64 bits, found {given.max()}")
    return given.astype(np.int64)


def text(name: str, value: Any) -> str:
    """Return a str, or raise TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, found {shown(value)}")
    return value


def codec_named(value: Any) -> codecs.CodecInfo:
    """Return the codec of an encoding, or raise TypeError or, as `open` does, LookupError."""
    try:
        return codecs.lookup(text("encoding", value))
    except (LookupError, ValueError):  # ValueError: a null character
        raise LookupError(f"unknown encoding: {shown(value)}") from None


def handler_named(value: Any) -> str:
    """Return the name of an error handler of encodings, or raise TypeError or, as `open` does, LookupError."""
    try:
        codecs.lookup_error(text("errors", value))
    except (LookupError, ValueError):
        raise LookupError(f"unknown error handler name {shown(value)}") from None
    return str(value)


def listed(name: str, value: Any, of: str) -> list[Any]:
    """Return an iterable as a list, or raise TypeError; str and bytes are rejected."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise TypeError(f"{name}: expected {of}, found {shown(value)}")
    refuse_unordered(name, value)
    return list(value)


def n_of(n: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun: "1 file", "2 files", "1,000 files"; a plural without an s is given."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def shown(value: Any) -> str:
    """Return the repr of a user's value for a message, truncated if it is long."""
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}... ({type(value).__name__})"


def one_of(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`, or raise ValueError."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, found {shown(value)}")
    return str(value)


def limited(name: str, value: Any, low: float, high: float) -> float:
    """Return `value` as a finite float in [low, high], or raise ValueError."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected a number, found {shown(value)}") from None
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(f"{name}: expected a number in {low:g}..{high:g}, found {shown(value)}")
    return number


def pair(name: str, limits: Any, low: float, high: float) -> Range:
    """Return (lowest, highest), both in [low, high], or raise ValueError."""
    refuse_unordered(name, limits)
    values: Sequence[Any] = tuple(limits) if isinstance(limits, Iterable) else ()
    if len(values) != 2 or isinstance(limits, str):
        raise ValueError(f"{name}: expected (lowest, highest), found {shown(limits)}")
    first, last = (limited(name, value, low, high) for value in values)
    if first > last:
        raise ValueError(f"{name}: expected lowest <= highest, found {shown(limits)}")
    return first, last
