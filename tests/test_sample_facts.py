# SPDX-License-Identifier: MIT
"""What a loader tells of its samples: `with_index`, `paths`, `labels`, `classes`, `class_weight`; and of its time."""

import copy
import json
import pickle
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from making import jpeg

X = np.arange(40, dtype="f4")[:, None]
Y = np.arange(40) % 3


def test_mixing_takes_no_index(api):
    loader = api.arrays(np.zeros((4, 2, 2, 3), "f4"), np.arange(4), with_index=True)
    for mix in (api.mixup, api.cutmix):
        with pytest.raises(TypeError, match="expected batches \\(x, y\\), found an index too"):
            mix(loader, n_classes=4)


@pytest.fixture
def folder(tmp_path):
    for i in range(9):
        name = tmp_path / "p" / "abc"[i % 3] / f"{i}.jpg"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_bytes(jpeg((20 + i, 20)))
    return str(tmp_path / "p")


def indices_of(loader):
    return [int(i) for batch in loader for i in batch[-1]]


@pytest.mark.parametrize("data", [(X,), (X, Y), ((X, Y),), ([X, X], Y), ({"x": X}, Y)], ids=range(5))
def test_the_index_is_the_last_part(api, data):
    loader = api.arrays(*data, batch_size=7, shuffle=True, seed=3, with_index=True)
    plain = api.arrays(*data, batch_size=7, shuffle=True, seed=3)
    seen = []
    for batch, other in zip(loader, plain, strict=True):
        *rest, index = batch
        assert type(batch) is tuple and index.dtype == np.int64
        assert str(rest[0] if len(data) == 1 else tuple(rest)) == str(other)
        seen += index.tolist()
    assert sorted(seen) == list(range(40)) and seen != sorted(seen)


def test_kinds(api, folder):
    x, y, index = next(iter(api.images(folder, size=8, batch_size=9, with_index=True)))
    assert index.tolist() == list(range(9)) and len(x) == len(y) == 9
    boxes = [np.zeros((1, 4), "f4")] * 9
    batch = next(iter(api.images(folder, size=8, boxes=boxes, batch_size=9, with_index=True)))
    assert len(batch) == 4 and batch[-1].tolist() == list(range(9))
    x, index = next(iter(api.images(folder, labels=None, size=8, batch_size=9, with_index=True)))
    assert index.tolist() == list(range(9))
    x, index = next(iter(api.windows(X, length=4, stride=3, with_index=True)))
    assert x[:, 0, 0].tolist() == (3 * index).tolist()
    x, y, index = next(iter(api.tokens(np.arange(100), context=8, with_index=True)))
    assert x[:, 0].tolist() == (8 * index).tolist()
    x, index = next(iter(api.arrays(X, with_index=True, transform=lambda x: x + 1)))
    assert x[:, 0].tolist() == (index + 1).tolist()
    with pytest.raises(ValueError, match="with_index: only valid with copy=True"):
        api.windows(X, length=4, copy=False, with_index=True)
    with pytest.raises(TypeError, match="with_index: expected True or False, found 'no'"):
        api.arrays(X, with_index="no")


def test_of_the_part(api, folder):
    """The index counts the samples of the loader at hand, so that it finds them in `paths`, `labels` and `select`."""
    whole = api.images(folder, size=8, batch_size=2, with_index=True)
    for part in (*whole.split(0.4, seed=2), whole.select([8, 1, 1, 4]), whole.split(0.5)[0].select([2, 0])):
        assert indices_of(part) == list(range(part.n_samples)) or part.n_samples == 4  # unshuffled
        for x, y, index in part:
            assert y.tolist() == part.labels[index].tolist()
            again = api.images([part.paths[i] for i in index], labels=y, size=8, batch_size=2)
            assert np.array_equal(next(iter(again))[0], x)
            assert np.array_equal(next(iter(part.select(index)))[0], x)
    repeated = whole.select([8, 1, 1, 4])
    assert indices_of(repeated) == [0, 1, 1, 3]  # the first of equal ones
    assert whole.select([]).paths == [] and len(whole.select([]).labels) == 0


def test_sharded_resumed_copied_mapped(api):
    loader = api.arrays(X, Y, batch_size=6, shuffle=True, seed=1, with_index=True)
    expected = indices_of(loader)
    ranks = [indices_of(loader.shard(rank, 2)) for rank in range(2)]
    assert [i for pair in zip(*ranks, strict=True) for i in pair] == expected
    batches = iter(again := api.arrays(X, Y, batch_size=6, shuffle=True, seed=1, with_index=True))
    next(batches)
    state = json.loads(json.dumps(again.state_dict()))
    for made in (copy.copy(again), pickle.loads(pickle.dumps(again))):
        assert indices_of(made) == expected[6:]
    resumed = api.arrays(X, Y, batch_size=6, shuffle=True, seed=1)  # a state does not depend on it
    resumed.load_state_dict(state)
    assert [int(v) for x, _ in resumed for v in x[:, 0]] == expected[6:]
    mapped = loader.map(lambda batch: (batch[0] * 2, batch[2]))
    mapped.set_epoch(0)
    assert [(int(x[0] / 2), int(i)) for xs, index in mapped for x, i in zip(xs, index, strict=True)] == [
        (i, i) for i in expected
    ]
    loader.set_epoch(0)
    assert indices_of(loader.take(2).skip(1)) == expected[6:12]


def test_bad_samples_keep_their_index(api, folder, tmp_path):
    paths = api.images(folder, size=8).paths
    bad = str(tmp_path / "bad.jpg")
    open(bad, "wb").close()
    paths[4] = bad
    loader = api.images(paths, list(range(9)), size=8, batch_size=3, with_index=True, on_error="skip")
    assert [(int(y), int(i)) for _, ys, index in loader for y, i in zip(ys, index, strict=True)] == [
        (i, i) for i in range(9) if i != 4
    ]
    loader = api.images(paths, list(range(9)), size=8, batch_size=3, with_index=True, on_error="replace")
    assert all(np.array_equal(y, index) for _, y, index in loader)


def test_paths_labels_and_classes(api, folder):
    loader = api.images(folder, size=8)
    assert loader.classes == ["a", "b", "c"] and loader.class_to_idx == {"a": 0, "b": 1, "c": 2}
    assert [path.split("/")[-2] for path in loader.paths] == [loader.classes[i] for i in loader.labels]
    with open(loader.paths[0], "rb") as file:
        image = file.read()
    assert api.images(api.encoded([image]), [0], size=8).paths is None
    assert api.images(api.encoded([image], names=["n"]), [0], size=8).paths == ["n"]
    assert api.images(folder, labels=None, size=8).labels is None
    plain = api.arrays(X, Y)
    assert plain.paths is None and plain.classes is None and plain.class_to_idx is None
    assert plain.labels.tolist() == Y.tolist()
    train, validation = plain.split(0.25, seed=4)
    assert validation.labels.tolist() == [int(y) for _, ys in validation for y in ys]
    assert len(train.labels) == 30
    assert api.arrays(X).labels is None and api.arrays(X, {"y": Y}).labels is None


def test_class_weight(api):
    labels = [0, 0, 0, 2]
    expected = {0: 4 / (2 * 3), 2: 4 / (2 * 1)}
    for given in (labels, np.array(labels, "u1"), api.arrays(np.zeros(4), np.array(labels)), np.eye(3)[labels]):
        found = api.class_weight(given)
        assert found == expected
        assert all(type(key) is int and type(value) is float for key, value in found.items())
    assert api.class_weight(api.arrays(X, Y).select([0, 3, 1])) == {0: 0.75, 1: 1.5}
    for wrong, error, message in [
        ([], ValueError, "class_weight: expected at least one label, found none"),
        ([0.5], TypeError, "class_weight: expected integers, or one row for each sample, found float64 of shape (1,)"),
        (np.array([[1, 1]]), ValueError, "class_weight: expected one class in each row, found 2 in row 0"),
        (api.arrays(X), TypeError, "class_weight: the loader has no labels"),
        (api.words, TypeError, "class_weight: expected labels or a loader, found function"),
    ]:
        with pytest.raises(error) as raised:
            api.class_weight(wrong)
        assert str(raised.value).startswith(message)


# ---- time ----------------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes only where a test says so."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(import_module("fastbatch.loader.epoch"), "perf_counter", lambda: self.now)
        for module in ("loader.loader", "loader.resumable", "generators.stream"):
            clock = SimpleNamespace(monotonic=lambda: self.now)
            monkeypatch.setattr(import_module(f"fastbatch.{module}"), "time", clock)

    def spend(self, seconds):
        self.now += seconds


@pytest.mark.parametrize("kind", ["arrays", "lines", "restartable", "DataGenerator", "stream"])
def test_the_time_of_map_counts(api, kind, tmp_path, monkeypatch):
    (tmp_path / "t").write_text("a\n" * 40)

    class Batches(api.DataGenerator):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return X[:4]

    loader = {
        "arrays": lambda: api.arrays(X, batch_size=4),
        "lines": lambda: api.lines(str(tmp_path / "t"), 4),
        "restartable": lambda: api.restartable(lambda: iter([X[:4]] * 10)),
        "DataGenerator": Batches,
        "stream": lambda: api.stream(iter(range(40)), 4),
    }[kind]()
    clock = Clock(monkeypatch)

    def slow(batch):
        clock.spend(2)
        return batch

    def slower(batch):
        clock.spend(3)
        return batch

    mapped = loader.map(slow).map(slower)
    for _ in mapped:
        clock.spend(1)
    stats = mapped.stats()
    assert stats["map_s"] == [20, 30]
    assert stats["elapsed_s"] >= 60 and stats["bound_by_data"] is True
    assert loader.stats()["map_s"] == []
    text = repr(stats)
    assert "10 batches" in text and "bound by data" in text and len(text) < 600
    assert dict(stats) == stats and json.loads(json.dumps(stats)) == stats


def test_iterators_have_a_readable_repr(api):
    loader = api.arrays(X, batch_size=4)
    assert repr(iter(loader)) == f"<iterator over epoch 0 of {loader!r}>"
    assert repr(loader.repeat(2)) == f"<iterator over 2 epochs of {loader!r}>"
    assert repr(loader.repeat()) == f"<iterator over endless epochs of {loader!r}>"
