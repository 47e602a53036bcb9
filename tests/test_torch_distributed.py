# SPDX-License-Identifier: MIT
"""`shard="torch"`: every sample once, equally many batches on each rank, resumed on any number of ranks."""

import itertools
import json

import numpy as np
import pytest
from torch_oracle import same
from torch_ranks import run_ranks

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch as fb  # noqa: E402
import fastbatch.torch as fbt  # noqa: E402
from fastbatch.errors import StateError  # noqa: E402
from fastbatch.torch import DataLoader, DistributedWeightedSampler  # noqa: E402
from fastbatch.torch.sharded import ShardedBatches  # noqa: E402


def dataset(n=23):
    return data.TensorDataset(torch.arange(n))


# ---- bad input ---------------------------------------------------------------------------------------------------


class Squares(data.Dataset):
    def __len__(self):
        return 23

    def __getitem__(self, i):
        return i * i


class Numbers(data.IterableDataset):
    def __iter__(self):
        return iter(range(5))


def test_what_cannot_be_sharded():
    with pytest.raises(ValueError, match="shard: expected one of torch, auto, found 'gloo'"):
        DataLoader(dataset(), 4, shard="gloo")
    weighted = data.WeightedRandomSampler([1, 2], 5)
    for options, message in [
        ({"batch_size": 4, "sampler": weighted}, "a WeightedRandomSampler may have another order on each rank"),
        ({"batch_size": 4, "sampler": [1, 2]}, "a list may have another order"),
        ({"batch_sampler": [[1], [2]]}, "a list may have another order"),
        ({"batch_size": 4, "sampler": data.RandomSampler(range(9), True)}, "a RandomSampler may have another order"),
    ]:
        loader = DataLoader(dataset(), shard="torch", **options)
        for call in (iter, len, DataLoader.explain, DataLoader.state_dict):
            with pytest.raises(TypeError, match=f"^shard: {message}.*DistributedWeightedSampler"):
                call(loader)
    with pytest.raises(TypeError, match="^shard: a Numbers cannot be sharded; shard it in its __iter__"):
        iter(DataLoader(Numbers(), 2, shard="torch"))
    with pytest.raises(ValueError, match="^shard: expected a batch_size, found None"):
        iter(DataLoader(dataset(), None, shard="torch"))


def test_states_of_others():
    loader = DataLoader(dataset(), 4, shard="torch")
    state = loader.state_dict()
    other = DataLoader(dataset(24), 4, shard="torch")
    other.load_state_dict(state)
    with pytest.raises(StateError, match="state of another dataset: expected 24 samples, found 23"):
        list(other)
    two = [DataLoader(dataset(), 4, sampler=data.DistributedSampler(range(23), n, 0)) for n in (2, 3)]
    with pytest.raises(StateError, match="another number of ranks .shard='torch' can go on with any.: .* 3, found 2"):
        two[1].load_state_dict(two[0].state_dict())


# ---- one process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 8, 9, 16, 17, 18, 23, 24, 25])
@pytest.mark.parametrize("world", [1, 2, 3, 5])
@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_every_sample_once_and_equal_steps(n, world, batch_size):
    ranks = [ShardedBatches(n, batch_size, False, 7, rank, world) for rank in range(world)]
    for epoch in range(2):
        mine = [list(batches) for batches in ranks]
        assert {len(batches) for batches in mine} == {-(-n // (world * batch_size))} == {len(ranks[0])}
        assert all(1 <= len(batch) <= batch_size for batches in mine for batch in batches)
        flat = sorted(i for batches in mine for batch in batches for i in batch)
        assert set(flat) == set(range(n))
        if n >= world and (batch_size > 1 or n % world == 0):
            assert len(flat) == n
        else:
            assert len(flat) < n + world
        order = torch.randperm(n, generator=torch.Generator().manual_seed(7 + epoch)).tolist()
        if len(flat) == n:
            steps = [[i for one in zip(*step, strict=False) for i in one] for step in zip(*mine, strict=True)]
            assert steps[0] == order[: len(steps[0])]
    dropped = [list(ShardedBatches(n, batch_size, True, None, rank, world)) for rank in range(world)]
    assert {len(batch) for batches in dropped for batch in batches} <= {batch_size}
    assert {len(batches) for batches in dropped} == {n // (world * batch_size)}


@pytest.mark.parametrize(("k", "before", "after"), [(0, 2, 3), (1, 2, 3), (2, 2, 3), (1, 3, 2), (2, 3, 1), (1, 1, 4)])
@pytest.mark.parametrize("seed", [None, 5])
def test_goes_on_with_another_number_of_ranks(k, before, after, seed):
    ranks = [ShardedBatches(41, 4, False, seed, rank, before) for rank in range(before)]
    running = [iter(batches) for batches in ranks]
    seen = [next(batches) for _ in range(k) for batches in running]
    states = [batches.state_dict() for batches in ranks]
    assert all(state == states[0] for state in states)
    others = [ShardedBatches(41, 4, False, seed, rank, after) for rank in range(after)]
    for batches in others:
        batches.load_state_dict(states[0])
        batches.set_epoch(0)  # as frameworks do before each epoch
        seen += list(batches)
    assert sorted(itertools.chain(*seen)) == list(range(41))
    following = [list(batches) for batches in others]
    expected = [ShardedBatches(41, 4, False, seed, rank, after) for rank in range(after)]
    for batches in expected:
        batches.set_epoch(1)
    assert following == [list(batches) for batches in expected]


@pytest.mark.parametrize("source", [dataset, Squares], ids=["native", "python"])
@pytest.mark.parametrize("options", [{}, {"num_workers": 2}, {"workers": "thread"}], ids=str)
def test_in_a_loader(source, options):
    def make():
        return DataLoader(source(), 4, shuffle=True, shard="torch", **options)

    loader = make()
    assert len(loader) == 6
    if source is dataset and "workers" not in options:
        assert loader.explain().native
        assert loader.explain()["order"].why.startswith("shuffled, rank 0 of 1: gathered ")
    epochs = [list(loader), list(loader)]
    assert not same(epochs[0], epochs[1])
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    rest = [*iterator, *loader]
    later = make()
    later.load_state_dict(state)
    assert same([*later, *later], rest)
    later.set_epoch(0)
    assert same(list(later), epochs[0])
    ended = make()
    list(ended)
    again = make()
    again.load_state_dict(ended.state_dict())
    assert same(list(again), epochs[1])


def test_a_loader_that_is_sharded_already():
    sampler = data.DistributedSampler(range(23), 2, 1)
    loader = DataLoader(dataset(), 4, sampler=sampler, shard="torch")
    assert [x.tolist() for (x,) in loader] == [x.tolist() for (x,) in data.DataLoader(dataset(), 4, sampler=sampler)]
    arrays = DataLoader(fb.arrays(np.arange(23), batch_size=4), None, shard="torch")
    assert len(list(arrays)) == 6


# ---- weights -----------------------------------------------------------------------------------------------------


def test_weights_that_are_none():
    for weights in ([[1.0]], [1, -1], [float("nan")], [float("inf"), 1]):
        with pytest.raises(ValueError, match="weights: expected a vector of finite numbers from 0 on"):
            DistributedWeightedSampler(weights)
    with pytest.raises(ValueError, match="weights: expected one above 0, found none"):
        DistributedWeightedSampler([0, 0])
    with pytest.raises(ValueError, match="num_samples: expected at most 2, the samples with a weight, found 3"):
        DistributedWeightedSampler([1, 0, 1], replacement=False)
    with pytest.raises(ValueError, match="num_samples"):
        DistributedWeightedSampler([1], 0)
    with pytest.raises(ValueError, match="Invalid rank 2"):
        DistributedWeightedSampler([1], num_replicas=2, rank=2)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("n", [30, 31])
def test_draws_are_dealt_out(n, replacement, drop_last):
    weights = [*range(60)]
    ranks = [DistributedWeightedSampler(weights, n, replacement, 4, r, 3, drop_last) for r in range(4)]
    epochs = []
    for epoch in range(2):
        for sampler in ranks:
            sampler.set_epoch(epoch)
        mine = [list(sampler) for sampler in ranks]
        assert {len(one) for one in mine} == {len(ranks[0])} == {n // 4 if drop_last else -(-n // 4)}
        dealt = [i for step in zip(*mine, strict=True) for i in step]
        generator = torch.Generator().manual_seed(3 + epoch)
        total = len(dealt) if replacement else n
        drawn = torch.multinomial(
            torch.tensor(weights, dtype=torch.double), max(n, total), replacement, generator=generator
        )
        assert dealt[:n] == drawn.tolist()[: len(dealt)][:n]
        if not replacement:
            assert len(set(dealt)) == min(n, len(dealt))
        epochs.append(dealt)
    assert epochs[0] != epochs[1]


def test_weights_in_a_loader():
    def make():
        return DataLoader(dataset(), 4, sampler=DistributedWeightedSampler(range(23), 40, num_replicas=2, rank=1))

    loader = make()
    assert loader.explain()["order"].why.startswith("DistributedWeightedSampler, known at the first batch")
    plain = data.DataLoader(dataset(), 4, sampler=make().sampler)
    assert same(list(loader), list(plain))
    loader.set_epoch(3)
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    later = make()
    later.load_state_dict(state)
    assert same(list(later), list(iterator))


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("of", ["dataset", "arrays"])
def test_ranks_that_are_not_equally_far(monkeypatch, of, ended):
    """Two ranks, one a batch or an epoch ahead; from the merged state on, three ranks have all of the rest."""
    n = 41

    def ranks(world):
        for rank in range(world):
            with monkeypatch.context() as patch:
                for name in ("sharded", "iterable"):
                    patch.setattr(f"fastbatch.torch.{name}.ranks", lambda shard, now=(rank, world): now)
                if of == "dataset":
                    yield DataLoader(dataset(n), 4, shuffle=True, shard="torch")
                else:
                    options = {"batch_size": 4, "shuffle": True, "seed": 3, "tail": "uneven"}
                    yield DataLoader(fb.arrays(np.arange(n), **options), batch_size=None)

    def numbers(batch):
        return (batch[0] if isinstance(batch, list | tuple) else batch).tolist()

    seen, states = [], []
    for rank, loader in enumerate(ranks(2)):
        iterator = iter(loader)
        batches = [numbers(next(iterator)) for _ in range(3 - rank)]
        seen += batches[:2]
        if ended and rank == 0:
            list(iterator)
        states.append(json.loads(json.dumps(loader.state_dict())))
    merged = json.loads(json.dumps(fb.merge_states(states)))
    repeated = {"rank": 0, "epoch": 1, "position": 0, "samples": None}
    assert merged["repeated"] == [repeated if ended else {"rank": 0, "epoch": 0, "position": 24, "samples": 4}]
    for loader in ranks(3):
        loader.load_state_dict(merged)
        seen += [numbers(batch) for batch in loader]
    assert sorted(i for batch in seen for i in batch) == list(range(n))


def test_states_that_cannot_be_merged():
    states = [DataLoader(dataset(n), size, shard="torch").state_dict() for n, size in ((23, 4), (23, 5), (24, 4))]
    with pytest.raises(
        StateError, match="rank 1: order differs from that of rank 0: .* batches of 4, found batches of 5"
    ):
        fb.merge_states(states[:2])
    with pytest.raises(
        StateError, match="rank 1: dataset differs from that of rank 0: .* 23 samples, found 24 samples"
    ):
        fb.merge_states(states[::2])
    plain = DataLoader(dataset(), 4).state_dict()
    with pytest.raises(StateError, match="rank 1: expected a state of a loader with shard='torch'"):
        fb.merge_states([states[0], plain])
    broken = {**states[0], "sampler": {**states[0]["sampler"], "epoch": -1}}
    with pytest.raises(StateError, match="rank 1: not a state of fastbatch.torch: epoch"):
        fb.merge_states([states[0], broken])
    with pytest.raises(StateError, match="rank 1: kind differs"):
        fb.merge_states([states[0], fb.arrays(np.arange(23)).state_dict()])


# ---- processes ---------------------------------------------------------------------------------------------------

RANK = """
import numpy as np, fastbatch as fb, fastbatch.torch as fbt
data = torch.utils.data
n, state = int(arguments[0]), json.loads(arguments[1])
loader = fbt.DataLoader(data.TensorDataset(torch.arange(n)), 4, shuffle=True, shard="torch")
assert loader.explain().native
assert loader.explain()["order"].why.startswith(f"shuffled, rank {rank} of {world}")
arrays = fbt.DataLoader(fb.arrays(np.arange(n), batch_size=4, shuffle=True, tail="uneven"), batch_size=None)
if state:
    loader.load_state_dict(state[0])
    arrays.load_state_dict(state[1])
    taken, from_arrays = [x.tolist() for x, in loader], [x.tolist() for x in arrays]
else:
    running, others = iter(loader), iter(arrays)
    taken = [next(running)[0].tolist() for _ in range(2)]
    from_arrays = [next(others).tolist() for _ in range(2)]
state = [loader.state_dict(), arrays.state_dict()]
epochs = [[x.tolist() for x, in loader] for _ in range(2)]
weighted = fbt.DistributedWeightedSampler(range(n), 20, replacement=False)
steps = torch.tensor(len(epochs[0]))
dist.all_reduce(steps)  # would hang if a rank had another number of steps
assert int(steps) == world * len(epochs[0]) == world * len(loader)
done([taken, from_arrays, state, epochs, list(weighted)])
dist.destroy_process_group()
"""


def test_two_ranks_and_then_three():
    n = 43
    two = run_ranks(RANK, 2, n, "null")
    assert two[0][2] == two[1][2]  # one rank may save it for all
    three = run_ranks(RANK, 3, n, json.dumps(two[0][2]))
    for k in (0, 1):
        seen = [i for rank in two + three for batch in rank[k] for i in batch]
        assert sorted(seen) == list(range(n))
    for ranks in (two, three):
        for epoch in range(2):
            batches = [rank[3][epoch] for rank in ranks]
            assert len({len(one) for one in batches}) == 1
            assert sorted(i for one in batches for batch in one for i in batch) == list(range(n))
        drawn = [i for rank in ranks for i in rank[4]]
        assert len(set(drawn)) == 20


@pytest.mark.parametrize("k", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["sampler", "option", "loader"])
def test_prepared_loaders_go_on_with_the_epochs_that_follow(kind, k):
    """Also after an epoch that has ended (k = 3): none is repeated."""

    def make():
        if kind == "sampler":
            sampler = data.DistributedSampler(range(23), 2, 1)
            return fbt.prepare(DataLoader(dataset(), 4, sampler=sampler))
        if kind == "option":
            return fbt.prepare(DataLoader(dataset(12), 4, shuffle=True, shard="torch"))
        return fbt.prepare(DataLoader(fb.arrays(np.arange(12), batch_size=4, shuffle=True), batch_size=None))

    loader = make()
    list(loader)
    iterator = iter(loader)
    for _ in range(k):
        next(iterator)
    rest = None
    if k == 3:
        assert next(iterator, None) is None
        rest = []
    state = loader.state_dict()
    expected = [*(iterator if rest is None else rest), *loader, *loader]
    later = make()
    later.load_state_dict(state)
    n = 2 if k == 3 else 3
    assert same([batch for _ in range(n) for batch in later], expected)


def test_the_batch_before_an_error_comes_first():
    loader = iter(fbt.prepare(DataLoader(dataset(), 4, sampler=data.SequentialSampler(range(25)))))
    assert [len(next(loader)[0]) for _ in range(5)] == [4] * 5
    with pytest.raises(IndexError, match="batch 5, index 23"):
        next(loader)


def test_an_epoch_that_has_ended_is_not_repeated():
    """A user sets the epoch, as torch asks for, after loading a state of the end of the one before."""

    def make():
        return DataLoader(dataset(), 4, sampler=data.DistributedSampler(range(23), 2, 1))

    loader = make()
    list(loader)
    later = make()
    later.load_state_dict(loader.state_dict())
    for one in (loader, later):
        one.sampler.set_epoch(1)
    assert same(list(later), list(loader))


def test_prepare_keeps_the_option():
    prepared = fbt.prepare(DataLoader(dataset(), 4, shard="torch", dtype=torch.bfloat16))
    assert (prepared.shard, prepared.dtype) == ("torch", torch.bfloat16)
    assert len(list(prepared)) == 6
