# SPDX-License-Identifier: MIT
"""Weighted sampling: the weights of the samples, and the number of draws per epoch.

With replacement, position p of an epoch is a function of seed, epoch and p: a binary search for a uniform number in the
cumulative weights. Without replacement, the samples are sorted by -log(u) / weight, u uniform (Efraimidis and Spirakis,
"Weighted random sampling with a reservoir", 2006), once per epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastbatch.checks import MAX_INT64, flag, floats, shown, whole

from .equal import equal_labels
from .streams import DRAW, stream
from .subset import Selection, Subset

Array = np.ndarray[Any, Any]
Subsets = tuple[Subset | Selection, ...]


class Draw:
    """Weights for drawing the samples of a source. Threads: any; immutable.

    Attributes:
        replacement: A sample may be drawn again in the same epoch.
        n: Draws per epoch, over all ranks; None: the number of samples.
    """

    def __init__(self, weights: Array, replacement: bool, n: int | None) -> None:
        self.weights = weights
        self.replacement = replacement
        self.n = n
        self._of_items: tuple[Subsets, Array] | None = None

    def of_items(self, subsets: Subsets, n: int, indices: Callable[[Array], Array]) -> Array:
        """Return the weight of each item of a subset of the source, cached. `indices` maps items to samples."""
        known = self._of_items
        if known is None or known[0] != subsets:
            known = (
                subsets,
                self.weights[indices(np.arange(n, dtype=np.uint64)).astype(np.intp)] if n else np.empty(0),
            )
            self._check(known[1], self.n if self.n is not None else n)
            self._of_items = known
        return known[1]

    def _check(self, weights: Array, n: int) -> None:
        n_likely = int(np.count_nonzero(weights))
        if n and n_likely == 0:
            raise ValueError("weights: expected a number above 0 in this part of the data, found none")
        if not self.replacement and n > n_likely:
            raise ValueError(f"without replacement: expected at most {n_likely} samples per epoch, found {n}")

    def identity(self) -> str:
        """Return the options that determine the order, in one line."""
        import hashlib

        digest = hashlib.blake2b(self.weights.tobytes(), digest_size=8).hexdigest()
        return f"draw {'with' if self.replacement else 'without'} replacement {self.n} by {digest}"


def cumulative(weights: Array) -> Array:
    """Return the cumulative sums of the weights, added sequentially."""
    sums: Array = np.cumsum(weights, dtype=np.float64)
    return sums


def listed(weights: Array, seed: int, epoch: int, n: int) -> Array:
    """Return the first `n` items of an epoch, drawn without replacement."""
    uniform = stream(seed, epoch, 0, DRAW).random(len(weights))
    with np.errstate(divide="ignore"):
        keys = -_log(1.0 - uniform) / weights  # 1 - u > 0
    return np.argsort(keys, kind="stable")[:n].astype(np.uint64)


def _log(x: Array) -> Array:
    """Return the logarithm by sums and products only: bitwise equal on all machines, unlike library functions."""
    fraction, exponent = np.frexp(x)
    low = fraction < 0.7071067811865476
    fraction, exponent = np.where(low, 2 * fraction, fraction), exponent - low
    t = (fraction - 1.0) / (fraction + 1.0)
    square, series = t * t, np.zeros_like(t)
    for k in range(23, 0, -2):
        series = series * square + 1.0 / k
    return 2.0 * t * series + exponent * 0.6931471805599453


def make_draw(
    n: int, weights: Any, balance: Any, replacement: bool, samples_per_epoch: Any, labels: Callable[[], Any]
) -> Draw | None:
    """Return the weighted sampling of these options, checked; None without weights.

    Args:
        n: Samples in the source.
        labels: Returns the labels for `balance="classes"`.
    """
    if weights is None and balance is None:
        if samples_per_epoch is not None:
            raise ValueError("samples_per_epoch: only valid with weights or balance")
        return None
    if balance is not None:
        if weights is not None:
            raise ValueError("expected weights or balance, found both")
        if isinstance(balance, str) and balance != "classes":
            raise ValueError(
                f"balance: expected 'classes' or one label for each of {n} samples, found {shown(balance)}"
            )
        if isinstance(balance, str):
            balance = labels()
        classes = equal_labels("balance", balance, n, "'classes' or one label")
        weights = 1.0 / np.bincount(classes)[classes]
    values = floats("weights", weights)
    if values.shape != (n,):
        raise ValueError(f"weights: expected one for each of {n} samples, found shape {values.shape}")
    with np.errstate(over="ignore"):
        total = values.sum()
    if not (np.isfinite(values).all() and (values >= 0).all() and np.isfinite(total)):
        wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
        found = f"{values[wrong[0]]} for sample {wrong[0]}" if len(wrong) else "a sum without bounds"
        raise ValueError(f"weights: expected finite numbers of at least 0, found {found}")
    number = None if samples_per_epoch is None else whole("samples_per_epoch", samples_per_epoch, 0, MAX_INT64)
    draw = Draw(values, flag("replacement", replacement), number)
    draw._check(values, n if number is None else number)
    return draw
