# SPDX-License-Identifier: MIT
"""Sources of encoded samples: one file per sample, or one buffer in memory. In C++: `csrc/source/source.h`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastbatch.batch.column import bytes_identity, digest_of, files_identity
from fastbatch.checks import n_of, refuse_masked
from fastbatch.mapped import elements

from .identity import Start
from .local_file import read_sample


class SampleSource(Protocol):
    """Encoded samples by index. Immutable; any thread may read."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> bytes:
        """Return the bytes of a sample; raises OSError."""

    def name(self, index: int) -> str | None:
        """Return the name of a sample for messages, or None."""

    def identity(self) -> Any:
        """Return a JSON value that differs between different data sets."""


def verify_samples(samples: SampleSource, may_be_shorter: bool = False) -> None:
    """Raise FormatError if a file that holds several samples was replaced or written to since it was opened."""
    verify = getattr(samples, "verify", None)
    if verify is not None:
        verify(may_be_shorter)


class FileSamples:
    """One file per sample.

    Relative paths are those of the working directory in which this was made, or unpickled.

    Attributes:
        paths: As bytes, since file names need not be valid text.
    """

    def __init__(self, paths: Sequence[bytes]) -> None:
        self.paths = list(paths)
        self._start = Start(self.paths)

    def __getstate__(self) -> list[bytes]:
        return self.paths

    def __setstate__(self, paths: list[bytes]) -> None:
        FileSamples.__init__(self, paths)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> bytes:
        return read_sample(self.paths[index])

    def name(self, index: int) -> str | None:
        return os.fsdecode(self.paths[index])

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if relative paths name other files now, since the working directory was changed."""
        self._start.verify()

    def identity(self) -> Any:
        return files_identity(self.paths)


class EncodedSamples:
    """Samples in memory, concatenated in one buffer: see `encoded`.

    Attributes:
        blob: uint8, the concatenated bytes.
        offsets: uint64, length n + 1: sample i is `blob[offsets[i]:offsets[i + 1]]`.
        names: Names of the samples for messages, or None.
    """

    def __init__(self, blob: NDArray[np.uint8], offsets: NDArray[np.uint64], names: Sequence[str] | None) -> None:
        self.blob, self.offsets = blob, offsets
        self.names = None if names is None else tuple(names)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        size = int(self.offsets[-1] - self.offsets[0])
        return f"{type(self).__name__}({n_of(len(self), 'sample')} of {n_of(size, 'byte')})"

    def read(self, index: int) -> bytes:
        return self.blob[int(self.offsets[index]) : int(self.offsets[index + 1])].tobytes()

    def name(self, index: int) -> str | None:
        return None if self.names is None else self.names[index]

    def identity(self) -> Any:
        return bytes_identity(self.blob, self.offsets)


class JoinedSamples:
    """The samples of several sources, one after another or in a given order. In C++: `csrc/source/joined_samples.h`.

    Attributes:
        parts: The sources, at least one.
        order: uint64, the numbers of the samples among those of all parts; empty for all in turn.
    """

    def __init__(self, parts: Sequence[SampleSource], order: NDArray[np.uint64]) -> None:
        self.parts, self.order = tuple(parts), order
        self._ends = np.cumsum([len(part) for part in self.parts])

    def __len__(self) -> int:
        return len(self.order) or int(self._ends[-1])

    def _place(self, index: int) -> tuple[SampleSource, int]:
        sample = int(self.order[index]) if len(self.order) else index
        part = int(np.searchsorted(self._ends, sample, side="right"))
        return self.parts[part], sample - int(self._ends[part]) + len(self.parts[part])

    def read(self, index: int) -> bytes:
        """Return the bytes of a sample."""
        part, at = self._place(index)
        return part.read(at)

    def name(self, index: int) -> str | None:
        """Return the name of a sample, or None."""
        part, at = self._place(index)
        return part.name(at)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a part has changed."""
        for part in self.parts:
            verify_samples(part, may_be_shorter)

    def identity(self) -> Any:
        """Return a JSON value that differs between data sets, and does not depend on the division into parts."""
        n = len(self)
        probes = sorted({j * (n - 1) // 15 for j in range(16)})
        return [n, digest_of([self.read(i) for i in probes])]


def make_encoded(images: Any, offsets: ArrayLike | None, names: Iterable[Any] | None) -> EncodedSamples:
    """Return the checked samples; see `fastbatch.encoded`."""
    if offsets is None:
        if isinstance(images, str | bytes | bytearray | memoryview):
            raise TypeError(f"images: expected a list of bytes, found {type(images).__name__}; or give its offsets")
        parts = [_view(f"images: sample {i}", part) for i, part in enumerate(images)]
        blob = np.concatenate(parts) if parts else np.empty(0, np.uint8)
        ends = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
    else:
        blob = _view("images", images)
        ends = _checked_offsets(offsets, len(blob))
    given = None if names is None else [os.fsdecode(name) for name in names]
    n = len(ends) - 1
    if n == 0:
        raise ValueError("images: expected at least one, found none")
    if given is not None and len(given) != n:
        raise ValueError(f"names: expected one for each of {n} images, found {len(given)}")
    return EncodedSamples(blob, ends.astype(np.uint64), given)


def _view(name: str, data: Any) -> NDArray[np.uint8]:
    """Return the bytes of a buffer without copying them."""
    if isinstance(data, str):
        raise TypeError(f"{name}: expected bytes, found a str; paths are given to images() as they are")
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        raise TypeError(f"{name}: expected contiguous bytes, found {type(data).__name__}: {error}") from None


def _checked_offsets(offsets: ArrayLike, size: int) -> NDArray[np.int64]:
    refuse_masked("offsets", offsets)
    given = elements(offsets)
    if given.ndim != 1 or given.dtype.kind not in "iu" or len(given) == 0:
        raise TypeError(f"offsets: expected integers in 1 dimension, found {given.dtype} of shape {given.shape}")
    if int(given.min()) < 0 or int(given.max()) > size:
        wrong = int(given.min()) if int(given.min()) < 0 else int(given.max())
        raise ValueError(f"offsets: expected numbers from 0 to {size}, the size of the block, found {wrong}")
    falls = np.flatnonzero(given[1:] < given[:-1])
    if len(falls):
        i = int(falls[0])
        raise ValueError(f"offsets: sample {i}: expected an end of at least {given[i]}, found {given[i + 1]}")
    return given.astype(np.int64)
