# SPDX-License-Identifier: MIT
"""The plan alone, at scale: 1,000 ranks and 1,000 epochs, of which some steps are looked at. No data are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fastbatch
from fastbatch import pure
from fastbatch.plan.mixture import Mixture, mixed_length, turns_of
from fastbatch.plan.plan import make_plan

RANKS, EPOCHS, BATCH = 1_000, 1_000, 4
WEIGHTS = (5, 3, 2)


def shuffled(n, seed=1):
    return make_plan(n, batch_size=BATCH, shuffle=True, seed=seed)


def mixed(sizes):
    parts = tuple(shuffled(n, i) for i, n in enumerate(sizes))
    n = mixed_length(sizes, WEIGHTS, "last")
    firsts = (0, *np.cumsum(sizes[:-1]).tolist())
    return replace(shuffled(n), shuffle=False, mixture=Mixture(parts, firsts, WEIGHTS, n))


PLANS = {
    "a million": shuffled(1_000_000),
    "not a multiple": shuffled(1_234_567),
    "10^12": shuffled(10**12),
    "a mixture": mixed((1_000_000, 70_000, 501)),
    "a mixture of 10^12": mixed((10**12, 10**9, 10**6)),
}


def orders(api):
    return api.arrays(np.zeros(1)).recipe.implementation


def step(plan, epoch, position, ranks, world_size, k=0):
    """The samples of batch `k` after a position, of some ranks."""
    make = orders(fastbatch)
    return [make.indices(plan.sharded(rank, world_size), epoch, position, k) for rank in ranks]


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("epoch", [0, 1, 500, EPOCHS - 1])
def test_a_step_of_all_ranks_is_the_next_part_of_the_order_of_one(name, epoch):
    plan = PLANS[name]
    position = plan.n // 3
    rows = np.stack(step(plan, epoch, position, range(RANKS), RANKS))
    one = replace(plan, batch_size=RANKS * BATCH)
    (alone,) = step(one, epoch, position, [0], 1)
    np.testing.assert_array_equal(rows.T.ravel(), alone)
    if plan.mixture is None:
        assert len(np.unique(alone)) == RANKS * BATCH


@pytest.mark.parametrize("name", ["a million", "not a multiple"])
def test_an_epoch_of_all_ranks_has_each_sample_once(name):
    plan = replace(PLANS[name], batch_size=PLANS[name].n)
    make = orders(fastbatch)
    for epoch in (0, EPOCHS - 1):
        ranks = [make.indices(plan.sharded(rank, RANKS, "uneven"), epoch, 0, 0) for rank in range(RANKS)]
        assert {len(rank) for rank in ranks} <= {plan.n // RANKS, plan.n // RANKS + 1}
        assert (np.bincount(np.concatenate(ranks).astype(np.intp), minlength=plan.n) == 1).all()


@pytest.mark.parametrize("name", PLANS)
def test_all_ranks_have_equally_many_steps(name):
    make = orders(fastbatch)
    steps = {make.batch_plan(PLANS[name].sharded(rank, RANKS), 0).n_batches for rank in range(RANKS)}
    assert len(steps) == 1


@pytest.mark.parametrize("name", PLANS)
def test_a_resume_on_another_number_of_ranks_goes_on_with_the_same_samples(name):
    plan, epoch = PLANS[name], 700
    position = orders(fastbatch).batch_plan(plan.sharded(0, RANKS), plan.n // 5).position_after(3)
    before = np.stack(step(plan, epoch, plan.n // 5, range(RANKS), RANKS, 3))
    for world_size in (1, 10, 999):
        batch_size = RANKS * BATCH // world_size + 1
        other = replace(plan, batch_size=batch_size)
        rows = np.stack(step(other, epoch, position, range(world_size), world_size))
        np.testing.assert_array_equal(rows.T.ravel()[: RANKS * BATCH], before.T.ravel())


@pytest.mark.parametrize("epoch", [0, 3, EPOCHS - 1])
def test_each_step_of_a_mixture_has_its_shares(epoch):
    plan = PLANS["a mixture of 10^12"]
    firsts = plan.mixture.firsts
    for k in (0, 1, 10**6):
        rows = np.stack(step(plan, epoch, 0, range(RANKS), RANKS, k)).T.ravel()
        counts = np.bincount(np.searchsorted(firsts, rows, "right") - 1, minlength=3)
        np.testing.assert_allclose(counts, np.array(WEIGHTS) / 10 * RANKS * BATCH, atol=2)


@pytest.mark.parametrize("name", PLANS)
def test_both_implementations_agree(name):
    random = np.random.default_rng(1)
    for _ in range(10):
        rank, epoch = int(random.integers(RANKS)), int(random.integers(EPOCHS))
        position = int(random.integers(PLANS[name].n))
        plan = PLANS[name].sharded(rank, RANKS)
        found = [orders(api).indices(plan, epoch, position, 0) for api in (fastbatch, pure)]
        np.testing.assert_array_equal(*found)


def test_the_turns_of_these_weights():
    assert np.bincount(turns_of(WEIGHTS)).tolist() == list(WEIGHTS)
