# SPDX-License-Identifier: MIT
"""Keras's `Tokenizer` and the functions beside it: texts to words, and words to numbers, in plain Python."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .image_utils import Array

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_COUNTS = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")  # written as JSON inside of JSON


def text_to_word_sequence(input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """Return the words of a text.

    Args:
        input_text: The text.
        filters: Characters that separate words like `split`.
        lower: Convert to lower case.
        split: The separator.

    Returns:
        The words, without empty ones.

    Raises:
        ValueError: `split` is empty.

    Example:
        >>> from fastbatch.keras import text_to_word_sequence
        >>> text_to_word_sequence("A good film, really!")
        ['a', 'good', 'film', 'really']

    Source: Keras's `keras/src/legacy/preprocessing/text.py`.
    """
    text = input_text.lower() if lower else input_text
    return [word for word in text.translate(dict.fromkeys(map(ord, filters), split)).split(split) if word]


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Return the words of a text as numbers from 1 to n - 1: their hash values; different words may share one.

    Args:
        text: The text.
        n: Number of values.
        hash_function: "md5", which is the same in every process; None: Python's `hash`, which is not; or a function.
        filters, lower, split: As for `text_to_word_sequence`.
        analyzer: Function that returns the words of a text.

    Returns:
        One number for each word.

    Raises:
        ZeroDivisionError: n is 1.

    Example:
        >>> from fastbatch.keras import hashing_trick
        >>> hashing_trick("a good film", 100, "md5")
        [92, 3, 59]

    Source: Keras's `keras/src/legacy/preprocessing/text.py`.
    """
    if hash_function is None:
        hash_function = hash
    elif isinstance(hash_function, str) and hash_function == "md5":
        hash_function = _md5
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [hash_function(word) % (n - 1) + 1 for word in words]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Return the words of a text as numbers from 1 to n - 1 by Python's `hash`: see `hashing_trick`.

    Args:
        input_text, n, filters, lower, split, analyzer: As for `hashing_trick`.

    Returns:
        One number for each word.

    Raises:
        ZeroDivisionError: n is 1.

    Example:
        >>> from fastbatch.keras import one_hot
        >>> len(one_hot("a good film", 100))
        3

    Source: Keras's `keras/src/legacy/preprocessing/text.py`.
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode()).hexdigest(), 16)


class Tokenizer:
    """Numbers the words of texts by their frequency, from 1 on, and converts texts to numbers.

    Args:
        num_words: Only words with lower numbers are used; None uses all.
        filters, lower, split: As for `text_to_word_sequence`.
        char_level: Characters are the words.
        oov_token: Word 1, in place of unknown words; None leaves them out.
        analyzer: Function that returns the words of a text.
        kwargs: `document_count`, or the old name `nb_words`.

    Attributes:
        word_counts, word_docs: How often each word occurs, and in how many texts.
        word_index, index_word: Number of each word, and word of each number.
        index_docs: Texts by number of word.
        document_count: Number of texts.

    Raises:
        TypeError: Another option.
        ValueError: By the matrices: no number of words, or an unknown mode.

    Example:
        >>> from fastbatch.keras import Tokenizer
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["a good film", "a bad film"])
        >>> tokenizer.word_index
        {'a': 1, 'film': 2, 'good': 3, 'bad': 4}
        >>> tokenizer.texts_to_sequences(["a new film"])
        [[1, 2]]

    Source: Keras's `keras/src/legacy/preprocessing/text.py`.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        if "nb_words" in kwargs:
            warnings.warn("The `nb_words` argument in `Tokenizer` has been renamed `num_words`.", stacklevel=2)
            num_words = kwargs.pop("nb_words")
        self.document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {', '.join(kwargs):.120}")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: dict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts (or of lists of words), and number all counted so far."""
        for text in texts:
            self.document_count += 1
            words = list(self._words(text))
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] = self.word_docs.get(word, 0) + 1
        first = [] if self.oov_token is None else [self.oov_token]
        by_count = sorted(self.word_counts.items(), key=lambda item: item[1], reverse=True)
        known = [*first, *(word for word, _ in by_count)]
        self.word_index = dict(zip(known, range(1, len(known) + 1), strict=True))
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, n in self.word_docs.items():
            self.index_docs[self.word_index[word]] = n

    def fit_on_sequences(self, sequences: Any) -> None:
        """Count the texts of each word, from texts as numbers: for "tfidf" matrices without `fit_on_texts`."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] = self.index_docs.get(number, 0) + 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Return the numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Yield the numbers of the words of each text."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for text in texts:
            numbers = [self.word_index.get(word) for word in self._words(text)]
            yield self._known(numbers, unknown)

    def sequences_to_texts(self, sequences: Iterable[Any]) -> list[str]:
        """Return the words of each sequence of numbers, joined by spaces."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Any]) -> Iterator[str]:
        """Yield the words of each sequence of numbers, joined by spaces."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for sequence in sequences:
            numbers = [number if number in self.index_word else None for number in sequence]
            yield " ".join(self.index_word[number] for number in self._known(numbers, unknown))

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> Array:
        """Return one row of numbers for each text: see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> Array:
        """Return float64 of shape (texts, words): "binary", "count", "freq" (share of the text) or "tfidf"."""
        if not self.num_words and not self.word_index:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        n_words = self.num_words or len(self.word_index) + 1
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        matrix = np.zeros((len(sequences), n_words))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, n in Counter(number for number in sequence if number < n_words).items():
                row[number] = self._weight(mode, number, n, len(sequence))
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Return the options and the counts, the latter as JSON."""
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        config = {name: getattr(self, name) for name in names}
        return config | {name: json.dumps(getattr(self, name)) for name in _COUNTS}

    def to_json(self, **kwargs: Any) -> str:
        """Return the configuration as JSON, for `tokenizer_from_json`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)

    def _words(self, text: Any) -> Any:
        if isinstance(text, list):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def _known(self, numbers: list[int | None], unknown: int | None) -> list[Any]:
        """Return the numbers below `num_words`; others become `unknown`, or are left out if there is none."""
        known: list[int | None] = []
        for number in numbers:
            if number is None:
                known += [] if self.oov_token is None else [unknown]  # None before fit_on_texts, as in Keras
            elif not self.num_words or number < self.num_words:
                known.append(number)
            elif unknown is not None:
                known.append(unknown)
        return known

    def _weight(self, mode: str, number: int, n: int, length: int) -> float:
        if mode == "count":
            return n
        if mode == "freq":
            return n / length
        if mode == "binary":
            return 1
        if mode == "tfidf":
            idf = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
            return float((1 + np.log(n)) * idf)
        raise ValueError("Unknown vectorization mode:", mode)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Return the tokenizer that `Tokenizer.to_json` of fastbatch or of Keras wrote.

    Args:
        json_string: The JSON.

    Returns:
        A tokenizer with the same options and counts, but without an `analyzer`.

    Raises:
        ValueError, KeyError: Not the JSON of a tokenizer.

    Example:
        >>> from fastbatch.keras import Tokenizer, tokenizer_from_json
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["a good film"])
        >>> tokenizer_from_json(tokenizer.to_json()).word_index
        {'a': 1, 'good': 2, 'film': 3}

    Source: Keras's `keras/src/legacy/preprocessing/text.py`.
    """
    config = json.loads(json_string)["config"]
    counts = {name: json.loads(config.pop(name)) for name in _COUNTS}
    tokenizer = Tokenizer(**config)
    for name, counted in counts.items():
        by_number = name in ("index_docs", "index_word")  # the keys of JSON are text
        setattr(tokenizer, name, {int(key): value for key, value in counted.items()} if by_number else counted)
    return tokenizer
