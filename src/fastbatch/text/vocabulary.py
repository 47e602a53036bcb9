# SPDX-License-Identifier: MIT
"""The vocabulary: words and their ids."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.calls import public_class
from fastbatch.checks import n_of, shown, whole_numbers
from fastbatch.errors import FormatError
from fastbatch.source.foreign import refuse_container
from fastbatch.source.local_file import open_regular, path_text, write_whole
from fastbatch.source.remote.urls import as_url


@public_class
class Vocabulary:
    """Words, numbered from 0 in the given order. All other words have the next number, `unknown`.

    Args:
        words: Different words without white space.
        counts: Count of each word, if known.

    Attributes:
        words: All words, as a tuple.
        counts: int64, one per word, or None.
        unknown: Id of all other words: `len(vocabulary)`, so that a table of embeddings needs one more row.

    Raises:
        TypeError: Words that are not `str`.
        ValueError: A word that is given twice or contains white space, or counts of another length.

    Example:
        >>> import fastbatch as fb
        >>> vocabulary = fb.Vocabulary(["the", "fox", "dog"])
        >>> vocabulary.encode(["the", "lazy", "dog"])
        array([0, 3, 2])
        >>> vocabulary.decode([0, 3, 2])
        ['the', '<unknown>', 'dog']
        >>> vocabulary["fox"], "lazy" in vocabulary, len(vocabulary)
        (1, False, 3)

    Source: `csrc/text/vocabulary.h`.
    """

    def __init__(self, words: Iterable[str], counts: Sequence[int] | NDArray[np.int64] | None = None) -> None:
        if isinstance(words, str):
            raise TypeError("words: expected several words, found one str")
        self.words = tuple(words)
        self._ids: dict[str, int] = {}
        self.core: Any = None  # the compiled table, made by the first loader
        for word in self.words:
            if not isinstance(word, str):
                raise TypeError(f"words: expected str, found {type(word).__name__}")
            if word.split() != [word]:
                raise ValueError(f"words: expected words without white space, found {shown(word)}")
            if word in self._ids:
                raise ValueError(f"words: {shown(word)} comes twice")
            self._ids[word] = len(self._ids)
        self.counts = None if counts is None else whole_numbers("counts", counts)
        if self.counts is not None and self.counts.shape != (len(self.words),):
            raise ValueError(f"counts: expected one for each of {len(self.words)} words, found {self.counts.shape}")
        self.unknown = len(self.words)

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def __getitem__(self, word: str) -> int:
        """Return the id of a word, or `unknown`."""
        return self._ids.get(word, self.unknown)

    def __repr__(self) -> str:
        few = ", ".join(map(repr, self.words[:3])) + ", ..." * (len(self) > 3)
        return f"Vocabulary({n_of(len(self), 'word')}: {few})" if self.words else "Vocabulary(0 words)"

    def __reduce__(self) -> tuple[Any, ...]:
        return Vocabulary, (self.words, self.counts)

    def encode(self, words: Iterable[str]) -> NDArray[np.int64]:
        """Return the ids of words, int64 of shape (words,)."""
        return np.fromiter((self[word] for word in words), np.int64)

    def decode(self, ids: Iterable[int], unknown: str = "<unknown>") -> list[str]:
        """Return the words of ids.

        Args:
            ids: Integers from 0 to `self.unknown`.
            unknown: The word for the id `self.unknown`.

        Raises:
            IndexError: An id out of range.
        """
        words = (*self.words, unknown)
        out = []
        for i in map(int, ids):
            if not 0 <= i <= self.unknown:
                raise IndexError(f"id {i}: expected 0 to {self.unknown}")
            out.append(words[i])
        return out

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the words as UTF-8 text, one word per line, without counts; the file is replaced as a whole.

        Example:
            >>> import fastbatch as fb
            >>> fb.Vocabulary(["the", "fox"]).save("words.txt")
            >>> fb.Vocabulary.load("words.txt")
            Vocabulary(2 words: 'the', 'fox')
        """
        if as_url(path) is not None:
            raise ValueError(f"path: expected a file of this machine, found {path!s:.200}")
        content = "".join(f"{word}\n" for word in self.words)
        write_whole(path_text("path", path), content.encode("utf-8", "surrogateescape"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """Return the vocabulary in a text file with one word per line, as written by `save`.

        Raises:
            OSError: The file cannot be read.
            FormatError: A word that is given twice, or a line that is not one word.
        """
        path = path_text("path", path)
        refuse_container(path, "a vocabulary", "one word per line")
        with io.TextIOWrapper(open_regular(path), "utf-8", errors="surrogateescape") as file:
            try:
                return cls(line.removesuffix("\n") for line in file)
            except ValueError as error:
                raise FormatError(f"not a vocabulary: {error}", path=path) from None
