# SPDX-License-Identifier: MIT
"""`tail="mask"`: full batches on all ranks, and a mask that counts each sample once."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import LOADERS, OPTIONS, OTHERS, Folder
from making import error_of, same, same_batches

import fastbatch
from fastbatch import pure

BOTH = [fastbatch, pure]


def once(ranks):
    """Return the samples that the masks of some ranks' batches leave, after checking that all batches are full."""
    left = []
    for rank in ranks:
        for numbers, mask in rank:
            assert numbers.shape == mask.shape and mask.dtype == bool
            left += numbers[mask].tolist()
    return left


@pytest.mark.parametrize("api", BOTH)
@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 60),
    world_size=st.integers(1, 9),
    batch_size=st.integers(1, 70),
    shuffle=st.booleans(),
    cut=st.integers(0, 9),
    later=st.integers(1, 9),
)
def test_each_sample_comes_once_on_any_number_of_ranks(api, n, world_size, batch_size, shuffle, cut, later):
    whole = api.arrays(np.arange(n), batch_size=batch_size, shuffle=shuffle, seed=2)
    ranks = [whole.shard(rank, world_size, "mask") for rank in range(world_size)]
    n_batches = -(-n // (batch_size * world_size))
    assert [len(rank) for rank in ranks] == [n_batches] * world_size
    batches = [list(rank) for rank in ranks]
    assert {batch[0].shape for rank in batches for batch in rank} == {(batch_size,)}
    assert sorted(once(batches)) == list(range(n))

    # Some batches on these ranks, the rest on others.
    cut = min(cut, n_batches)
    taken = [list(itertools.islice(rank, cut)) for rank in ranks]
    rest = [whole.shard(rank, later, "mask") for rank in range(later)]
    for rank in rest:
        rank.set_epoch(1)
        if cut:
            rank.load_state_dict(ranks[0].state_dict())
    assert sorted(once(taken) + once(rest)) == list(range(n))
    assert len({len(list(rank)) for rank in rest}) == 1


DEALT = [name for name in LOADERS if name not in ("words", "shuffled lines", "lines of a shard", "ids")]
DEALT = [name for name in DEALT if "restartable" not in name and "generator" not in name]


@pytest.mark.parametrize("name", DEALT)
def test_every_kind_of_numbered_samples_has_masks(api, name, tmp_path):
    at = Folder(tmp_path)
    for world_size in (1, 3):
        padded = [LOADERS[name](api, at).shard(rank, world_size, "pad") for rank in range(world_size)]
        masked = [LOADERS[name](api, at).shard(rank, world_size, "mask") for rank in range(world_size)]
        n_left = 0
        for one, other in zip(padded, masked, strict=True):
            assert len(one) == len(other) == len(masked[0])
            for plain, batch in zip(one, other, strict=True):
                *parts, mask = batch
                assert mask.shape == (other.batch_size,)
                n_left += int(mask.sum())
                if int(mask.sum()) == other.batch_size:
                    same(plain, tuple(parts) if isinstance(plain, tuple) else parts[0])
        assert n_left == masked[0].n_samples


@pytest.mark.parametrize("name", ["arrays", "a dict", "images", "a mixture", "zipped", "packs", "views"])
def test_masks_after_a_resume_and_a_copy_are_the_same(api, name, tmp_path):
    def make():
        return LOADERS[name](api, Folder(tmp_path)).shard(1, 2, "mask")

    whole = list(make())
    for k in range(len(whole) + 1):
        loader = make()
        iterator = iter(loader)
        taken = list(itertools.islice(iterator, k))
        if k == len(whole):
            assert next(iterator, None) is None
            same_batches(taken, whole)
            continue
        again = make()
        again.load_state_dict(loader.state_dict())
        same_batches(taken + list(again), whole)
        same_batches(list(pickle.loads(pickle.dumps(loader))), whole[k:])
    same_batches(make().skip(1).take(1), whole[1:2])


@pytest.mark.parametrize("name", ["folder", "decoded folder"])
def test_folder_loaders_have_masks(api, name, tmp_path):
    ranks = [OTHERS[name](api, Folder(tmp_path)).shard(rank, 4, "mask") for rank in range(4)]
    batches = [batch for rank in ranks for batch in rank]
    assert len({len(rank) for rank in ranks}) == 1
    assert sum(int(batch[-1].sum()) for batch in batches) == ranks[0].n_samples


def test_the_two_implementations_agree(tmp_path):
    for name in DEALT:
        ours, oracle = (LOADERS[name](api, Folder(tmp_path)).shard(2, 3, "mask") for api in BOTH)
        if "images" not in name:  # decoders differ in the last bit there
            same_batches(ours, oracle)


def test_functions_get_batches_without_the_mask(api):
    loader = api.arrays(np.arange(5), np.arange(5), batch_size=4, tail="mask")
    mapped = loader.map(lambda batch: batch[0] * 2)
    assert [(x.tolist(), mask.tolist()) for x, mask in mapped] == [
        ([0, 2, 4, 6], [True] * 4),
        ([8, 0, 2, 4], [True, False, False, False]),
    ]
    each = loader.map(lambda sample: sample[1] + 1, each="sample")
    assert [(x.tolist(), mask.sum()) for x, mask in each] == [([1, 2, 3, 4], 4), ([5, 1, 2, 3], 1)]
    assert len(mapped.stats()["map_s"]) == 1 and loader.stats()["map_s"] == []


def test_the_validation_part_of_mixed_images_has_a_mask(api, tmp_path):
    mixed = api.mixup(api.images(Folder(tmp_path).photos, size=8, batch_size=2, seed=3))
    held_out = mixed.split(3)[1].shard(0, 2, "mask")
    assert [(x.shape, y.shape, mask.tolist()) for x, y, mask in held_out] == [((2, 3, 8, 8), (2, 3), [True, True])]


def test_masks_of_weighted_samples_count_draws(api):
    loader = api.arrays(np.arange(9), weights=np.arange(1, 10), samples_per_epoch=7, batch_size=5, tail="mask")
    assert [mask.tolist() for _, mask in loader] == [[True] * 5, [True, True, False, False, False]]


def test_the_index_comes_before_the_mask(api):
    loader = api.arrays(np.arange(5) * 3, batch_size=4, with_index=True, tail="mask")
    assert [index[mask].tolist() for _, index, mask in loader] == [[0, 1, 2, 3], [4]]


def test_no_samples_are_no_batches(api):
    assert list(api.arrays(np.arange(5), batch_size=2).select([]).shard(0, 3, "mask")) == []


def test_a_preview_shows_the_mask(api):
    shown = api.arrays(np.arange(3), np.arange(3), batch_size=4, tail="mask").preview(4)
    assert shown.batch[-1].tolist() == [True, True, True, False] and "False" in repr(shown)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda api, at: api.arrays(np.arange(9), tail="mask", drop_last=True),
            "drop_last: expected False with tail='mask', which fills the last batch up, found True",
        ),
        (
            lambda api, at: api.arrays(np.arange(9), drop_last=True).shard(0, 2, "mask"),
            "drop_last: expected False with tail='mask', which fills the last batch up, found True",
        ),
        (
            lambda api, at: api.arrays(np.arange(9), tail="mask", on_error="skip"),
            "on_error: expected 'raise' or 'replace' with tail='mask', found 'skip'",
        ),
        (
            lambda api, at: api.arrays(np.arange(9), tail="masked"),
            "tail: expected one of pad, drop, uneven, mask, found 'masked'",
        ),
        (
            lambda api, at: api.concat(api.arrays(np.arange(9), tail="mask")),
            "concat: loader 0: expected a loader without a mask; give tail='mask' to concat()",
        ),
        (
            lambda api, at: api.words(at.text, 9).shard(0, 2, "mask"),
            "tail: only valid where samples are dealt out; ranks of a words get whole batches",
        ),
    ],
)
def test_what_a_mask_cannot_do_is_refused(api, make, message, tmp_path):
    assert message in str(error_of(make, api, Folder(tmp_path)))


# ---- frameworks ------------------------------------------------------------------------------------------------------


def test_torch_gets_masks_also_from_worker_processes():
    torch = pytest.importorskip("torch")
    from fastbatch.torch import as_iterable

    loader = fastbatch.arrays(np.arange(23), batch_size=4, tail="mask", shuffle=True)
    for workers in (0, 2):
        batches = torch.utils.data.DataLoader(as_iterable(loader), batch_size=None, num_workers=workers)
        found = [(x, mask) for x, mask in batches]
        assert all(mask.dtype == torch.bool and x.shape == (4,) for x, mask in found)
        assert sorted(int(i) for x, mask in found for i in x[mask]) == list(range(23))


def test_keras_takes_the_mask_as_weights():
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).random((11, 3)).astype("f4")
    y, weight = x.sum(1), np.arange(11, dtype="f4")
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False)])
    model.compile(loss="mse", weighted_metrics=["mae"])

    def mae(*data, **weights):
        return float(model.evaluate(*data, **weights, verbose=0, return_dict=True)["mae"])

    for weights in ({}, {"sample_weight": weight}):
        loader = fastbatch.arrays(x, y, **weights, batch_size=4)
        each = [mae(loader.shard(rank, 2, "mask")) for rank in range(2)]
        counts = [(weight if weights else np.ones(11))[rank::2].sum() for rank in range(2)]
        assert np.average(each, weights=counts) == pytest.approx(mae(x, y, **weights), rel=1e-5)
    indexed = fastbatch.arrays(x, y, batch_size=4, tail="mask", with_index=True)
    assert mae(indexed) == pytest.approx(mae(x, y), rel=1e-5)


def test_keras_refuses_masks_without_targets():
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.layers.Dense(1)])
    message = error_of(model.predict, fastbatch.arrays(np.ones((5, 2), "f4"), tail="mask"), verbose=0)
    assert "tail='mask': Keras takes a mask as weights of batches (x, y), found ndarray" in str(message)


def test_options_of_the_kinds_are_not_changed_by_a_mask(api):
    options = {**OPTIONS, "tail": "mask"}
    loader = api.arrays(np.arange(20), **options)
    train, held_out = loader.split(0.3)
    assert sorted(once([train, held_out])) == list(range(20))
    assert repr(loader).endswith("tail='mask', epoch=0)")
