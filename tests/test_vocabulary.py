# SPDX-License-Identifier: MIT
"""Vocabularies: counted as by Counter, saved, loaded, used for encoding and decoding."""

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import READ_SIZES, write

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior


def by_definition(words, max_size=None, min_count=1):
    counts = [(word, n) for word, n in Counter(words).items() if n >= min_count]
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:max_size]


@settings(max_examples=40)
@given(
    words=st.lists(st.text("abé漢😀", min_size=1, max_size=3) | st.sampled_from(["the" * 7, "the" * 6]), max_size=80),
    max_size=st.none() | st.integers(0, 5),
    min_count=st.integers(1, 3),
    threads=st.sampled_from([1, 3]),
    read_size=READ_SIZES,
)
def test_words_are_counted(tmp_path, words, max_size, min_count, threads, read_size):
    path = write(tmp_path, " ".join(words))
    expected = by_definition(words, max_size, min_count)
    for api in (fastbatch, pure):
        found = api.vocabulary(path, max_size, min_count=min_count, threads=threads, read_size=read_size)
        assert list(zip(found.words, found.counts.tolist(), strict=True)) == expected


def test_many_different_words(api, tmp_path):
    words = [str(i * i % 9973) for i in range(30_000)]
    path = write(tmp_path, " ".join(words))
    found = api.vocabulary([path, path], threads=2, read_size=4096)
    assert list(zip(found.words, found.counts.tolist(), strict=True)) == by_definition(words + words)
    ids = np.concatenate(list(api.words(path, 1000, output="ids", vocabulary=found)))
    assert found.decode(ids) == words


def test_both_ways(tmp_path):
    vocabulary = fastbatch.Vocabulary(["the", "of", "Zürich"], counts=[3, 2, 1])
    assert len(vocabulary) == 3
    assert (vocabulary["of"], vocabulary["nothing"], vocabulary.unknown) == (1, 3, 3)
    assert "of" in vocabulary
    assert "nothing" not in vocabulary
    assert list(vocabulary) == ["the", "of", "Zürich"]
    ids = vocabulary.encode(["Zürich", "what", "the"])
    assert (ids.dtype, ids.tolist()) == (np.int64, [2, 3, 0])
    assert vocabulary.decode(ids) == ["Zürich", "<unknown>", "the"]
    for wrong in (-1, 4):
        with pytest.raises(IndexError, match="expected 0 to 3"):
            vocabulary.decode([wrong])
    assert repr(vocabulary) == "Vocabulary(3 words: 'the', 'of', 'Zürich')"
    vocabulary.save(tmp_path / "words.txt")
    assert (tmp_path / "words.txt").read_bytes() == "the\nof\nZürich\n".encode()
    assert fastbatch.Vocabulary.load(tmp_path / "words.txt").words == vocabulary.words
    copy = pickle.loads(pickle.dumps(vocabulary))
    assert (copy.words, copy.counts.tolist()) == (vocabulary.words, [3, 2, 1])


def test_bytes_that_are_no_text_come_through(api, tmp_path):
    vocabulary = api.vocabulary(write(tmp_path, b"a\xff a\xff b"), errors="surrogateescape")
    assert vocabulary.words == ("a\udcff", "b")
    vocabulary.save(tmp_path / "words.txt")
    assert (tmp_path / "words.txt").read_bytes() == b"a\xff\nb\n"
    assert fastbatch.Vocabulary.load(tmp_path / "words.txt").words == vocabulary.words


def test_bad_vocabularies(api, tmp_path):
    for words, message in [(["a", "a"], "comes twice"), (["a b"], "white space"), ([""], "white space")]:
        with pytest.raises(ValueError, match=message):
            fastbatch.Vocabulary(words)
    with pytest.raises(TypeError, match="expected str"):
        fastbatch.Vocabulary([b"a"])
    with pytest.raises(TypeError, match="several words"):
        fastbatch.Vocabulary("abc")
    with pytest.raises(ValueError, match="counts"):
        fastbatch.Vocabulary(["a"], counts=[1, 2])
    with pytest.raises(FileNotFoundError):
        api.vocabulary(tmp_path / "missing.txt")
    with pytest.raises(fastbatch.EncodingError):
        api.vocabulary(write(tmp_path, b"\xff"))
    with pytest.raises(ValueError, match="max_size"):
        api.vocabulary(write(tmp_path, "a"), -1)
    assert len(api.vocabulary(write(tmp_path, ""))) == 0
