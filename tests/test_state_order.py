# SPDX-License-Identifier: MIT
"""The `order` of a state: each option that decides the order of samples is a part of it, by itself."""

import numpy as np
import pytest

import fastbatch as fb
from fastbatch import StateError, pure


@pytest.fixture(params=["fastbatch", "pure"])
def api(request):
    return fb if request.param == "fastbatch" else pure


X = np.arange(60)
WEIGHTS = np.arange(1.0, 61.0)


def made(api, **options):
    return api.arrays(X, batch_size=4, seed=1, **options)


def blocks(api, size, window):
    return made(api, shuffle="block", block_size=size, window=window)


def parts(api, part, **options):
    return made(api).split(**{"validation": 20, "seed": 3, "shuffle": True, **options})[part]


def drawn(api, **options):
    return made(api, **{"weights": WEIGHTS, "samples_per_epoch": 20, **options})


# What differs, and two loaders that differ in nothing else.
KEYS = {
    "shuffle": lambda api: (made(api), made(api, shuffle=True)),
    "kind of shuffle": lambda api: (made(api, shuffle=True), blocks(api, 4, 2)),
    "block size": lambda api: (blocks(api, 4, 2), blocks(api, 5, 2)),
    "window": lambda api: (blocks(api, 4, 2), blocks(api, 4, 3)),
    "split": lambda api: (made(api), parts(api, 0)),
    "part": lambda api: (parts(api, 0, validation=30), parts(api, 1, validation=30)),
    "size of a part": lambda api: (parts(api, 0), parts(api, 0, validation=21)),
    "seed of a split": lambda api: (parts(api, 0), parts(api, 0, seed=4)),
    "seed of a held-out part": lambda api: (parts(api, 1), parts(api, 1, seed=4)),
    "shuffle of a split": lambda api: (parts(api, 0), parts(api, 0, shuffle=False)),
    "split of a split": lambda api: (parts(api, 0), parts(api, 0).split(10, seed=3)[0]),
    "seed of the second split": lambda api: [parts(api, 0).split(10, seed=seed)[0] for seed in (3, 4)],
    "order of two splits": lambda api: [
        made(api).split(one, seed=3)[0].split(other, seed=3)[0] for one, other in ((10, 20), (20, 10))
    ],
    "selection": lambda api: (made(api).select([1, 2, 3]), made(api).select([1, 2, 4])),
    "order of a selection": lambda api: (made(api).select([1, 2, 3]), made(api).select([1, 3, 2])),
    "length of a selection": lambda api: (made(api).select([1, 2, 3]), made(api).select([1, 2, 3, 3])),
    "draw": lambda api: (made(api), drawn(api, samples_per_epoch=None)),
    "weights": lambda api: (drawn(api), drawn(api, weights=WEIGHTS[::-1].copy())),
    "one weight": lambda api: (drawn(api), drawn(api, weights=np.where(X == 59, 60.5, WEIGHTS))),
    "replacement": lambda api: (drawn(api), drawn(api, replacement=False)),
    "samples of an epoch": lambda api: (drawn(api), drawn(api, samples_per_epoch=21)),
    "balance": lambda api: (made(api, balance=X % 2), made(api, balance=X % 3)),
}


def refused(one, other):
    for saved, given in ((one, other), (other, one)):
        with pytest.raises(StateError, match="another order"):
            given.load_state_dict(saved.state_dict())


@pytest.mark.parametrize("key", KEYS)
def test_each_key_of_the_order_counts(api, key):
    one, other = KEYS[key](api)
    refused(one, other)
    for loader in (one, other):
        again = KEYS[key](api)[[one, other].index(loader)]
        again.load_state_dict(loader.state_dict())


TEXT_KEYS = {
    "shuffle": ({}, {"shuffle": "line"}),
    "kind of shuffle": ({"shuffle": "line"}, {"shuffle": "block", "block_size": 4, "window": 2}),
    "block size": tuple({"shuffle": "block", "block_size": size, "window": 2} for size in (4, 5)),
    "window": tuple({"shuffle": "block", "block_size": 4, "window": window} for window in (2, 3)),
    "encoding": ({}, {"encoding": "latin-1"}),
    "errors": ({}, {"errors": "ignore"}),
}


@pytest.mark.parametrize("key", TEXT_KEYS)
def test_each_key_of_the_order_of_text_counts(api, tmp_path, key):
    path = tmp_path / "a.txt"
    path.write_text("".join(f"line {i}\n" for i in range(100)))
    refused(*(api.lines(path, batch_size=4, seed=1, **options) for options in TEXT_KEYS[key]))


# Options that decide batches, not the order: a state passes.
FREE = {
    "batch_size": {"batch_size": 7},
    "drop_last": {"drop_last": True},
    "threads": {"threads": 1},
    "on_error": {"on_error": "skip"},
    "dtype": {"dtype": "f8"},
}


@pytest.mark.parametrize("option", FREE)
def test_other_options_do_not_count(api, option):
    one = api.arrays(X, batch_size=4, seed=1, shuffle=True)
    other = api.arrays(X, **{"batch_size": 4, "seed": 1, "shuffle": True, **FREE[option]})
    other.load_state_dict(one.state_dict())
