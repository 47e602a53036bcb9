# SPDX-License-Identifier: MIT
"""The plan: random streams, the computed shuffle and its quality, block shuffle, shards, batches.

What is true of one order is asked of both implementations. The statistics need many orders and are asked of the
compiled one; the two are equal number for number. All seeds are fixed, so nothing here fails by chance: the bounds are
5 standard deviations, and a Permutation with fewer rounds (14 for small n, 4 for larger ones) breaks them.
"""

from __future__ import annotations

import math
from dataclasses import astuple
from itertools import chain, pairwise
from typing import Any, Protocol

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastbatch import _core
from fastbatch.plan import Subset
from fastbatch.pure import plan as pure

EPOCH_ORDER = 1
MAX_SIZE = 2**63


class Implementation(Protocol):
    """The plan's functions under one set of names."""

    def permutation(self, n: int, seed: int, epoch: int, purpose: int = EPOCH_ORDER, index: int = 0) -> Any: ...
    def order(self, n: int, **options: Any) -> Any: ...
    def batch_plan(self, n: int, **options: Any) -> Any: ...


class Pure:
    def permutation(self, n: int, seed: int, epoch: int, purpose: int = EPOCH_ORDER, index: int = 0) -> Any:
        return pure.Permutation(n, pure.stream(seed, epoch, index, purpose))

    def order(self, n: int, **options: Any) -> Any:
        return pure.Order(n, **options)

    def batch_plan(self, n: int, **options: Any) -> Any:
        return pure.BatchPlan(n, **options)


class Compiled:
    def permutation(self, n: int, seed: int, epoch: int, purpose: int = EPOCH_ORDER, index: int = 0) -> Any:
        return _core.Permutation(n, seed, epoch, purpose, index)

    def order(
        self,
        n: int,
        *,
        subsets: tuple[Subset, ...] = (),
        shuffle: bool | str = False,
        block_size: int = 1,
        window: int = 1,
        seed: int = 0,
        epoch: int = 0,
    ) -> Any:
        name = {False: "none", True: "full", "block": "block"}[shuffle]
        return _core.Order(n, [astuple(subset) for subset in subsets], name, block_size, window, seed, epoch)

    def batch_plan(
        self,
        n: int,
        *,
        position: int = 0,
        rank: int = 0,
        world_size: int = 1,
        tail: str = "pad",
        batch_size: int = 32,
        drop_last: bool = False,
        max_batches: int | None = None,
    ) -> Any:
        return _core.BatchPlan(n, position, rank, world_size, tail, batch_size, drop_last, max_batches)


PURE, COMPILED = Pure(), Compiled()


@pytest.fixture(params=[PURE, COMPILED], ids=["pure", "compiled"])
def make(request: pytest.FixtureRequest) -> Implementation:
    implementation: Implementation = request.param
    return implementation


def u64(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.uint64)


def everything(order: Any) -> np.ndarray[Any, Any]:
    return np.asarray(order.at(np.arange(order.size, dtype=np.uint64)), dtype=np.int64)


def all_batches(plan: Any, order: Any) -> list[int]:
    return [int(i) for k in range(plan.n_batches) for i in plan.indices(order, k)]


# ---- random streams ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed, epoch, index, purpose", [(0, 0, 0, 0), (7, 3, 11, 1), (2**64 - 1, 2**63, 2**63, 2)])
def test_streams_are_numpys_philox(seed: int, epoch: int, index: int, purpose: int) -> None:
    expected = np.random.Philox(key=u64(seed, epoch), counter=u64(0, index, purpose, 0)).random_raw(11)
    np.testing.assert_array_equal(_core.philox(seed, epoch, index, purpose, 11), expected)
    np.testing.assert_array_equal(pure.stream(seed, epoch, index, purpose).bit_generator.random_raw(11), expected)


def test_streams_differ_in_every_part() -> None:
    first = {int(pure.stream(*parts).bit_generator.random_raw()) for parts in np.ndindex(3, 3, 3, 3)}
    assert len(first) == 81


# ---- permutation: a bijection, the same in both implementations ----------------------------------------------------

SIZES = [1, 2, 3, 4, 5, 16, 17, 64, 100, 255, 256, 257, 1000, 4097, 65535, 65536, 65537]


@pytest.mark.parametrize("n", SIZES)
def test_permutation_hits_every_item_once(make: Implementation, n: int) -> None:
    permutation = make.permutation(n, 5, 1)
    out = permutation.at(np.arange(n, dtype=np.uint64))
    np.testing.assert_array_equal(np.sort(out), np.arange(n))
    for i in range(0, n, 1 + n // 20):
        assert np.asarray(permutation.inverse(out[i])) == i


@pytest.mark.parametrize("n", [*SIZES, 10**12, 2**62 + 1, MAX_SIZE])
@pytest.mark.parametrize("seed, epoch", [(0, 0), (2**64 - 1, 2**40)])
def test_permutations_are_equal(n: int, seed: int, epoch: int) -> None:
    positions = np.unique(np.linspace(0, n - 1, 100).astype(np.uint64) % np.uint64(n))
    ours, oracle = COMPILED.permutation(n, seed, epoch, 2, 3), PURE.permutation(n, seed, epoch, 2, 3)
    there = ours.at(positions)
    np.testing.assert_array_equal(there, oracle.at(positions))
    np.testing.assert_array_equal([ours.inverse(int(i)) for i in there], positions)
    np.testing.assert_array_equal(oracle.inverse(there), positions)


def test_a_few_orders_never_change(make: Implementation) -> None:
    """States that users saved name positions in these orders: a change here breaks them."""
    assert make.permutation(10, 0, 0).at(np.arange(10, dtype=np.uint64)).tolist() == KNOWN_10
    assert make.permutation(10**6, 1, 2).at(np.arange(5, dtype=np.uint64)).tolist() == KNOWN_MILLION
    blocks = make.order(11, shuffle="block", block_size=3, window=2, seed=3, epoch=1)
    assert everything(blocks).tolist() == KNOWN_BLOCKS


KNOWN_10 = [5, 9, 4, 0, 1, 7, 6, 2, 8, 3]
KNOWN_MILLION = [108852, 9307, 365497, 733916, 180541]
KNOWN_BLOCKS = [10, 4, 9, 3, 5, 1, 2, 7, 6, 8, 0]


# ---- permutation: quality ------------------------------------------------------------------------------------------


def assert_uniform(counts: np.ndarray[Any, Any], freedom: int | None = None, expected: float | None = None) -> None:
    """Chi-square: neither too uneven nor too even."""
    counts = np.asarray(counts, dtype=np.float64).ravel()
    if freedom is None:
        freedom = counts.size - 1
    if expected is None:
        expected = counts.mean()
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    sigmas = (chi_square - freedom) / math.sqrt(2 * freedom)
    assert abs(sigmas) < 5, f"{sigmas:.1f} standard deviations from uniform"


def epochs(n: int, count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """The orders of `count` epochs, one in a row."""
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
    # Rows and columns add up by themselves. In ranges, an order hits cells less unevenly than dice would.
    spread = 1 if cells == n else (1 - 1 / cells) ** 2 * n / (n - 1)
    expected = table.mean()
    chi_square = float(((table - expected) ** 2 / expected).sum()) / spread
    freedom = (cells - 1) ** 2 if cells == n else cells**2
    assert abs(chi_square - freedom) / math.sqrt(2 * freedom) < 5


@pytest.mark.parametrize("n", N_EPOCHS)
def test_the_distance_of_two_samples_does_not_depend_on_where_they_were(n: int) -> None:
    """Pairs at distance 1 and 2, and pairs that share the low digit of the network: those mix slowest."""
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
        z = (first * second).mean(axis=1) * math.sqrt(n - 1)  # of mean 0 and variance 1 when unrelated
        assert abs(z.mean()) * math.sqrt(z.size) < 5
        assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / z.size)
    fixed = (orders[:-1] == orders[1:]).sum()  # one a pair, on average
    assert abs(fixed - (len(orders) - 1)) < 5 * math.sqrt(len(orders))


@pytest.mark.parametrize("n", [3, 4, 9, 16, 64, 100, 300])
def test_half_of_the_orders_are_even(n: int) -> None:
    """Networks with two odd digits, say, reach even permutations only."""
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


# ---- order ---------------------------------------------------------------------------------------------------------

BLOCKS = [
    (1, 1, 1), (7, 3, 2), (12, 3, 2), (100, 10, 4), (103, 10, 4), (103, 10, 1), (103, 1, 7), (103, 200, 3),
    (101, 10, 99),
]  # fmt: skip


def block_shuffle(n: int, block_size: int, window: int, seed: int, epoch: int) -> list[int]:
    """Block shuffle said in lists."""
    blocks = [list(range(start, min(start + block_size, n))) for start in range(0, n, block_size)]
    order = pure.Permutation(len(blocks), pure.stream(seed, epoch, 0, EPOCH_ORDER)).at(np.arange(len(blocks)))
    shuffled = [blocks[int(b)] for b in order]
    out: list[int] = []
    for number, start in enumerate(range(0, len(blocks), window)):
        samples = [i for block in shuffled[start : start + window] for i in block]
        inside = pure.Permutation(len(samples), pure.stream(seed, epoch, 1 + number, EPOCH_ORDER))
        out += [samples[int(i)] for i in inside.at(np.arange(len(samples)))]
    return out


@pytest.mark.parametrize("n, block_size, window", BLOCKS)
@pytest.mark.parametrize("epoch", range(3))
def test_block_shuffle(make: Implementation, n: int, block_size: int, window: int, epoch: int) -> None:
    order = make.order(n, shuffle="block", block_size=block_size, window=window, seed=8, epoch=epoch)
    samples = everything(order).tolist()
    assert sorted(samples) == list(range(n))
    assert samples == block_shuffle(n, block_size, window, 8, epoch)


def test_block_shuffle_stays_near(make: Implementation) -> None:
    """Each run of one window reads from its own blocks only, wherever the short block stands."""
    n, block_size, window = 1003, 10, 5
    short_slots = set()
    for epoch in range(12):
        samples = everything(make.order(n, shuffle="block", block_size=block_size, window=window, epoch=epoch))
        runs, start = [], 0
        while start < n:
            size = window * block_size
            blocks = set((samples[start : start + size] // block_size).tolist())
            if 100 in blocks:  # the one with three samples
                size -= block_size - 3
                short_slots.add(len(runs))
                blocks = set((samples[start : start + size] // block_size).tolist())
            elif start + size > n:
                size = n - start
            runs.append(blocks)
            start += size
        assert all(len(blocks) <= window for blocks in runs)
        assert sum(len(blocks) for blocks in runs) == 101
    assert len(short_slots) > 3


def test_without_shuffle_samples_come_as_they_are(make: Implementation) -> None:
    assert everything(make.order(20)).tolist() == list(range(20))


def test_shuffle_changes_with_the_epoch(make: Implementation) -> None:
    for shuffle in (True, "block"):
        orders = {
            tuple(everything(make.order(40, shuffle=shuffle, block_size=4, window=3, seed=1, epoch=e)))
            for e in range(20)
        }
        assert len(orders) == 20


def test_subsets_share_out_the_samples(make: Implementation) -> None:
    train, held_out = Subset(True, 5, 100, 0, 70), Subset(True, 5, 100, 70, 30)
    inner = Subset(True, 5, 70, 0, 50), Subset(True, 5, 70, 50, 20)
    parts = [make.order(100, subsets=(train, part), shuffle=True, seed=1, epoch=2) for part in inner]
    parts.append(make.order(100, subsets=(held_out,)))
    assert [part.size for part in parts] == [50, 20, 30]
    assert sorted(i for part in parts for i in everything(part).tolist()) == list(range(100))
    plain = make.order(100, subsets=(Subset(False, 0, 100, 10, 50), Subset(False, 0, 50, 5, 3)))
    assert everything(plain).tolist() == [15, 16, 17]


@pytest.mark.parametrize(
    "subset, message",
    [
        (Subset(False, 0, 99, 0, 10), "a subset of 99 samples stands on 100"),
        (Subset(False, 0, 100, 60, 41), "a subset of 41 samples from 60 on does not fit in 100"),
    ],
)
def test_a_subset_must_fit(make: Implementation, subset: Subset, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make.order(100, subsets=(subset,))


@settings(max_examples=150, deadline=None)
@given(
    n=st.one_of(st.integers(1, 300), st.integers(1, MAX_SIZE)),
    shuffle=st.sampled_from([False, True, "block"]),
    block_size=st.integers(1, 70) | st.integers(1, 2**63),
    window=st.integers(1, 9) | st.integers(1, 2**63),
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 2**64 - 1),
    places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40),
    cut=st.floats(0, 1),
)
def test_orders_are_equal(
    n: int, shuffle: Any, block_size: int, window: int, seed: int, epoch: int, places: list[float], cut: float
) -> None:
    start = int(cut * (n - 1))
    subset = Subset(True, seed, n, start, n - start)
    options = {"shuffle": shuffle, "block_size": block_size, "window": window, "seed": seed, "epoch": epoch}
    for subsets in ((), (subset,)):
        ours, oracle = COMPILED.order(n, subsets=subsets, **options), PURE.order(n, subsets=subsets, **options)
        assert ours.size == oracle.size
        positions = u64(*(min(int(place * ours.size), ours.size - 1) for place in places))
        np.testing.assert_array_equal(ours.at(positions), oracle.at(positions))


# ---- shards and batches --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 5, 24, 100])
@pytest.mark.parametrize("world_size", [1, 3, 8, 200])
@pytest.mark.parametrize("start", [0.0, 0.4, 1.0])
def test_ranks_share_out_what_is_left(make: Implementation, n: int, world_size: int, start: float) -> None:
    position = int(n * start)
    order = make.order(n, shuffle=True, seed=4)
    all_left = everything(order).tolist()[position:]
    ranks = {
        tail: [
            all_batches(
                make.batch_plan(n, position=position, rank=r, world_size=world_size, tail=tail, batch_size=4), order
            )
            for r in range(world_size)
        ]
        for tail in ("pad", "drop", "uneven")
    }
    left = len(all_left)
    assert sorted(chain.from_iterable(ranks["uneven"])) == sorted(all_left)
    assert {len(mine) for mine in ranks["uneven"]} <= {left // world_size, -(-left // world_size)}
    assert sorted(chain.from_iterable(ranks["drop"])) == sorted(all_left[: left - left % world_size])
    assert {len(mine) for mine in ranks["drop"]} == {left // world_size}
    again = everything(order).tolist() * world_size
    assert sorted(chain.from_iterable(ranks["pad"])) == sorted(all_left + again[: -left % world_size])
    assert {len(mine) for mine in ranks["pad"]} == {-(-left // world_size)}


def test_ranks_are_dealt_like_cards(make: Implementation) -> None:
    order = make.order(10)
    plan = make.batch_plan(10, position=2, rank=1, world_size=3, batch_size=2)
    assert [plan.indices(order, k).tolist() for k in range(plan.n_batches)] == [[3, 6], [9]]
    padded = make.batch_plan(10, position=3, rank=2, world_size=3, batch_size=2)
    assert [padded.indices(order, k).tolist() for k in range(padded.n_batches)] == [[5, 8], [1]]


@pytest.mark.parametrize("shuffle", [False, True, "block"])
@pytest.mark.parametrize("batches", [0, 1, 7, 24, 25])
def test_eight_ranks_stop_and_six_go_on(make: Implementation, shuffle: bool | str, batches: int) -> None:
    n = 397
    order = make.order(n, shuffle=shuffle, block_size=16, window=4, seed=2, epoch=7)
    seen: list[int] = []
    for rank in range(8):
        plan = make.batch_plan(n, rank=rank, world_size=8, tail="uneven", batch_size=2)
        for k in range(batches):
            seen += plan.indices(order, k).tolist()
    position = plan.position_after(batches)
    for rank in range(6):
        plan = make.batch_plan(n, position=position, rank=rank, world_size=6, tail="uneven", batch_size=3)
        seen += all_batches(plan, order)
    assert sorted(seen) == list(range(n))


def test_the_global_stream_does_not_depend_on_the_ranks(make: Implementation) -> None:
    order = make.order(60, shuffle=True, seed=1)
    for world_size in (1, 2, 3, 5):
        plans = [make.batch_plan(60, rank=r, world_size=world_size, batch_size=4) for r in range(world_size)]
        dealt = [all_batches(plan, order) for plan in plans]
        assert [int(i) for row in zip(*dealt, strict=True) for i in row] == everything(order).tolist()


def test_resume_is_the_rest_of_the_epoch(make: Implementation) -> None:
    order = make.order(50, shuffle=True, seed=3)
    whole = make.batch_plan(50, rank=1, world_size=2, batch_size=4)
    for k in range(whole.n_batches + 1):
        rest = make.batch_plan(50, position=whole.position_after(k), rank=1, world_size=2, batch_size=4)
        assert all_batches(rest, order) == all_batches(whole, order)[4 * k :]


@pytest.mark.parametrize(
    "n, options, sizes",
    [
        (10, {"batch_size": 4}, [4, 4, 2]),
        (10, {"batch_size": 4, "drop_last": True}, [4, 4]),
        (8, {"batch_size": 4, "drop_last": True}, [4, 4]),
        (3, {"batch_size": 4, "drop_last": True}, []),
        (3, {"batch_size": 4}, [3]),
        (0, {"batch_size": 4}, []),
        (10, {"batch_size": 4, "max_batches": 2}, [4, 4]),
        (10, {"batch_size": 4, "max_batches": 0}, []),
        (10, {"batch_size": 4, "max_batches": 9}, [4, 4, 2]),
        (10, {"batch_size": 4, "position": 7}, [3]),
        (10, {"batch_size": 2**63}, [10]),
    ],
)
def test_batches(make: Implementation, n: int, options: dict[str, Any], sizes: list[int]) -> None:
    plan = make.batch_plan(n, **options)
    assert plan.n_batches == len(sizes)
    assert plan.n_samples == sum(sizes)
    assert [plan.batch_size(k) for k in range(len(sizes) + 2)] == [*sizes, 0, 0]
    start = options.get("position", 0)
    assert [plan.position_after(k) - start for k in range(len(sizes) + 1)] == [
        sum(sizes[:k]) for k in range(len(sizes) + 1)
    ]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"position": 11}, "position 11 is beyond the epoch of 10"),
        ({"rank": 2, "world_size": 2}, "rank 2 of 2"),
        ({"rank": 0, "world_size": 0}, "rank 0 of 0"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_bad_plans(make: Implementation, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make.batch_plan(10, **options)


@settings(max_examples=150, deadline=None)
@given(
    n=st.integers(0, 200) | st.integers(0, MAX_SIZE),
    start=st.floats(0, 1),
    world_size=st.integers(1, 12) | st.integers(1, 2**32),
    rank=st.floats(0, 1, exclude_max=True),
    tail=st.sampled_from(["pad", "drop", "uneven"]),
    batch_size=st.integers(1, 40),
    drop_last=st.booleans(),
    max_batches=st.none() | st.integers(0, 20),
)
def test_batch_plans_are_equal(n: int, start: float, world_size: int, rank: float, **options: Any) -> None:
    options |= {"position": min(int(n * start), n), "rank": int(rank * world_size), "world_size": world_size}
    ours, oracle = COMPILED.batch_plan(n, **options), PURE.batch_plan(n, **options)
    orders = [make.order(n, shuffle=True, seed=1) for make in (COMPILED, PURE)]
    assert (ours.n_batches, ours.n_samples) == (oracle.n_batches, oracle.n_samples)
    last = oracle.n_batches - 1
    for k in {0, 1, last - 1, last, last + 1, 2**40} - {-2, -1}:
        assert ours.batch_size(k) == oracle.batch_size(k)
        assert ours.position_after(k) == oracle.position_after(k)
        np.testing.assert_array_equal(ours.indices(orders[0], k), oracle.indices(orders[1], k))


def test_the_largest_epoch(make: Implementation) -> None:
    order = make.order(MAX_SIZE)
    world_size = 2**32
    plan = make.batch_plan(MAX_SIZE, rank=world_size - 1, world_size=world_size, batch_size=1000)
    last = plan.n_batches - 1
    assert plan.n_samples == MAX_SIZE // world_size
    assert plan.indices(order, last)[-1] == MAX_SIZE - 1
    assert plan.position_after(2**63) == MAX_SIZE
    steps = pairwise(plan.indices(order, last).tolist())
    assert {b - a for a, b in steps} == {world_size}
