# SPDX-License-Identifier: MIT
"""Orders of every kind as numbers: saved states refer to positions in them, and both implementations share code.

A change here makes every state of that kind name other samples.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.behavior

Y = np.arange(24)
CLASSES = np.repeat(np.arange(40), [2, 3] * 20)  # many with equal remainders
GROUPS = np.repeat(np.arange(8), 3)
OPTIONS = {"batch_size": 24, "seed": 7}
LENGTHS = [1, 2, 3, 4, 5, 4, 3, 2]


def lines(folder):
    path = folder / "a.txt"
    path.write_text("".join(f"{i}\n" for i in Y))
    return path


def mixture(api):
    blocks = api.arrays(Y[12:], shuffle="block", block_size=3, window=2, seed=5)
    return api.mix({api.arrays(Y[:7], shuffle=True, seed=4): 0.5, api.arrays(Y[7:12]): 0.3, blocks: 0.2}, batch_size=24)


def parts_in_a_row(api):
    return api.concat(api.arrays(Y[:7], shuffle=True, seed=4), api.arrays(Y[7:]), batch_size=24, shuffle=True, seed=2)


# name -> (api, folder) -> a loader whose epoch 2 is in ORDERS
LOADERS = {
    "full": lambda api, at: api.arrays(Y, shuffle=True, **OPTIONS),
    "blocks": lambda api, at: api.arrays(Y, shuffle="block", block_size=5, window=2, **OPTIONS),
    "uneven blocks": lambda api, at: api.windows(
        api.series([Y[:9], Y[9:12], Y[12:]]), length=1, shuffle="block", **OPTIONS
    ),
    "weights": lambda api, at: api.arrays(Y, weights=Y + 1.0, **OPTIONS),
    "weights without replacement": lambda api, at: api.arrays(Y, weights=Y + 1.0, replacement=False, **OPTIONS),
    "a split": lambda api, at: api.arrays(Y, shuffle=True, **OPTIONS).split(9, seed=3, shuffle=True)[1],
    "a stratified split": lambda api, at: api.arrays(Y, **OPTIONS).split(8, seed=3, stratify=GROUPS)[1],
    "a split of many classes": lambda api, at: api.arrays(np.arange(100)).split(45, seed=3, stratify=CLASSES)[1],
    "a split by groups": lambda api, at: api.arrays(Y, **OPTIONS).split(3, seed=3, groups=GROUPS)[1],
    "a rank": lambda api, at: api.arrays(Y, shuffle=True, shard=(1, 5), **OPTIONS),
    "a masked rank": lambda api, at: api.arrays(Y, shuffle=True, shard=(1, 5), tail="mask", batch_size=4, seed=7),
    "a mixture": lambda api, at: mixture(api),
    "concatenated": lambda api, at: parts_in_a_row(api),
    "documents": lambda api, at: api.documents(
        Y, lengths=[1, 2] * 8, buckets=[1, 2], batch_size=3, shuffle=True, seed=3
    ),
    "documents by a budget": lambda api, at: api.documents(Y, lengths=LENGTHS, max_tokens=9, shuffle=True, seed=3),
    "packs": lambda api, at: api.pack(Y, context=5, lengths=LENGTHS, shuffle=True, batch_size=5, seed=3),
    "lines": lambda api, at: api.lines(lines(at), 24, shuffle="line", seed=3, keepends=False),
    "blocks of lines": lambda api, at: api.lines(lines(at), 24, shuffle="block", block_size=8, seed=3, keepends=False),
    "blocks of words": lambda api, at: api.words(lines(at), 24, shuffle="block", block_size=8, seed=3),
    "a shuffle buffer": lambda api, at: api.stream(range(24), 24, shuffle_buffer=6, seed=3),
}


def samples_of(batch):
    """Return the samples of a batch as numbers: without labels, masks and lengths."""
    if isinstance(batch, dict):
        batch = batch["input_ids"]
    elif isinstance(batch, tuple):
        batch = batch[0]
    return [int(sample) for sample in (batch.ravel() if isinstance(batch, np.ndarray) else batch)]


# fmt: off
ORDERS = {
    "full": [10, 2, 16, 9, 12, 7, 14, 11, 19, 0, 1, 22, 18, 4, 21, 8, 6, 3, 23, 13, 17, 5, 15, 20],
    "blocks": [8, 10, 5, 12, 13, 6, 14, 11, 9, 7, 17, 1, 16, 15, 19, 18, 3, 0, 2, 4, 20, 21, 23, 22],
    "uneven blocks": [12, 22, 9, 18, 11, 1, 2, 21, 5, 13, 23, 14, 3, 10, 4, 6, 7, 0, 15, 19, 8, 17, 20, 16],
    "weights": [22, 12, 16, 13, 17, 21, 7, 18, 13, 5, 5, 16, 15, 21, 22, 22, 21, 22, 3, 5, 10, 10, 16, 17],
    "weights without replacement": [
        18, 19, 10, 9, 20, 21, 6, 22, 23, 12, 8, 11, 3, 16, 7, 13, 17, 14, 4, 15, 1, 2, 5, 0,
    ],
    "a split": [13, 3, 6, 9, 22, 19, 15, 1, 20],
    "a stratified split": [1, 5, 8, 10, 12, 15, 18, 21],
    "a split of many classes": [
        1, 4, 5, 8, 10, 12, 15, 18, 21, 22, 26, 27, 29, 30, 32, 34, 35, 38, 41, 42, 45, 48, 51, 54, 56, 58, 59, 60,
        63, 64, 66, 69, 71, 74, 75, 79, 80, 82, 84, 86, 87, 90, 92, 96, 97,
    ],
    "a split by groups": [3, 4, 5, 12, 13, 14, 15, 16, 17],
    "a rank": [2, 14, 22, 6, 5],
    "a masked rank": [2, 14, 22, 6, 5, 16, 11, 18],
    "a mixture": [1, 13, 2, 11, 0, 20, 6, 7, 5, 8, 4, 21, 3, 9],
    "concatenated": [19, 16, 10, 8, 21, 4, 22, 11, 17, 0, 9, 12, 15, 7, 5, 6, 23, 20, 14, 18, 13, 3, 2, 1],
    "documents": [16, 17, 13, 14, 1, 2, 0, 18, 9, 10, 11, 4, 5, 7, 8, 19, 20, 22, 23, 3, 12, 15, 6, 21],
    "documents by a budget": [6, 7, 8, 9, 1, 2, 22, 23, 3, 4, 5, 15, 16, 17, 18, 10, 11, 12, 13, 14, 0, 19, 20, 21],
    "packs": [0, 15, 16, 17, 18, 10, 11, 12, 13, 14, 1, 2, 19, 20, 21, 3, 4, 5, 22, 23, 6, 7, 8, 9, 0],
    "lines": [11, 23, 18, 13, 7, 21, 3, 19, 10, 2, 20, 9, 15, 17, 8, 5, 14, 16, 12, 6, 4, 22, 0, 1],
    "blocks of lines": [5, 8, 16, 1, 7, 22, 19, 14, 3, 12, 11, 23, 4, 6, 15, 18, 17, 21, 2, 9, 20, 13, 10, 0],
    "blocks of words": [5, 8, 16, 1, 7, 22, 19, 14, 3, 12, 11, 23, 4, 6, 15, 18, 17, 21, 2, 9, 20, 13, 10, 0],
    "a shuffle buffer": [1, 3, 2, 7, 9, 0, 11, 5, 6, 14, 13, 8, 16, 17, 10, 12, 20, 18, 4, 15, 21, 19, 23, 22],
}
# fmt: on


@pytest.mark.parametrize("name", LOADERS)
def test_an_order_never_changes(api, tmp_path, name):
    loader = LOADERS[name](api, tmp_path)
    if name != "a shuffle buffer":  # has one epoch
        loader.set_epoch(2)
    assert [sample for batch in loader for sample in samples_of(batch)] == ORDERS[name]
