# SPDX-License-Identifier: MIT
"""Exact resume of a loader: at every step, with other threads, other ranks, on either implementation."""

import itertools
import json
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
from making import ids, same, same_batches

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

N = 101
X = np.random.default_rng(0).random((N, 3))
Y = np.arange(N)
OPTIONS = {"batch_size": 8, "shuffle": True, "seed": 11}


def read(loader, n_batches):
    """Return the first batches of an epoch, leaving it early."""
    return list(itertools.islice(iter(loader), n_batches))


@pytest.mark.parametrize("step", range(14))
def test_resume_at_every_step(api, step):
    whole = list(api.arrays(X, Y, **OPTIONS))
    stopped = api.arrays(X, Y, **OPTIONS)
    read(stopped, step)
    state = json.loads(json.dumps(stopped.state_dict()))
    for other in (fastbatch, pure):
        resumed = other.arrays(X, Y, threads=3, **{**OPTIONS, "seed": 999})
        resumed.load_state_dict(state)
        same_batches(resumed, whole[step:])
        assert resumed.epoch == 1
        assert len(ids(resumed)) == N  # the next epoch is complete


def test_after_the_end_the_next_epoch_comes(api):
    loader = api.arrays(X, Y, **OPTIONS)
    list(loader)
    resumed = api.arrays(X, Y, **OPTIONS)
    resumed.load_state_dict(loader.state_dict())
    same_batches(resumed, loader)
    assert resumed.state_dict() == loader.state_dict()


def test_a_state_before_the_first_batch(api):
    loader = api.arrays(X, Y, **OPTIONS)
    state = loader.state_dict()
    assert (state["epoch"], state["position"]) == (0, 0)
    loader.set_epoch(4)
    assert loader.state_dict()["epoch"] == 4
    resumed = api.arrays(X, Y, **OPTIONS)
    resumed.load_state_dict(loader.state_dict())
    assert resumed.state_dict() == loader.state_dict()
    same_batches(resumed, loader)


def test_prefetched_batches_do_not_count():
    loader = fastbatch.arrays(X, Y, prefetch=10, **OPTIONS)
    read(loader, 2)
    assert loader.state_dict()["position"] == 16


@pytest.mark.parametrize("before, after", [(8, 6), (1, 4), (3, 1), (2, 5)])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_other_ranks_lose_and_repeat_nothing(api, before, after, step):
    options = {**OPTIONS, "batch_size": 4, "tail": "uneven"}
    loaders = [api.arrays(Y, shard=(rank, before), **options) for rank in range(before)]
    seen = [int(i) for loader in loaders for batch in read(loader, step) for i in batch]
    states = [loader.state_dict() for loader in loaders]
    assert all(state == states[0] for state in states)
    for rank in range(after):
        loader = api.arrays(Y, shard=(rank, after), **options)
        loader.load_state_dict(states[0])
        seen += ids(loader)
    assert sorted(seen) == list(range(N))


def test_another_batch_size_goes_on_with_the_same_samples(api):
    whole = ids(api.arrays(Y, **OPTIONS))
    loader = api.arrays(Y, **OPTIONS)
    read(loader, 3)
    resumed = api.arrays(Y, **{**OPTIONS, "batch_size": 13})
    resumed.load_state_dict(loader.state_dict())
    assert ids(resumed) == whole[24:]


def test_take_goes_on_counting(api):
    loader = api.arrays(Y, **OPTIONS).take(5)
    read(loader, 2)
    resumed = api.arrays(Y, **OPTIONS).take(5)
    resumed.load_state_dict(loader.state_dict())
    assert len(list(resumed)) == 3


def test_splits_resume(api):
    for part in (0, 1):
        loader = api.arrays(Y, **OPTIONS).split(0.5)[part]
        whole = ids(loader)
        loader.set_epoch(0)
        read(loader, 2)
        resumed = api.arrays(Y, **OPTIONS).split(0.5)[part]
        resumed.load_state_dict(loader.state_dict())
        assert ids(resumed) == whole[16:]


def test_images_resume(api, photos):
    options = {"size": 16, "batch_size": 5, "shuffle": True, "flip": True}
    whole = list(api.images(photos, **options))
    loader = api.images(photos, **options)
    read(loader, 1)
    moved = photos.rename(photos.with_name("moved"))
    resumed = api.images(moved, **options)
    resumed.load_state_dict(loader.state_dict())
    same_batches(resumed, whole[1:])


def test_a_state_is_small_however_far(api):
    loader = api.arrays(np.broadcast_to(np.uint8(0), (10**9,)), batch_size=10**6, shuffle=True)
    assert len(json.dumps(loader.state_dict())) < 300


def test_states_of_other_data_are_refused(api):
    loader = api.arrays(X, Y, **OPTIONS)
    state = loader.state_dict()
    changed = X.copy()
    changed[0, 0] += 1
    for other in (
        api.arrays(X[:-1], Y[:-1], **OPTIONS),
        api.arrays(X.astype(np.float32), Y, **OPTIONS),
        api.arrays(changed, Y, **OPTIONS),
        api.arrays(Y, X, **OPTIONS),
    ):
        with pytest.raises(api.StateError, match="another data set: expected .*, found .*"):
            other.load_state_dict(state)
    for other in (
        api.arrays(X, Y, **{**OPTIONS, "shuffle": False}),
        api.arrays(X, Y, **{**OPTIONS, "shuffle": "block"}),
    ):
        with pytest.raises(api.StateError, match="another order: expected .*, found shuffle True"):
            other.load_state_dict(state)


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: {},
        lambda state: {**state, "version": 99},
        lambda state: {**state, "position": N + 1},
        lambda state: {**state, "position": -1},
        lambda state: {**state, "epoch": "two"},
        lambda state: {**state, "seed": 1.5},
        lambda state: [1, 2],
        lambda state: None,
    ],
)
def test_damaged_states_are_refused(api, damage):
    loader = api.arrays(X, Y, **OPTIONS)
    state = damage(loader.state_dict())
    with pytest.raises(api.StateError):
        loader.load_state_dict(state)
    assert len(list(loader)) == 13


@pytest.mark.parametrize("key", ["version", "kind", "seed", "epoch", "position", "order", "dataset"])
def test_each_part_of_a_state_is_needed(api, key):
    state = api.arrays(X, Y, **OPTIONS).state_dict()
    del state[key]
    with pytest.raises(api.StateError, match=f"'{key}' is missing"):
        api.arrays(X, Y, **OPTIONS).load_state_dict(state)


def test_a_state_without_ranks_is_damaged(api):
    loader = api.restartable(range, 9)
    next(iter(loader))
    state = loader.state_dict()
    assert state["world_size"] == 1
    for wrong in (0, -1, 2**40, "1"):
        with pytest.raises(api.StateError):
            loader.load_state_dict({**state, "world_size": wrong})


def test_repeat_goes_on_after_an_epoch_whose_rest_is_empty(api):
    """A state from after the last batch: its epoch has nothing left, and the next one follows."""
    loader = api.arrays(X, Y, **OPTIONS)
    iterator = iter(loader)
    for _ in range(len(loader)):
        next(iterator)
    state = loader.state_dict()
    assert (state["epoch"], state["position"]) == (0, N)
    resumed = api.arrays(X, Y, **OPTIONS)
    resumed.load_state_dict(state)
    batches = resumed.repeat()
    following = api.arrays(X, Y, **OPTIONS)
    following.set_epoch(1)
    same(next(batches)[0], next(iter(following))[0])


def test_state_errors_travel_between_processes(api):
    error = pickle.loads(pickle.dumps(api.StateError("state of another data set", expected="a", found="b")))
    assert str(error) == "state of another data set: expected a, found b"


KILLED = """
import json, os, sys
import numpy as np
import {package} as fb
path, = sys.argv[1:]
loader = fb.arrays(np.arange(101), batch_size=8, shuffle=True, seed=11)
if os.path.exists(path):
    loader.load_state_dict(json.load(open(path)))
for _ in range(2):
    for batch in loader:
        print("batch", *batch.tolist(), flush=True)
        with open(path + ".new", "w") as file:
            json.dump(loader.state_dict(), file)
        os.replace(path + ".new", path)
        if os.path.exists(path + ".kill"):
            os.kill(os.getpid(), 9)
    if loader.epoch == 2:
        break
"""


def test_killed_at_any_batch_nothing_is_lost_or_repeated(api, tmp_path):
    command = [sys.executable, "-c", KILLED.format(package=api.__name__), str(tmp_path / "state")]
    seen, kills = [], 0
    (tmp_path / "state.kill").touch()
    while len(seen) < 2 * N:
        if kills == 4:
            (tmp_path / "state.kill").unlink()
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ)
        seen += [int(i) for line in done.stdout.splitlines() for i in line.split()[1:]]
        if kills < 4:
            assert done.returncode == -signal.SIGKILL, done.stderr
            kills += 1
        else:
            assert done.returncode == 0, done.stderr
    loader = api.arrays(np.arange(N), **OPTIONS)
    assert seen == ids(loader) + ids(loader)
