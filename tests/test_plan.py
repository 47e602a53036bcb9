# SPDX-License-Identifier: MIT
"""The plan on both implementations: random streams, the computed shuffle, block shuffle, shards, batches.

The quality of the shuffle is tested in `test_shuffle_quality.py`.
"""

from __future__ import annotations

from dataclasses import astuple
from itertools import chain, pairwise
from typing import Any, Protocol

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastbatch import _core
from fastbatch.plan.plan import Subset
from fastbatch.pure import plan as pure

EPOCH_ORDER = 1
MAX_SIZE = 2**63


class Implementation(Protocol):
    """The plan's functions under common names."""

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


@pytest.mark.parametrize("name", [(0, 0, 0, 0, 0), (7, 3, 11, 1, 2), (2**64 - 1, 2**63, 2**63, 2, 12)])
def test_streams_are_numpys_philox(name: tuple[int, int, int, int, int]) -> None:
    expected = np.random.Philox(key=u64(*name[:2]), counter=u64(0, *name[2:])).random_raw(11)
    np.testing.assert_array_equal(_core.philox(*name, 11), expected)
    np.testing.assert_array_equal(pure.stream(*name).bit_generator.random_raw(11), expected)
    assert len({int(pure.stream(*parts).bit_generator.random_raw()) for parts in np.ndindex(3, 3, 3, 3)}) == 81


# ---- permutation: a bijection, equal in both implementations -------------------------------------------------------

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
    """Saved states refer to positions in these orders: a change here would invalidate them."""
    assert make.permutation(10, 0, 0).at(np.arange(10, dtype=np.uint64)).tolist() == [5, 9, 4, 0, 1, 7, 6, 2, 8, 3]
    assert make.permutation(10**6, 1, 2).at(np.arange(5, dtype=np.uint64)).tolist() == [
        108852,
        9307,
        365497,
        733916,
        180541,
    ]
    blocks = make.order(11, shuffle="block", block_size=3, window=2, seed=3, epoch=1)
    assert everything(blocks).tolist() == [10, 4, 9, 3, 5, 1, 2, 7, 6, 8, 0]


# ---- order ---------------------------------------------------------------------------------------------------------

BLOCKS = [
    (0, 3, 2), (1, 1, 1), (7, 3, 2), (12, 3, 2), (100, 10, 4), (103, 10, 4), (103, 10, 1), (103, 1, 7), (103, 200, 3),
    (101, 10, 99),
]  # fmt: skip


def block_shuffle(n: int, block_size: int, window: int, seed: int, epoch: int) -> list[int]:
    """Block shuffle with explicit lists."""
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
    """Each window's samples are from its own blocks only, wherever the short block is."""
    n, block_size, window = 1003, 10, 5
    short_slots = set()
    for epoch in range(12):
        samples = everything(make.order(n, shuffle="block", block_size=block_size, window=window, epoch=epoch))
        runs, start = [], 0
        while start < n:
            size = window * block_size
            blocks = set((samples[start : start + size] // block_size).tolist())
            if 100 in blocks:  # the block of three samples
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


def test_shuffle_changes_with_the_epoch(make: Implementation) -> None:
    for shuffle in (True, "block"):
        orders = {
            tuple(everything(make.order(40, shuffle=shuffle, block_size=4, window=3, seed=1, epoch=e)))
            for e in range(20)
        }
        assert len(orders) == 20


def test_subsets_share_out_the_samples(make: Implementation) -> None:
    assert everything(make.order(20)).tolist() == list(range(20))
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
        (Subset(False, 0, 99, 0, 10), "subset: expected one of 100 samples, found one of 99"),
        (Subset(False, 0, 100, 60, 41), "subset: expected samples from 0 to 100, found 41 from 60 on"),
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
        seen += all_batches(make.batch_plan(n, position=position, rank=rank, world_size=6, tail="uneven"), order)
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
    tail=st.sampled_from(["pad", "drop", "uneven", "mask"]),
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
    assert {b - a for a, b in pairwise(plan.indices(order, last).tolist())} == {world_size}
