# SPDX-License-Identifier: MIT
"""Datasets whose samples are rows of arrays: which ones are recognised, and where sample `i` lies.

A dataset is recognised by its methods: a subclass that overrides `__getitem__` is another dataset.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset, StackDataset, Subset, TensorDataset, default_collate

from fastbatch.api.arrays import open_fields
from fastbatch.batch.tree import Pack, Structure, flatten, packer
from fastbatch.decode.conversion import Field
from fastbatch.native.array_file import Source
from fastbatch.native.backend import NativeBackend
from fastbatch.source.formats import as_rows
from fastbatch.source.series import Series

from .declared import HOOK, columns_of
from .tensors import NotNative, array_of, dtype_of, indices_of, tensor_of

if TYPE_CHECKING:
    from fastbatch.native.gather import Gather


@dataclass(frozen=True)
class Samples:
    """Sample `i` is row `rows[i]` of each source.

    Attributes:
        name: Of the dataset, for people.
        sources: An array, or a part of a file, for each tensor of a batch.
        dtypes: Of these tensors.
        structure: Of a sample.
        n_rows: Of each source.
        rows: None: sample `i` is row `i`. Below 0: not a row, left to torch.
        tensors: Whose memory the sources are; torch counts the writes to them.
    """

    name: str
    sources: tuple[Any, ...]
    dtypes: tuple[torch.dtype, ...]
    structure: Structure
    n_rows: int
    rows: NDArray[np.int64] | None = None
    tensors: tuple[torch.Tensor, ...] = ()

    def key(self) -> tuple[Any, ...]:
        """Return a value that is equal for the same memory and structure."""
        return (*map(_identity, self.sources), self.dtypes, repr(self.structure))

    def pack(self) -> Pack:
        """Return the function that makes a batch of its tensors."""
        structure = collated(self.structure)
        return list if structure == list(range(len(self.sources))) else packer(structure)

    def rows_of(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of samples; -1 for those that are left to torch."""
        n = self.n_rows if self.rows is None else len(self.rows)
        outside = (indices < 0) | (indices >= n)
        if not outside.any():
            return indices if self.rows is None else self.rows[indices]
        rows = np.where(outside, 0, indices)
        return np.where(outside, -1, rows if self.rows is None else self.rows[rows])


def _identity(source: Any) -> Any:
    if isinstance(source, Series):
        return tuple(map(_identity, source.parts))
    if isinstance(source, Field):
        return id(source)
    array = np.asarray(source)
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str


def samples_of(dataset: Any) -> Samples:
    """Return where the samples of a dataset lie.

    Raises:
        NotNative: It is not recognised; the message says why.
    """
    kind = type(dataset)
    if getattr(kind, "is_gathered", False):  # by `dataset`
        return samples_of(dataset.source)
    if kind is torch.Tensor:
        return _tensors([dataset], 0, "a tensor")
    if kind in (np.ndarray, np.memmap):
        return _declared(dataset, "an array")
    get = getattr(kind, "__getitem__", None)
    get_many = getattr(dataset, "__getitems__", None)
    if get is TensorDataset.__getitem__ and get_many is None:
        return _tensors(dataset.tensors, tuple(range(len(dataset.tensors))), kind.__name__)
    if get is Subset.__getitem__ and getattr(get_many, "__func__", None) is Subset.__getitems__:
        return _subset(dataset)
    if get is ConcatDataset.__getitem__ and get_many is None:
        return _concatenated(dataset)
    if get is StackDataset.__getitem__ and getattr(get_many, "__func__", None) is StackDataset.__getitems__:
        return _stacked(dataset)
    columns = columns_of(dataset)
    if columns is not None:
        return _declared(columns, kind.__name__)
    raise NotNative(f"{kind.__name__} is a Python dataset without {HOOK}()")


def takes_lists(dataset: Any) -> bool:
    """Return whether a recognised dataset, indexed by a list of indices, gives what `default_collate` gives."""
    is_tensors = getattr(type(dataset), "__getitem__", None) is TensorDataset.__getitem__
    if is_tensors and not hasattr(dataset, "__getitems__"):
        return all(tensor.is_contiguous() for tensor in dataset.tensors)
    return type(dataset) is torch.Tensor and dataset.is_contiguous()  # others keep their strides


def _tensors(tensors: Sequence[torch.Tensor], structure: Structure, name: str) -> Samples:
    arrays = tuple(array_of(tensor) for tensor in tensors)
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise NotNative(f"tensors of {len(lengths)} lengths")
    dtypes = tuple(tensor.dtype for tensor in tensors)
    return Samples(name, arrays, dtypes, structure, lengths.pop(), tensors=counted(tensors))


def counted(tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Return the tensors whose writes torch counts."""
    return tuple(tensor for tensor in tensors if not tensor.is_inference())


def _declared(columns: Any, name: str) -> Samples:
    """Return the samples of a dataset that says which arrays its samples are rows of."""
    leaves, structure = flatten(columns)
    backend = NativeBackend()
    sources: list[Any] = []
    dtypes, tensors = [], []
    for leaf in leaves:
        if isinstance(leaf, torch.Tensor):
            tensors.append(leaf)
            sources.append(array_of(leaf))
            dtypes.append(leaf.dtype)
            continue
        field = open_fields(backend, leaf, Field)
        if not isinstance(field, Field):
            raise NotNative(f"{HOOK}() gives an archive; expected its arrays")
        source: Any = replace(field, leaf=as_rows(field.leaf))
        if not isinstance(source.leaf, (np.ndarray, Source, Series)):
            raise NotNative(f"a {type(source.leaf).__name__}, not an array or a file")
        sources.append(source.leaf if source == Field(source.leaf) else source)
        dtypes.append(dtype_of(np.dtype(field.dtype or source.leaf.dtype).newbyteorder("=")))
    lengths = {len(source.leaf if isinstance(source, Field) else source) for source in sources}
    if len(lengths) != 1 or 0 in lengths:
        raise NotNative(f"arrays of {len(lengths)} lengths, or none" if lengths != {0} else "no samples")
    n = lengths.pop()
    return Samples(name, tuple(sources), tuple(dtypes), structure, n, tensors=counted(tensors))


def collated(structure: Structure) -> Structure:
    """Return the structure that `default_collate` makes of a sample's: tuples become lists."""
    if isinstance(structure, int):
        return structure
    if isinstance(structure, dict):
        return {key: collated(value) for key, value in structure.items()}
    items = [collated(value) for value in structure]
    return type(structure)(*items) if hasattr(structure, "_fields") else items


def _subset(dataset: Subset[Any]) -> Samples:
    inner = samples_of(dataset.dataset)
    name = f"{type(dataset).__name__} of {inner.name}"
    return replace(inner, name=name, rows=inner.rows_of(indices_of(dataset)))


def _concatenated(dataset: ConcatDataset[Any]) -> Samples:
    parts = [samples_of(part) for part in dataset.datasets]
    first = parts[0]
    for i, part in enumerate(parts):
        if (part.dtypes, repr(part.structure)) != (first.dtypes, repr(first.structure)):
            raise NotNative(f"part {i} of {type(dataset).__name__} has other types than part 0")
    if any(isinstance(source, (Field, Series)) for part in parts for source in part.sources):
        raise NotNative(f"{type(dataset).__name__} of converted arrays")
    try:
        sources = tuple(Series(column) for column in zip(*(part.sources for part in parts), strict=True))
    except ValueError as error:
        raise NotNative(f"{type(dataset).__name__}: {error}") from None
    counts = [part.n_rows for part in parts]
    starts = np.cumsum([0, *counts[:-1]])
    rows = None
    if any(part.rows is not None for part in parts) or dataset.cumulative_sizes != np.cumsum(counts).tolist():
        pieces = [np.arange(part.n_rows) if part.rows is None else part.rows for part in parts]
        if np.cumsum([len(piece) for piece in pieces]).tolist() != dataset.cumulative_sizes:
            raise NotNative(f"the parts of {type(dataset).__name__} have changed their length")
        rows = np.concatenate([np.where(piece < 0, -1, piece + s) for piece, s in zip(pieces, starts, strict=True)])
    return Samples(
        f"{type(dataset).__name__} of {len(parts)} x {first.name}",
        sources,
        first.dtypes,
        first.structure,
        sum(counts),
        rows,
        tuple(tensor for part in parts for tensor in part.tensors),
    )


def _stacked(dataset: StackDataset[Any]) -> Samples:
    given = dataset.datasets
    parts = [samples_of(part) for part in (given.values() if isinstance(given, dict) else given)]
    if any(part.rows is not None for part in parts) or len({part.n_rows for part in parts}) != 1:
        raise NotNative(f"{type(dataset).__name__} of parts with orders of their own")
    structures, n = [], 0
    for part in parts:
        structures.append(_renumbered(part.structure, n))
        n += len(part.sources)
    return Samples(
        f"{type(dataset).__name__} of {', '.join(part.name for part in parts)}",
        tuple(source for part in parts for source in part.sources),
        tuple(dtype for part in parts for dtype in part.dtypes),
        dict(zip(given, structures, strict=True)) if isinstance(given, dict) else tuple(structures),
        parts[0].n_rows,
        None,
        tuple(tensor for part in parts for tensor in part.tensors),
    )


def _renumbered(structure: Structure, first: int) -> Structure:
    """Return a structure whose leaves' numbers begin at `first`."""
    leaves, numbers = flatten(structure, arrays=())
    return packer(numbers)([leaf + first for leaf in leaves])


def check(dataset: Any, samples: Samples, gather: Gather) -> None:
    """Compare one sample with what torch makes of it.

    Raises:
        NotNative: They differ: the arrays are not those of the samples, or are collated otherwise.
    """
    rows = np.flatnonzero(samples.rows >= 0) if samples.rows is not None else np.arange(1)
    if len(rows) == 0:
        return
    i = int(rows[0])
    row = i if samples.rows is None else int(samples.rows[i])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arrays that cannot be written to
            many = getattr(dataset, "__getitems__", None)
            expected = default_collate(many([i]) if many else [dataset[i]])
    except Exception as error:
        raise NotNative(f"sample {i}: {type(error).__name__}: {error}") from None
    arrays = gather.batch(np.array([row]))
    found = samples.pack()([tensor_of(a, dtype) for a, dtype in zip(arrays, samples.dtypes, strict=True)])
    if not _same(expected, found):
        raise NotNative(f"sample {i} is not the row of the arrays that {HOOK}() gives")


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return array_of(one.contiguous()).tobytes() == array_of(other.contiguous()).tobytes()
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    return len(one) == len(other) and all(map(_same, one, other))
