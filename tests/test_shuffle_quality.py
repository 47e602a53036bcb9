# SPDX-License-Identifier: MIT
"""Quality of the computed shuffle: orders, positions and pairs are equally likely; epochs and seeds are independent.

The statistics need many orders and use the compiled implementation; `test_plan.py` shows that the other one is equal.
All seeds are fixed, so nothing fails by chance. The bounds are 5 standard deviations; a Permutation with fewer rounds
(14 for small n, 4 for larger ones) violates them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from fastbatch import _core


def assert_uniform(counts: np.ndarray[Any, Any], freedom: int | None = None, expected: float | None = None) -> None:
    """Chi-square test: neither too uneven nor too even."""
    counts = np.asarray(counts, dtype=np.float64).ravel()
    if freedom is None:
        freedom = counts.size - 1
    if expected is None:
        expected = counts.mean()
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    sigmas = (chi_square - freedom) / math.sqrt(2 * freedom)
    assert abs(sigmas) < 5, f"{sigmas:.1f} standard deviations from uniform"


def epochs(n: int, count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return the orders of `count` epochs, one per row."""
    positions = np.arange(n, dtype=np.uint64)
    return np.array([_core.Permutation(n, seed, epoch).at(positions) for epoch in range(count)], dtype=np.int64)


def seeds(n: int, count: int) -> np.ndarray[Any, Any]:
    positions = np.arange(n, dtype=np.uint64)
    return np.array([_core.Permutation(n, seed, 0).at(positions) for seed in range(count)], dtype=np.int64)


@pytest.mark.parametrize("family", [epochs, seeds])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_all_orders_of_few_samples_are_equally_likely(n: int, family: Any) -> None:
    orders = family(n, 200_000 if n == 6 else 60_000)
    codes = (orders * n ** np.arange(n)).sum(axis=1)
    found, counts = np.unique(codes, return_counts=True)
    assert len(found) == math.factorial(n)
    assert_uniform(counts)


N_EPOCHS = {10: 20_000, 100: 4_000, 1000: 1_000, 100_000: 30}


@pytest.mark.parametrize("n", N_EPOCHS)
def test_every_sample_stands_equally_often_at_every_position(n: int) -> None:
    orders = epochs(n, N_EPOCHS[n])
    cells = min(n, 200)  # positions and samples, or ranges of them
    table = np.zeros((cells, cells), dtype=np.int64)
    place = np.arange(n) * cells // n
    for order in orders:
        np.add.at(table, (place, order * cells // n), 1)
    # Row and column sums are fixed. Over ranges, counts vary less than for independent draws.
    spread = 1 if cells == n else (1 - 1 / cells) ** 2 * n / (n - 1)
    expected = table.mean()
    chi_square = float(((table - expected) ** 2 / expected).sum()) / spread
    freedom = (cells - 1) ** 2 if cells == n else cells**2
    assert abs(chi_square - freedom) / math.sqrt(2 * freedom) < 5


@pytest.mark.parametrize("n", N_EPOCHS)
def test_the_distance_of_two_samples_does_not_depend_on_where_they_were(n: int) -> None:
    """Pairs at distances 1 and 2, and pairs with the same low digit of the network: those mix slowest."""
    a = 1 << max(1, (n - 1).bit_length() // 2)
    orders = epochs(n, N_EPOCHS[n], seed=1)
    for lag in {1, 2, a, 2 * a} - {n}:
        distances = (orders[:, lag:] - orders[:, :-lag]) % n
        counts = np.bincount(distances.ravel(), minlength=n)[1:]
        cells = min(n - 1, 999)
        counts = np.bincount(np.arange(n - 1) * cells // (n - 1), weights=counts)
        sizes = np.bincount(np.arange(n - 1) * cells // (n - 1))
        rate = counts / sizes * (n - 1) / cells  # ranges may differ in size by one
        assert_uniform(rate, freedom=cells - 1)
        same = int((distances == lag).sum())
        expected = distances.size / (n - 1)
        assert abs(same - expected) < 5 * math.sqrt(expected), (
            f"lag {lag} is kept {same} times, expected {expected:.0f}"
        )


@pytest.mark.parametrize("n", N_EPOCHS)
@pytest.mark.parametrize("family", [epochs, seeds])
def test_neighbouring_epochs_and_seeds_are_unrelated(n: int, family: Any) -> None:
    orders = family(n, min(N_EPOCHS[n], 3000))
    ranks = (orders - (n - 1) / 2) / math.sqrt((n * n - 1) / 12)
    itself = np.broadcast_to(ranks[0] * 0 + (np.arange(n) - (n - 1) / 2) / math.sqrt((n * n - 1) / 12), ranks.shape)
    for first, second in ((ranks[:-1], ranks[1:]), (ranks, itself)):
        z = (first * second).mean(axis=1) * math.sqrt(n - 1)  # mean 0 and variance 1 if independent
        assert abs(z.mean()) * math.sqrt(z.size) < 5
        assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / z.size)
    fixed = (orders[:-1] == orders[1:]).sum()  # one per pair, on average
    assert abs(fixed - (len(orders) - 1)) < 5 * math.sqrt(len(orders))


@pytest.mark.parametrize("n", [3, 4, 9, 16, 64, 100, 300])
def test_half_of_the_orders_are_even(n: int) -> None:
    """A network with two odd digits, for example, would reach even permutations only."""
    orders = epochs(n, 2000, seed=2)
    odd = 0
    for order in orders.tolist():
        cycles, seen = 0, [False] * n
        for start in range(n):
            cycles += not seen[start]
            while not seen[start]:
                seen[start] = True
                start = order[start]
        odd += (n - cycles) % 2
    assert abs(odd - 1000) < 5 * math.sqrt(500)


def test_seed_and_epoch_are_not_added() -> None:
    positions = np.arange(50, dtype=np.uint64)
    orders = {(s, e): tuple(_core.Permutation(50, s, e).at(positions).tolist()) for s in range(9) for e in range(9)}
    assert len(set(orders.values())) == 81


@pytest.mark.parametrize("n, m", [(100, 80), (100, 101), (1000, 1001)])
def test_the_same_seed_on_another_size_is_another_order(n: int, m: int) -> None:
    ranks = [orders[:, : min(n, m)].argsort(axis=1).argsort(axis=1) for orders in (epochs(n, 400), epochs(m, 400))]
    size = min(n, m)
    centred = [rank - (size - 1) / 2 for rank in ranks]
    z = (centred[0] * centred[1]).mean(axis=1) * 12 / (size * size - 1) * math.sqrt(size - 1)
    assert abs(z.mean()) * math.sqrt(z.size) < 5
    assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / z.size)


@pytest.mark.parametrize("n", [10**12, 2**62 + 1])
def test_huge_orders(n: int) -> None:
    permutation = _core.Permutation(n, 3, 4)
    there = permutation.at(np.arange(100_000, dtype=np.uint64))
    assert there.max() < n
    assert len(np.unique(there)) == 100_000
    assert [permutation.inverse(int(i)) for i in there[:100]] == list(range(100))
    assert_uniform(np.bincount((there.astype(np.float64) / n * 64).astype(np.int64), minlength=64))
    assert_uniform(np.bincount((there % np.uint64(64)).astype(np.int64), minlength=64))
    step = (there[1:] - there[:-1] + np.where(there[1:] < there[:-1], np.uint64(n), np.uint64(0))).astype(np.float64)
    assert_uniform(np.bincount((step / n * 64).astype(np.int64), minlength=64))
