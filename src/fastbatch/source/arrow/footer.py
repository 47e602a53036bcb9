# SPDX-License-Identifier: MIT
"""What the footer of a Parquet file says of its column chunks.

pyarrow has the same, but ends the process where a damaged footer contradicts itself. It has read these bytes before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastbatch.errors import FormatError

BYTE_ARRAY = 6  # physical type
STORED, SNAPPY = 0, 1  # codecs
_MOST_NESTED = 16
_TAIL = 8  # bytes: the size of the footer, and the signature


@dataclass(frozen=True)
class ColumnChunk:
    """A column of a row group.

    Attributes:
        path: Of the leaf in the schema: ("image", "bytes").
        type, codec: Numbers of the format.
        n_values: Of the leaf, nulls included.
        unpacked, packed: Bytes.
        data_page, dictionary_page: Where the first page of each kind begins; 0: there is none.
        n_nulls: As far as the file tells.
        statistics: By the numbers of the format.
        is_elsewhere: Whether the pages are in another file.
    """

    path: tuple[str, ...]
    type: int
    codec: int
    n_values: int
    unpacked: int
    packed: int
    data_page: int
    dictionary_page: int
    n_nulls: int
    statistics: Mapping[int, Any]
    is_elsewhere: bool

    @property
    def begin(self) -> int:
        """Where its first page begins, of whichever kind."""
        return self.dictionary_page if 0 < self.dictionary_page < self.data_page else self.data_page


def read_footer(file: Any, path: str) -> list[list[ColumnChunk]]:
    """Return the column chunks of each row group.

    Args:
        file: An open binary file.
        path: For messages.

    Raises:
        OSError: The file cannot be read.
        FormatError: A footer that is damaged, or encrypted.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _TAIL))
    size = int.from_bytes(file.read(4), "little")
    file.seek(max(0, end - _TAIL - size))
    content = file.read(size)
    try:
        groups = _Compact(content).struct()[4]
        return [[_column_chunk(one) for one in group[1]] for group in groups]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise FormatError("a Parquet file with a damaged footer", path=path) from None


def _column_chunk(one: Any) -> ColumnChunk:
    data = one[3]
    path = tuple(part.decode() for part in data[3])
    statistics = dict(data.get(12, {}))
    return ColumnChunk(
        path=path,
        type=int(data[1]),
        codec=int(data[4]),
        n_values=int(data[5]),
        unpacked=int(data[6]),
        packed=int(data[7]),
        data_page=int(data[9]),
        dictionary_page=int(data.get(11, 0)),
        n_nulls=int(statistics.get(3, 0)),
        statistics=statistics,
        is_elsewhere=bool(one.get(1)),
    )


class _Compact:
    """Reads Thrift's compact protocol. Structs become dicts by the numbers of their fields; ends in IndexError."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > _MOST_NESTED:
            raise ValueError("nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2, 3):  # in a list, a bool is a byte
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind in (7, 8):
            return self._bytes(8 if kind == 7 else self._number())
        if kind in (9, 10):
            head = self._byte()
            n = head >> 4 if head >> 4 < 15 else self._number()
            return [self._value(head & 15, depth + 1) for _ in range(n)]
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError(f"type {kind}")

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _bytes(self, n: int) -> bytes:
        self._at += n
        if self._at > len(self._content):
            raise IndexError("the end of the footer")
        return self._content[self._at - n : self._at]

    def _number(self) -> int:
        number = shift = 0
        while (byte := self._byte()) >= 128:
            number |= (byte & 127) << shift
            shift += 7
        return number | byte << shift

    def _zigzag(self) -> int:
        number = self._number()
        return number >> 1 if number % 2 == 0 else -(number + 1 >> 1)
