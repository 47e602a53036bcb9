# SPDX-License-Identifier: MIT
"""Block shuffles of blocks that differ in size: by definition, equal on both implementations, through subsets."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbatch.native.backend import NativeBackend
from fastbatch.plan.blocks import Blocks
from fastbatch.plan.plan import Plan
from fastbatch.plan.streams import EPOCH_ORDER
from fastbatch.pure.backend import PureBackend
from fastbatch.pure.plan import Permutation, stream

BACKENDS = (NativeBackend(), PureBackend())
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=12)


def plan_of(sizes, window=2, seed=0, **options):
    ends = list(itertools.accumulate(sizes))
    return Plan(ends[-1], ends[-1], shuffle="block", blocks=Blocks(ends), window=window, seed=seed, **options)


def order(plan, epoch=0):
    """Return the samples of an epoch in order, the same from both implementations."""
    one, other = (backend.indices(plan, epoch, 0, 0).tolist() for backend in BACKENDS)
    assert one == other
    return one


def by_definition(sizes, window, seed, epoch):
    """Permute the blocks, then the samples of each window of them."""
    ends = list(itertools.accumulate(sizes))
    blocks = [list(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    slots = Permutation(len(blocks), stream(seed, epoch, 0, EPOCH_ORDER)).at(np.arange(len(blocks)))
    shuffled = [blocks[int(b)] for b in slots]
    found = []
    for number, first in enumerate(range(0, len(blocks), window)):
        samples = [i for block in shuffled[first : first + window] for i in block]
        inside = Permutation(len(samples), stream(seed, epoch, 1 + number, EPOCH_ORDER))
        found += [samples[int(i)] for i in inside.at(np.arange(len(samples)))]
    return found


@given(SIZES, st.integers(1, 14), st.integers(0, 2**64 - 1), st.integers(0, 3))
def test_the_order_is_that_of_the_definition(sizes, window, seed, epoch):
    assert order(plan_of(sizes, window, seed), epoch) == by_definition(sizes, window, seed, epoch)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 5))
def test_blocks_of_one_size_are_those_of_a_block_size(n, size, window):
    sizes = [min(size, n - start) for start in range(0, n, size)]
    even = Plan(n, n, shuffle="block", block_size=size, window=window, seed=3)
    assert order(plan_of(sizes, window, seed=3)) == order(even)


@given(SIZES, st.data())
def test_a_part_has_the_parts_of_its_blocks(sizes, data):
    blocks = Blocks(list(itertools.accumulate(sizes)))
    n = sum(sizes)
    start = data.draw(st.integers(0, n))
    count = data.draw(st.integers(0, n - start))
    owner = np.repeat(np.arange(len(sizes)), sizes)[start : start + count]
    ends = [i + 1 for i in range(count) if i + 1 == count or owner[i] != owner[i + 1]]
    assert blocks.part(start, count).ends.tolist() == ends


def test_splits_are_shuffled_by_their_own_blocks():
    train, held_out = plan_of([5, 3, 8, 4], seed=1).split(0.3, 0, None)
    assert train.item_blocks.ends.tolist() == [5, 8, 14]
    assert sorted(order(train)) == list(range(14))
    assert order(held_out) == list(range(14, 20))
    deeper, _ = train.split(4, 0, False)
    assert deeper.item_blocks.ends.tolist() == [5, 8, 10]
    assert sorted(order(deeper)) == list(range(10))


def test_an_order_knows_its_blocks():
    names = {plan_of(sizes, window).order() for sizes in ([3, 4], [4, 3], [7]) for window in (1, 2)}
    assert len(names) == 6
    assert plan_of([3, 4]).order() == plan_of([3, 4], seed=9).order()
    assert (Blocks([3, 7]) == Blocks([3, 7]), Blocks([3, 7]) == Blocks([4, 7])) == (True, False)


def test_what_blocks_refuse():
    plan = plan_of([5, 5])
    with pytest.raises(ValueError, match="split: expected shuffle=False, which holds out the last samples"):
        plan.split(0.2, 0, True)
    with pytest.raises(ValueError, match="select: expected samples in memory"):
        plan.select([1])
