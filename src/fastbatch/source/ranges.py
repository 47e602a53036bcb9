# SPDX-License-Identifier: MIT
"""Samples that are ranges of a few large files, as members of tar archives are. In C++: `csrc/source/file_ranges.h`."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.errors import FormatError

from .identity import Identity, OpenedFile, identity_of
from .local_file import open_unbuffered

if TYPE_CHECKING:
    from .opener import StoredArchive

MOST_SAMPLE_BYTES = 1 << 30
_CHANGED = "file changed while in use: expected it as it was when it was opened, found another"


class RangeSamples:
    """One range of a file per sample. A file that was replaced or written to since is an error, never other bytes.

    Attributes:
        files: The files as they were when the ranges were found.
        file: uint64, the file of each sample.
        offsets, sizes: uint64, the range of each sample in its file, in bytes.
        names: The name of each sample within its file.
    """

    def __init__(
        self,
        files: Sequence[OpenedFile | StoredArchive],
        file: NDArray[np.uint64],
        offsets: NDArray[np.uint64],
        sizes: NDArray[np.uint64],
        names: Sequence[bytes],
    ) -> None:
        self.files = tuple(files)
        self.file, self.offsets, self.sizes = file, offsets, sizes
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """Return the file and the name in it: "shards/000.tar: cats/1.jpg"."""
        return f"{self.files[int(self.file[index])].path}: {os.fsdecode(self.names[index])}"

    def read(self, index: int) -> bytes:
        """Return the bytes of a sample."""
        file = self.files[int(self.file[index])]
        if not isinstance(file, OpenedFile):
            self._refuse_large(index)
            return file.read(int(self.offsets[index]), int(self.sizes[index]))
        with open_unbuffered(file.path) as opened:
            return self._read(opened, file, index)

    def read_all(self) -> list[bytes]:
        """Return the bytes of all samples; each file is opened once for all its neighbouring samples."""
        found: list[bytes] = []
        opened: IO[bytes] | None = None
        last = -1
        try:
            for i, number in enumerate(self.file.tolist()):
                file = self.files[number]
                if not isinstance(file, OpenedFile):
                    found.append(self.read(i))
                    continue
                if opened is None or number != last:
                    if opened is not None:
                        opened.close()
                    opened, last = open_unbuffered(file.path), number
                found.append(self._read(opened, file, i))
        finally:
            if opened is not None:
                opened.close()
        return found

    def _refuse_large(self, index: int) -> None:
        if self.sizes[index] > MOST_SAMPLE_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), self.name(index))

    def _read(self, opened: IO[bytes], known: OpenedFile, index: int) -> bytes:
        self._refuse_large(index)
        size = int(self.sizes[index])
        opened.seek(int(self.offsets[index]))
        parts, missing = [], size
        while missing and (part := opened.read(missing)):
            parts.append(part)
            missing -= len(part)
        if not _is_same(known.identity, identity_of(os.fstat(opened.fileno()))):
            raise FormatError(_CHANGED, path=known.path)
        if missing:
            raise FormatError("ends early", path=self.name(index), expected=f"{size} bytes", found=size - missing)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file was replaced or written to since the ranges were found: one stat per file."""
        verify_files(self.files)

    def identity(self) -> Any:
        """Return a JSON value that differs between data sets: names and sizes, wherever the files are."""
        import hashlib  # imported late: see batch/column.py

        digest = hashlib.blake2b(b"\0".join(self.names), digest_size=16)
        digest.update(self.sizes.astype("<u8").tobytes())
        return [len(self), digest.hexdigest()]


def verify_files(files: Sequence[OpenedFile | StoredArchive]) -> None:
    """Raise FormatError if one of the files was replaced or written to since it was opened: one stat per file."""
    for known in files:
        if not isinstance(known, OpenedFile):
            continue  # each of its blocks is checked when it is read
        if not _is_same(known.identity, identity_of(os.stat(known.path))):
            raise FormatError(_CHANGED, path=known.path)
        known.verify()


def _is_same(before: Identity, now: Identity) -> bool:
    return (before.size, before.mtime, before.inode, before.device) == (now.size, now.mtime, now.inode, now.device)
