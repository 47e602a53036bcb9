# SPDX-License-Identifier: MIT
"""`pack`: nothing lost, nothing twice, segments and positions, the fit, and refused documents."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import same_batches

import fastbatch
from fastbatch import pure
from fastbatch.pure.packing import pack_documents

BOTH = [fastbatch, pure]
OFFSET = 1000  # of the first token: no token is padding


def whole(loader):
    """The only batch of a loader."""
    (batch,) = loader
    return batch


def documents_of(batch):
    """The documents in a batch, as lists of tokens, by their segments."""
    found = []
    for ids, segments in zip(batch["input_ids"], batch["segment_ids"], strict=True):
        found += [ids[segments == k].tolist() for k in range(1, segments.max() + 1)]
    return found


some_lengths = st.lists(st.integers(0, 40), min_size=1, max_size=60).filter(any)


@settings(max_examples=80)
@given(some_lengths, st.integers(1, 30), st.integers(1, 70), st.sampled_from(["split", "cut"]))
def test_each_document_is_in_one_pack(lengths, context, window, long):
    tokens = np.arange(sum(lengths)) + OFFSET
    bounds = np.cumsum([0, *lengths])
    expected = []
    for start, end in pairwise(bounds.tolist()):
        stop = end if long == "split" else min(end, start + context)
        expected += [tokens[at : min(at + context, stop)].tolist() for at in range(start, stop, context)]
    batches = []
    for api in BOTH:
        options = {"context": context, "packing_window": window, "long": long, "targets": "next", "batch_size": 10**6}
        batch = whole(api.pack(tokens, lengths=lengths, **options))
        same_batches([batch], [whole(api.pack(tokens, boundaries=bounds, **options))])
        assert sorted(documents_of(batch)) == sorted(expected)
        batches.append(batch)
    same_batches(batches[:1], batches[1:])
    ids, segments, positions, targets = (batches[0][k] for k in ("input_ids", "segment_ids", "position_ids", "targets"))
    assert ((segments == 0) == (ids == 0)).all()
    assert (positions[segments == 0] == 0).all()
    goes_on = np.zeros_like(segments, bool)
    goes_on[:, :-1] = (segments[:, 1:] == segments[:, :-1]) & (segments[:, :-1] > 0)
    assert (targets[goes_on] == ids[goes_on] + 1).all()
    assert (targets[~goes_on] == -100).all()
    assert (positions[:, 1:][goes_on[:, :-1]] == positions[:, :-1][goes_on[:, :-1]] + 1).all()


@given(some_lengths, st.integers(1, 30))
def test_no_two_packs_of_a_window_would_fit_into_one(lengths, context):
    packing = pack_documents(np.array(lengths, np.uint64), True, context, 100, True)
    used = sorted(sum(length for _, length in packing.pieces(pack)) for pack in range(packing.n))
    assert len(used) < 2 or used[0] + used[1] > context


def test_packs_and_their_documents_are_in_order(api):
    batch = whole(api.pack(np.arange(1, 13), context=6, lengths=[2, 5, 4, 1]))
    assert batch["input_ids"].tolist() == [[1, 2, 8, 9, 10, 11], [3, 4, 5, 6, 7, 12]]


def test_a_window_ends_a_pack(api):
    batch = whole(api.pack(np.arange(1, 9), context=4, lengths=[2, 2, 2, 2], packing_window=1))
    assert batch["segment_ids"].tolist() == [[1, 1, 0, 0]] * 4


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", ">i8"])
@pytest.mark.parametrize("out_dtype", [None, "int64", "int32", "float32"])
def test_files_and_types(api, tmp_path, dtype, out_dtype):
    tokens = np.arange(1, 31).astype(dtype)
    (tmp_path / "t.bin").write_bytes(tokens.tobytes())
    np.save(tmp_path / "t.npy", tokens)
    np.save(tmp_path / "b.npy", np.array([0, 7, 20, 30]))
    options = {"boundaries": tmp_path / "b.npy", "out_dtype": out_dtype, "targets": "next", "ignore": 0, "pad": 99}
    raw = whole(api.pack(tmp_path / "t.bin", dtype, 16, **options))
    npy = whole(api.pack(tmp_path / "t.npy", context=16, **options))
    memory = whole(api.pack(np.repeat(tokens, 2)[::2], context=16, **options))
    same_batches([raw], [npy])
    same_batches([raw], [memory])
    assert raw["input_ids"].dtype == (tokens.dtype.newbyteorder("=") if out_dtype is None else out_dtype)
    assert raw["input_ids"].tolist()[0] == [*range(1, 8), *[99] * 9]


def test_packs_of_several_files_are_joined_by_concat(api, tmp_path):
    names = [str(tmp_path / f"{i}.bin") for i in range(2)]
    for i, name in enumerate(names):
        np.arange(10 * i, 10 * i + 8, dtype="u2").tofile(name)
    several = r"tokens: expected one file or array, found 2 shards; fb.concat\(\*packs\) joins the packs of several"
    for shards in (names, str(tmp_path / "*.bin"), [np.arange(8), np.arange(3)]):
        with pytest.raises(TypeError, match=several):
            api.pack(shards, "uint16", context=8, lengths=[3, 5])
    packs = [api.pack(name, "uint16", context=8, lengths=[3, 5]) for name in ([names[0]], str(tmp_path / "1*"))]
    (batch,) = api.concat(*packs, batch_size=2)
    assert batch["input_ids"].tolist() == [[*range(8)], [*range(10, 18)]]


def test_resume_shards_and_copies(api):
    def make(**options):
        return api.pack(
            np.arange(1, 61), context=9, lengths=[3, 4, 5] * 5, batch_size=1, shuffle=True, seed=2, **options
        )

    epoch = [batch["input_ids"][0].tolist() for batch in make()]
    assert sorted(token for batch in make() for doc in documents_of(batch) for token in doc) == list(range(1, 61))
    loader = make()
    batches = iter(loader)
    next(batches)
    for again in (make(), pickle.loads(pickle.dumps(make()))):
        again.load_state_dict(loader.state_dict())
        assert [batch["input_ids"][0].tolist() for batch in again] == epoch[1:]
    ranks = [[batch["input_ids"][0].tolist() for batch in make(shard=(rank, 2), tail="uneven")] for rank in range(2)]
    assert [row for pair in zip(*ranks, strict=False) for row in pair] == epoch[: 2 * min(map(len, ranks))]


def test_states_of_other_documents_are_refused(api):
    state = api.pack(np.arange(12), context=6, lengths=[2, 5, 4, 1]).state_dict()
    for other in ({"context": 7}, {"lengths": [2, 5, 3, 2]}, {"packing_window": 1}):
        loader = api.pack(np.arange(12), **{"context": 6, "lengths": [2, 5, 4, 1], **other})
        with pytest.raises(fastbatch.StateError, match="state of another data set"):
            loader.load_state_dict(state)


def test_a_file_that_became_shorter(api, tmp_path):
    path = tmp_path / "t.npy"
    np.save(path, np.arange(100_000))
    loader = api.pack(path, context=1000, lengths=[500] * 200)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(fastbatch.FormatError, match="t.npy"):
        list(loader)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lengths": [4, 5]}, ValueError, "lengths: expected a sum of 12, the number of tokens, found 9"),
        ({"lengths": [2**62, 2**62, 12]}, ValueError, "lengths: expected a sum of 12, the number of tokens, found"),
        ({"lengths": [13, -1]}, ValueError, "lengths: document 1: expected at least 0 tokens, found -1"),
        ({"lengths": [6.0, 6.0]}, TypeError, "lengths: expected integers in 1 dimension, found float64"),
        ({"boundaries": [0, 7, 5, 12]}, ValueError, "boundaries: document 1: expected an end from 7 on, found 5"),
        ({"boundaries": [0, 13]}, ValueError, "boundaries: expected numbers from 0 to 12, found 0 to 13"),
        ({"lengths": [7, 5], "long": "error"}, ValueError, "document 0: expected at most 6 tokens, found 7"),
        ({"lengths": [12], "long": "drop"}, ValueError, "long: expected one of split, cut, error, found 'drop'"),
        ({}, ValueError, "expected boundaries or lengths, found neither"),
        ({"lengths": [12], "boundaries": [0, 12]}, ValueError, "expected boundaries or lengths, found both"),
        ({"boundaries": [3, 3]}, ValueError, "expected at least one document with tokens, found none"),
        ({"lengths": [12], "context": 0}, ValueError, "context: expected 1 to"),
        ({"lengths": [12], "packing_window": 0}, ValueError, "packing_window: expected 1 to"),
        ({"lengths": [12], "targets": "last"}, ValueError, "targets: expected 'next' or None"),
        ({"lengths": [12], "out_dtype": "u1", "pad": -1}, ValueError, "pad: expected 0 to 255, found -1"),
        ({"lengths": [12], "balance": "classes"}, ValueError, "balance='classes': packs of documents have no labels"),
    ],
)
def test_refused(api, options, error, message):
    with pytest.raises(error, match=message):
        api.pack(np.arange(12), **{"context": 6, **options})
