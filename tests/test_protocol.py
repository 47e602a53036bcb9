# SPDX-License-Identifier: MIT
"""Loaders as Python objects: copies, pickles, weak references, itertools, worker processes of torch."""

import copy
import gc
import itertools
import json
import multiprocessing
import pickle
import threading
import weakref

import numpy as np
import pytest
from kinds import ITERATORS, LOADERS, Folder, Y
from making import in_thread, same, same_batches

WAYS = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda loader: pickle.loads(pickle.dumps(loader))}


@pytest.fixture(params=LOADERS)
def loader(api, tmp_path, request):
    """A loader of every kind; views of an array in memory share its memory."""
    return LOADERS[request.param](api, Folder(tmp_path))


@pytest.fixture(params=ITERATORS)
def iterator(api, tmp_path, request):
    """An iterator of every kind, over at least five batches."""
    return ITERATORS[request.param](api, Folder(tmp_path))


# ---- all loaders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_copies_stand_where_the_loader_does(loader, way):
    fresh = WAYS[way](loader)
    assert type(fresh) is type(loader)
    epoch = list(loader)
    assert len(epoch) >= 5
    same_batches(fresh, epoch)
    iterator = iter(loader)
    begun = next(iterator)
    midway = WAYS[way](loader)
    state = loader.state_dict()
    assert midway.state_dict() == state == json.loads(json.dumps(state))
    assert midway.epoch == loader.epoch == 1
    rest = list(iterator)
    same_batches(midway, rest)  # and the loader's own iterator was not affected
    assert midway.epoch == loader.epoch == 2
    again = WAYS[way](fresh)
    again.load_state_dict({**state, "position": 0, **dict.fromkeys({"unit", "byte"} & set(state), 0)})
    same_batches(again, [begun, *rest])
    assert len(midway) == len(loader) == len(epoch)


def test_two_iterators_do_not_disturb_each_other(loader):
    epochs = [list(epoch) for epoch in (copy.copy(loader), copy.copy(loader))]
    same_batches(*epochs)
    other = copy.copy(loader)
    list(other)
    epochs[1] = list(other)
    first, second = iter(loader), iter(loader)  # epochs 0 and 1
    for one, two in zip(*epochs, strict=True):
        same(next(first), one)
        same(next(second), two)
    assert next(first, None) is next(second, None) is None


def test_an_iterator_that_is_closed_is_at_its_end(loader):
    iterator, other = iter(loader), iter(loader)
    next(iterator)
    next(other)
    iterator.close()
    iterator.close()
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(iterator)
    assert len(list(other)) == len(loader) - 1


def test_what_is_left_early_ends(loader):
    for _ in range(3):
        assert len(list(itertools.islice(loader, 2))) == 2
    assert loader.epoch == 2  # the third epoch is not finished


def test_loaders_are_closed(api, loader):
    copied = copy.copy(loader)
    with loader as entered:
        assert entered is loader
        iterator = iter(loader)
        next(iterator)
    with pytest.raises(api.ClosedError):
        list(iterator)
    with pytest.raises(api.ClosedError):
        iter(loader)
    with pytest.raises(api.ClosedError):
        iter(copy.copy(loader))
    loader.close()
    assert len(list(copied)) == len(copied)  # is independent


# ---- all iterators ---------------------------------------------------------------------------------------------------


def test_iterators_end_and_stay_at_their_end(iterator):
    assert iter(iterator) is iterator
    assert iter(iter(iterator)) is iterator
    assert len(list(itertools.islice(iterator, 2))) == 2
    assert len([k for k, _ in enumerate(iterator)]) >= 3
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(iterator)
    assert list(iterator) == []
    iterator.close()


def test_iterators_say_that_they_cannot_be_copied(iterator):
    for _ in range(2):
        for way in WAYS.values():
            with pytest.raises(TypeError, match="cannot (be copied or )?pickle"):
                way(iterator)
        next(iterator)
    iterator.close()


def test_threads_that_share_an_iterator(api, tmp_path):
    for name, make in LOADERS.items():
        loader = make(api, Folder(tmp_path))
        expected = sorted(map(repr, copy.copy(loader)))
        iterator, taken = iter(loader), []
        barrier = threading.Barrier(3)

        def work(iterator=iterator, taken=taken, barrier=barrier):
            barrier.wait()
            taken.extend(iterator)

        threads = [in_thread(work) for _ in range(3)]
        for thread in threads:
            thread.join()
        assert sorted(map(repr, taken)) == expected, name


# ---- loaders and iterators as Python objects -------------------------------------------------------------------------


def test_copies_are_independent(api):
    loader = api.arrays(Y, batch_size=7)
    copied = copy.copy(loader)
    loader.close()
    assert len(list(copied)) == 9
    assert len(copy.copy(copied).report()) == 0


def test_a_loader_of_a_folder_is_copied(api, tmp_path):
    photos = Folder(tmp_path).photos
    for options in ({}, {"decode": True, "size": 8, "shuffle": True, "labels": "infer"}):
        for way in WAYS.values():
            loader = api.ImageDataLoader(photos, 2, **options)
            list(loader)
            first = next(loader)
            midway = way(loader)
            assert midway.current_epoch() == 1
            rest = list(loader)
            same_batches(midway, rest)
            same_batches(way(midway), loader)
            next(loader)
            loader.reset()
            same_batches(way(loader), loader)
            assert len(rest) == len(loader) - len(first) // 2
            with way(loader) as closed:
                next(closed)
            with pytest.raises(api.ClosedError):
                next(closed)


def test_an_endless_loop_over_nothing_ends(api, tmp_path):
    (tmp_path / "none.txt").write_text("")
    none = [api.words(tmp_path / "none.txt"), api.arrays(Y, batch_size=100, drop_last=True), api.arrays(Y).take(0)]
    assert [list(loader.repeat()) for loader in none] == [[], [], []]
    assert [list(loader.repeat(3)) for loader in none] == [[], [], []]
    broken = api.images([tmp_path / "none.txt"] * 3, None, size=8, on_error="skip")
    assert list(broken.repeat()) == []  # although it has a length
    assert len(broken) == 1
    at_end = Folder(tmp_path).text
    for loader in (api.words(at_end, 9).take(3), api.arrays(Y, batch_size=9).take(3)):
        iterator = iter(loader)
        for _ in range(3):
            next(iterator)
        loader.load_state_dict(loader.state_dict())  # nothing remains of this epoch
        assert len(list(itertools.islice(loader.repeat(), 4))) == 4


def test_windows_are_pickled_as_the_series(api):
    series = np.arange(20_000.0)
    assert len(pickle.dumps(api.windows(series, length=1000))) < 2 * series.nbytes


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
def test_a_spawned_process_gets_a_loader(api, tmp_path):
    loader = LOADERS["a file"](api, Folder(tmp_path))
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


def test_an_iterator_tells_its_loader(api):
    loader = api.arrays(np.arange(4), batch_size=2)
    iterator = iter(loader)
    assert repr(iterator) == f"<iterator over epoch 0 of {loader!r}>"
    assert len(list(iterator)) == 2
    assert repr(iterator) == f"<iterator over epoch 0 of {loader!r}, ended>"
