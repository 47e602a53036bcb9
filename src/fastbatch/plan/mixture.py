# SPDX-License-Identifier: MIT
"""Several plans as one: by shares, one after another, or side by side. All are functions of epoch and position."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from fastbatch.checks import MAX_INT64, shown

from .plan import Plan

MAX_PERIOD = 65536  # turns
TOLERANCE = 1e-6  # of the sum of the shares

Stop = Literal["first", "last"]
STOPS: tuple[Stop, ...] = ("first", "last")


@dataclass(frozen=True)
class Mixture:
    """Plans of several data sets as one, by shares or one after another. In C++: `csrc/plan/mixture.h`. Immutable.

    By shares: the parts take turns in a short pattern, the period. Turns go on from epoch to epoch of the mixture, and
    so does each part: when its own epoch ends, its next one begins.
    One after another: epoch e of the mixture is epoch e of the first part, then of the second one, ...

    Attributes:
        plans: The order of each part.
        firsts: Number of the first sample of each part among the samples of all sources.
        weights: Turns of each part in a period; none: one after another.
        n: Samples in an epoch of the mixture.
    """

    plans: tuple[Plan, ...]
    firsts: tuple[int, ...]
    weights: tuple[int, ...]
    n: int

    @property
    def is_fixed(self) -> bool:
        """Whether item i is the same sample in all epochs."""
        return not self.weights and all(is_fixed(plan) for plan in self.plans)

    @property
    def is_random_access(self) -> bool:
        """Whether the kernel's readahead cannot predict the order of reads."""
        return any(plan.is_random_access for plan in self.plans)

    def turns(self) -> tuple[int, ...]:
        """Return the part of each turn of a period; empty: one after another."""
        return turns_of(self.weights)

    def identity(self) -> str:
        """Return what determines the order, in one line."""
        name = f"mix {':'.join(map(str, self.weights))} until {self.n}" if self.weights else "concat"
        return f"{name} of {parts_identity(self.plans)}"

    def refuse_epoch(self, epoch: int) -> None:
        """Raise ValueError for an epoch whose turns have numbers of more than 63 bits."""
        if self.weights and (epoch + 1) * self.n > MAX_INT64:
            raise ValueError(f"epoch {epoch} of {self.n} samples: expected fewer than 2^63 samples until its end")


@dataclass(frozen=True)
class Pairing:
    """Plans of several data sets side by side: sample k of an epoch is sample k of each. Immutable."""

    plans: tuple[Plan, ...]
    is_fixed = False
    is_random_access = False  # the engines of the parts know

    def identity(self) -> str:
        """Return what determines the order, in one line."""
        return f"zip of {parts_identity(self.plans)}"


def is_fixed(plan: Plan) -> bool:
    """Return whether position i of a plan is the same sample in all epochs."""
    return not plan.shuffle and plan.draw is None and (plan.mixture is None or plan.mixture.is_fixed)


def parts_identity(plans: Sequence[Plan]) -> str:
    """Return the orders of some plans, in one line."""
    return ", ".join(f"({plan.n} samples, seed {plan.seed}: {plan.order()})" for plan in plans)


def weights_of(shares: Sequence[float], names: Sequence[str]) -> tuple[int, ...]:
    """Return the turns of each part in a period, for shares that sum to 1.

    The shortest period with exactly these shares is taken, up to `MAX_PERIOD` turns. Other shares are rounded to
    multiples of 1 / MAX_PERIOD.

    Raises:
        ValueError: A share that is not above 0, or not finite; a sum other than 1.
        TypeError: A share that is not a number.
    """
    for name, share in zip(names, shares, strict=True):
        if isinstance(share, bool):
            raise TypeError(f"share of {name}: expected a number, found {share}")
        try:
            is_share = math.isfinite(share) and share > 0
        except TypeError:
            raise TypeError(f"share of {name}: expected a number, found {shown(share)}") from None
        if not is_share:
            raise ValueError(f"share of {name}: expected a number above 0, found {share}")
    total = math.fsum(shares)
    if abs(total - 1) > TOLERANCE:
        raise ValueError(f"shares: expected a sum of 1, found {total:.9g}")
    exact = [Fraction(float(share)).limit_denominator(MAX_PERIOD) for share in shares]
    period = math.lcm(*(share.denominator for share in exact))
    near = all(abs(float(one) - share) <= 1e-12 for one, share in zip(exact, shares, strict=True))
    if near and sum(exact) == 1 and period <= MAX_PERIOD:
        return tuple(int(share * period) for share in exact)
    return _rounded([share / total for share in shares])


def _rounded(shares: Sequence[float]) -> tuple[int, ...]:
    """Return weights of the longest period: each share rounded down, and what is missing by the largest remainders."""
    weights = [max(1, int(share * MAX_PERIOD)) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: weights[i] - shares[i] * MAX_PERIOD)
    missing = MAX_PERIOD - sum(weights)
    for i in range(missing):
        weights[by_remainder[i % len(weights)]] += 1
    for _ in range(-missing):  # tiny shares were rounded up to one turn
        weights[weights.index(max(weights))] -= 1
    return tuple(weights)


@functools.lru_cache(maxsize=64)
def turns_of(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Return the part of each turn of a period.

    After any number of turns, each part has had its share of them, rounded up or down: the quota method of Balinski and
    Young, "The quota method of apportionment", 1975. Of the parts that stay below their share rounded up, the one with
    the largest share per turn has the next turn.
    """
    period, had = sum(weights), [0] * len(weights)
    turns: list[int] = []
    for turn in range(1, period + 1):
        best = -1
        for part, weight in enumerate(weights):
            if had[part] * period >= weight * turn:  # one more would be above its share rounded up
                continue
            if best < 0 or weight * (had[best] + 1) > weights[best] * (had[part] + 1):
                best = part
        had[best] += 1
        turns.append(best)
    return tuple(turns)


def mixed_length(sizes: Sequence[int], weights: tuple[int, ...], stop: Stop) -> int:
    """Return the samples of an epoch of a mixture.

    Args:
        sizes: Samples of each part.
        stop: "first": up to the turn for which a part would begin its second epoch. "last": up to the last sample of
            the part that ends its first epoch last.
    """
    turns = turns_of(weights)
    slots: list[list[int]] = [[] for _ in weights]
    for turn, part in enumerate(turns):
        slots[part].append(turn)

    def turn_of(part: int, sample: int) -> int:
        periods, rest = divmod(sample, weights[part])
        return periods * len(turns) + slots[part][rest]

    if stop == "first":
        return min(turn_of(part, size) for part, size in enumerate(sizes))
    return max(turn_of(part, size - 1) + 1 for part, size in enumerate(sizes))
