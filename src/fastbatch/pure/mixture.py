# SPDX-License-Identifier: MIT
"""The order of an epoch of a mixture. In C++: `csrc/plan/mixture.cpp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastbatch.plan.mixture import Mixture
from fastbatch.plan.plan import Plan

from .plan import Indices

OrderOf = Callable[[Plan, int], Any]


class MixedOrder:
    """Maps a position within the epoch of a mixture to a sample of one of its parts.

    Args:
        items: The order of the mixture's samples.
        order_of: Returns the order of a plan in an epoch.
    """

    def __init__(self, items: Any, mixture: Mixture, epoch: int, order_of: OrderOf, repeats: bool) -> None:
        mixture.refuse_epoch(epoch)
        self._items = items
        self._mixture = mixture
        self._epoch = epoch
        self._order_of = order_of
        self._repeats = repeats
        self._known: dict[int, tuple[int, Any]] = {}  # the latest order of each part
        self._turns = mixture.turns()
        had = [0] * len(mixture.plans)
        self._ranks: list[int] = []  # of each turn: earlier turns of its part in the period
        for part in self._turns:
            self._ranks.append(had[part])
            had[part] += 1
        self._ends = list(accumulate(plan.n for plan in mixture.plans))

    def at(self, positions: ArrayLike) -> Indices:
        """Return the sample at each position, numbered over the sources of all parts."""
        found = []
        for item in self._items.at(positions).tolist():
            part, order, position = self._place(item)
            found.append(int(order.at([position])[0]) + self._mixture.firsts[part])
        return np.array(found, np.uint64)

    def keys(self, positions: Sequence[int], seed: int) -> list[tuple[int, int]]:
        """Return the keys of the samples' random streams: those that they have in their part."""
        if self._repeats:
            keys: list[tuple[int, int]] = self._items.keys(positions, seed)
            return keys
        found = []
        for item in self._items.at(positions).tolist():
            part, order, position = self._place(item)
            found += order.keys([position], self._mixture.plans[part].seed)
        return found

    def _place(self, item: int) -> tuple[int, Any, int]:
        """Return the part of an item, the part's order in its own epoch, and the position there."""
        if not self._turns:
            part = int(np.searchsorted(self._ends, item, "right"))
            position = item - (self._ends[part - 1] if part else 0)
            return part, self._order(part, self._epoch), position
        periods, turn = divmod(self._epoch * self._mixture.n + item, len(self._turns))
        part = self._turns[turn]
        sample = periods * self._mixture.weights[part] + self._ranks[turn]
        epoch, position = divmod(sample, self._mixture.plans[part].n)
        return part, self._order(part, epoch), position

    def _order(self, part: int, epoch: int) -> Any:
        known = self._known.get(part)
        if known is None or known[0] != epoch:
            known = self._known[part] = (epoch, self._order_of(self._mixture.plans[part], epoch))
        return known[1]
