# SPDX-License-Identifier: MIT
"""Samplers whose whole order is known at the first batch: it may be gathered ahead, and ends in the same generators.

Other samplers are read one batch at a time, when torch's own loader would read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from .tensors import NotNative, indices_of
from .weighted import DistributedWeightedSampler

_DRAWING = (SubsetRandomSampler, WeightedRandomSampler)  # straight from the generator, without a seed of their own


class SeededRandomSampler(RandomSampler):
    """Shuffles with a generator of its own, which is seeded once, as that of torchdata's `StatefulDataLoader`."""

    def __init__(self, data_source: Any) -> None:
        seed = int(torch.empty((), dtype=torch.int64).random_().item())
        super().__init__(data_source, generator=torch.Generator().manual_seed(seed))

    def __iter__(self) -> Iterator[int]:
        yield from torch.randperm(len(self.data_source), generator=self.generator).tolist()


_WHOLE = (
    SeededRandomSampler,
    SequentialSampler,
    WeightedRandomSampler,
    DistributedSampler,
    DistributedWeightedSampler,
)


class KnownOrder:
    """The order of one epoch, as `BatchSampler` over a sampler of torch's own draws it.

    Attributes:
        batch_size, drop_last: Of the batch sampler.
        name: Of the sampler.
        start: The states of the generators before the order was drawn, once it is.
        seed: That the sampler has drawn for a generator of its own, or None.
        uses_default: The sampler draws from torch's default generator.
    """

    def __init__(self, batches: BatchSampler) -> None:
        self._sampler: Any = batches.sampler
        self.batch_size: int = batches.batch_size
        self.drop_last: bool = batches.drop_last
        self.name: str = type(self._sampler).__name__
        self._generator: torch.Generator | None = None
        self._n = 0
        self.seed: int | None = None
        self.start: dict[str, Any] | None = None
        self.uses_default = type(self._sampler) in _DRAWING and cast(Any, self._sampler).generator is None

    def draw(self) -> NDArray[np.int64] | range:
        """Return the indices of the epoch; called at its first batch, when the sampler itself would draw them."""
        sampler = self._sampler
        kind = type(sampler)
        if kind is RandomSampler:
            return self._permutation(sampler)
        if kind is SeededRandomSampler:
            return np.asarray(torch.randperm(len(sampler.data_source), generator=sampler.generator).cpu())
        if kind is SequentialSampler:
            return range(len(sampler.data_source))
        if kind is SubsetRandomSampler:
            drawn = torch.randperm(len(sampler.indices), generator=sampler.generator).cpu().numpy()
            return indices_of(sampler)[drawn]
        if kind is WeightedRandomSampler:
            options = {"generator": sampler.generator}
            drawn = (
                torch.multinomial(sampler.weights, sampler.num_samples, sampler.replacement, **options).cpu().numpy()
            )
            return np.asarray(drawn)
        return np.fromiter(sampler, np.int64)

    def _permutation(self, sampler: RandomSampler) -> NDArray[np.int64]:
        generator = sampler.generator
        if generator is None:
            if self.seed is None:
                self.seed = int(torch.empty((), dtype=torch.int64).random_().item())
            generator = torch.Generator().manual_seed(self.seed)
        else:
            self._generator = generator
        self._n = len(sampler.data_source)
        permutation: NDArray[np.int64] = torch.randperm(self._n, generator=generator).cpu().numpy()
        return permutation

    def ask(self, request: int) -> None:
        """Advance the generator as the sampler does when it is asked for batch `request`, counted from 1.

        After its last index, `RandomSampler` draws one more permutation, of which it takes nothing.
        """
        if self._generator is not None and request == self._n // self.batch_size + 1:
            torch.randperm(self._n, generator=self._generator)


def known_order(index_sampler: Any) -> KnownOrder | None:
    """Return the order that a batch sampler will draw, or None where only the sampler itself can tell."""
    if type(index_sampler) is not BatchSampler:
        return None
    sampler: Any = index_sampler.sampler
    kind = type(sampler)
    if kind is RandomSampler:
        if sampler.replacement or sampler.num_samples != len(sampler.data_source):
            return None
    elif kind is SubsetRandomSampler:
        try:
            indices_of(sampler)
        except NotNative:
            return None
    elif kind not in _WHOLE:
        return None
    return KnownOrder(index_sampler)
