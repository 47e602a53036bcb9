# SPDX-License-Identifier: MIT
"""Subsets of a data set: a range of its samples, optionally shuffled first, or a list of indices."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import refuse_masked
from fastbatch.mapped import elements

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Subset:
    """Items [start, start + count) of `n`, after a permutation by `seed` if `shuffled`. Immutable."""

    shuffled: bool
    seed: int
    n: int
    start: int
    count: int

    def __str__(self) -> str:
        """Return the parameters that determine the order, in one line."""
        return f"{self.start}+{self.count}/{self.n}{f' seed {self.seed}' * self.shuffled}"


@dataclass(frozen=True, eq=False)
class Overlap:
    """Which samples share rows of their source: those of one piece whose numbers differ by less than `reach`.

    Attributes:
        reach: 1 if no two samples share rows.
        starts: Number of the first sample of each piece (a series, a document); ascending, int64.
    """

    reach: int
    starts: Array

    def kept_before(self, first: int, low: int) -> int:
        """Return the end of those of the samples from `low` to `first` that share no rows with sample `first`."""
        start = int(self.starts[np.searchsorted(self.starts, first, "right") - 1])
        return max(low, min(first, max(start, first - self.reach + 1)))

    def apart(self, samples: Array, held_out: Array) -> Array:
        """Return which of some samples share no rows with any of those held out."""
        if not len(held_out):
            return np.ones(len(samples), bool)
        others = np.sort(held_out)
        pieces = np.searchsorted(self.starts, samples, "right")
        after = np.searchsorted(others, samples)
        apart = np.ones(len(samples), bool)
        for place in (after - 1, after):
            near = others[np.clip(place, 0, len(others) - 1)]
            same_piece = np.searchsorted(self.starts, near, "right") == pieces
            apart &= ~(same_piece & (np.abs(near - samples) < self.reach))
        return apart


class Selection:
    """Items of `n` by index: in any order, possibly repeated.

    Threads: immutable once made; any thread.

    Attributes:
        items: Indices, uint64, read-only.
        count: Number of items.
        core: The compiled core's object, made on first use.
    """

    def __init__(self, n: int, items: Array) -> None:
        self.n = n
        self.items: Array = np.array(items, dtype=np.uint64)
        self.items.flags.writeable = False
        self.count = len(self.items)
        self.core: Any = None
        self._digest: str | None = None

    def digest(self) -> str:
        """Return a fingerprint of the list."""
        if self._digest is None:
            import hashlib  # slow to import, and only states need it

            self._digest = hashlib.blake2b(self.items.astype("<u8").tobytes(), digest_size=8).hexdigest()
        return self._digest

    def __str__(self) -> str:
        return f"{self.count}/{self.n} listed {self.digest()}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selection):
            return NotImplemented
        return self is other or (self.n == other.n and np.array_equal(self.items, other.items))

    def __hash__(self) -> int:
        return hash((self.n, self.count))

    def __reduce__(self) -> Any:
        return Selection, (self.n, self.items)


def make_selection(indices: Any, n: int) -> Selection:
    """Return the checked selection of samples out of `n`.

    Args:
        indices: Integers in one dimension, negative ones counted from the end; or a mask of `n` booleans.

    Raises:
        TypeError: Neither integers nor booleans.
        IndexError: An index outside `[-n, n)`, or a mask of another length.
    """
    if isinstance(indices, Iterator | str | bytes | dict | set | frozenset):
        raise TypeError(f"select: expected a sequence of integers or a mask, found {type(indices).__name__}")
    refuse_masked("select", indices)
    given = elements(indices)
    if given.ndim != 1:
        found = type(indices).__name__ if given.ndim == 0 else f"shape {given.shape}"
        raise TypeError(f"select: expected indices in one dimension, found {found}")
    if given.dtype.kind == "b":
        if len(given) != n:
            raise IndexError(f"select: expected a mask of {n} samples, found one of {len(given)}")
        return Selection(n, np.flatnonzero(given))
    if given.size == 0:
        return Selection(n, np.empty(0, np.uint64))
    if given.dtype.kind not in "iu":
        given = np.array([_checked(place, index, n) for place, index in enumerate(indices)], np.int64)
    if given.dtype.kind == "i":
        given = given.astype(np.int64)
    outside = given >= n if given.dtype.kind == "u" else (given < -n) | (given >= n)
    if outside.any():
        place = int(np.flatnonzero(outside)[0])
        _checked(place, int(given[place]), n)
    return Selection(n, np.where(given < 0, given + n, given) if given.dtype.kind == "i" else given)


def _checked(place: int, index: Any, n: int) -> int:
    if isinstance(index, bool | np.bool_) or not hasattr(index, "__index__"):
        raise TypeError(f"select: expected integers, found {index!r:.120} at place {place}")
    number = operator.index(index)
    if not -n <= number < n:
        raise IndexError(f"select: expected an index from {-n} to {n - 1}, found {number} at place {place}")
    return number
