# SPDX-License-Identifier: MIT
"""Keras's functions of words, seed for seed: `skipgrams`, `make_sampling_table`, `Tokenizer`; all its names."""

import json
import random
import warnings

import numpy as np
import pytest
from keras_oracle import import_oracle

import_oracle()
import keras.src.legacy.preprocessing.image as images  # noqa: E402
import keras.src.legacy.preprocessing.sequence as sequence  # noqa: E402
import keras.src.legacy.preprocessing.text as text  # noqa: E402

import fastbatch.keras as ours  # noqa: E402
from fastbatch.keras import iterator  # noqa: E402

TEXTS = ["A good film, really good!", "a bad\tfilm", "", "Été -- film\nfilm", ["Good", "words"]]
INTERNAL = {"BatchFromFilesMixin", "flip_axis", "transform_matrix_offset_center"}  # without an export of Keras


def outcome(function, *arguments, **options):
    random.seed(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's on a float as the limit of Keras's randint
        try:
            result = function(*arguments, **options)
        except Exception as error:
            return type(error), str(error)
    return repr(result), random.random()


def test_every_public_name_of_keras_is_there():
    for module in (images, sequence, text):
        public = {
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
        }
        assert public - INTERNAL <= set(ours.__all__), module
    assert images.Iterator.white_list_formats == iterator.WHITE_LIST_FORMATS


@pytest.mark.parametrize("size", [1, 2, 10, 1000])
def test_make_sampling_table(size):
    for factor in (1e-5, 1e-2):
        assert np.array_equal(
            ours.make_sampling_table(size, sampling_factor=factor), sequence.make_sampling_table(size, factor)
        )
    assert outcome(ours.make_sampling_table, 0) == outcome(sequence.make_sampling_table, 0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 3},
        {"window_size": 1, "negative_samples": 0},
        {"negative_samples": 2.5, "shuffle": False},
        {"categorical": True, "seed": 0},
        {"window_size": 0},
        {"sampling_table": sequence.make_sampling_table(10, 0.5), "seed": 1},
        {"vocabulary_size": 1},
        {"vocabulary_size": 3, "negative_samples": 0.3},
        {"sampling_table": [0.5]},
    ],
)
def test_skipgrams(options):
    for words in ([1, 2, 3, 0, 4, 5, 2, 1], [], [0, 0], [7], list(np.arange(9)), [3] * 20):
        arguments = {"vocabulary_size": 10, **options}
        if arguments == {"vocabulary_size": 10}:
            wanted = outcome(sequence.skipgrams, words, seed=9, **arguments)
            assert outcome(ours.skipgrams, words, seed=9, **arguments) == wanted
        assert outcome(ours.skipgrams, words, **arguments) == outcome(sequence.skipgrams, words, **arguments)


def test_words_and_hashes():
    for one in TEXTS[:4]:
        for options in ({}, {"lower": False}, {"filters": ""}, {"split": "o"}, {"filters": "abc", "split": "-"}):
            for name in ("text_to_word_sequence",):
                assert outcome(getattr(ours, name), one, **options) == outcome(getattr(text, name), one, **options)
            for name in ("one_hot", "hashing_trick"):
                assert outcome(getattr(ours, name), one, 50, **options) == outcome(
                    getattr(text, name), one, 50, **options
                )
        for options in ({"hash_function": "md5"}, {"hash_function": len}, {"analyzer": str.split}, {"n": 1}, {"n": 2}):
            arguments = {"n": 30, **options}
            assert outcome(ours.hashing_trick, one, **arguments) == outcome(text.hashing_trick, one, **arguments)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_words": 3},
        {"oov_token": "?"},
        {"oov_token": "?", "num_words": 4},
        {"lower": False},
        {"char_level": True, "num_words": 9},
        {"analyzer": str.split},
        {"oov_token": "film"},
        {"document_count": 7},
        {"nb_words": 4},
        {"nothing": 4},
    ],
    ids=str,
)
def test_tokenizer(options):
    texts = TEXTS[:4] if "analyzer" in options else TEXTS
    results = []
    for module in (ours, text):
        said = [outcome(module.Tokenizer, **options)[0] if "nothing" in options else ""]
        results.append(said)
        if said[0]:
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tokenizer = module.Tokenizer(**options)
        said += [str(warning.message) for warning in caught]
        said.append(outcome(tokenizer.sequences_to_matrix, [[1]]))
        said.append(outcome(tokenizer.texts_to_sequences, texts))
        for part in (texts[:2], texts[2:]):
            tokenizer.fit_on_texts(part)
            said.append(json.loads(json.dumps(vars(tokenizer), default=str, sort_keys=True)))
        said += [tokenizer.texts_to_sequences([*texts, "new good"]), tokenizer.get_config()]
        said.append(tokenizer.sequences_to_texts([[1, 2, 3, 99], [], [0, 4]]))
        for mode in ("binary", "count", "freq", "tfidf", "odd"):
            said.append(outcome(lambda mode=mode, made=tokenizer: made.texts_to_matrix(texts, mode).tolist()))
        again = module.tokenizer_from_json(tokenizer.to_json())
        said += [again.get_config(), again.texts_to_sequences(texts) if "analyzer" not in options else None]
        tokenizer.fit_on_sequences([[1, 2], [2, 2]])
        said.append(dict(tokenizer.index_docs))
    assert results[0] == results[1]
