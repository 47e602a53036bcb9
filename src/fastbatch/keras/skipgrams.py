# SPDX-License-Identifier: MIT
"""Keras's `skipgrams` and `make_sampling_table`: pairs of neighbouring words, and how likely a word is kept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from .image_utils import Array

_EULER = 0.577  # Keras's digits
_MOST_SEED = 10_000_000


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> Array:
    """Return the probability to keep the word of each rank, for `skipgrams`: frequent words are kept more rarely.

    Frequencies are those of Zipf's law, the probabilities word2vec's.

    Args:
        size: Number of words.
        sampling_factor: word2vec's factor: a larger one keeps more.

    Returns:
        float64 of shape (size,); rank 0 counts as rank 1.

    Raises:
        IndexError: No words.

    Example:
        >>> from fastbatch.keras import make_sampling_table
        >>> make_sampling_table(3).round(4)
        array([0.0032, 0.0032, 0.0055])

    Source: Keras's `keras/src/legacy/preprocessing/sequence.py`.
    """
    rank = np.arange(size)
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + _EULER) + 0.5 - 1.0 / (12.0 * rank)
    share = sampling_factor * inverse_frequency
    table: Array = np.minimum(1.0, share / np.sqrt(share))
    return table


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[Any]], list[Any]]:
    """Return pairs of words that are near each other, and random pairs, with labels 1 and 0.

    The draws are those of Keras: from Python's global generator, which is seeded before the shuffle.

    Args:
        sequence: Numbers of words; 0 is no word.
        vocabulary_size: The random words are 1 to `vocabulary_size - 1`.
        window_size: Words on each side that are near.
        negative_samples: Random pairs for each pair of near words.
        shuffle: Shuffle the pairs.
        categorical: Labels `[0, 1]` and `[1, 0]` instead of 1 and 0.
        sampling_table: Probability to use each word, by its number; None uses all.
        seed: Seed of the shuffle; None draws one.

    Returns:
        The pairs `[word, other]`, and their labels.

    Raises:
        ValueError: Random pairs without a word to draw.
        IndexError: A word without a probability.

    Example:
        >>> from fastbatch.keras import skipgrams
        >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])

    Source: Keras's `keras/src/legacy/preprocessing/sequence.py`.
    """
    couples: list[list[Any]] = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        near_by = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        couples += [[word, sequence[j]] for j in near_by if j != i and sequence[j]]
    near, far = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels: list[Any] = [list(near) if isinstance(near, list) else near for _ in couples]
    if negative_samples > 0:
        n = int(len(labels) * negative_samples)
        words = [word for word, _ in couples]
        random.shuffle(words)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(n)]
        labels += [far] * n
    if shuffle:
        drawn = random.randint(0, _MOST_SEED) if seed is None else seed
        for pairs in (couples, labels):
            random.seed(drawn)
            random.shuffle(pairs)
    return couples, labels
