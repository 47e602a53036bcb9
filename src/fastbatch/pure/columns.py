# SPDX-License-Identifier: MIT
"""Columns that decode one sample at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from fastbatch.batch.column import array_identity, for_evaluation, native_dtype
from fastbatch.decode.concat import Join
from fastbatch.decode.conversion import Conversion
from fastbatch.decode.transform import NativeTransform, call_transform
from fastbatch.errors import DecodeError
from fastbatch.source.chunks import ChunkedRows

from .convert import convert
from .sequences import require_parts, standardize, verify_source

Array = np.ndarray[Any, Any]


class PureColumn(Protocol):
    """A column that decodes one sample at a time."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def sample(self, index: int, seed: int, epoch: int) -> Array: ...


class ArrayColumn:
    """Rows of an array."""

    def __init__(self, source: Any, conversion: Conversion) -> None:
        self.source = source
        self.n_samples: int = source.shape[0]
        self.dtype = conversion.dtype
        self.shape = conversion.shape
        self._conversion = conversion

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        require_parts(self.source)
        sample = np.asarray(self.source[index])
        if self._conversion.standardize:
            return standardize(sample, self._conversion.dtype)
        return convert(sample, self._conversion)

    def verify(self, may_be_shorter: bool = False) -> None:
        verify_source(self.source, may_be_shorter)

    def identity(self) -> Any:
        known = self.source.own_identity() if isinstance(self.source, ChunkedRows) else None
        return known or array_identity(self.source.shape, self.source.dtype, self._row)

    def _row(self, index: int) -> bytes:
        require_parts(self.source)
        row = np.asarray(self.source[index : index + 1])
        return row.astype(native_dtype(row.dtype), copy=False).tobytes()


class IndexColumn:
    """The number of each sample."""

    dtype: np.dtype[Any] = np.dtype("i8")
    shape: tuple[int, ...] = ()

    def __init__(self, n: int, identity: Callable[[], Any], verify: Callable[[bool], None] | None) -> None:
        self.n_samples = n
        self._identity = identity
        self._verify = verify

    def verify(self, may_be_shorter: bool = False) -> None:
        if self._verify is not None:
            self._verify(may_be_shorter)

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        return np.array(index, self.dtype)

    def identity(self) -> Any:
        return [self.n_samples, self._identity()]


class ConcatColumn:
    """Arrays concatenated per sample."""

    def __init__(self, parts: Sequence[Any], join: Join) -> None:
        self.n_samples: int = parts[0].n_samples
        self.dtype: np.dtype[Any] = parts[0].dtype
        self.shape = join.shape
        self.parts = parts
        self._axis = join.axis

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        return np.concatenate([part.sample(index, seed, epoch) for part in self.parts], self._axis)

    def identity(self) -> Any:
        return [part.identity() for part in self.parts]


class JoinedColumn:
    """The samples of several columns, one after another."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts
        self.n_samples: int = sum(part.n_samples for part in parts)
        self.dtype: np.dtype[Any] = parts[0].dtype
        self.shape: tuple[int, ...] = parts[0].shape

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        for part in self.parts:
            if index < part.n_samples:
                break
            index -= part.n_samples
        sample: Array = part.sample(index, seed, epoch)
        return sample

    def identity(self) -> Any:
        return [part.identity() for part in self.parts]

    def for_evaluation(self) -> JoinedColumn:
        return JoinedColumn([for_evaluation(part) for part in self.parts])


class TransformColumn:
    """Another column whose samples are processed by the user's C function."""

    def __init__(self, inner: Any, transform: NativeTransform) -> None:
        self.n_samples: int = inner.n_samples
        self.dtype: np.dtype[Any] = inner.dtype
        self.shape: tuple[int, ...] = inner.shape
        self.identity = inner.identity
        self.inner = inner
        self._transform = transform

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        array = np.array(self.inner.sample(index, seed, epoch), self.dtype, order="C")
        status = call_transform(self._transform, array, index, seed, epoch)
        if status != 0:
            raise DecodeError(f"the transform failed: expected 0, found {status}", sample=index)
        return array

    def for_evaluation(self) -> TransformColumn:
        return TransformColumn(for_evaluation(self.inner), self._transform)
