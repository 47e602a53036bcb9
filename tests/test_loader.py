# SPDX-License-Identifier: MIT
"""Epochs, order, shards, splits, nesting: the common behaviour of loaders, on both implementations."""

import itertools
import threading

import numpy as np
import pytest
from making import ids, same, same_batches

import fastbatch
from fastbatch import pure

N = 103
X = np.random.default_rng(0).random((N, 5)).astype(np.float32)
Y = np.arange(N)


def test_order_without_shuffle(api):
    loader = api.arrays(X, Y, batch_size=10)
    assert len(loader) == 11
    batches = list(loader)
    assert [len(y) for _, y in batches] == [10] * 10 + [3]
    assert np.array_equal(np.concatenate([x for x, _ in batches]), X)


def test_each_epoch_is_a_fresh_shuffle_of_all_samples(api):
    loader = api.arrays(X, Y, batch_size=10, shuffle=True, seed=7)
    epochs = [ids(loader) for _ in range(3)]
    assert all(sorted(epoch) == list(range(N)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_samples_stay_together(api):
    for x, y in api.arrays(X, Y, shuffle=True):
        assert np.array_equal(x, X[y])


def test_seed_and_epoch_are_not_added(api):
    one = api.arrays(Y, shuffle=True, seed=1)
    two = api.arrays(Y, shuffle=True, seed=2)
    one.set_epoch(1)
    two.set_epoch(0)
    assert ids(one) != ids(two)


@pytest.mark.behavior
@pytest.mark.parametrize("shuffle", [False, True, "block"])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shard", [None, (0, 3), (2, 3)])
@pytest.mark.parametrize("tail", ["pad", "drop", "uneven"])
def test_both_implementations_agree(shuffle, drop_last, shard, tail):
    options = {"shuffle": shuffle, "drop_last": drop_last, "shard": shard, "tail": tail, "seed": 5}
    options |= {"batch_size": 8, "block_size": 7, "window": 3}
    expected = pure.arrays(X, Y, **options)
    for threads in (1, 2, 5):
        loader = fastbatch.arrays(X, Y, threads=threads, **options)
        assert len(loader) == len(expected)
        expected.set_epoch(3)
        loader.set_epoch(3)
        same_batches(loader, expected)


@pytest.mark.parametrize("n", [0, 1, 2, 9, 10, 11])
@pytest.mark.parametrize("drop_last", [False, True])
def test_few_samples(api, n, drop_last):
    loader = api.arrays(X, batch_size=10, shuffle=True, drop_last=drop_last).select(range(n))
    batches = list(loader)
    assert len(loader) == len(batches) == (n // 10 if drop_last else -(-n // 10))
    assert sum(map(len, batches)) == (n // 10 * 10 if drop_last else n)


@pytest.mark.parametrize(
    "data",
    [
        (X,),
        (X, Y),
        ((X, Y),),
        ([X, Y],),
        ({"x": X, "y": Y},),
        (({"a": X, "b": [X, Y]}, Y), Y),
        ([1, 2, 3, 4],),
    ],
    ids=["array", "two", "tuple", "list", "dict", "nested", "numbers"],
)
def test_batches_have_the_structure_of_the_data(data):
    for ours, theirs in zip(fastbatch.arrays(*data), pure.arrays(*data), strict=True):
        same(ours, theirs)
    first = next(iter(fastbatch.arrays(*data)))
    if len(data) == 2:
        assert isinstance(first, tuple)
    else:
        assert (
            type(first) is (np.ndarray if data[0] is X or isinstance(data[0][0], int) else type(data[0]))
            if not (isinstance(data[0], dict))
            else list(first) == ["x", "y"]
        )


def test_named_tuples_stay_named(api):
    from typing import NamedTuple

    class Pair(NamedTuple):
        image: object
        label: object

    batch = next(iter(api.arrays(Pair(X, Y))))
    assert type(batch) is Pair
    assert np.array_equal(batch.label, Y[:32])


def test_shards_share_the_epoch(api):
    loader = api.arrays(Y, batch_size=4, shuffle=True, seed=3)
    whole = ids(loader)
    loader.set_epoch(0)
    parts = [loader.shard(rank, 3, tail="uneven") for rank in range(3)]
    dealt = [ids(part) for part in parts]
    assert dealt == [whole[0::3], whole[1::3], whole[2::3]]
    assert [len(ids(loader.shard(rank, 4, tail="drop"))) for rank in range(4)] == [25] * 4
    padded = [ids(loader.shard(rank, 4, tail="pad")) for rank in range(4)]
    assert [len(part) for part in padded] == [26] * 4
    assert sorted(set(itertools.chain(*padded))) == list(range(N))


def test_split_shares_out_the_samples(api):
    train, validation = api.arrays(X, Y, batch_size=10, shuffle=True).split(validation=0.2, seed=1)
    assert (train.n_samples, validation.n_samples) == (83, 20)
    held_out = ids(validation)
    assert ids(validation) == held_out
    assert sorted(ids(train) + held_out) == list(range(N))
    assert sorted(ids(train)) == sorted(ids(train))
    train_again, _ = api.arrays(X, Y, batch_size=10).split(validation=0.2, seed=2)
    assert set(ids(train_again)) != set(ids(train))


def test_split_in_time_order(api):
    train, validation = api.arrays(Y).split(validation=3, shuffle=False)
    assert ids(validation) == [100, 101, 102]
    assert ids(train) == list(range(100))


def test_split_of_a_split_and_its_shards(api):
    train, test = api.arrays(Y, shuffle=True, seed=4).split(validation=0.5, seed=1)
    train, validation = train.split(validation=0.25, seed=2)
    assert sorted(ids(train) + ids(validation) + ids(test)) == list(range(N))
    assert sorted(ids(train.shard(0, 2, "uneven")) + ids(train.shard(1, 2, "uneven"))) == sorted(ids(train))


def test_both_implementations_split_alike():
    for ours, theirs in zip(
        fastbatch.arrays(Y, shuffle=True).split(), pure.arrays(Y, shuffle=True).split(), strict=True
    ):
        same_batches(ours, theirs)


def test_take(api):
    loader = api.arrays(Y, batch_size=10, shuffle=True).take(3)
    assert len(loader) == 3
    first, second = ids(loader), ids(loader)
    assert len(first) == len(second) == 30
    assert first != second
    assert ids(api.arrays(Y).take(0)) == []
    assert len(api.arrays(Y, batch_size=10).take(99)) == 11


def test_repeat(api):
    loader = api.arrays(Y, batch_size=50, shuffle=True)
    seen = [int(i) for batch in itertools.islice(loader.repeat(), 7) for i in batch]
    assert len(seen) == 50 + 50 + 3 + 50 + 50 + 3 + 50
    assert sorted(seen[:N]) == sorted(seen[N : 2 * N]) == list(range(N))
    assert len(list(api.arrays(Y, batch_size=50).repeat(2))) == 6
    assert list(api.arrays(Y).select([]).repeat()) == []


def test_the_epoch_counts(api):
    loader = api.arrays(Y, batch_size=50)
    assert loader.epoch == 0
    for _ in loader:
        assert loader.epoch == 0
    assert loader.epoch == 1
    next(iter(loader))
    assert loader.epoch == 1
    list(loader)
    assert loader.epoch == 3
    loader.set_epoch(8)
    assert loader.epoch == 8


def test_an_early_break_leaves_the_epoch(api):
    loader = api.arrays(Y, batch_size=10, shuffle=True)
    first = next(iter(loader))
    assert sorted(ids(loader)) == list(range(N))
    loader.set_epoch(0)
    same(next(iter(loader)), first)


def test_iterators_protocol(api):
    iterator = iter(api.arrays(Y, batch_size=50))
    assert iter(iterator) is iterator
    assert iterator.__length_hint__() == 3
    assert len(list(iterator)) == 3
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(iterator)
    assert iterator.__length_hint__() == 0
    iterator = iter(api.arrays(Y, batch_size=50))
    next(iterator)
    iterator.close()
    assert list(iterator) == []


def test_two_iterators_do_not_disturb_each_other(api):
    loader = api.arrays(Y, batch_size=7, shuffle=True)
    expected = [api.arrays(Y, batch_size=7, shuffle=True) for _ in range(2)]
    expected[1].set_epoch(1)
    one, two = iter(loader), iter(loader)
    for a, b, first, second in zip(one, two, *expected, strict=True):
        same(a, first)
        same(b, second)


def test_threads_share_an_iterator(api):
    iterator = iter(api.arrays(np.arange(5000), batch_size=7))
    got = [[] for _ in range(4)]

    def consume(mine):
        for batch in iterator:
            mine.extend(batch.tolist())

    threads = [threading.Thread(target=consume, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(itertools.chain(*got)) == list(range(5000))


def test_kept_batches_are_never_overwritten(api):
    loader = api.arrays(X, Y, batch_size=4, shuffle=True)
    kept = list(loader.repeat(5))
    for x, y in kept:
        assert np.array_equal(x, X[y])


def test_a_view_of_a_batch_keeps_it(api):
    loader = api.arrays(X, batch_size=4, prefetch=1)
    views = [batch[1:3, ::2].T for batch in loader.repeat(4) if len(batch) == 4]
    list(loader.repeat(10))
    for i, view in enumerate(views):
        start = i % 25 * 4
        assert np.array_equal(view, X[start + 1 : start + 3, ::2].T)


def test_batches_are_ordinary_writable_arrays(api):
    x, _ = next(iter(api.arrays(X, Y)))
    assert x.flags.writeable
    assert x.flags.c_contiguous
    assert x.ctypes.data % 64 == 0 or api is pure
    x += 1


def test_stats(api):
    loader = api.arrays(X, Y, batch_size=10)
    list(loader)
    stats = loader.stats()
    assert (stats["batches"], stats["samples"], stats["bytes"]) == (11, N, N * (20 + 8))
    assert 0 <= stats["wait_s"] <= stats["elapsed_s"]
    assert stats["bound_by_data"] in (True, False)
    assert api.arrays(X).stats()["elapsed_s"] == 0
    assert len(stats["decode_s"]) == 2


def test_close(api):
    with api.arrays(Y, batch_size=10) as loader:
        iterator = iter(loader)
        next(iterator)
    loader.close()
    with pytest.raises(api.ClosedError, match="closed"):
        next(iterator)
    with pytest.raises(api.ClosedError, match="the loader is closed"):
        iter(loader)
    assert len(loader) == 11
    assert "closed" in repr(loader)
    assert list(api.arrays(Y)) != []


def test_repr_says_what_it_is(api):
    text = repr(api.arrays(X, Y, batch_size=16, shuffle=True, seed=9, shard=(1, 4), drop_last=True))
    for part in ("103 samples", "float32 (5,)", "int64 ()", "batch_size=16", "shuffle=True, seed=9", "(1, 4)"):
        assert part in text


def test_prefetch_is_bounded_in_bytes():
    loader = fastbatch.arrays(X, batch_size=10, prefetch=50, prefetch_bytes=10 * 20 * 3)
    assert loader.stats()["prefetch"] == 3


def test_bad_options(api):
    bad = [
        ({"batch_size": 0}, ValueError, "batch_size: expected 1 to .*, found 0"),
        ({"batch_size": -3}, ValueError, "batch_size: .* found -3"),
        ({"batch_size": 2.5}, TypeError, "batch_size: expected an integer, found 2.5"),
        ({"batch_size": True}, TypeError, "batch_size"),
        ({"batch_size": 2**80}, ValueError, "batch_size"),
        ({"shuffle": "yes"}, ValueError, "shuffle: expected False, True or 'block', found 'yes'"),
        ({"shuffle": 1}, ValueError, "shuffle"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 2**64}, ValueError, "seed"),
        ({"shard": (3, 3)}, ValueError, "rank: expected 0 to 2, found 3"),
        ({"shard": (0, 0)}, ValueError, "world_size"),
        ({"shard": 5}, TypeError, r"shard: expected \(rank, world_size\) or 'auto', found 5"),
        ({"tail": "wag"}, ValueError, "tail: expected one of pad, drop, uneven, mask, found 'wag'"),
        ({"threads": 0}, ValueError, "threads: expected 1 to 1024, found 0"),
        ({"threads": 10**6}, ValueError, "threads"),
        ({"prefetch": 0}, ValueError, "prefetch"),
        ({"prefetch_bytes": -1}, ValueError, "prefetch_bytes"),
        ({"block_size": 0}, ValueError, "block_size"),
        ({"window": 0}, ValueError, "window"),
    ]
    for options, error, message in bad:
        with pytest.raises(error, match=message):
            api.arrays(X, **options)
    loader = api.arrays(X)
    for call, error in [
        (lambda: loader.take(-1), ValueError),
        (lambda: loader.split(validation=1.5), ValueError),
        (lambda: loader.split(validation=N + 1), ValueError),
        (lambda: loader.set_epoch(-1), ValueError),
        (lambda: loader.repeat(-1), ValueError),
        (lambda: loader.shard(0, 2, tail="wag"), ValueError),
    ]:
        with pytest.raises(error):
            call()


def test_an_absurd_batch_size_is_the_whole_data(api):
    assert [len(batch) for batch in api.arrays(X, batch_size=10**12)] == [N]


def test_bad_data(api):
    with pytest.raises(ValueError, match="equal length, found 103, 102 samples"):
        api.arrays(X, Y[1:])
    with pytest.raises(TypeError, match="at least one array"):
        api.arrays()
    with pytest.raises(ValueError, match="at least one dimension"):
        api.arrays(np.float32(3))
    with pytest.raises(TypeError, match="Python objects are refused"):
        api.arrays(np.array([{}, []], dtype=object))
    with pytest.raises(TypeError, match="expected an array, a path or a source, found object"):
        api.arrays(object())
    with pytest.raises(ValueError, match="arrays of equal length|at least one"):
        api.arrays({})
