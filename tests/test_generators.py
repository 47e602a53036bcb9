# SPDX-License-Identifier: MIT
"""The base class DataGenerator, the image folder loader with automatic reset, and the endless image generator."""

import _thread
import copy
import itertools
import json
import pickle
import threading
import time
import types

import numpy as np
import pytest
from making import error_of, same, same_batches

import fastbatch
import fastbatch.pure


class Squares(fastbatch.DataGenerator):
    n = 7

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if index >= self.n:
            raise IndexError(index)
        return np.full(2, index * index)


class PureSquares(fastbatch.pure.DataGenerator):
    __len__ = Squares.__len__
    __getitem__ = Squares.__getitem__
    n = 7


@pytest.fixture(params=[Squares, PureSquares])
def squares(request):
    return request.param


def values(generator):
    return [int(batch[0]) for batch in generator]


def test_an_epoch_has_each_batch_once(squares):
    assert values(squares()) == [i * i for i in range(7)]
    assert [values(squares(threads=n)) for n in (0, 1, 3)] == [[i * i for i in range(7)]] * 3


def test_shuffling_differs_by_epoch_and_seed_and_not_by_implementation():
    one, other = Squares(shuffle=True, seed=5, threads=2), PureSquares(shuffle=True, seed=5, threads=0)
    epochs = [values(one) for _ in range(3)]
    assert epochs == [values(other) for _ in range(3)]
    assert all(sorted(epoch) == [i * i for i in range(7)] for epoch in epochs)
    assert epochs[0] != epochs[1] != values(Squares(shuffle=True, seed=6))
    one.set_epoch(1)
    assert one.epoch == 1
    assert values(one) == epochs[1]


@pytest.mark.parametrize("n", [0, 3, 7])
def test_the_state_goes_on_with_the_next_batch(squares, n):
    whole = squares(shuffle=True, seed=2, threads=2)
    expected = values(whole) + values(whole)
    left = squares(shuffle=True, seed=2)
    values(left)
    taken = values(itertools.islice(iter(left), n))
    state = json.loads(json.dumps(left.state_dict()))
    other = squares(shuffle=True, seed=2, threads=3)
    other.load_state_dict(state)
    assert taken + values(other) == expected[7:]
    for again in (copy.copy(left), pickle.loads(pickle.dumps(left))):
        assert values(again) == expected[7 + n :]


def test_states_of_other_data_are_refused(squares):
    state = squares(seed=1).state_dict()
    for other, what in [({**state, "length": 8}, "length"), ({**state, "seed": 2}, "seed"), ({}, "version")]:
        error = error_of(squares(seed=1).load_state_dict, other)
        assert isinstance(error, fastbatch.StateError)
        assert what in str(error)


def test_an_error_keeps_its_type_and_names_the_batch(squares):
    class Broken(squares):
        def __getitem__(self, index):
            if index == 3:
                raise LookupError("three")
            return super().__getitem__(index)

    broken = iter(Broken(threads=2))
    assert len(list(itertools.islice(broken, 3))) == 3
    error = error_of(next, broken)
    assert (type(error), str(error)) == (LookupError, "'three'" if isinstance(error, KeyError) else "three")
    assert any("__getitem__(3)" in note for note in getattr(error, "__notes__", ["__getitem__(3)"]))
    assert list(broken) == []


def test_a_forgotten_constructor_and_epoch_hooks(squares):
    class Forgetful(squares):
        ended = 0

        def __init__(self):
            pass

        def on_epoch_end(self):
            self.ended += 1

    data = Forgetful()
    values(data)
    next(iter(data))  # stopping early is not an end
    values(data)
    assert data.ended == 2


def test_threads_work_ahead_and_end_with_the_pass(squares):
    started = threading.Event()

    class Slow(squares):
        def __getitem__(self, index):
            if index == 1:
                started.set()
            return super().__getitem__(index)

    batches = iter(Slow(threads=1, prefetch=2))
    next(batches)
    assert started.wait(10), "batch 1 was not begun while batch 0 was in hand"
    batches.close()
    assert next(batches, None) is None


def test_interrupting_the_wait_loses_nothing(squares):
    waits = threading.Event()  # before that, an interrupt would meet another line of this test

    class Slow(squares):
        def __getitem__(self, index):
            if index == 1 and waits.wait(10):
                _thread.interrupt_main()
                time.sleep(0.2)
            return super().__getitem__(index)

    data = Slow(threads=1, prefetch=1)
    batches = iter(data)
    assert next(batches).tolist() == [0, 0]
    with pytest.raises(KeyboardInterrupt):
        waits.set()
        next(batches)
    assert values(batches) == [i * i for i in range(1, 7)]


@pytest.mark.parametrize("options", [{"threads": -1}, {"prefetch": 0}, {"seed": -1}, {"threads": 1.5}])
def test_bad_options_are_refused(squares, options):
    assert next(iter(options)) in str(error_of(squares, **options))


def test_what_a_subclass_lacks_is_named(api):
    class Nothing(api.DataGenerator):
        pass

    class NoBatches(api.DataGenerator):
        def __len__(self):
            return 1

    assert str(error_of(list, Nothing())).startswith("Nothing: write __len__")
    assert str(error_of(list, NoBatches())).startswith("NoBatches: write __getitem__")
    assert isinstance(Nothing(), api.DataGenerator)


# ---- ImageDataLoader -------------------------------------------------------------------------------------------------


def test_a_loader_of_names_resets_itself(api, photos):
    loader = api.ImageDataLoader(photos, 5)
    for epoch in range(3):
        assert loader.current_epoch() == epoch
        batches = list(loader)
        assert [len(batch) for batch in batches] == [5, 5, 2]
        assert [name for batch in batches for name in batch] == sorted(loader.file_names)
    assert len(loader) == 3
    next(loader)
    loader.reset()
    assert next(loader) == sorted(loader.file_names)[:5]


def test_a_loader_of_names_goes_on_after_a_break(api, photos):
    loader = api.ImageDataLoader(photos, 5)
    first = next(loader)
    assert sorted(first + [name for batch in loader for name in batch]) == sorted(loader.file_names)
    assert loader.current_epoch() == 1


def test_decoded_images_and_labels(api, photos):
    loader = api.ImageDataLoader(photos, 5, decode=True, labels="infer", shuffle=True, seed=1, size=16)
    same_batches(list(loader), api.images(photos, size=16, batch_size=5, shuffle=True, seed=1))
    named = api.ImageDataLoader(photos, 5, labels="infer")
    assert named.class_names == ("cat", "dog", "owl")
    names, labels = next(named)
    assert [named.class_names[label] for label in labels] == [name.split("/")[0] for name in names]


def test_what_a_folder_loader_refuses(api, photos, tmp_path):
    assert isinstance(error_of(api.ImageDataLoader, tmp_path / "none", 4), FileNotFoundError)
    assert "batch_size" in str(error_of(api.ImageDataLoader, photos, 0))
    assert "decode=True" in str(error_of(api.ImageDataLoader, photos, 4, size=16))
    assert "labels" in str(error_of(api.ImageDataLoader, photos, 4, labels="guess"))


# ---- image_generator -------------------------------------------------------------------------------------------------


def test_the_image_generator_never_ends_and_shuffles_each_pass(api, photos):
    paths = sorted(photos.rglob("*.jpg"))
    labels = list(range(len(paths)))
    generator = api.image_generator(paths, labels, 5, size=16, seed=3)
    assert isinstance(generator, types.GeneratorType)
    passes = [list(itertools.islice(generator, 3)) for _ in range(2)]
    for batches in passes:
        assert [x.shape for x, _ in batches] == [(5, 16, 16, 3), (5, 16, 16, 3), (2, 16, 16, 3)]
        assert sorted(np.concatenate([y for _, y in batches])) == labels
    assert not np.array_equal(passes[0][0][1], passes[1][0][1])
    generator.close()
    assert next(generator, None) is None


def test_the_image_generator_gives_what_images_gives(api, photos):
    paths = sorted(photos.rglob("*.jpg"))
    x, y = next(api.image_generator(paths, range(len(paths)), size=16, shuffle=False))
    same((x, y), next(iter(api.images(paths, list(range(len(paths))), size=16, layout="NHWC"))))
    assert x.dtype == np.float32
    assert 0 <= x.min() <= x.max() <= 1
