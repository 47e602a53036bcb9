# SPDX-License-Identifier: MIT
"""Tar archives: ustar, GNU and PAX headers. Only headers are read; nothing is extracted.

In C++: `csrc/source/tar.h`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from fastbatch.errors import FormatError
from fastbatch.source.local_file import open_regular
from fastbatch.source.tar.groups import Members

BLOCK = 512
MOST_EXTENSION = 1 << 20  # bytes of a long name or a PAX header
MOST_NUMBER = 2**63 - 1
_OCTAL = re.compile(rb" *([0-7]*)(?:[ \0].*)?", re.DOTALL)
_SPARSE = "sparse member: expected one that is stored whole (tar without --sparse), found "
_CHUNK = 65536


@dataclass
class _Extension:
    """What extension headers say of the next member."""

    name: bytes = b""
    link: bytes = b""
    size: int | None = None


def tar_members(path: str) -> Members:
    """Return the regular files in an archive, in its order. A hard link has the bytes of the member that it names.

    Raises:
        OSError: The file cannot be read.
        FormatError: A broken header, a sparse or multi-volume member, an archive without its end, or with data behind.
    """
    with open_regular(path) as file:
        reader = _Reader(path, file, os.fstat(file.fileno()).st_size)
        while reader.read_member():
            pass
    offsets, sizes = np.array(reader.ranges, np.uint64).reshape(-1, 2).T
    return Members(reader.names, offsets.copy(), sizes.copy())


class _Reader:
    def __init__(self, path: str, file: IO[bytes], size: int) -> None:
        self.names: list[bytes] = []
        self.ranges: list[tuple[int, int]] = []  # offset and size
        self._path, self._file, self._size = path, file, size
        self._at = 0  # of the next header
        self._next = _Extension()
        self._known: dict[bytes, tuple[int, int]] = {}

    def read_member(self) -> bool:
        """Read one header and what belongs to it; return False at the end of the archive."""
        self._require_block()
        start = self._at
        header = self._bytes(start, BLOCK)
        if not header.strip(b"\0"):
            self._require_zeros()
            return False
        self._check_sum(header)
        kind = header[156:157]
        stated = _number(header[124:136])
        if stated is None:
            raise self._error(start, "broken tar header: expected the size of a member, found no number")
        self._at += BLOCK
        if kind == b"L":
            self._next.name = _text(self._content(stated))
        elif kind == b"K":
            self._next.link = _text(self._content(stated))
        elif kind in (b"x", b"X"):
            self._read_pax(start, self._content(stated))
        elif kind == b"g":
            self._refuse_global(start, self._content(stated))
        else:
            extension, self._next = self._next, _Extension()
            name = extension.name or _name_in(header)
            size = stated if extension.size is None else extension.size
            self._add(start, kind, name, extension.link or _text(header[157:257]), size)
        return True

    def _add(self, start: int, kind: bytes, name: bytes, link: bytes, size: int) -> None:
        text = os.fsdecode(name)
        if kind in (b"0", b"\0", b"7"):
            self._check_name(start, name)
            offset = self._at
            self._skip(start, text, size)
            if kind == b"\0" and name.endswith(b"/"):  # a folder, before there was a type for it
                return
            self._append(name, (offset, size))
        elif kind == b"1":
            self._check_name(start, name)
            if link not in self._known:
                what = f"hard link {text}: expected a member before it, found {os.fsdecode(link)}"
                raise self._error(start, what)
            self._append(name, self._known[link])
        elif kind == b"D":
            self._skip(start, text, size)
        elif kind == b"S":
            raise self._error(start, _SPARSE + text)
        elif kind == b"M":
            raise self._error(start, f"part of a member: expected an archive of one volume, found {text}")
        elif kind not in (b"2", b"3", b"4", b"5", b"6", b"V"):
            what = f"unknown type of member: expected a file, a folder or a link, found type {kind[0]}"
            raise self._error(start, what)

    def _append(self, name: bytes, where: tuple[int, int]) -> None:
        self.names.append(name)
        self.ranges.append(where)
        self._known[name] = where

    def _error(self, offset: int, what: str) -> FormatError:
        return FormatError(what, path=self._path, offset=offset)

    def _bytes(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        found = self._file.read(size)
        if len(found) < size:
            what = f"file became shorter while it was read: expected {size} bytes, found {len(found)}"
            raise self._error(offset, what)
        return found

    def _require_block(self) -> None:
        left = self._size - self._at
        if left >= BLOCK:
            return
        wanted = "a block of zeros at its end" if left == 0 and self._at else "a header of 512 bytes"
        raise self._error(self._at, f"tar archive ends early: expected {wanted}, found {left} bytes")

    def _check_sum(self, header: bytes) -> None:
        counted = header[:148] + b" " * 8 + header[156:]
        total = sum(counted)
        signed = sum(byte - 256 if byte > 127 else byte for byte in counted)  # of old programs
        stored = _number(header[148:156])
        if stored is None or stored not in (total, signed):
            what = "broken tar header" if self._at else "not a tar archive"
            found = "no number" if stored is None else stored
            raise self._error(self._at, f"{what}: expected the checksum {total}, found {found}")

    def _content(self, size: int) -> bytes:
        """Return the content of an extension header, after which the next header begins."""
        if size > MOST_EXTENSION:
            what = f"tar header too large: expected at most {MOST_EXTENSION} bytes, found {size}"
            raise self._error(self._at - BLOCK, what)
        start = self._at
        self._skip(start - BLOCK, "a header", size)
        return self._bytes(start, size)

    def _skip(self, start: int, name: str, size: int) -> None:
        """Move behind the content of a member, which must lie within the file."""
        left = self._size - self._at
        if size > left:
            raise self._error(start, f"tar archive ends early: expected {size} bytes of {name}, found {left}")
        self._at += min(left, -(-size // BLOCK) * BLOCK)

    def _check_name(self, start: int, name: bytes) -> None:
        if not name or b"\0" in name:
            found = "a null byte in it" if name else "none"
            raise self._error(start, f"broken tar header: expected the name of a member, found {found}")

    def _records(self, start: int, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the keys and values of records: the length in bytes, a space, key=value, a newline."""
        while data and data[0]:
            match = re.match(rb"(\d{1,8}) ([^=]*)=", data)
            size = int(match[1]) if match else 0
            if match is None or not match.end() < size <= len(data) or data[size - 1 : size] != b"\n":
                what = "broken PAX header: expected records of a length, a key and a value, found others"
                raise self._error(start, what)
            yield match[2], data[match.end() : size - 1]
            data = data[size:]

    def _read_pax(self, start: int, data: bytes) -> None:
        for key, value in self._records(start, data):
            if key.startswith(b"GNU.sparse."):
                raise self._error(start, _SPARSE + "a PAX header")
            if key == b"path":
                self._next.name = value
            elif key == b"linkpath":
                self._next.link = value
            elif key == b"size":
                if not re.fullmatch(rb"[0-9]{1,18}", value):
                    raise self._error(start, "broken PAX header: expected the size of a member, found no number")
                self._next.size = int(value)

    def _refuse_global(self, start: int, data: bytes) -> None:
        for key, _ in self._records(start, data):
            if key in (b"path", b"linkpath", b"size") or key.startswith(b"GNU.sparse."):
                what = "PAX header for all members: expected none with a name or a size, found "
                raise self._error(start, what + os.fsdecode(key))

    def _require_zeros(self) -> None:
        """The rest of the archive is padding. Anything else would be lost without a word."""
        self._file.seek(self._at)
        offset = self._at
        while chunk := self._file.read(_CHUNK):
            if rest := chunk.lstrip(b"\0"):
                what = (
                    "data after the end of the tar archive: expected zeros, found more "
                    "(tar --concatenate joins archives, cat does not)"
                )
                raise self._error(offset + len(chunk) - len(rest), what)
            offset += len(chunk)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int | None:
    """Return octal digits between spaces, or a binary number with the highest bit set (GNU); None for anything else."""
    if field[0] & 0x80:
        value = int.from_bytes(field[1:], "big")
        return value if field[0] == 0x80 and value <= MOST_NUMBER else None
    match: Any = _OCTAL.fullmatch(field)
    return None if match is None else int(match[1] or b"0", 8)


def _name_in(header: bytes) -> bytes:
    name, prefix = _text(header[:100]), _text(header[345:500])
    return prefix + b"/" + name if header[257:263] == b"ustar\0" and prefix else name
