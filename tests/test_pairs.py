# SPDX-License-Identifier: MIT
"""Pairs of options that are tested alone elsewhere, and second steps: what is done again, or after something else.

Expected values are computed here, by NumPy or by hand, from the order of samples of a plain loader.
"""

import copy
import json
import pickle

import numpy as np
import pytest
from making import error_of, ids, jpeg, same_batches, take
from PIL import Image

N = 50
X = np.arange(N)
pytestmark = pytest.mark.behavior


def order_of(api, **options):
    """Return the order of an epoch's samples on one rank, before batches."""
    return ids(api.arrays(X, seed=3, batch_size=N, **options))


def plain(api, **options):
    return api.arrays(X, **{"batch_size": 4, "seed": 3, "shuffle": True, **options})


@pytest.fixture
def some_bad(tmp_path):
    """Return 20 image files, of which 2, 3, 9, 10, 11 and 17 are bad."""
    files = [tmp_path / f"{i:02}.jpg" for i in range(20)]
    for i, file in enumerate(files):
        file.write_bytes(b"nothing" if i in BAD else jpeg((30, 40)))
    return files


BAD = {2, 3, 9, 10, 11, 17}


def images(api, files, **options):
    return api.images(files, range(len(files)), **{"size": 8, "batch_size": 3, "seed": 6, **options})


# ---- shards ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", range(3))
@pytest.mark.parametrize("max_bad", [0, 1, 2, 0.15, 0.3, 1.0])
def test_the_allowance_of_a_shard_is_of_its_own_samples(api, some_bad, rank, max_bad):
    """Each rank counts its own bad samples; a share is one of its own samples, rounded down."""
    mine = [*range(20), 0][rank::3]  # tail="pad": the first sample once more
    bad = [i for i in mine if i in BAD]
    allowed = max_bad if isinstance(max_bad, int) else int(max_bad * len(mine))
    loader = images(api, some_bad, shard=(rank, 3), on_error="skip", max_bad=max_bad)
    if len(bad) > allowed:
        error = error_of(list, loader)
        assert str(some_bad[bad[allowed]]) in str(error)
        assert [record.sample for record in loader.report()] == bad[: allowed + 1]
    else:
        assert [int(i) for _, y in loader for i in y] == [i for i in mine if i not in BAD]
        assert [record.sample for record in loader.report()] == bad


@pytest.mark.parametrize("tail, sizes", [("pad", [17, 17, 17]), ("drop", [16, 16, 16]), ("uneven", [17, 17, 16])])
@pytest.mark.parametrize("drop_last", [True, False])
def test_tails_of_shards_with_and_without_the_last_batch(api, tail, sizes, drop_last):
    whole = order_of(api, shuffle=True)
    for rank in range(3):
        mine = (whole + whole[:1])[rank::3][: sizes[rank]]
        if drop_last:
            mine = mine[: len(mine) // 4 * 4]
        loader = plain(api, shard=(rank, 3), tail=tail, drop_last=drop_last)
        assert ids(loader) == mine
        assert len(loader) == -(-len(mine) // 4)


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_mixed_shards_mix_their_own_samples(api, mix):
    """Every image has its own class: the labels name the partners, which are of the same batch of the rank."""
    x = np.random.default_rng(0).random((N, 3, 6, 7)).astype("f4")
    seen = []
    for rank in range(2):
        loader = api.arrays(x, X, batch_size=6, shuffle=True, seed=3, shard=(rank, 2))
        own = [set(map(int, y)) for _, y in loader]
        mixed = list(getattr(api, mix)(loader, n_classes=N))
        for batch, (_, labels) in zip(own, mixed, strict=True):
            assert set(np.flatnonzero(labels.any(0))) == batch
            assert np.allclose(labels.sum(1), 1)
        seen.append([labels for _, labels in mixed])
    one, other = ([np.sort(labels, axis=1)[:, -2:] for labels in rank] for rank in seen)
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))  # each rank draws for itself


# ---- resume ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("done", range(6))
def test_resume_with_another_batch_size(api, done):
    whole = order_of(api, shuffle=True)
    loader = plain(api, batch_size=7)
    iterator = iter(loader)
    for _ in range(done):
        next(iterator)
    state = json.loads(json.dumps(loader.state_dict()))
    other = plain(api, batch_size=3)
    other.load_state_dict(state)
    batches = list(other)
    assert [int(i) for batch in batches for i in batch] == whole[7 * done :]
    assert {len(batch) for batch in batches[:-1]} <= {3}


@pytest.mark.parametrize("done", range(4))
def test_resume_inside_of_take_with_another_batch_size(api, done):
    """`take(3)` of batches of 5 ends at sample 15; the other loader's own `take` ends where its own batches do."""
    whole = order_of(api, shuffle=True)
    loader = plain(api, batch_size=5).take(3)
    iterator = iter(loader)
    for _ in range(done):
        next(iterator)
    state = loader.state_dict()
    same = plain(api, batch_size=5).take(3)
    same.load_state_dict(state)
    assert ids(same) == whole[5 * done : 15]
    other = plain(api, batch_size=3).take(7)
    other.load_state_dict(state)
    got = ids(other)
    assert got == whole[5 * done : 5 * done + len(got)]
    assert len(got) == 3 * (7 - -(-5 * done // 3))  # batches that began before the position are counted as served


def test_resume_with_other_ranks_in_mid_batch(api):
    whole = order_of(api, shuffle=True)
    state = None
    for rank in range(3):
        iterator = iter(loader := plain(api, shard=(rank, 3), tail="uneven"))
        next(iterator)
        assert state in (None, loader.state_dict())
        state = loader.state_dict()
    assert state["position"] == 12
    rest = []
    for rank in range(2):
        loader = plain(api, batch_size=5, shard=(rank, 2), tail="uneven")
        loader.load_state_dict(state)
        rest.append(ids(loader))
    assert rest == [whole[12::2], whole[13::2]]


# ---- weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_error", ["skip", "replace"])
def test_weights_with_bad_samples(api, some_bad, on_error):
    weights = np.where(np.arange(20) % 2, 1.0, 0.0)  # odd samples only: 3, 9, 11, 17 are bad
    options = {"weights": weights, "samples_per_epoch": 40}
    drawn = ids(api.arrays(np.arange(20), seed=6, batch_size=3, **options))
    loader = images(api, some_bad, on_error=on_error, **options)
    got = [int(i) for _, y in loader for i in y]
    bad = [i for i in drawn if i in BAD]
    assert [record.sample for record in loader.report()] == bad
    assert len(bad) > 3
    if on_error == "skip":
        assert got == [i for i in drawn if i not in BAD]
    else:
        assert len(got) == 40
        assert all(one == other for one, other in zip(got, drawn, strict=True) if other not in BAD)
        assert not BAD & set(got)


def test_weights_of_a_split_are_those_of_its_samples(api):
    """Samples of weight 0 never come, in whichever part they are; the validation part has every sample once."""
    weights = np.where(X < 25, 0.0, 1.0 + X)
    loader = plain(api, shuffle=False, weights=weights, samples_per_epoch=2000)
    train, held_out = loader.split(0.3, seed=1)
    plain_train, plain_held_out = plain(api, shuffle=False).split(0.3, seed=1)
    part = np.array(ids(plain_train))
    drawn = np.array(ids(train))
    assert len(drawn) == 2000
    assert set(drawn) == set(part[part >= 25])
    shares = np.bincount(drawn, minlength=N) / 2000
    expected = np.where(np.isin(X, part), weights, 0)
    assert np.abs(shares - expected / expected.sum()).max() < 0.02
    assert ids(held_out) == ids(plain_held_out)


def test_weights_with_a_transform_and_map(api):
    weights = np.where(X % 5, 0.0, 1.0)
    options = {"weights": weights, "samples_per_epoch": 21}
    drawn = ids(plain(api, shuffle=False, **options))
    doubled = api.arrays(X, batch_size=4, seed=3, transform=lambda row: row * 2, **options)
    assert ids(doubled) == [2 * i for i in drawn]
    assert ids(plain(api, shuffle=False, **options).map(lambda batch: batch + 1)) == [i + 1 for i in drawn]
    numbered = plain(api, shuffle=False, **options).map(lambda batch, info: batch * 0 + info.position)
    assert ids(numbered) == [4 * (i // 4) for i in range(21)]


# ---- split ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [True, False])
def test_split_keeps_the_last_batch_of_the_validation_part(api, shuffle):
    train, held_out = plain(api, drop_last=True).split(11, seed=5, shuffle=shuffle)
    assert [len(batch) for batch in train] == [4] * 9  # 39 samples
    assert [len(batch) for batch in held_out] == [4, 4, 3]
    inner, inner_held_out = train.split(10, seed=5, shuffle=shuffle)
    assert ([len(b) for b in inner], [len(b) for b in inner_held_out]) == ([4] * 7, [4, 4, 2])
    sharded = held_out.shard(1, 2, "uneven")
    assert [len(batch) for batch in sharded] == [4, 1]


def test_read_and_then_split(api):
    """A loader that has been read, or was left in the middle, is split as a new one; the parts begin at epoch 0."""
    expected = [[ids(part), ids(part)] for part in plain(api).split(0.2, seed=2)]
    loader = plain(api)
    list(loader)
    iterator = iter(loader)
    next(iterator)
    parts = loader.split(0.2, seed=2)
    assert [part.epoch for part in parts] == [0, 0]
    assert [[ids(part), ids(part)] for part in parts] == expected
    assert len(list(iterator)) == 12  # the first one goes on


# ---- bad samples in two columns -------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_error", ["skip", "replace"])
@pytest.mark.parametrize("threads", [1, 4])
def test_a_sample_that_is_bad_in_two_columns_is_noted_once(api, tmp_path, on_error, threads):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for i in range(12):
        Image.new("RGB", (20, 16), (i, 0, 0)).save(tmp_path / "images" / f"{i:02}.png")
        Image.new("L", (20, 16), i).save(tmp_path / "masks" / f"{i:02}.png")
    for folder, i in (("images", 1), ("masks", 1), ("images", 5), ("masks", 8), ("images", 11), ("masks", 11)):
        (tmp_path / folder / f"{i:02}.png").write_bytes(b"broken")
    loader = api.images(
        tmp_path / "images",
        None,
        masks=tmp_path / "masks",
        size=8,
        dtype="uint8",
        batch_size=5,
        threads=threads,
        on_error=on_error,
    )
    for epoch in range(3):
        batches = list(loader)
        got = [int(mask[0, 0]) for _, masks in batches for mask in masks.reshape(len(masks), 8, 8)]
        fresh = [record for record in loader.report() if record.epoch == epoch]
        assert [record.sample for record in fresh] == [1, 5, 8, 11]
        good = [i for i in range(12) if i not in (1, 5, 8, 11)]
        if on_error == "skip":
            assert got == good
        else:
            assert [g for i, g in enumerate(got) if i in good] == good
            assert {got[i] for i in (1, 5, 8, 11)} <= set(good)
        for image, mask in batches:
            assert np.array_equal(image[:, 0, 0, 0], mask.reshape(len(mask), -1)[:, 0])
    assert loader.stats()["bad_samples"] == 12


# ---- second steps ---------------------------------------------------------------------------------------------------


def squares(n=20):
    for i in range(n):
        yield np.array([i * i])


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_state_that_was_loaded_is_saved_and_loaded_again(api, prefetch):
    expected = [i * i for i in range(20)]
    options = {"prefetch": prefetch} if prefetch else {}
    state = None
    got = []
    for step in (3, 1, 5, 0, 4):
        loader = api.restartable(squares, **options)
        if state is not None:
            loader.load_state_dict(state)
            assert loader.state_dict() == state  # before anything is read
        iterator = iter(loader)
        got += [int(next(iterator)[0]) for _ in range(step)]
        state = json.loads(json.dumps(loader.state_dict()))
        loader.close()
    assert got == expected[:13]
    last = api.restartable(squares, **options)
    last.load_state_dict(state)
    assert [int(x[0]) for x in last] == expected[13:]
    assert last.epoch == 1
    assert [int(x[0]) for x in last] == expected


def test_states_of_loaders_are_loaded_again_and_again(api):
    whole = order_of(api, shuffle=True)
    state, got = None, []
    for step in (2, 0, 3, 1):
        loader = plain(api)
        if state is not None:
            loader.load_state_dict(state)
            assert loader.state_dict() == state
        got += ids(take(loader, step))
        state = loader.state_dict()
    assert got == whole[: len(got)]
    assert state["position"] == len(got) == 24


def test_copies_count_for_themselves(api):
    loader = plain(api)
    list(loader)
    before = loader.stats()
    for other in (copy.copy(loader), copy.deepcopy(loader), pickle.loads(pickle.dumps(loader)), loader.take(99)):
        assert (other.stats()["batches"], other.stats()["samples"], other.report()) == (0, 0, [])
        n = len(list(other))
        assert (other.stats()["batches"], other.stats()["samples"]) == (n, N)
    assert loader.stats()["batches"] == before["batches"]
    list(loader)
    assert loader.stats()["samples"] == 2 * N


def test_copies_note_their_own_bad_samples(api, some_bad):
    loader = images(api, some_bad, on_error="skip", max_bad=6)
    list(loader)
    assert len(loader.report()) == len(BAD)
    other = copy.copy(loader)
    assert other.report() == []
    same_batches(other, loader)
    assert [bad.sample for bad in other.report()] == sorted(BAD)
    assert len(loader.report()) == 2 * len(BAD)  # two epochs, each within its allowance
