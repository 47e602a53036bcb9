# SPDX-License-Identifier: MIT
"""Parts of data by number: `select`, `subset`, and how they go with splits, shards, shuffles and saved states."""

import json

import numpy as np
import pytest
from kinds import IN_ORDER, LOADERS, Folder, Y
from making import ids, same, same_batches

import fastbatch
from fastbatch import pure

CHANGING = ("a mixture", "a mixture of images", "concatenated", "zipped")  # other samples in each epoch
NUMBERED = [name for name in LOADERS if name not in (*IN_ORDER, *CHANGING)]


@pytest.mark.parametrize("name", NUMBERED)
def test_select_has_these_samples(api, tmp_path, name):
    at = Folder(tmp_path)
    loader = LOADERS[name](api, at)
    n = loader._numbered_plan("select").n_items
    wanted = [3, 1, n - 1, 3]
    chosen = loader.select(wanted)
    mask = np.zeros(n, bool)
    mask[[1, 3]] = True
    assert chosen._numbered_plan("select").n_items == 4
    assert loader.select(mask)._numbered_plan("select").n_items == 2
    first = list(chosen)
    assert len(first) == len(chosen)
    other = api.subset(LOADERS[name](api, at), np.array([3, 1, -1, 3], np.int16))
    same_batches(list(other), first)
    second = list(chosen)
    resumed = LOADERS[name](api, at).select(wanted)
    chosen.set_epoch(1)
    iterator = iter(chosen)
    same(next(iterator), second[0])
    resumed.load_state_dict(json.loads(json.dumps(chosen.state_dict())))
    same_batches(list(resumed), second[1:])
    with pytest.raises(api.StateError, match="another order: expected .*listed"):
        LOADERS[name](api, at).select([0, 1, 2, 3]).load_state_dict(chosen.state_dict())


@pytest.mark.parametrize("name", CHANGING)
def test_select_of_samples_that_change(api, tmp_path, name):
    with pytest.raises(ValueError, match="select: the samples of a mixture change from epoch to epoch"):
        LOADERS[name](api, Folder(tmp_path)).select([0])


def test_select_composes(api):
    loader = api.arrays(Y, batch_size=5)
    assert ids(loader.select([7, -1, 7])) == [7, 59, 7]
    assert ids(loader.select(range(10, 30)).select([0, -1, 5])) == [10, 29, 15]
    assert ids(loader.select(Y % 2 == 0)) == list(range(0, 60, 2))
    assert ids(loader.select([])) == []
    assert sorted(ids(loader.select(range(20)).shard(0, 2)) + ids(loader.select(range(20)).shard(1, 2))) == list(
        range(20)
    )
    train, held_out = loader.split(0.5, seed=4)
    assert set(ids(train.select([0, 1, 2]))) <= set(ids(train))
    left, right = loader.select([4, 8, 15, 16, 23, 42]).split(2)
    assert sorted(ids(left) + ids(right)) == [4, 8, 15, 16, 23, 42]
    for shuffle in (True, "block"):
        shuffled = api.arrays(Y, batch_size=5, shuffle=shuffle, seed=1, block_size=3, window=2)
        assert sorted(ids(shuffled.select(range(5, 25)))) == list(range(5, 25))
        assert ids(shuffled.select(range(5, 25))) != list(range(5, 25))
    weighted = api.arrays(Y, weights=(Y < 30) + 0.0, samples_per_epoch=200, batch_size=50)
    assert set(ids(weighted.select([5, 6, 40]))) == {5, 6}
    without = api.arrays(Y, weights=Y + 1.0, replacement=False)
    assert sorted(ids(without.select([5, 6, 40]))) == [5, 6, 40]
    assert len(held_out.select([0])) == 1


def test_both_implementations_select_alike():
    options = {"batch_size": 4, "shuffle": True, "seed": 9}
    for loaders in zip(
        *([api.arrays(Y, **options).select([5, 50, 5, 7, 9])] for api in (fastbatch, pure)), strict=True
    ):
        same_batches(*(list(loader.repeat(2)) for loader in loaders))
        assert loaders[0].state_dict() == loaders[1].state_dict()


def test_indices_that_are_refused(api):
    loader = api.arrays(Y)
    for indices, error, message in [
        ([1, 60], IndexError, "select: expected an index from -60 to 59, found 60 at place 1"),
        ([0, -61], IndexError, "found -61 at place 1"),
        ([1, 2**70], IndexError, "at place 1"),
        ([1, 2.5], TypeError, "select: expected integers, found"),
        (["a"], TypeError, "found 'a' at place 0"),
        ("12", TypeError, "expected a sequence of integers or a mask, found str"),
        (5, TypeError, "one dimension, found int"),
        ([[1]], TypeError, "one dimension"),
        (iter([1]), TypeError, "list_iterator"),
        ([True, False], IndexError, "expected a mask of 60 samples, found one of 2"),
    ]:
        with pytest.raises(error, match=message):
            loader.select(indices)
    indices = np.array([1, 2])
    chosen = loader.select(indices)
    indices[:] = 99
    assert ids(chosen) == [1, 2]
    with pytest.raises(TypeError, match="subset: expected a Loader, found list"):
        api.subset([1, 2], [0])


def test_a_generator_class_keeps_its_own_length(api):
    class Checked(api.DataGenerator):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            if index >= len(self):
                raise IndexError(index)
            return index

    data = Checked(threads=2)
    data.more = []
    part = data.skip(4).take(5)
    assert (len(data), len(part), len(part.shard(1, 2))) == (10, 5, 1)
    assert list(part) == [4, 5, 6, 7, 8]
    assert part.more is data.more
    assert list(data.select([9, 0])) == [9, 0]
    train, held_out = data.split(3, shuffle=False)
    assert (list(train), list(held_out)) == ([0, 1, 2, 3, 4, 5, 6], [7, 8, 9])
