# SPDX-License-Identifier: MIT
"""Encoded samples that are objects in stores, one each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from fastbatch.batch.column import digest_of, files_identity

from .fetcher import fetcher
from .urls import Object


class ObjectSamples:
    """One object per sample. An object that is replaced later is an error. In C++: `csrc/source/mapped_samples.h`.

    Attributes:
        objects: As they were when they were listed.
    """

    def __init__(self, objects: Sequence[Object]) -> None:
        self.objects = list(objects)

    def __len__(self) -> int:
        return len(self.objects)

    def read(self, index: int) -> bytes:
        """Return the bytes of a sample."""
        one = self.objects[index]
        return read_range(one, 0, one.size)

    def name(self, index: int) -> str:
        """Return the URL of a sample."""
        return self.objects[index].name

    def identity(self) -> Any:
        """Return a JSON value that differs between data sets."""
        names = files_identity([os.fsencode(one.name) for one in self.objects])
        return [*names, digest_of(str(one.size).encode() for one in self.objects)]


def read_range(one: Object, offset: int, size: int) -> bytes:
    """Return bytes of an object, through the cache. Raises OSError, FormatError."""
    if size == 0:
        return b""
    reader = fetcher()
    descriptor = reader.wait(reader.block(one, offset, size))
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read(size)
