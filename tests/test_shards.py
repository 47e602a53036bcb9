# SPDX-License-Identifier: MIT
"""Token shards, and patterns wherever paths are taken."""

import copy
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from making import error_of, joined, jpeg, same_batches

import fastbatch
from fastbatch import pure

SIZES = (100, 5, 37, 260)  # the second is shorter than a sample
SHARDS = [np.random.default_rng(i).integers(0, 999, n).astype("u2") for i, n in enumerate(SIZES)]
OPTIONS = {"context": 8, "batch_size": 4}


@pytest.fixture
def files(tmp_path):
    """Return the paths of the shards, in the order of their names."""
    for i, shard in enumerate(SHARDS):
        shard.tofile(tmp_path / f"shard{i}.bin")
        np.save(tmp_path / f"shard{i}.npy", shard)
    return [str(tmp_path / f"shard{i}.bin") for i in range(len(SHARDS))]


def by_definition(shards, context=8, stride=8):
    return [shard[i : i + context + 1] for shard in shards for i in range(0, len(shard) - context, stride)]


@pytest.mark.parametrize("form", ["list", "pattern", "npy", "arrays", "series", "paths"])
def test_no_context_crosses_a_shard(api, files, tmp_path, form):
    data, dtype = {
        "list": (files, "u2"),
        "pattern": (str(tmp_path / "*.bin"), "uint16"),
        "npy": (str(tmp_path / "shard?.npy"), None),
        "arrays": (SHARDS, None),
        "series": (api.series(SHARDS), None),
        "paths": (tuple(map(Path, files)), "u2"),
    }[form]
    for stride in (None, 3):
        x, y = joined(api.tokens(data, dtype, stride=stride, **OPTIONS))
        wanted = np.stack(by_definition(SHARDS, stride=stride or 8)).astype(np.int64)
        assert np.array_equal(x, wanted[:, :-1]) and np.array_equal(y, wanted[:, 1:])


@pytest.mark.behavior
def test_shuffled_sharded_resumed_split(files):
    options = {**OPTIONS, "shuffle": True, "seed": 5}
    loaders = [api.tokens(files, "u2", **options) for api in (fastbatch, pure)]
    same_batches(*loaders)
    same_batches(*(one.shard(1, 3) for one in loaders))
    for part in zip(*(one.split(0.3) for one in loaders), strict=True):
        same_batches(*part)
    for part in zip(*(one.split(0.3, shuffle=True) for one in loaders), strict=True):
        same_batches(*part)
    batches = iter(loaders[0])
    next(batches)
    state = json.loads(json.dumps(loaders[0].state_dict()))
    rest = list(batches)
    for api in (fastbatch, pure):
        resumed = api.tokens(files, "u2", **options)
        resumed.load_state_dict(state)
        for made in (pickle.loads(pickle.dumps(resumed)), copy.copy(resumed), resumed):
            same_batches(made, rest)
    with pytest.raises(fastbatch.StateError, match="state of another data set"):
        fastbatch.tokens(files[::-1], "u2", **options).load_state_dict(state)


def test_the_held_out_part_shares_no_tokens(api):
    numbers = np.arange(400)
    train, validation = api.tokens([numbers[:150], numbers[150:]], context=10, stride=3).split(0.25)
    seen = [{int(v) for x, y in part for v in (*x.ravel(), *y.ravel())} for part in (train, validation)]
    assert seen[0] and seen[1] and not seen[0] & seen[1]


def test_documents_of_shards(api):
    shards = [np.array([1, 2, 3, 0, 4, 5, 6, 7, 0]), np.array([8, 9, 10, 11]), np.array([12, 0, 13, 14, 15])]
    x = joined(api.tokens(shards, context=2, document_end=0))[0]
    assert x.tolist() == [[1, 2], [4, 5], [6, 7], [8, 9], [13, 14]]
    bounds = [[0, 4, 9], [0, 4], [0, 2, 5]]
    assert np.array_equal(joined(api.tokens(shards, context=2, boundaries=bounds))[0], x)
    assert api.tokens(shards[:1], context=2, boundaries=bounds[0]).n_samples == 3
    for call, message in [
        ({"document_end": 77}, "document_end: expected 77 among 18 tokens, found none"),
        ({"boundaries": bounds[:2]}, "boundaries: expected a list of 3, one for each shard, found "),
        ({"boundaries": [0, 4]}, "boundaries: expected a list of 3, one for each shard, found [0, 4]"),
        ({"context": 50}, "too few tokens: expected at least 51, found 9"),
    ]:
        error = error_of(api.tokens, shards, **{"context": 2, **call})
        assert type(error) is ValueError and str(error).startswith(message)


def test_wrong_shards(api, files, tmp_path):
    np.arange(50, dtype="u4").tofile(tmp_path / "z.bin")
    np.save(tmp_path / "odd.npy", np.arange(50, dtype="u4"))
    np.save(tmp_path / "wide.npy", np.zeros((5, 2), "u2"))
    npy = str(tmp_path / "shard0.npy")
    for given, dtype, error, message in [
        ([], None, ValueError, "tokens: expected at least one file or array, found none"),
        (
            [npy, str(tmp_path / "odd.npy")],
            None,
            TypeError,
            "odd.npy: expected uint16, as in the first",
        ),
        (
            [SHARDS[0], np.arange(9)],
            None,
            TypeError,
            "tokens: shard 1: expected uint16, as in the",
        ),
        (
            [npy, str(tmp_path / "wide.npy")],
            None,
            TypeError,
            "wide.npy: expected integers in 1 dimension, found",
        ),
        ([files[0], str(tmp_path / "none.bin")], "u2", FileNotFoundError, "none.bin"),
        (str(tmp_path / "no*.bin"), "u2", FileNotFoundError, "No file fits the pattern"),
        (files, None, ValueError, "shard0.bin: dtype: a raw file needs one"),
    ]:
        raised = error_of(api.tokens, given, dtype, context=4)
        assert type(raised) is error and message in str(raised), raised
    error = error_of(api.tokens, [SHARDS[0], np.full(9, 300, "u2")], context=4, out_dtype="u1")
    assert "out_dtype: expected tokens from 0 to 255" in str(error)


def test_patterns(api, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        np.save(f"x{i}.npy", np.full((4, 2), i, "f4"))
        (tmp_path / f"t{i}.csv").write_text(f"a,b\n{i},1\n{i},2\n")
        os.makedirs(f"p/{i}")
        (tmp_path / f"p/{i}/{i}.jpg").write_bytes(jpeg((20 + i, 20)))
    np.save("x[0].npy", np.zeros((1, 2), "f4"))  # an existing file is no pattern
    for pattern in ("x?.npy", "~/x?.npy", str(tmp_path / "x?.npy")):
        assert next(iter(api.arrays(pattern)))[:, 0].tolist() == [0] * 4 + [1] * 4 + [2] * 4
        assert api.windows(pattern, length=3).n_samples == 6  # no window crosses a file
        assert api.statistics(pattern).mean.tolist() == [1, 1]
        assert api.series(pattern).shape == api.series([pattern]).shape == (12, 2)
    assert api.arrays("x[0].npy").n_samples == 1
    assert next(iter(api.arrays("t*.csv")))[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert api.csv("t0*.csv").shape == (2, 2)
    assert str(error_of(api.csv, "t*.csv")) == "t*.csv: expected one file, found 3; series() takes them together"
    images = api.images("p/**/*.jpg", size=8)
    assert [os.path.basename(path) for path in images.paths] == ["0.jpg", "1.jpg", "2.jpg"] and images.labels is None
    assert api.images("p/*/*.jpg", [0, 1, 2], size=8, masks="p/*/*.jpg").n_samples == 3
    assert api.probe("p/*/*.jpg")["width"].tolist() == [20, 21, 22]
    for call in (api.arrays, api.csv, api.series, api.images, api.words, api.probe, api.statistics):
        error = error_of(call, "none*")
        assert type(error) is FileNotFoundError and error.filename == "none*", call
    assert "root: only valid with a list of paths" in str(error_of(api.images, "p/*/*.jpg", root="p"))
    np.savez("z.npz", x=np.zeros(3))
    assert "expected one array, found the archive" in str(error_of(api.arrays, "z*.npz"))
