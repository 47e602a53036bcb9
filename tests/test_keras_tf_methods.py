# SPDX-License-Identifier: MIT
"""Methods of Keras-style data sets do what methods of that name do in tf.data, or name `to_tf()`."""

import copy

import numpy as np
import pytest

pytest.importorskip("PIL")
from PIL import Image

from fastbatch.keras import image_dataset_from_directory, timeseries_dataset_from_array

N = 30


@pytest.fixture
def folder(tmp_path):
    for i in range(N):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (8 * i, 0, 0)).save(tmp_path / "ab"[i % 2] / f"{i:02}.png")
    return tmp_path


def dataset_of(folder, labels="inferred", **options):
    options = {"batch_size": 4, "image_size": (8, 8), "seed": 3, "verbose": False, **options}
    return image_dataset_from_directory(str(folder), labels=labels, **options)


def numbers(elements):
    """Return the numbers of the images."""
    found = []
    for element in elements:
        x = np.asarray(element[0] if isinstance(element, tuple) else element)
        found += (x.reshape(-1, 8, 8, 3)[:, 0, 0, 0] / 8).astype(int).tolist()
    return found


def test_take_gives_each_pass_its_own_batches(folder):
    expected = [numbers(batches)[:8] for batches in (list(dataset_of(folder)) for _ in [0])]
    reference = dataset_of(folder)
    passes = [numbers(reference) for _ in range(4)]
    assert len({tuple(one) for one in passes}) == 4 and expected[0] == passes[0][:8]
    dataset = dataset_of(folder)
    assert [numbers(dataset.take(2)) for _ in range(4)] == [one[:8] for one in passes]
    dataset = dataset_of(folder)
    some = dataset.take(2)
    assert [numbers(some), numbers(dataset.skip(2)), numbers(dataset), numbers(some)] == [
        passes[0][:8],
        passes[1][8:],
        passes[2],
        passes[3][:8],
    ]
    assert len(dataset.take(-1)) == 8 and len(dataset.skip(-1)) == 0 and dataset.take(99).cardinality() == 8


def test_copies_and_states_are_their_own(folder):
    dataset = dataset_of(folder)
    next(iter(dataset))
    copies = [copy.copy(dataset), copy.deepcopy(dataset)]
    state = dataset.state_dict()
    rest = numbers(copies[0])
    assert rest == numbers(copies[1]) and len(rest) == N - 4
    assert dataset.epoch == 0 and dataset.state_dict() == state
    resumed = dataset_of(folder)
    resumed.load_state_dict(state)
    assert numbers(resumed) == rest
    dataset.set_epoch(5)
    again = dataset_of(folder)
    again.set_epoch(5)
    assert numbers(dataset.take(3)) == numbers(again)[:12] and dataset.epoch == 6


def test_map_spreads_the_parts(folder):
    dataset = dataset_of(folder, shuffle=False)
    mapped = dataset.map(lambda x, y: (x / 255, y + 1), num_parallel_calls=-1)
    for (x, y), (u, v) in zip(dataset, mapped, strict=True):
        assert np.array_equal(u, x / 255) and np.array_equal(v, y + 1)
    doubled = dataset_of(folder, labels=None, shuffle=False).map(lambda x: 2 * x)
    assert np.array_equal(next(iter(doubled)), 2 * next(iter(dataset))[0])
    renamed = dataset.map(lambda x, y: {"x": x, "y": y}).map(lambda parts: parts["y"])
    assert np.array_equal(next(iter(renamed)), next(iter(dataset))[1])
    single = dataset.map(lambda x, y: (x.sum(), y), each="sample")
    assert next(iter(single))[0].shape == (4,)
    with pytest.raises(TypeError, match="map: expected a function"):
        dataset.map(3)


def test_batch_and_unbatch(folder):
    whole = dataset_of(folder, shuffle=False)
    singles = whole.unbatch()
    assert len(singles) == N and next(iter(singles))[0].shape == (8, 8, 3)
    assert numbers(singles) == numbers(whole)
    batched = dataset_of(folder, batch_size=None, shuffle=False).map(lambda x, y: (x + 8, y)).batch(7)
    assert [len(y) for _, y in batched] == [7, 7, 7, 7, 2]
    assert numbers(batched) == [i + 1 for i in numbers(whole)]
    assert [len(x) for x, _ in dataset_of(folder, batch_size=None).batch(7, drop_remainder=True)] == [7] * 4
    assert numbers(singles.take(5)) == numbers(whole)[:5]


def test_shuffle_prefetch_and_cache(folder):
    dataset = dataset_of(folder)
    assert dataset.cache().shuffle(1000).prefetch(-1) is dataset
    singles = dataset_of(folder, batch_size=None, shuffle=False)
    shuffled = singles.shuffle(8, seed=1).batch(10)
    first, second = numbers(shuffled), numbers(shuffled)
    assert sorted(first) == sorted(second) == list(range(N)) and first != second
    assert numbers(dataset.as_numpy_iterator()) != list(range(N))


@pytest.mark.parametrize(
    "call",
    [
        lambda dataset: dataset.batch(3),
        lambda dataset: dataset.unbatch().take(3).batch(3),
        lambda dataset: dataset.unbatch().unbatch(),
        lambda dataset: dataset.take(1).unbatch(),
        lambda dataset: dataset.map(lambda x, y: x).unbatch(),
        lambda dataset: dataset.shuffle(10),
        lambda dataset: dataset.shuffle(10, reshuffle_each_iteration=False),
        lambda dataset: dataset.cache("file"),
        lambda dataset: dataset.filter(bool),
        lambda dataset: dataset.padded_batch(3),
        lambda dataset: dataset.element_spec,
    ],
)
def test_other_methods_name_the_way(folder, call):
    with pytest.raises((TypeError, AttributeError), match=r"use to_tf\(\)\."):
        call(dataset_of(folder, shuffle=False))


def test_windows(folder):
    windows = timeseries_dataset_from_array(np.arange(20.0), np.arange(20.0), 4, batch_size=5)
    assert [x.shape for x, _ in windows.map(lambda x, y: (x * 2, y)).take(2)] == [(5, 4), (5, 4)]
