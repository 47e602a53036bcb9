# SPDX-License-Identifier: MIT
"""The order of an epoch with weighted sampling. In C++: `Order::draw` in `csrc/plan/order.cpp`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastbatch.plan.plan import Plan
from fastbatch.plan.sampling import cumulative, listed
from fastbatch.plan.streams import DRAW

from .plan import Indices, Order, stream


class DrawnOrder:
    """Maps a position within the epoch to the index of its sample in the source.

    Args:
        items: The available samples in order.
        weights: One weight per item.
    """

    def __init__(self, items: Order, weights: NDArray[np.float64], plan: Plan, epoch: int) -> None:
        assert plan.draw is not None
        self._items = items
        self._key = (plan.seed, epoch)
        self._epoch = epoch
        self._replacement = plan.draw.replacement
        if self._replacement:
            sums = cumulative(weights)
            wanted = stream(*self._key, 0, DRAW).random(plan.n) * (sums[-1] if len(sums) else 0.0)
            found = np.searchsorted(sums, wanted, side="right")
            # Rounding may give the sum itself: then the last item with a weight is drawn.
            last = np.searchsorted(sums, sums[-1:], side="left")
            self._drawn = np.where(found < len(sums), found, last).astype(np.uint64) if plan.n else wanted.astype("u8")
        else:
            self._drawn = listed(weights, plan.seed, epoch, plan.n)

    def at(self, positions: ArrayLike) -> Indices:
        """Return the index of the sample at each position within the epoch."""
        return self._items.at(self._drawn[np.asarray(positions, dtype=np.intp)])

    def keys(self, positions: Sequence[int], seed: int) -> list[tuple[int, int]]:
        """Return the key of each sample's random streams; it differs between repeated draws of one sample."""
        if not self._replacement:
            return [(seed, self._epoch)] * len(positions)
        raw = stream(*self._key, 1, DRAW).bit_generator.random_raw(max(positions, default=-1) + 1)
        return [(seed, int(raw[position])) for position in positions]
