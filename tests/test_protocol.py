# SPDX-License-Identifier: MIT
"""Loaders as Python objects: copies, pickles, weak references, itertools, worker processes of torch."""

import copy
import gc
import itertools
import multiprocessing
import pickle
import weakref

import numpy as np
import pytest
from making import same_batches

N = 60
X = np.random.default_rng(0).random((N, 3)).astype(np.float32)
Y = np.arange(N)


def halve(batch):
    return batch[0] / 2, batch[1]


def made(api, tmp_path, photos):
    """Loaders over data of every kind."""
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "x.npz", x=X, y=Y)
    options = {"batch_size": 7, "shuffle": True, "seed": 3}
    return {
        "arrays": api.arrays(X, Y, **options),
        "a dict": api.arrays({"x": X, "y": [Y, Y]}, **options),
        "one array": api.arrays(Y, **options),
        "a file": api.arrays(tmp_path / "x.npy", Y, **options),
        "an archive": api.arrays(tmp_path / "x.npz", **options),
        "joined": api.arrays([X, X[:, :1]], Y, concat=-1, scale=2, **options),
        "windows": api.windows(X, Y, length=5, **options),
        "windows of a file": api.windows(tmp_path / "x.npy", Y, length=5, stride=2, **options),
        "images": api.images(photos, size=8, flip=True, **options),
        "mapped": api.arrays(X, Y, **options).map(halve),
        "a part": api.arrays(X, Y, **options).split(0.3)[0].shard(1, 2),
    }


WAYS = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda loader: pickle.loads(pickle.dumps(loader))}


@pytest.mark.parametrize("way", WAYS)
def test_copies_stand_where_the_loader_does(api, tmp_path, photos, way):
    for name, loader in made(api, tmp_path, photos).items():
        fresh = WAYS[way](loader)
        assert type(fresh) is type(loader), name
        epoch = list(loader)
        same_batches(fresh, epoch)
        iterator = iter(loader)
        begun = next(iterator)
        midway = WAYS[way](loader)
        assert midway.state_dict() == loader.state_dict()
        rest = list(iterator)
        same_batches(midway, rest)  # and the loader's own iterator was not disturbed
        loader.set_epoch(1)
        same_batches(loader, [begun, *rest])
        assert len(midway) == len(loader)


def test_copies_are_independent(api):
    loader = api.arrays(Y, batch_size=7)
    copied = copy.copy(loader)
    loader.close()
    assert len(list(copied)) == 9
    assert len(copy.copy(copied).report()) == 0
    with pytest.raises(api.ClosedError):
        iter(copy.copy(loader))


def test_windows_are_pickled_as_the_series(api):
    series = np.arange(20_000.0)
    assert len(pickle.dumps(api.windows(series, length=1000))) < 2 * series.nbytes


def test_iterators_say_that_they_cannot_be_copied(api):
    iterator = iter(api.arrays(Y))
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="an iterator cannot be copied or pickled; its loader can"):
            way(iterator)


def test_functions_that_cannot_be_pickled(api):
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError), match="lambda|local"):
        pickle.dumps(api.arrays(Y).map(lambda batch: batch))


def test_weak_references(api):
    loader = api.arrays(Y)
    iterator = iter(loader)
    seen = [weakref.ref(loader), weakref.ref(iterator)]
    next(iterator)
    del loader, iterator
    gc.collect()
    assert [reference() for reference in seen] == [None, None]


def test_python_tools_work(api):
    loader = api.arrays(Y, batch_size=10)
    assert [batch[0] for batch in itertools.islice(loader, 2)] == [0, 10]
    assert sum(int(batch.sum()) for batch in loader) == Y.sum()
    assert [k for k, _ in enumerate(loader)] == list(range(6))
    assert all(np.array_equal(a, b) for a, b in zip(loader, loader, strict=True))
    assert len(list(itertools.chain(loader, loader))) == 12
    first, second = itertools.tee(loader)
    assert len(list(first)) == len(list(second)) == 6
    iterator = iter(iter(loader))
    assert iter(iterator) is iterator
    assert next(iter(loader), None) is not None
    iterator.close()
    assert next(iterator, None) is None
    with pytest.raises(StopIteration):
        next(iterator)


def total(loader, results):
    results.put(sum(int(y.sum()) for _, y in loader))


@pytest.mark.slow
def test_a_spawned_process_gets_a_loader(api, tmp_path, photos):
    loader = made(api, tmp_path, photos)["a file"]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=total, args=(loader, results))
    process.start()
    assert results.get(timeout=60) == Y.sum()
    process.join()
    assert process.exitcode == 0


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [0, 2])
def test_torchs_worker_processes(api, n_workers):
    data = pytest.importorskip("torch.utils.data")

    class Shards(data.IterableDataset):
        def __init__(self):
            self.loader = api.arrays(Y, batch_size=5)

        def __iter__(self):
            info = data.get_worker_info()
            loader = self.loader if info is None else self.loader.shard(info.id, info.num_workers, "uneven")
            return iter(loader)

    batches = list(data.DataLoader(Shards(), batch_size=None, num_workers=n_workers))
    assert sorted(int(i) for batch in batches for i in batch) == Y.tolist()
