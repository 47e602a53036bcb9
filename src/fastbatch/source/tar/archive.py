# SPDX-License-Identifier: MIT
"""Samples of tar archives, as WebDataset groups them: members of one name up to its first dot are one sample."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.errors import FormatError
from fastbatch.source.identity import OpenedFile
from fastbatch.source.opener import Opener, StoredArchive
from fastbatch.source.patterns import files_of
from fastbatch.source.ranges import RangeSamples, verify_files

from .groups import Groups
from .index import list_archives

ABSENT = np.uint64(2**64 - 1)


class Archive:
    """The samples of tar archives, in the order of the archives and of the first member of each sample.

    Attributes:
        files: The archives as they were when they were listed.
        file: uint64, the archive of each sample.
        keys: The name of each sample: of its members, up to the first dot behind the last slash.
        extensions: What follows that dot, in lower case ("jpg", "seg.png"), in the order of the first occurrence.
    """

    def __init__(self, listed: Sequence[tuple[OpenedFile | StoredArchive, Groups]]) -> None:
        self.files = tuple(file for file, _ in listed)
        self.keys: list[bytes] = []
        numbers: dict[bytes, int] = {}  # of the extensions
        samples, kinds, counts = [], [], []
        for _, groups in listed:
            of_archive = [numbers.setdefault(extension, len(numbers)) for extension in groups.extensions]
            samples.append(groups.samples + len(self.keys))
            kinds.append(np.array(of_archive, np.int64)[groups.kinds])
            counts.append(len(groups.keys))
            self.keys += groups.keys
        self.extensions = tuple(os.fsdecode(one) for one in numbers)
        self.file = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
        self._scatter([groups for _, groups in listed], np.concatenate(samples), np.concatenate(kinds))

    def _scatter(self, listed: Sequence[Groups], samples: NDArray[np.int64], kinds: NDArray[np.int64]) -> None:
        offsets = np.concatenate([groups.offsets for groups in listed])
        sizes = np.concatenate([groups.sizes for groups in listed])
        self._offsets: dict[str, NDArray[np.uint64]] = {}
        self._sizes: dict[str, NDArray[np.uint64]] = {}
        for number, extension in enumerate(self.extensions):
            here = kinds == number
            for table, values in ((self._offsets, offsets), (self._sizes, sizes)):
                table[extension] = np.full(len(self.keys), ABSENT)
                table[extension][samples[here]] = values[here]

    def __len__(self) -> int:
        return len(self.keys)

    def has(self, extension: str) -> NDArray[np.bool_]:
        """Return which samples have a member with this extension."""
        if extension not in self._sizes:
            return np.zeros(len(self), bool)
        return np.asarray(self._sizes[extension] != ABSENT)

    def sizes(self, extension: str) -> NDArray[np.uint64]:
        """Return the sizes of the members with this extension, in bytes; ABSENT where there is none."""
        return self._sizes[extension]

    def key(self, index: int) -> str:
        """Return the name of a sample."""
        return os.fsdecode(self.keys[index])

    def members(self, extensions: Sequence[str], of: NDArray[np.int64] | None = None) -> RangeSamples:
        """Return a member of each sample, or of each with the numbers `of`: the first that there is of `extensions`.

        Raises:
            FormatError: A sample has none of them.
        """
        chosen = np.arange(len(self)) if of is None else of
        offsets, sizes = np.full(len(chosen), ABSENT), np.full(len(chosen), ABSENT)
        ends = np.zeros(len(chosen), np.int64)
        for number, extension in reversed(list(enumerate(extensions))):
            here = self.has(extension)[chosen]
            if here.any():
                offsets[here] = self._offsets[extension][chosen][here]
                sizes[here] = self._sizes[extension][chosen][here]
                ends[here] = number
        missing = np.flatnonzero(sizes == ABSENT)
        if len(missing):
            raise self.without(int(chosen[missing[0]]), " or ".join(f".{one}" for one in extensions))
        names = [b"." + os.fsencode(one) for one in extensions]
        keys = [self.keys[i] + names[end] for i, end in zip(chosen.tolist(), ends.tolist(), strict=True)]
        return RangeSamples(self.files, self.file[chosen], offsets, sizes, keys)

    def without(self, index: int, expected: str) -> FormatError:
        """Return the error for a sample that lacks a member."""
        there = ", ".join(f".{one}" for one in self.sample(index))
        path = f"{self.files[int(self.file[index])].path}: {self.key(index)}"
        return FormatError("sample lacks a member", path=path, expected=expected, found=there)

    def sample(self, index: int) -> TarSample:
        """Return one sample, whose members are read when they are asked for."""
        return TarSample(self, index)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if an archive was replaced or written to since it was listed: one stat per archive."""
        verify_files(self.files)

    def identity(self) -> Any:
        """Return a JSON value that differs between data sets, wherever the archives are."""
        return [[one, self.members([one], np.flatnonzero(self.has(one))).identity()] for one in sorted(self.extensions)]


class TarSample(Mapping[str, bytes]):
    """The members of one sample by their extensions; each is read when it is asked for.

    Attributes:
        key: The name of the sample.
    """

    def __init__(self, archive: Archive, index: int) -> None:
        self._archive = archive
        self._index = index
        self.key = archive.key(index)

    def __getitem__(self, extension: str) -> bytes:
        if extension not in self._archive.extensions or not self._archive.has(extension)[self._index]:
            raise KeyError(extension)
        return self._archive.members([extension], np.array([self._index])).read(0)

    def __iter__(self) -> Iterator[str]:
        return (one for one in self._archive.extensions if self._archive.has(one)[self._index])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def open_archive(opener: Opener, given: Any, index_cache: bool = True) -> Archive:
    """Return the samples of tar archives.

    Raises:
        OSError: An archive cannot be read.
        FormatError: It is broken or compressed, or has a member twice.
        ValueError: There are no samples.
    """
    paths = files_of("paths", given, urls=True)
    archive = Archive(list_archives(opener, paths, index_cache))
    n_stored = sum(not isinstance(file, OpenedFile) for file in archive.files)
    if 0 < n_stored < len(paths):
        raise ValueError(f"paths: expected all archives in stores, or all on this machine, found {n_stored} in stores")
    if len(archive) == 0:
        raise ValueError(f"{paths[0]}: expected members such as 0001.jpg, found none")
    return archive
