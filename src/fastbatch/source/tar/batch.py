# SPDX-License-Identifier: MIT
"""Batches of the samples of tar archives: a dict with the members of each extension, decoded by their extension."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.exact import exact_array
from fastbatch.batch.tree import PerSample
from fastbatch.checks import shown
from fastbatch.errors import DecodeError
from fastbatch.source.ranges import RangeSamples

from .archive import Archive

KEY = "__key__"
Decode = Callable[[bytes], Any]
NUMBERS = ("cls", "cls2", "class", "count", "index", "inx", "id")  # as WebDataset decodes them
TEXTS = ("txt", "text", "transcript")
JSON = ("json", "jsn")


def _array(content: bytes) -> Any:
    return np.load(io.BytesIO(content), allow_pickle=False)


def decoder_of(extension: str) -> Decode:
    """Return the function that decodes the members with an extension; bytes stay bytes if nothing is known of it."""
    last = extension.rpartition(".")[2]
    if last in NUMBERS:
        return int
    if last in TEXTS:
        return bytes.decode
    if last in JSON:
        return json.loads
    return _array if last == "npy" else bytes


@dataclass(frozen=True)
class PackMembers:
    """Makes batches of the numbers of samples: reads their members, in the consumer's thread.

    Attributes:
        decoders: The function for each extension.
        with_index: The batch is followed by the index of each sample.
    """

    archive: Archive
    decoders: Mapping[str, Decode]
    with_index: bool = False

    def __call__(self, columns: Sequence[NDArray[np.int64]]) -> Any:
        of = columns[0]
        batch: dict[str, Any] = {KEY: PerSample(self.archive.key(i) for i in of.tolist())}
        for extension, decode in self.decoders.items():
            members = self.archive.members([extension], of)
            contents = zip(of.tolist(), members.read_all(), strict=True)
            decoded = [_decoded(decode, content, members, j, i) for j, (i, content) in enumerate(contents)]
            batch[extension] = stacked(decoded)
        return (batch, columns[1]) if self.with_index else batch


def _decoded(decode: Decode, content: bytes, members: RangeSamples, member: int, sample: int) -> Any:
    try:
        return decode(content)
    except (Exception, GeneratorExit) as error:
        raise DecodeError(
            f"{type(error).__name__}: {error!s:.200}", path=members.name(member), sample=sample
        ) from error


def stacked(values: list[Any]) -> Any:
    """Return numbers and arrays of one shape and type as one array, anything else as a list."""
    if all(type(value) in (int, float, bool) for value in values) and len({type(value) for value in values}) == 1:
        try:
            numbers = exact_array(values)
        except ValueError:
            return PerSample(values)
        return PerSample(values) if numbers.dtype.hasobject else numbers
    if all(isinstance(value, np.ndarray | np.generic) for value in values):
        first = values[0]
        if all((value.shape, value.dtype) == (first.shape, first.dtype) for value in values):
            return np.stack(values)
    return PerSample(values)


def decoders(archive: Archive, columns: Sequence[str] | None, decode: Any) -> dict[str, Decode]:
    """Return the function for each extension of a batch.

    Args:
        columns: The extensions; None: those of the first sample.
        decode: True: by the extension; False: bytes. Or a dict of functions for some extensions; others by theirs.

    Raises:
        ValueError: An extension that no member has.
        TypeError: Options of another type.
    """
    chosen = tuple(archive.sample(0)) if columns is None else tuple(one.removeprefix(".") for one in columns)
    own = decode if isinstance(decode, Mapping) else {}
    if not isinstance(decode, bool | Mapping) or not all(map(callable, own.values())):
        raise TypeError(f"decode: expected True, False or a dict of functions, found {shown(decode)}")
    own = {extension.removeprefix("."): function for extension, function in own.items()}
    for name, given in (("columns", chosen), ("decode", tuple(own))):
        for extension in given:
            if extension not in archive.extensions:
                there = ", ".join(archive.extensions)
                raise ValueError(f"{name}: expected extensions of members ({there}), found {shown(extension)}")
    return {one: own.get(one, bytes if decode is False else decoder_of(one)) for one in chosen}
