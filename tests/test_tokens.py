# SPDX-License-Identifier: MIT
"""Contexts of tokens: against the definition, inside documents, on both implementations."""

import itertools

import numpy as np
import pytest
from making import joined, same, same_batches

import fastbatch
from fastbatch import pure

X = np.random.default_rng(0).random((61, 3)).astype(np.float32)
TOKENS = np.random.default_rng(1).integers(0, 50000, 1000).astype(np.uint16)


@pytest.fixture(params=["raw", "npy", "array"])
def tokens(request, tmp_path):
    """Return the tokens in a user's form, and the dtype argument that it needs."""
    if request.param == "array":
        return TOKENS, None
    path = tmp_path / f"train.{request.param}"
    if request.param == "raw":
        TOKENS.tofile(path)
        return path, "uint16"
    np.save(path, TOKENS)
    return str(path), None


@pytest.mark.parametrize("stride", [None, 7])
def test_tokens(api, tokens, stride):
    data, dtype = tokens
    x, y = joined(api.tokens(data, dtype, context=33, stride=stride, batch_size=4))
    starts = range(0, len(TOKENS) - 33, stride or 33)
    same(x, np.stack([TOKENS[i : i + 33] for i in starts]).astype(np.int64))
    same(y, np.stack([TOKENS[i + 1 : i + 34] for i in starts]).astype(np.int64))


@pytest.mark.behavior
def test_both_implementations_agree_on_tokens(tokens):
    options = {"context": 16, "shuffle": True, "seed": 9, "batch_size": 8, "shard": (1, 2)}
    same_batches(*(api.tokens(*tokens, **options).repeat(2) for api in (fastbatch, pure)))


def test_tokens_without_targets(api):
    loader = api.tokens(TOKENS, context=10, targets=None, out_dtype=None, batch_size=100)
    same(next(iter(loader)), TOKENS.reshape(100, 10))
    assert api.tokens(TOKENS, context=10).n_samples == 99
    assert api.tokens(TOKENS, context=999).n_samples == 1


def test_bad_tokens(api, tmp_path):
    path = tmp_path / "train.bin"
    TOKENS.tofile(path)
    np.save(tmp_path / "train.npy", TOKENS)
    (tmp_path / "odd.bin").write_bytes(b"123")
    (tmp_path / "empty.bin").write_bytes(b"")
    bad = [
        ((path,), {}, ValueError, "train.bin: dtype: a raw file needs one"),
        (
            (path, "uint16"),
            {"context": 1000},
            ValueError,
            "train.bin: too few tokens: .* 1001, found 1000",
        ),
        ((tmp_path / "empty.bin", "uint16"), {}, ValueError, "too few tokens: expected at least 1025, found 0"),
        ((tmp_path / "odd.bin", "uint16"), {"context": 1}, api.FormatError, "odd.bin.*no whole number of rows"),
        (
            (tmp_path / "train.npy", "uint32"),
            {},
            ValueError,
            "dtype: expected that of .*, uint16, found uint32",
        ),
        ((tmp_path / "none.bin", "uint16"), {}, FileNotFoundError, "none.bin"),
        ((X,), {}, TypeError, r"expected integers in 1 dimension, found float32 \(61, 3\)"),
        ((TOKENS.astype("f4"),), {}, TypeError, "expected integers"),
        ((TOKENS,), {"context": 0}, ValueError, "context: .* found 0"),
        ((TOKENS,), {"stride": 0}, ValueError, "stride: .* found 0"),
        ((TOKENS,), {"targets": "last"}, ValueError, "targets: expected 'next' or None, found 'last'"),
        ((TOKENS,), {"context": 9, "out_dtype": "S3"}, TypeError, "cannot be converted|not converted"),
    ]
    for arguments, options, error, message in bad:
        with pytest.raises(error, match=message):
            api.tokens(*arguments, **options)


# ---- documents -------------------------------------------------------------------------------------------------------

BOUNDS = [0, 3, 3, 200, 211, 640, 1000]


def contexts_by_definition(bounds, context, stride, ahead):
    """Return the first token of every sample."""
    starts = []
    for begin, end in itertools.pairwise(bounds):
        starts += range(begin, end - context - ahead + 1, stride)
    return starts


@pytest.mark.parametrize("stride", [None, 5])
@pytest.mark.parametrize("targets", ["next", None])
def test_no_context_crosses_a_boundary(api, tokens, tmp_path, stride, targets):
    data, dtype = tokens
    np.save(tmp_path / "bounds.npy", np.array(BOUNDS))
    options = {"context": 11, "stride": stride, "targets": targets, "batch_size": 7}
    starts = contexts_by_definition(BOUNDS, 11, stride or 11, 1 if targets else 0)
    for bounds in (BOUNDS, tmp_path / "bounds.npy", np.array(BOUNDS, np.uint64)):
        batches = list(api.tokens(data, dtype, boundaries=bounds, **options))
        x = np.concatenate([batch[0] if targets else batch for batch in batches])
        same(x, np.stack([TOKENS[i : i + 11] for i in starts]).astype(np.int64))
    if targets:
        assert np.array_equal(np.concatenate([y for _, y in batches])[:, :-1], x[:, 1:])


@pytest.mark.parametrize("last_is_whole", [False, True])
def test_documents_end_with_their_token(api, last_is_whole):
    data = TOKENS.copy()
    data[data == 7] = 8
    ends = [0, 30, 31, 500, 900] + [999] * last_is_whole
    data[ends] = 7
    bounds = [0, *(end + 1 for end in ends), *([] if last_is_whole else [1000])]
    options = {"context": 9, "shuffle": True, "seed": 4, "batch_size": 6, "shard": (0, 2)}
    found = api.tokens(data, document_end=7, **options)
    same_batches(found, api.tokens(data, boundaries=bounds, **options))
    assert found.n_samples == len(contexts_by_definition(bounds, 9, 9, 1))
    assert all((x[:, :-1] != 7).all() for x, _ in found)


@pytest.mark.behavior
def test_documents_are_alike_in_both_implementations(tokens):
    options = {"context": 16, "stride": 3, "shuffle": True, "boundaries": BOUNDS, "batch_size": 8}
    loaders = [api.tokens(*tokens, **options) for api in (fastbatch, pure)]
    same_batches(*(loader.repeat(2) for loader in loaders))
    assert loaders[0].state_dict() == loaders[1].state_dict()


def test_many_documents(api):
    bounds = np.arange(0, 30_001, 3)
    data = np.arange(30_000, dtype=np.int32)
    x = api.tokens(data, context=2, stride=1, boundaries=bounds, batch_size=10_000, targets=None)
    assert x.n_samples == 20_000
    first = np.concatenate(list(x))[:, 0]
    assert np.array_equal(first, data[data % 3 < 2])


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"boundaries": [0, 5, 3, 1000]}, ValueError, "document 1: expected an end from 5 on, found 3"),
        ({"boundaries": [0, 1001]}, ValueError, "expected numbers from 0 to 1000, found 0 to 1001"),
        ({"boundaries": [-1, 1000]}, ValueError, "found -1 to 1000"),
        ({"boundaries": [0]}, ValueError, "at least 2 numbers, found 1"),
        ({"boundaries": [0.0, 10.0]}, TypeError, "expected integers in 1 dimension, found float64"),
        ({"boundaries": [0, 10, 20]}, ValueError, "documents too short: expected one of at least 12, found 10"),
        ({"boundaries": [5, 5]}, ValueError, "documents too short: .* found 0"),
        ({"boundaries": [0, 10], "document_end": 1}, ValueError, "expected one of them, found both"),
        ({"document_end": 70000}, ValueError, "document_end: expected 0 to 65535, found 70000"),
    ],
)
def test_bad_documents(api, options, error, message):
    with pytest.raises(error, match=message):
        api.tokens(TOKENS, context=11, **options)


def test_tokens_cut_short_while_their_ends_are_sought(api, tmp_path):
    path = tmp_path / "train.npy"
    np.save(path, np.zeros(100_000, np.uint16))
    source = api.npy(path)
    with path.open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(api.FormatError, match=r"train\.npy.*shorter while in use"):
        api.tokens(source, document_end=1)
