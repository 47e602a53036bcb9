# SPDX-License-Identifier: MIT
"""Weighted and class-balanced sampling: frequencies, order, ranks."""

import ctypes
import itertools

import numpy as np
import pytest
from making import ids, same_batches

import fastbatch
from fastbatch import pure
from fastbatch.decode.transform import Sample
from fastbatch.plan.sampling import _log

N = 200
Y = np.arange(N)
W = np.random.default_rng(1).random(N) ** 3
W[::10] = 0.0


def test_frequencies_with_replacement(api):
    drawn = np.concatenate([ids(api.arrays(Y, weights=W, seed=s, samples_per_epoch=20_000)) for s in range(2)])
    counts = np.bincount(drawn.astype(int), minlength=N)
    expected = W / W.sum() * len(drawn)
    likely = expected > 0
    assert counts[~likely].sum() == 0
    chi2 = (((counts - expected) ** 2)[likely] / expected[likely]).sum()
    free = likely.sum() - 1
    assert abs(chi2 - free) < 5 * np.sqrt(2 * free)


def test_without_replacement_the_likely_come_early(api):
    first = np.zeros(3)
    loader = api.arrays(np.arange(3), weights=[1, 2, 5], replacement=False, batch_size=3)
    for batch in loader.repeat(4000):
        assert sorted(batch) == [0, 1, 2]
        first[batch[0]] += 1
    assert np.allclose(first / 4000, [1 / 8, 2 / 8, 5 / 8], atol=0.035)


@pytest.mark.behavior
@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("options", [{}, {"shard": (1, 3)}, {"samples_per_epoch": 77, "shuffle": True}])
def test_both_implementations_agree(replacement, options):
    options = {
        "weights": W,
        "replacement": replacement,
        "seed": 4,
        "batch_size": 8,
        "samples_per_epoch": 150,
        **options,
    }
    expected = pure.arrays(Y, **options)
    epochs = [list(expected) for _ in range(2)]
    for threads in (1, 3):
        loader = fastbatch.arrays(Y, threads=threads, **options)
        assert len(loader) == len(expected)
        for epoch in epochs:
            same_batches(loader, epoch)


@pytest.mark.parametrize("replacement", [True, False])
def test_shards_and_resume(api, replacement):
    loader = api.arrays(Y, weights=W, replacement=replacement, batch_size=6, samples_per_epoch=120)
    whole = ids(loader)
    loader.set_epoch(0)
    assert [ids(loader.shard(rank, 3, "uneven")) for rank in range(3)] == [whole[0::3], whole[1::3], whole[2::3]]
    iterator = iter(loader)
    begun = [int(i) for batch in itertools.islice(iterator, 7) for i in batch]
    resumed = api.arrays(Y, weights=W, replacement=replacement, batch_size=6, samples_per_epoch=120)
    resumed.load_state_dict(loader.state_dict())
    assert begun + ids(resumed) == whole
    with pytest.raises(api.StateError, match="another order"):
        api.arrays(Y, samples_per_epoch=120, weights=W + 1).load_state_dict(loader.state_dict())


def test_splits_keep_their_weights(api):
    train, held_out = api.arrays(Y, weights=W, batch_size=20).split(0.3)
    drawn, kept = set(ids(train)), ids(held_out)
    assert not drawn & set(kept)
    assert len(kept) == 60
    assert len(ids(train)) == 140
    assert W[sorted(drawn)].all()


def test_balanced_classes(api):
    labels = np.repeat([0, 1, 2], [150, 40, 10])
    for balance in ("classes", labels):
        loader = api.arrays(Y, labels, balance=balance, samples_per_epoch=6000, batch_size=500)
        counts = np.bincount(np.concatenate([y for _, y in loader]))
        assert np.allclose(counts / 6000, 1 / 3, atol=0.03)


def test_each_time_drawn_a_sample_draws_anew():
    seen = {}

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Sample), ctypes.c_void_p)
    def look(pointer, user_data):
        sample = pointer.contents
        seen.setdefault(key, []).append((sample.index, sample.random))
        return 0

    for key, api, options in [  # noqa: B007 (look reads it)
        (1, fastbatch, {"threads": 1}),
        (2, fastbatch, {"threads": 3}),
        (3, pure, {}),
    ]:
        list(api.arrays(Y, weights=W, transform=look, batch_size=16, shard=(1, 2), **options))
    assert len({random for _, random in seen[1]}) == N // 2 > len({index for index, _ in seen[1]})
    assert seen[1] == seen[3]
    assert sorted(seen[2]) == sorted(seen[3])


def test_bad_options(api):
    bad = [
        ({"weights": W[1:]}, "weights: expected one for each of 200 samples, found shape"),
        ({"weights": -W}, "weights: expected finite numbers of at least 0, found -.* for sample "),
        ({"weights": W * np.nan}, "weights: expected finite numbers"),
        ({"weights": W * 0}, "weights: expected a number above 0"),
        (
            {"weights": W, "replacement": False},
            "without replacement: expected at most 180 samples per epoch",
        ),
        ({"weights": W, "balance": Y}, "expected weights or balance, found both"),
        ({"samples_per_epoch": 5}, "samples_per_epoch: only valid with weights or balance"),
        ({"balance": "classes"}, "balance='classes': expected an array of labels as the second datum"),
        ({"balance": "class"}, "balance: expected 'classes' or one label for each of 200 samples, found 'class'"),
        ({"balance": Y[1:]}, "balance: expected 'classes' or one label for each of 200 samples"),
        ({"weights": W, "shuffle": "block"}, "samples that are drawn by weight have no blocks"),
    ]
    for options, message in bad:
        with pytest.raises(ValueError, match=message):
            api.arrays(Y, **options)


def test_the_logarithm():
    x = np.concatenate([np.random.default_rng(0).random(10_000), 2.0 ** -np.arange(60.0), [1.0]])
    assert np.allclose(_log(x), np.log(x), rtol=1e-14, atol=0)


@pytest.mark.parametrize("replacement", [True, False])
def test_a_part_of_a_loader_that_was_read_has_its_own_weights(api, replacement):
    """Read first, then select and split: each part draws by the weights of its own samples."""
    options = {"weights": [8.0, 1, 1, 1, 1, 0], "seed": 2, "replacement": replacement, "samples_per_epoch": 2}
    for fresh in (True, False):
        loader = api.arrays(np.arange(6), batch_size=2, **options)
        if not fresh:
            list(loader)
            loader.set_epoch(0)
        parts = [loader.select([3, 4]), loader.select([1, 0, 5]), loader.select([2, 5, 1])]
        drawn = [[int(x) for _ in range(20) for batch in part for x in batch] for part in parts]
        assert [set(one) for one in drawn] == [{3, 4}, {0, 1}, {1, 2}]
        assert len(set(map(len, drawn))) == 1
        if fresh:
            expected = drawn
        assert drawn == expected
        list(parts[0])
        assert {int(x) for batch in loader for x in batch} <= {0, 1, 2, 3, 4}
