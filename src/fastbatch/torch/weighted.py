# SPDX-License-Identifier: MIT
"""`DistributedWeightedSampler`: weighted sampling whose draws are dealt out to the ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import SupportsIndex

import torch
from torch.utils.data import DistributedSampler

from fastbatch.checks import flag, whole

from .ranks import ranks


class DistributedWeightedSampler(DistributedSampler[int]):
    """`WeightedRandomSampler` for several ranks: one weighted draw per epoch, dealt out to the ranks in turn.

    All ranks draw the same indices, from a generator of their own that is seeded with `seed + epoch`, and each takes
    every `num_replicas`-th of them. No draw goes to two ranks; without replacement, no sample does. It is a
    `DistributedSampler`, so frameworks leave it as it is and call its `set_epoch`.

    Args:
        weights: One per sample, not negative, of any sum.
        num_samples: Draws per epoch, over all ranks; None: as many as there are weights.
        replacement: Whether a sample may be drawn more than once.
        num_replicas, rank: None: those of `torch.distributed`, or one rank if that is not initialized.
        seed: The same on all ranks.
        drop_last: If the draws cannot be divided evenly: leave out the last ones, rather than draw a few more (with
            replacement) or repeat the first ones (without).

    Raises:
        ValueError: Weights that are no vector of finite numbers from 0 on, or more draws without replacement than
            there are samples with a weight.

    Example:
        >>> from fastbatch.torch import DistributedWeightedSampler
        >>> ranks = [DistributedWeightedSampler([1, 0, 1, 2], 4, False, 2, r) for r in range(2)]
        Traceback (most recent call last):
        ...
        ValueError: num_samples: expected at most 3, the samples with a weight, found 4
        >>> ranks = [DistributedWeightedSampler([1, 5, 1, 2], 4, False, 2, r) for r in range(2)]
        >>> sorted(i for sampler in ranks for i in sampler)
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        weights: Sequence[float] | torch.Tensor,
        num_samples: SupportsIndex | None = None,
        replacement: bool = True,
        num_replicas: int | None = None,
        rank: int | None = None,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.weights = torch.as_tensor(weights, dtype=torch.double)
        if self.weights.dim() != 1 or not bool((self.weights.isfinite() & (self.weights >= 0)).all()):
            raise ValueError("weights: expected a vector of finite numbers from 0 on")
        self.replacement = flag("replacement", replacement)
        n_weighted = int((self.weights > 0).sum())
        if n_weighted == 0:
            raise ValueError("weights: expected one above 0, found none")
        n = len(self.weights) if num_samples is None else whole("num_samples", num_samples, 1)
        if not replacement and n > n_weighted:
            raise ValueError(f"num_samples: expected at most {n_weighted}, the samples with a weight, found {n}")
        here = ranks()
        super().__init__(
            range(n),  # only its length is asked for
            here[1] if num_replicas is None else num_replicas,
            here[0] if rank is None else rank,
            seed=seed,
            drop_last=drop_last,
        )
        self.n_draws = n

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        n = max(self.n_draws, self.total_size) if self.replacement else self.n_draws
        drawn = torch.multinomial(self.weights, n, self.replacement, generator=generator)
        if len(drawn) < self.total_size:
            drawn = drawn.repeat(-(-self.total_size // n))
        return iter(drawn[self.rank : self.total_size : self.num_replicas].tolist())
