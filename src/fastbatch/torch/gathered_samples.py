# SPDX-License-Identifier: MIT
"""The samples of a batch that was gathered as a whole, in the form in which torch's loader expects them of a dataset.

They are a sequence of samples. `default_collate` looks at the first one to see how to collate: its type says that the
batch is there already.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data._utils import collate

from fastbatch.batch.tree import Pack, Structure, flatten, packer

from .engine import COLLATE


class GatheredSamples(Sequence[Any]):
    """The samples of a batch, which was gathered as a whole. Threads: immutable.

    Attributes:
        batch: As `default_collate` makes it of the samples.
    """

    def __init__(self, batch: Any, structure: Structure) -> None:
        self.batch = batch
        self._structure = structure

    @functools.cached_property
    def _leaves(self) -> list[torch.Tensor]:
        return flatten(self.batch, arrays=())[0]

    @functools.cached_property
    def _pack(self) -> Pack:
        return packer(self._structure)

    def __len__(self) -> int:
        return len(self._leaves[0])

    def __getitem__(self, i: Any) -> Any:
        """Return a sample; the first one is also what `default_collate` looks at."""
        if isinstance(i, slice):
            return [self[k] for k in range(len(self))[i]]
        sample = self._pack([leaf[i] for leaf in self._leaves])
        if i == 0 and type(sample) in _FIRST:
            return _FIRST[type(sample)](sample)
        return sample

    def __iter__(self) -> Iterator[Any]:
        return (self._pack(list(leaves)) for leaves in zip(*self._leaves, strict=True))


class _FirstTuple(tuple[Any, ...]):
    """The first sample of a gathered batch."""


class _FirstList(list[Any]):
    """The first sample of a gathered batch."""


class _FirstDict(dict[Any, Any]):
    """The first sample of a gathered batch."""


class _FirstTensor(torch.Tensor):
    """The first sample of a gathered batch."""


_FIRST: dict[type, Any] = {
    tuple: _FirstTuple,
    list: _FirstList,
    dict: _FirstDict,
    torch.Tensor: lambda tensor: tensor.as_subclass(_FirstTensor),
}


def _whole(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Return the batch that samples were gathered as: called by `default_collate`."""
    if isinstance(batch, GatheredSamples):
        return batch.batch
    return collate.collate([_plain(one) for one in batch], collate_fn_map=collate_fn_map)


def _plain(sample: Any) -> Any:
    """Return a sample without what `default_collate` recognises it by."""
    if isinstance(sample, _FirstTensor):
        return sample.as_subclass(torch.Tensor)
    for kind in (tuple, list, dict):
        if type(sample) is _FIRST[kind]:
            return kind(sample)
    return sample


for _kind in (_FirstTuple, _FirstList, _FirstDict, _FirstTensor):
    collate.default_collate_fn_map[_kind] = COLLATE[_kind] = _whole
