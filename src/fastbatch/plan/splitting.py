# SPDX-License-Identifier: MIT
"""Which samples `split` holds out: the last ones, random ones, some of each class, or whole groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import MAX_INT64, MAX_SEED, numbered, shown, whole

from .plan import Plan, held_out_of
from .streams import SPLIT, stream
from .subset import Overlap

Array = NDArray[Any]


@dataclass(frozen=True)
class Division:
    """The options of `Loader.split`. Immutable.

    Attributes:
        validation, seed, shuffle, stratify, groups, gap: As for `Loader.split`.
    """

    validation: Any
    seed: Any
    shuffle: bool | None
    stratify: Any = None
    groups: Any = None
    gap: Any = 0

    def of(self, plan: Plan, overlap: Overlap | None, labels: Callable[[], Any]) -> tuple[Plan, Plan]:
        """Return the plans of the two parts.

        Args:
            overlap: The samples that share rows.
            labels: Returns the label of each sample, or None.
        """
        plan.refuse_unfixed("split")
        seed = whole("seed", self.seed, 0, MAX_SEED)
        gap = whole("gap", self.gap, 0, MAX_INT64)
        if self.stratify is None and self.groups is None:
            return plan.split(self.validation, seed, self.shuffle, overlap, gap)
        if self.stratify is not None and self.groups is not None:
            raise ValueError("expected stratify or groups, found both")
        if gap:
            raise ValueError("gap: only valid without stratify and groups, which hold out samples of all times")
        if self.groups is not None:
            of = numbered("groups", "one group", self.groups, plan.n_items)
            held = grouped(of, self.validation, seed, self.shuffle is not False)
            return plan.hold_out(held, overlap if self.shuffle is None else None)
        if self.shuffle is False:
            raise ValueError("stratify: expected shuffle=True or None, found False: it holds out random samples")
        if overlap is not None and self.shuffle is None:
            raise ValueError(
                "stratify: expected shuffle=True, found None: it holds out random samples, and these share rows"
            )
        given = self.stratify
        if isinstance(given, str):
            given = labels() if given == "classes" else None
            if given is None:
                raise ValueError(
                    f"stratify: expected one label for each of {plan.n_items} samples, found {shown(self.stratify)}"
                    + " of a loader without labels" * (self.stratify == "classes")
                )
        of = numbered("stratify", "one label", given, plan.n_items)
        return plan.hold_out(stratified(of, held_out_of(self.validation, plan.n_items), seed), None)


def _shuffled(n: int, seed: int, index: int = 0) -> Array:
    """Return the numbers below `n` in random order."""
    order: Array = np.argsort(stream(seed, 0, index, SPLIT).random(n), kind="stable")
    return order


def stratified(classes: Array, n_held: int, seed: int) -> NDArray[np.bool_]:
    """Return which samples are held out: of each class its share of `n_held`, rounded up or down.

    Args:
        classes: Number of the class of each sample.

    Raises:
        ValueError: A class with one sample, or fewer samples in one part than there are classes; as in scikit-learn.
    """
    counts, n = np.bincount(classes), len(classes)
    if len(counts) and counts.min() < 2:
        raise ValueError(f"stratify: expected at least 2 samples of each class, found 1 at sample {_lone(classes)}")
    for name, size in (("validation", n_held), ("training", n - n_held)):
        if size < len(counts):
            raise ValueError(f"stratify: expected at least {len(counts)} {name} samples, one per class, found {size}")
    quotas = counts.astype(object) * n_held  # exact for any number of samples
    held = np.array([int(quota // n) for quota in quotas], np.int64)
    rest = np.array([int(quota % n) for quota in quotas], np.int64)
    among_equals = _shuffled(len(counts), seed, 1)
    by_rest = among_equals[np.argsort(-rest[among_equals], kind="stable")]
    held[by_rest[: n_held - int(held.sum())]] += 1

    order = _shuffled(n, seed)
    by_class = order[np.argsort(classes[order], kind="stable")]
    place = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)  # within the class, in random order
    chosen = np.zeros(n, bool)
    chosen[by_class] = place < np.repeat(held, counts)
    return chosen


def _lone(classes: Array) -> int:
    return int(np.flatnonzero(np.bincount(classes)[classes] == 1)[0])


def grouped(groups: Array, validation: Any, seed: int, is_random: bool) -> NDArray[np.bool_]:
    """Return which samples are held out: all those of some groups.

    Args:
        groups: Number of the group of each sample, by its first appearance.
        validation: Share or number of the groups.
        is_random: False holds out the groups that appear last.

    Raises:
        ValueError: One of the parts would have no group.
    """
    n_groups = int(groups.max()) + 1 if len(groups) else 0
    n_held = held_out_of(validation, n_groups, "groups")
    if not 0 < n_held < n_groups:
        raise ValueError(f"groups: expected at least one group in each part, found {n_held} of {n_groups} held out")
    order = _shuffled(n_groups, seed) if is_random else np.arange(n_groups)[::-1]
    held = np.zeros(n_groups, bool)
    held[order[:n_held]] = True
    chosen: NDArray[np.bool_] = held[groups]
    return chosen
