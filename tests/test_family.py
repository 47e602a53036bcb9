# SPDX-License-Identifier: MIT
"""What every kind of loader promises: the same verbs, states, statistics and copies."""

import copy
import itertools
import json
import os
import pickle

import numpy as np
import pytest
from kinds import IN_ORDER, LOADERS, OTHERS, Folder, X
from making import error_of, in_thread, same_batches

import fastbatch

STATS = {"batches", "samples", "bytes", "bad_samples", "through_pillow", "wait_s", "elapsed_s", "bound_by_data"}
STATS |= {"decode_s", "map_s", "advise_s", "ready_batches", "threads", "prefetch"}
STATS |= {"jpeg_own", "jpeg_library", "jpeg_indexed", "filled"}
EVERY = {**LOADERS, **OTHERS}


@pytest.fixture(params=LOADERS)
def make(api, tmp_path, request):
    """Returns a function that makes a loader, of every kind that has epochs."""
    return lambda: LOADERS[request.param](api, Folder(tmp_path))


@pytest.fixture(params=EVERY)
def anyone(api, tmp_path, request):
    """A loader of every kind."""
    return EVERY[request.param](api, Folder(tmp_path))


def one_epoch(loader, n=None):
    return list(itertools.islice(iter(loader), n))


# ---- what all of them have -------------------------------------------------------------------------------------------


def test_all_are_loaders(api, anyone):
    assert isinstance(anyone, api.Loader)
    assert api.Loader is fastbatch.Loader
    with anyone as entered:
        assert entered is anyone


def test_statistics_have_the_same_keys(anyone):
    assert set(anyone.stats()) == STATS
    n = len(one_epoch(anyone))
    stats = anyone.stats()
    assert set(stats) == STATS
    assert stats["batches"] == n
    assert 0 <= stats["wait_s"] <= stats["elapsed_s"]
    assert isinstance(stats["decode_s"], list)
    assert anyone.report() == []
    anyone.close()


def test_take_and_skip_compose_as_in_tf_data(anyone, api, tmp_path, request):
    name = request.node.callspec.params["anyone"]

    def make():
        return EVERY[name](api, Folder(tmp_path))

    epoch = one_epoch(make())
    for loader, wanted in [
        (make().skip(2).take(2), epoch[2:4]),
        (make().take(4).skip(2), epoch[2:4]),
        (make().take(3), epoch[:3]),
        (make().take(3).take(9), epoch[:3]),
        (make().take(9).take(3), epoch[:3]),
        (make().skip(1).skip(2), epoch[3:]),
        (make().skip(10**6), []),
        (make().take(0), []),
        (make().take(2).skip(3), []),
    ]:
        same_batches(one_epoch(loader), wanted)
        loader.close()
    assert "n: expected" in str(error_of(make().take, -1))
    assert "n: expected" in str(error_of(make().skip, 1.5))


def test_map_is_applied_to_every_batch(anyone, api, tmp_path, request):
    name = request.node.callspec.params["anyone"]
    epoch = one_epoch(EVERY[name](api, Folder(tmp_path)))
    seen = []

    def function(batch, info):
        seen.append((info.epoch, info.number, info.position))
        return [batch, info.number]

    mapped = anyone.map(function)
    assert type(mapped) is type(anyone)
    got = one_epoch(mapped)
    same_batches([batch for batch, _ in got], epoch)
    assert [number for _, number in got] == list(range(len(epoch)))
    assert len({position for _, _, position in seen}) == len(seen)
    mapped.close()
    broken = EVERY[name](api, Folder(tmp_path)).map(lambda batch: 1 // 0)
    assert isinstance(error_of(one_epoch, broken), ZeroDivisionError)
    broken.close()


# ---- those that have epochs ------------------------------------------------------------------------------------------


def test_verbs_hold_in_every_epoch(make):
    whole = make()
    epochs = [one_epoch(whole) for _ in range(3)]
    part = make().skip(1).take(3)
    for epoch in epochs:
        same_batches(one_epoch(part), epoch[1:4])
    assert part.epoch == 3
    part.set_epoch(1)
    same_batches(list(part.repeat(2)), epochs[1][1:4] + epochs[2][1:4])
    assert part._next_length() in (3, None)  # nobody knows how long a generator function is
    assert "skip=1, take=3" in repr(part) or not repr(part).startswith(("Loader", "TextLoader"))


@pytest.mark.parametrize("n", range(4))
def test_resume_inside_of_what_is_served(make, n):
    part = make().skip(1).take(3)
    one_epoch(part)
    second = one_epoch(part)
    part.set_epoch(1)
    iterator = iter(part)
    same_batches(list(itertools.islice(iterator, n)), second[:n])
    state = json.loads(json.dumps(part.state_dict()))
    assert state["version"] == 2
    for other in (make().skip(1).take(3), copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        other.load_state_dict(state)
        assert other._next_length() in (3 - n, None)
        same_batches(one_epoch(other), second[n:])
    for other in (copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        same_batches(one_epoch(other), second[n:])
    assert iterator.__length_hint__() in (3 - n, NotImplemented)


def test_a_mapped_loader_goes_on_with_the_batch_that_failed(make):
    epoch = one_epoch(make())
    calls = []

    def fail(batch):
        calls.append(batch)
        if len(calls) == 3:
            raise LookupError("third")
        return batch

    loader = make().map(fail)
    iterator = iter(loader)
    same_batches([next(iterator), next(iterator)], epoch[:2])
    assert isinstance(error_of(next, iterator), LookupError)
    assert list(iterator) == []
    same_batches(one_epoch(copy.copy(loader)), epoch[2:])


def test_shards_together_give_everything(api, tmp_path):
    for name, make_one in LOADERS.items():
        if "shard" in name or "ahead" in name:
            continue
        at = Folder(tmp_path)
        numbers = make_one(api, at).shard(0, 1)
        whole = sum(1 for _ in numbers)
        world = [make_one(api, at).shard(rank, 3) for rank in range(3)]
        parts = [one_epoch(loader) for loader in world]
        assert all(type(loader) is type(numbers) for loader in world)
        assert [len(part) for part in parts] == [len(loader) for loader in world]
        assert whole <= sum(map(len, parts)) <= whole + 3, name
        if name in IN_ORDER or "generator" in name:
            dealt = [batch for row in itertools.zip_longest(*parts) for batch in row if batch is not None]
            same_batches(dealt, one_epoch(make_one(api, at)))


def test_closed_loaders_refuse_and_their_iterators_too(make, api):
    loader = make().skip(1).map(lambda batch: batch)
    iterator = iter(loader)
    next(iterator)
    loader.close()
    with pytest.raises(api.ClosedError):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)
    with pytest.raises(api.ClosedError):
        iter(loader)
    assert len(one_epoch(loader.take(1))) == 1  # another loader


def test_samples_without_numbers_are_refused_in_a_sentence(api, tmp_path):
    at = Folder(tmp_path)
    for name, message in [
        ("words", r"words: {}\(\) needs samples by number; text is read in order"),
        ("shuffled lines", r"lines: {}\(\) needs samples by number; text is read in order"),
        ("restartable", r"squares: {}\(\) needs samples by number; a generator function is read in order"),
        ("stream", r"stream: {}\(\) needs samples by number; a stream is read in order"),
    ]:
        loader = EVERY[name](api, at)
        with pytest.raises(TypeError, match=message.format("select")):
            loader.select([0])
        with pytest.raises(TypeError, match=message.format("split")):
            loader.split(0.5)
        loader.close()
    stream = api.stream(at.text, 3)
    for call, message in [
        (stream.state_dict, "a stream is read once: it has no state"),
        (lambda: stream.load_state_dict({}), "a stream is read once: it has no state"),
        (lambda: stream.set_epoch(1), "a stream is read once: it has no epochs"),
        (stream.repeat, "a stream is read once: it cannot be repeated"),
        (lambda: stream.shard(0, 2), "a stream is read once: ranks cannot share it"),
        (lambda: len(stream), "a stream has no length: it ends when its source does"),
    ]:
        with pytest.raises(TypeError, match=message):
            call()
    stream.close()


def test_whole_batches_have_no_tail(api, tmp_path):
    at = Folder(tmp_path)
    for name in ("words", "restartable", "a generator class"):
        with pytest.raises(TypeError, match="tail: only valid where samples are dealt out"):
            LOADERS[name](api, at).shard(0, 2, "drop")
    assert len(LOADERS["arrays"](api, at).shard(0, 7, "drop")) == 2


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("how", ["plain", "mapped", "skipped"])
def test_a_forked_child_goes_on(make, how):
    loader = {"plain": make, "mapped": lambda: make().map(lambda b: b), "skipped": lambda: make().skip(1)}[how]()
    expected = one_epoch(copy.copy(loader))
    iterator = iter(loader)
    same_batches([next(iterator), next(iterator)], expected[:2])
    child = os.fork()
    if child == 0:
        try:
            same_batches(list(iterator), expected[2:])
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    same_batches(list(iterator), expected[2:])


def test_threads_share_a_mapped_iterator(make):
    expected = sorted(map(repr, one_epoch(make())))
    loader = make().map(lambda batch: batch)
    iterator, taken = iter(loader), []
    threads = [in_thread(lambda: taken.extend(iterator)) for _ in range(3)]
    for thread in threads:
        thread.join()
    assert sorted(map(repr, taken)) == expected
    assert loader.stats()["batches"] == len(expected)


# ---- states ----------------------------------------------------------------------------------------------------------

# As the first version saved them after two batches.
VERSION_1 = {
    "arrays": {"seed": 3, "epoch": 0, "position": 14, "order": "shuffle True"}
    | {"version": 1, "dataset": "39f8c28b9b00ee3c9a651bffde6f1ff5"},
    "weighted": {"seed": 3, "epoch": 0, "position": 14, "dataset": "39f8c28b9b00ee3c9a651bffde6f1ff5"}
    | {"version": 1, "order": "shuffle False; draw with replacement None by 46e15150f1f88a60"},
    "a shard": {"version": 1, "seed": 3, "epoch": 0, "position": 16, "order": "shuffle True; 0+42/60 seed 0"}
    | {"dataset": "39f8c28b9b00ee3c9a651bffde6f1ff5"},
    "windows": {"version": 1, "seed": 3, "epoch": 0, "position": 14, "order": "shuffle True"}
    | {"dataset": "5f4269b72986ed5875e03ad3da52324c"},
    "views": {"version": 1, "seed": 0, "epoch": 0, "position": 14, "order": "shuffle False"}
    | {"dataset": "5f4269b72986ed5875e03ad3da52324c"},
    "tokens": {"version": 1, "seed": 3, "epoch": 0, "position": 8, "order": "shuffle True"}
    | {"dataset": "7aa7b44debaab7510e9c46547005291d"},
    "images": {"version": 1, "seed": 3, "epoch": 0, "position": 4, "order": "shuffle True"}
    | {"dataset": "a807f06ac20e371f458d18dc7db972b0"},
    "words": {"version": 1, "kind": "words", "seed": 0, "epoch": 0, "position": 18, "unit": 0, "byte": 57}
    | {"order": "shuffle False; utf-8 strict", "dataset": "d1f3e3463ba4dbfad3e674d6d7260eca"},
    "shuffled lines": {"version": 1, "kind": "lines", "seed": 3, "epoch": 0, "position": 10, "unit": 9, "byte": 1}
    | {"order": "shuffle line; utf-8 strict", "dataset": "d1f3e3463ba4dbfad3e674d6d7260eca"},
    "lines of a shard": {"version": 1, "kind": "lines", "seed": 0, "epoch": 0, "position": 12, "unit": 0, "byte": 70}
    | {"order": "shuffle False; utf-8 strict", "dataset": "d1f3e3463ba4dbfad3e674d6d7260eca"},
    "ids": {"version": 1, "kind": "words", "seed": 0, "epoch": 0, "position": 18, "unit": 9, "byte": 6}
    | {"order": "shuffle block(4, 16); utf-8 strict", "dataset": "d1f3e3463ba4dbfad3e674d6d7260eca"},
    "restartable": {"version": 1, "kind": "restartable", "epoch": 0, "position": 2, "world_size": 1},
    "restartable ahead": {"version": 1, "kind": "restartable", "epoch": 0, "position": 4, "world_size": 2},
    "a generator class": {"version": 1, "kind": "DataGenerator", "epoch": 0, "position": 2, "seed": 3}
    | {"shuffle": True, "length": 13},
    "a generator class alone": {"version": 1, "kind": "DataGenerator", "epoch": 0, "position": 2, "seed": 0}
    | {"shuffle": False, "length": 13},
}


@pytest.mark.parametrize("name", VERSION_1)
def test_states_of_the_first_version_are_read(api, tmp_path, name):
    at = Folder(tmp_path)
    epoch = one_epoch(LOADERS[name](api, at))
    resumed = LOADERS[name](api, at)
    resumed.load_state_dict(VERSION_1[name])
    same_batches(one_epoch(resumed), epoch[2:])
    assert resumed.epoch == 1
    for key in set(VERSION_1[name]) - {"version", "kind"}:
        damaged = {field: value for field, value in VERSION_1[name].items() if field != key}
        assert repr(key) in str(error_of(resumed.load_state_dict, damaged))


def test_states_of_other_kinds_are_refused_in_words(api, tmp_path):
    at = Folder(tmp_path)
    kinds = {"arrays": "arrays", "images": "images", "words": "words", "shuffled lines": "lines"}
    kinds |= {"restartable": "restartable", "a generator class": "DataGenerator", "folder": "ImageDataLoader"}
    states = {name: EVERY[name](api, at).state_dict() for name in kinds}
    for one, state in states.items():
        assert state["kind"] == kinds[one]
        for other in states:
            if one == other:
                continue
            error = error_of(EVERY[other](api, at).load_state_dict, state)
            assert isinstance(error, api.StateError)
            assert f"state of {kinds[one]}, expected {kinds[other]}" in str(error)


def test_a_folder_loader_saves_where_it_is(api, tmp_path):
    at = Folder(tmp_path)
    for name in ("folder", "decoded folder"):
        whole = EVERY[name](api, at)
        epochs = [list(whole), list(whole)]
        loader = EVERY[name](api, at)
        list(loader)
        taken = list(itertools.islice(loader, 2))
        same_batches(taken, epochs[1][:2])
        state = json.loads(json.dumps(loader.state_dict()))
        resumed = EVERY[name](api, at)
        resumed.load_state_dict(state)
        assert resumed.epoch == resumed.current_epoch() == 1
        same_batches(list(resumed), epochs[1][2:])
        assert resumed.current_epoch() == 2
        resumed.set_epoch(1)
        same_batches(list(resumed.repeat(1)), epochs[1])
        some = EVERY[name](api, at).select([0, 1, 2])
        assert len(some) == len(list(some)) == 3
        parts = EVERY[name](api, at).split(0.5)
        assert sum(map(len, parts)) == len(whole)
        assert len(list(whole.shard(0, 2, "uneven"))) == -(-len(whole) // 2)


def test_a_stream_is_shared_by_what_is_made_of_it(api, tmp_path):
    stream = api.stream(range(20), 2)
    first = stream.take(3)
    assert [batch.tolist() for batch in first] == [[0, 1], [2, 3], [4, 5]]
    rest = stream.skip(1).map(lambda batch: batch.sum())
    assert next(rest) == 8 + 9
    assert next(stream).tolist() == [10, 11]
    assert stream.stats()["samples"] == 2
    assert first.stats()["batches"] == 3
    kept = api.stream(iter(range(8)), 2).take(2)  # the first of the two is kept by the second
    assert [batch.tolist() for batch in kept] == [[0, 1], [2, 3]]
    kept.close()
    stream.close()


def test_samples_of_text_are_mapped(api, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a bb ccc dddd eeeee")
    words = api.words(path, 2)
    assert list(words.map(str.upper, each="sample")) == [["A", "BB"], ["CCC", "DDDD"], ["EEEEE"]]
    same_batches(list(words.map(len, each="sample")), [np.array([1, 2]), np.array([3, 4]), np.array([5])])
    offsets = api.words(path, 2, output="offsets")
    assert "one text for all" in str(error_of(offsets.map, len, each="sample"))
    positions = words.skip(1).map(lambda batch, info: (info.number, info.position))
    assert list(positions) == [(1, 2), (2, 4)]


def test_views_count_what_they_hand_out(api):
    loader = api.windows(X, length=5, copy=False, batch_size=7)
    batches = list(loader)
    stats = loader.stats()
    assert stats["bad_samples"] == 0
    assert stats["samples"] == sum(map(len, batches)) == loader.n_samples
    assert stats["bytes"] == sum(batch.nbytes for batch in batches)
    assert len(pickle.dumps(loader)) < 10 * X.nbytes
    same_batches(pickle.loads(pickle.dumps(loader)), batches)
