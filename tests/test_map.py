# SPDX-License-Identifier: MIT
"""The user's functions on batches and samples: `map`, on both implementations."""

import itertools
import json
import pickle
import traceback

import numpy as np
import pytest
from making import ids, same, same_batches

import fastbatch
from fastbatch import pure

N = 53
X = np.random.default_rng(0).random((N, 4)).astype(np.float32)
Y = np.arange(N)


def double(batch):
    x, y = batch
    return 2 * x, y


def stamp(batch, info):
    x, y = batch
    return x + info.generator().random(dtype=np.float32), y, (info.epoch, info.number, info.position)


def test_a_function_per_batch(api):
    loader = api.arrays(X, Y, batch_size=10, shuffle=True, seed=3)
    mapped = loader.map(double)
    expected = [(2 * x, y) for x, y in loader]
    same_batches(mapped, expected)
    same_batches(mapped.map(lambda batch: batch[0] + 1), [x + 1 for x, _ in expected])  # in order


def test_the_loader_is_all_there(api):
    mapped = api.arrays(X, Y, batch_size=10, shuffle=True, seed=3).map(lambda batch: batch[1])
    whole = ids(mapped)
    assert (len(mapped), mapped.n_samples, mapped.batch_size, mapped.epoch) == (6, N, 10, 1)
    mapped.set_epoch(0)
    assert [ids(mapped.shard(rank, 2, "uneven")) for rank in range(2)] == [whole[0::2], whole[1::2]]
    assert ids(mapped.take(2)) == whole[:20]
    train, held_out = mapped.split(0.25)
    assert sorted(ids(train) + ids(held_out)) == list(range(N))
    assert len(list(itertools.islice(mapped.repeat(), 13))) == 13
    assert mapped.stats()["samples"] > 0
    with mapped:
        pass
    with pytest.raises(api.ClosedError):
        iter(mapped)
    assert sorted(ids(api.arrays(Y).map(np.copy))) == list(range(N))  # a built-in function without a signature


def test_class_names_stay(api, photos):
    assert api.images(photos, size=8).map(double).class_names == ("cat", "dog", "owl")


def test_where_a_batch_stands(api):
    loader = api.arrays(X, Y, batch_size=10, shuffle=True).map(stamp)
    stood = [batch[2] for batch in loader.repeat(2)]
    assert stood == [(epoch, k, 10 * k) for epoch in range(2) for k in range(6)]
    parts = [[batch[2] for batch in loader.shard(rank, 2)] for rank in range(2)]
    assert parts == [[(0, k, 20 * k + rank) for k in range(3)] for rank in range(2)]


@pytest.mark.parametrize("each", ["batch", "sample"])
@pytest.mark.parametrize("shard", [None, (1, 2)])
def test_a_resume_gives_the_same_batches(api, each, shard):
    def noisy(data, info):
        return data[0] + info.generator().random(), info.number, info.position

    def make():
        return api.arrays(X, Y, batch_size=8, shuffle=True, seed=5, shard=shard).map(noisy, each=each)

    def listed(batch):
        return [np.asarray(part).tolist() for part in batch]

    expected = [listed(batch) for batch in make().repeat(2)]
    assert len({str(batch[0]) for batch in expected}) == len(expected)
    loader = make()
    iterator = iter(loader)
    begun = [listed(next(iterator)) for _ in range(3)]
    resumed = make()
    resumed.load_state_dict(loader.state_dict())
    assert begun + [listed(batch) for batch in resumed] + [listed(batch) for batch in resumed] == expected


def test_both_implementations_draw_alike():
    for threads in (1, 3):
        ours = fastbatch.arrays(X, Y, batch_size=10, seed=9, threads=threads).map(stamp)
        theirs = pure.arrays(X, Y, batch_size=10, seed=9).map(stamp)
        for one, other in zip(ours, theirs, strict=True):
            same(one[0], other[0])
            assert one[2] == other[2]


def test_a_function_per_sample(api):
    def turn(sample, info):
        assert sample["x"].shape == (4,)
        return {"far": sample["x"][::-1], "near": (sample["y"] + 1, info.position)}

    loader = api.arrays({"x": X, "y": Y}, batch_size=10).map(turn, each="sample")
    batch = list(loader)[-1]
    same(batch["far"], X[50:, ::-1])
    same(batch["near"], (Y[50:] + 1, np.array([50, 51, 52])))


def test_samples_that_do_not_fit_together(api):
    def ragged(sample):
        return sample[1][None].repeat(int(sample[1]) % 2)

    with pytest.raises(
        ValueError, match=r"samples of one batch: expected one shape, as after padding, found \(0,\) and \(1,\)"
    ):
        next(iter(api.arrays(X, Y).map(ragged, each="sample")))
    with pytest.raises(ValueError, match="samples of one batch: expected the same structure"):
        next(iter(api.arrays(X, Y).map(lambda s: [1.0] * 2 if s[1] % 2 else (1.0, (2.0,)), each="sample")))
    with pytest.raises(TypeError, match="expected samples of numbers or arrays, found None"):
        next(iter(api.arrays(X, Y).map(lambda s: None, each="sample")))


@pytest.mark.parametrize("each", ["batch", "sample"])
def test_an_error_is_the_functions_own(api, each):
    def fail(data):
        if np.any(data[1] == 25):
            raise LookupError("no such thing")
        return data

    loader = api.arrays(X, Y, batch_size=10).map(fail, each=each)
    iterator = iter(loader)
    next(iterator)
    next(iterator)
    with pytest.raises(LookupError, match="no such thing") as caught:
        next(iterator)
    assert "fail" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    if hasattr(caught.value, "__notes__"):
        assert caught.value.__notes__ == [f"fastbatch: raised by {fail.__qualname__} for batch 2"]
    with pytest.raises(StopIteration):
        next(iterator)
    assert loader.state_dict()["position"] == 20  # the failed batch is not counted


@pytest.mark.parametrize("error", [StopIteration, GeneratorExit])
def test_an_epoch_does_not_end_in_the_middle(api, error):
    def stop(batch):
        raise error

    with pytest.raises(RuntimeError, match=f"stop raised {error.__name__}") as caught:
        list(api.arrays(Y).map(stop))
    assert isinstance(caught.value.__cause__, error)


def test_second_parameters(api):
    def optional(batch, factor=2):
        return batch * factor

    def optional_info(batch, info=None):
        return batch + 0 * info.number

    assert ids(api.arrays(Y).map(optional)) == (2 * Y).tolist()
    assert ids(api.arrays(Y).map(optional_info)) == Y.tolist()


def test_bad_functions(api):
    with pytest.raises(TypeError, match="map: expected a function, found int"):
        api.arrays(Y).map(5)
    with pytest.raises(ValueError, match="each: expected 'batch' or 'sample', found 'epoch'"):
        api.arrays(Y).map(double, each="epoch")


def test_steps_can_be_pickled(api):
    mapped = api.arrays(X, Y).map(double)
    step = pickle.loads(pickle.dumps(mapped._recipe.steps[0]))
    same(step((X, Y), fastbatch.BatchInfo(0, 0, 0, 0)), (2 * X, Y))


def test_keys_in_another_order_are_the_same_structure(api, tmp_path):
    lines = ['{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"d": 6, "c": 5}, "a": 4}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    batch = next(api.stream(tmp_path / "a.jsonl", 2, decode=json.loads))
    assert list(batch) == ["a", "b"] and batch["a"].tolist() == [1, 4]
    assert batch["b"]["c"].tolist() == [2, 5] and batch["b"]["d"].tolist() == [3, 6]
    pairs = next(api.stream([(1, {"a": 1, "b": 2}), (2, {"b": 4, "a": 3})], 2))
    assert pairs[1]["a"].tolist() == [1, 3]
    mapped = api.arrays(Y[:2]).map(lambda y: {"a": y, "b": -y} if y == 0 else {"b": -y, "a": y}, each="sample")
    assert next(iter(mapped))["b"].tolist() == [0, -1]
    with pytest.raises(ValueError, match="expected the same structure"):
        next(api.stream([{"a": 1}, {"b": 1}], 2))
