# SPDX-License-Identifier: MIT
"""Outputs of words and lines other than lists of `str`; lines in random order."""

import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import READ_SIZES, flat, in_batches, write

import fastbatch
from fastbatch import pure

PIECES = st.sampled_from(["a", "b", "of", "the", "Zürich", "漢字", "x" * 20, " ", " ", "\n", "\r\n", "\r", "\u3000"])
TEXTS = st.lists(PIECES, max_size=60).map("".join)
needs_numpy_2 = pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 1 has no StringDType")


def lines_of(path, encoding="utf-8"):
    with open(path, encoding=encoding) as file:
        return list(file)


@settings(max_examples=40)
@given(text=TEXTS, read_size=READ_SIZES, keepends=st.booleans())
def test_offsets_cut_the_bytes(tmp_path, text, read_size, keepends):
    path = write(tmp_path, text)
    lines = lines_of(path) if keepends else [line.removesuffix("\n") for line in lines_of(path)]
    for api in (fastbatch, pure):
        options = {"output": "offsets", "read_size": read_size}
        for loader, items in [
            (api.words(path, 3, **options), text.split()),
            (api.lines(path, 3, keepends=keepends, **options), lines),
        ]:
            found = []
            for joined, offsets in loader:
                assert isinstance(joined, bytes)
                assert (offsets.dtype, offsets[0], offsets[-1]) == (np.int64, 0, len(joined))
                found.append([joined[a:b].decode() for a, b in itertools.pairwise(offsets)])
            assert found == in_batches(items, 3)


@settings(max_examples=40)
@given(text=TEXTS, read_size=READ_SIZES, dtype=st.sampled_from(["int32", "int64"]))
def test_ids_are_those_of_the_vocabulary(tmp_path, text, read_size, dtype):
    path = write(tmp_path, text)
    vocabulary = fastbatch.Vocabulary(["the", "x" * 20, "漢字", "of"])
    expected = in_batches([vocabulary[word] for word in text.split()], 4)
    for api in (fastbatch, pure):
        loader = api.words(path, 4, output="ids", vocabulary=vocabulary, dtype=dtype, threads=2, read_size=read_size)
        batches = list(loader)
        assert [batch.tolist() for batch in batches] == expected
        assert all(batch.dtype == dtype for batch in batches)
        assert loader.stats()["samples"] == len(text.split())


def test_ids_of_a_list_of_words(api, tmp_path):
    path = write(tmp_path, "a b c b")
    assert [batch.tolist() for batch in api.words(path, 3, output="ids", vocabulary=["b", "c"])] == [[2, 0, 1], [0]]


@needs_numpy_2
def test_numpy_strings(api, tmp_path):
    path = write(tmp_path, "one Zürich\nthree")
    batches = list(api.words(path, 2, output="numpy"))
    assert all(batch.dtype == np.dtypes.StringDType() for batch in batches)
    assert [batch.tolist() for batch in batches] == [["one", "Zürich"], ["three"]]
    assert [batch.tolist() for batch in api.lines(path, output="numpy")] == [["one Zürich\n", "three"]]


def test_outputs_that_do_not_fit(api, tmp_path):
    path = write(tmp_path, "a")
    with pytest.raises(ValueError, match="output: expected one of"):
        api.words(path, output="list")
    with pytest.raises(ValueError, match="vocabulary: expected one with output='ids'"):
        api.words(path, output="ids")
    with pytest.raises(ValueError, match="vocabulary: expected one with output='ids'"):
        api.words(path, vocabulary=["a"])
    with pytest.raises(ValueError, match="dtype"):
        api.words(path, output="ids", vocabulary=["a"], dtype="uint8")
    with pytest.raises(ValueError, match="for lines, found 'ids'"):
        api.lines(path, output="ids")
    with pytest.raises(ValueError, match="shuffle: expected an encoding"):
        api.words(path, shuffle=True, encoding="utf-16")
    with pytest.raises(ValueError, match="shuffle: expected False, 'line' or 'block'"):
        api.words(path, shuffle="lines")


# ---- random order ------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=3),
    read_size=READ_SIZES,
    seed=st.integers(0, 3),
    shuffle=st.sampled_from(["line", "block"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "latin-1"]),
    at=st.integers(0, 4),
    world=st.integers(1, 2),
)
def test_lines_in_random_order(tmp_path, texts, read_size, seed, shuffle, encoding, at, world):
    paths = [write(tmp_path, text, f"{i}.txt") for i, text in enumerate(texts)]
    options = {
        "shuffle": shuffle,
        "seed": seed,
        "block_size": 3,
        "window": 2,
        "encoding": encoding,
        "read_size": read_size,
    }
    every_line = flat(lines_of(path, encoding) for path in paths)
    for item, size in [("lines", 2), ("words", 3)]:
        loaders = [getattr(api, item)(paths, size, **options) for api in (fastbatch, pure)]
        epochs = [[list(loader) for _ in range(2)] for loader in loaders]
        assert epochs[0] == epochs[1]
        expected = every_line if item == "lines" else flat(line.split() for line in every_line)
        for epoch in epochs[0]:
            assert sorted(flat(epoch)) == sorted(expected)
        assert all(loader.n_samples == len(expected) for loader in loaders)
        for api in (fastbatch, pure):
            states = []
            for rank in range(world):
                loader = getattr(api, item)(paths, size, shard=(rank, world), **options)
                mine = epochs[0][0][rank::world]
                assert list(itertools.islice(loader, at)) == mine[:at]
                if len(mine) < at:
                    continue
                states.append(loader.state_dict())
                fresh = getattr(api, item)(paths, size, shard=(rank, world), **{**options, "seed": 9})
                fresh.load_state_dict(states[-1])
                assert list(fresh) == mine[at:]
                assert list(fresh) == epochs[0][1][rank::world]
            assert all(state == states[0] for state in states)


def test_epochs_and_seeds_differ(api, tmp_path):
    path = write(tmp_path, "".join(f"{i}\n" for i in range(100)))
    loader = api.lines(path, 10, shuffle=True, seed=1)
    first, second = list(loader), list(loader)
    assert first != second
    assert list(api.lines(path, 10, shuffle="line", seed=1)) == first
    assert list(api.lines(path, 10, shuffle=True, seed=2)) != first
    assert len(loader) == 10


def test_a_shuffled_file_that_shrinks(api, tmp_path):
    path = write(tmp_path, "word\n" * 20_000)
    iterator = iter(api.words(path, 10, shuffle=True, read_size=4096, prefetch_bytes=8192))
    next(iterator)
    os.truncate(path, 8192)
    with pytest.raises(fastbatch.FormatError, match="expected"):
        list(iterator)


def test_what_is_no_text_in_a_shuffled_file_is_told_with_its_place(api, tmp_path):
    path = write(tmp_path, b"".join(b"line %d\n" % i for i in range(50)) + b"b\xff\n")
    with pytest.raises(fastbatch.EncodingError) as caught:
        list(api.lines(path, 1, shuffle=True))
    assert caught.value.offset == os.path.getsize(path) - 2


def test_words_that_come_again_and_words_that_never_do(tmp_path):
    often = [f"w{i}" if i % 3 else f"\u00e4{i}" for i in range(300)]
    words = [often[i * i % 300] for i in range(20_000)] + [f"once-{i}" for i in range(300_000)]
    words += [often[i % 300] for i in range(200_000)] + [f"a-word-of-more-than-15-bytes-{i % 9}" for i in range(999)]
    path = write(tmp_path, " ".join(words))
    for options in ({}, {"threads": 3, "read_size": 5000}):
        assert flat(fastbatch.words(path, 1000, **options)) == words
    assert flat(fastbatch.words(path, 1000, shard=(1, 3))) == flat(
        words[i : i + 1000] for i in range(1000, len(words), 3000)
    )
