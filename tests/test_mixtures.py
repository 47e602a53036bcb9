# SPDX-License-Identifier: MIT
"""`mix`, `concat` and `zip`: shares, parts, resume, ranks, and refused arguments."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import same_batches

import fastbatch
from fastbatch import pure
from fastbatch.plan.mixture import MAX_PERIOD, mixed_length, turns_of, weights_of

BOTH = [fastbatch, pure]


def numbered(api, part, n, **options):
    """A loader of the pairs (part, sample)."""
    return api.arrays(np.stack([np.full(n, part), np.arange(n)], 1), **options)


def flat(batches):
    return [tuple(row) for batch in batches for row in batch.tolist()]


def names(n):
    return [f"loader {i}" for i in range(n)]


# ---- shares ----------------------------------------------------------------------------------------------------------

some_weights = st.lists(st.integers(1, 40), min_size=1, max_size=9).map(tuple)


@given(some_weights)
def test_after_any_number_of_turns_each_part_has_its_share_rounded_up_or_down(weights):
    turns, period = turns_of(weights), sum(weights)
    had = np.cumsum(np.array(turns)[:, None] == np.arange(len(weights)), axis=0)
    ideal = np.arange(1, period + 1)[:, None] * np.array(weights) / period
    assert (np.abs(had - ideal) < 1).all()
    assert had[-1].tolist() == list(weights)


def test_a_large_part_beside_many_small_ones_has_its_share_at_any_time():
    weights = weights_of([0.9, *[0.01] * 10], names(11))
    assert weights == (90, *[1] * 10)
    had = np.cumsum(np.array(turns_of(weights)) == 0)
    assert (np.abs(had - 0.9 * np.arange(1, 101)) < 1).all()


@pytest.mark.parametrize(
    ("shares", "weights"),
    [
        ([1], (1,)),
        ([0.7, 0.2, 0.1], (7, 2, 1)),
        ([1 / 3, 2 / 3], (1, 2)),
        ([0.333, 0.333, 0.334], (333, 333, 334)),
        ([0.5, np.float32(0.5)], (1, 1)),
    ],
)
def test_shares_with_a_common_denominator_are_exact(shares, weights):
    found = weights_of(shares, names(len(shares)))
    assert found == weights


@given(st.lists(st.floats(1e-7, 1), min_size=1, max_size=12))
def test_other_shares_are_rounded_to_the_longest_period(sizes):
    shares = [size / sum(sizes) for size in sizes]
    weights = weights_of(shares, names(len(shares)))
    assert min(weights) >= 1
    assert sum(weights) <= MAX_PERIOD
    error = max(abs(weight / sum(weights) - share) for weight, share in zip(weights, shares, strict=True))
    assert error <= (1 + len(shares)) / MAX_PERIOD


@given(some_weights, st.data())
def test_the_end_of_an_epoch(weights, data):
    sizes = [data.draw(st.integers(1, 60)) for _ in weights]
    first, last = (mixed_length(sizes, weights, stop) for stop in ("first", "last"))
    turns = list(itertools.islice(itertools.cycle(turns_of(weights)), last + 1))
    counts = [[turns[:n].count(part) for part in range(len(weights))] for n in (first, first + 1, last - 1, last)]
    assert all(had <= size for had, size in zip(counts[0], sizes, strict=True))
    assert any(had > size for had, size in zip(counts[1], sizes, strict=True))
    assert any(had < size for had, size in zip(counts[2], sizes, strict=True))
    assert all(had >= size for had, size in zip(counts[3], sizes, strict=True))


# ---- samples ---------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.data())
def test_the_samples_of_a_part_are_those_of_its_own_epochs(data):
    sizes = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    weights = data.draw(st.lists(st.integers(1, 9), min_size=len(sizes), max_size=len(sizes)))
    shuffles = data.draw(st.lists(st.sampled_from([False, True, "block"]), min_size=len(sizes), max_size=len(sizes)))
    stop = data.draw(st.sampled_from(["first", "last"]))
    found = []
    for api in BOTH:
        options = {"block_size": 3, "window": 2, "batch_size": 5}
        parts = [
            numbered(api, i, n, shuffle=shuffle, seed=i, **options)
            for i, (n, shuffle) in enumerate(zip(sizes, shuffles, strict=True))
        ]
        shares = [weight / sum(weights) for weight in weights]
        mixture = api.mix(zip(parts, shares, strict=True), stop=stop, batch_size=7)
        epochs = [flat(mixture) for _ in range(3)]
        assert {len(epoch) for epoch in epochs} == {mixture.n_samples}
        samples = [sample for epoch in epochs for sample in epoch]
        for i, part in enumerate(parts):
            mine = [sample for sample in samples if sample[0] == i]
            own = [flat(part) for _ in range(len(mine) // sizes[i] + 1)]
            assert mine == list(itertools.chain(*own))[: len(mine)]
        found.append(epochs)
    assert found[0] == found[1]


def test_random_changes_are_those_of_the_part(api, photos):
    def part(seed):
        return api.images(photos, size=8, crop="random", flip=True, shuffle=True, seed=seed)

    mixture = api.mix([(part(1), 0.5), (part(2), 0.5)], batch_size=2, stop="last")
    samples = [(x[j], y[j]) for _ in range(2) for x, y in mixture for j in range(len(y))]
    for i in (0, 1):
        one = part(i + 1)
        own = [(x[j], y[j]) for _ in range(2) for x, y in one for j in range(len(y))]
        mine = samples[i::2]
        assert len(mine) == len(own)
        for (x, y), (own_x, own_y) in zip(mine, own, strict=True):
            assert y == own_y
            np.testing.assert_array_equal(x, own_x)


def test_repeated_draws_of_a_weighted_part_have_their_own_changes(api, photos):
    n = api.images(photos).n_samples
    part = api.images(photos, size=8, crop="random", weights=[1, *[0] * (n - 1)], batch_size=n)
    mixture = api.mix({part: 1.0}, batch_size=n)
    for _ in range(2):
        same_batches(mixture, part)


def test_a_mixture_of_mixtures(api):
    inner = api.mix({numbered(api, 0, 6, shuffle=True): 0.5, numbered(api, 1, 6): 0.5})
    outer = api.mix({inner: 0.5, numbered(api, 2, 12): 0.5}, batch_size=24)
    (batch,) = outer
    assert batch[1::2].tolist() == [[2, i] for i in range(12)]
    assert flat([batch[::2]]) == flat(inner)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 9), st.booleans())
def test_concatenated_loaders_keep_their_order_or_are_shuffled_together(sizes, batch_size, shuffle):
    found = []
    for api in BOTH:
        parts = [numbered(api, i, n, shuffle=True, seed=i) for i, n in enumerate(sizes)]
        together = api.concat(*parts, batch_size=batch_size, shuffle=shuffle, seed=5)
        epochs = [flat(together) for _ in range(2)]
        for epoch, own in zip(epochs, [[*itertools.chain(*map(flat, parts))] for _ in range(2)], strict=True):
            assert sorted(epoch) == sorted(own)
            assert shuffle or epoch == own
        found.append(epochs)
    assert found[0] == found[1]


def test_split_and_select_of_concatenated_loaders(api):
    together = api.concat(numbered(api, 0, 5), numbered(api, 1, 5), batch_size=20)
    train, held_out = together.split(0.3)
    assert sorted(flat(train) + flat(held_out)) == flat(together)
    assert flat(together.select([7, 0])) == [(1, 2), (0, 0)]


def test_pairs_stay_together(api):
    options = {"shuffle": True, "seed": 3}
    pairs = api.zip(numbered(api, 0, 10, **options), api.arrays({"y": np.arange(10)}, **options), batch_size=4)
    for _ in range(2):
        for x, y in pairs:
            assert x[:, 1].tolist() == y["y"].tolist()
    assert len(pairs) == 3
    assert pairs.stats()["samples"] == 20


# ---- resume and ranks ------------------------------------------------------------------------------------------------


def three(api, **options):
    parts = {numbered(api, 0, 9, shuffle=True): 0.5, numbered(api, 1, 7, shuffle="block", block_size=2): 0.3}
    return api.mix({**parts, numbered(api, 2, 5): 0.2}, **{"batch_size": 3, "stop": "last", **options})


def test_resume_at_every_position(api):
    whole = three(api)
    epochs = [list(whole), list(whole)]
    for k in range(len(epochs[1]) + 1):
        loader = three(api)
        loader.set_epoch(1)
        taken = list(itertools.islice(iter(loader), k))
        again = three(api)
        again.load_state_dict(loader.state_dict())
        same_batches(taken + list(again), epochs[1])


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_ranks_together_have_the_samples_of_one(api, world_size):
    whole = flat(three(api))
    ranks = [three(api, shard=(rank, world_size), tail="uneven") for rank in range(world_size)]
    found = [flat(rank) for rank in ranks]
    assert [sample for turn in itertools.zip_longest(*found) for sample in turn if sample] == whole
    assert len({len(three(api, shard=(rank, world_size))) for rank in range(world_size)}) == 1


def test_a_state_of_a_mixture_resumes_on_another_number_of_ranks(api):
    loaders = [three(api, shard=(rank, 2)) for rank in range(2)]
    taken = [next(iter(loader)) for loader in loaders]
    states = [loader.state_dict() for loader in loaders]
    assert states[0] == states[1]
    rest = [three(api, shard=(rank, 3), tail="uneven") for rank in range(3)]
    for loader in rest:
        loader.load_state_dict(states[0])
    assert sorted(flat(taken) + [sample for loader in rest for sample in flat(loader)]) == sorted(flat(three(api)))


def test_a_resume_reads_nothing_and_is_fast():
    parts = {fastbatch.arrays(np.arange(10**6), shuffle=True, seed=i): share for i, share in enumerate([0.5, 0.3, 0.2])}
    loader = fastbatch.mix(parts, batch_size=8)
    state = {**loader.state_dict(), "epoch": 7, "position": 10**6}
    begin = time.perf_counter()
    loader.load_state_dict(state)
    iterator = iter(loader)
    assert time.perf_counter() - begin < 0.1  # the benchmark `mix` measures it: below 10 ms
    assert len(next(iterator)) == 8


@pytest.mark.parametrize("change", ["shares", "order", "data", "stop", "seed"])
def test_states_of_another_mixture_are_refused(api, change):
    def make(change=None):
        first = numbered(api, 0, 10, shuffle=True, seed=int(change == "seed"))
        second = numbered(api, 1, 21 if change == "data" else 20)
        pairs = [(first, 0.25), (second, 0.75)] if change == "shares" else [(first, 0.5), (second, 0.5)]
        return api.mix(pairs[:: -1 if change == "order" else 1], stop="last" if change == "stop" else "first")

    state = make().state_dict()
    make().load_state_dict(state)
    with pytest.raises(fastbatch.StateError, match="state of"):
        make(change).load_state_dict(state)


# ---- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.5, 0.6], "shares: expected a sum of 1, found 1.1"),
        ([1.5, -0.5], "share of loader 1: expected a number above 0, found -0.5"),
        ([1, 0], "share of loader 1: expected a number above 0, found 0"),
        ([float("nan"), 1], "share of loader 0: expected a number above 0, found nan"),
        ([0.5, "half"], "share of loader 1: expected a number, found 'half'"),
        ([0.5, None], "share of loader 1: expected a number, found None"),
        ([True, 0.5], "share of loader 0: expected a number, found True"),
        ([0.5, np.array([0.5, 1])], "share of loader 1: expected a number, found"),
    ],
)
def test_bad_shares(api, shares, message):
    parts = [numbered(api, i, 4) for i in range(2)]
    with pytest.raises((ValueError, TypeError), match=message):
        api.mix(zip(parts, shares, strict=True))


def bad_parts(api, at):
    good = numbered(api, 0, 4)
    return {
        "a shard": (good, good.shard(0, 2), "expected a whole loader, found a shard; shard the result"),
        "batches": (good, good.take(1), "expected whole epochs, found take=1"),
        "functions": (good, good.map(abs), r"expected a loader without functions; call map\(\)"),
        "no samples": (good, good.select([]), "expected at least one sample, found none"),
        "another shape": (good, api.arrays(np.zeros((3, 5), int)), r"int64 \(2,\), as of loader 0, found int64 \(5,\)"),
        "a pair": (good, api.arrays(good_rows(), good_rows()), r"found \(int64 \(2,\), int64 \(2,\)\)"),
        "a dict": (good, api.arrays({"x": good_rows()}), r"found {'x': int64 \(2,\)}"),
        "drawn": (good, api.arrays(good_rows(), weights=[1, 1], replacement=False), "replacement=True, found False"),
        "words": (good, api.words(at, 3), "expected a loader of numbered samples"),
        "with_index": (good, api.arrays(good_rows(), with_index=True), "expected a loader without with_index"),
        "no loader": (good, [1, 2], "expected a loader of numbered samples, found"),
    }


def good_rows():
    return np.zeros((2, 2), int)


@pytest.mark.parametrize("verb", ["mix", "concat"])
@pytest.mark.parametrize("name", list(bad_parts(pure, __file__)))
def test_bad_parts(api, name, verb):
    first, second, message = bad_parts(api, __file__)[name]
    with pytest.raises((ValueError, TypeError), match=f"{verb}: loader 1: .*{message}"):
        api.mix([(first, 0.5), (second, 0.5)]) if verb == "mix" else api.concat(first, second)


def test_other_refused_calls(api):
    four, five = numbered(api, 0, 4), numbered(api, 1, 5)
    other = (pure if api is fastbatch else fastbatch).arrays(np.arange(3))
    for call, message in [
        (lambda: api.mix({}), "mix: expected at least one loader, found none"),
        (lambda: api.mix({four: 1}, stop="never"), "stop: expected one of first, last"),
        (lambda: api.mix({four: 1}).split(), "split each of its parts"),
        (lambda: api.mix({four: 1}).select([0]), "select each of its parts"),
        (lambda: api.concat(numbered(api, 0, 4, shuffle=True)).split(), "split each of its parts"),
        (lambda: api.zip(four, five), "zip: expected loaders with equally many samples, found 4, 5"),
        (lambda: api.zip(four, on_error="skip"), "on_error: zip cannot leave out"),
        (lambda: api.mix({four: 1}, batch_size=0), "batch_size: expected 1 to"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    for call, message in [
        (lambda: api.mix(four), "expected {loader: share} or pairs"),
        (lambda: api.mix([four]), "expected pairs"),
        (lambda: api.mix([(four, 0.5, 0.5)]), "expected pairs"),
        (lambda: api.mix(["ab"]), "expected pairs"),
        (lambda: api.mix({other: 1}), f"expected one of {api.__name__} that"),
        (lambda: api.mix({four: 1}, batchsize=3), "did you mean 'batch_size'"),
    ]:
        with pytest.raises(TypeError, match=message):
            call()


def test_an_epoch_beyond_all_numbers(api):
    loader = api.mix({numbered(api, 0, 4): 1})
    loader.set_epoch(2**62)
    with pytest.raises(ValueError, match="expected fewer than 2\\^63 samples"):
        next(iter(loader))
