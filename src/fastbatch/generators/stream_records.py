# SPDX-License-Identifier: MIT
"""Records of a stream: lines, records of a fixed size, or those that a user-defined function finds."""

from __future__ import annotations

import codecs
import io
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, SupportsIndex

from fastbatch.checks import codec_named, handler_named, shown, whole
from fastbatch.errors import SIGNALS, FormatError, name_of, signal_error

Finder = Callable[[bytes, bool], tuple[Iterable[Any], int]]


class Splitter(Protocol):
    """Splits chunks of bytes into records. Threads: one at a time."""

    def split(self, chunk: bytes) -> Iterable[Any]:
        """Yield the records that are complete with `chunk`."""

    def finish(self) -> Iterable[Any]:
        """Yield the records that are complete at the end of the bytes, and reset."""


class Lines:
    """Lines as `open(..., encoding=...)` gives them, or bytes up to each newline."""

    def __init__(self, name: str, encoding: str | None, errors: str) -> None:
        self._name = name
        self._encoding, self._errors = encoding, errors
        self._start()

    def _start(self) -> None:
        self._offset = 0  # bytes before the chunk
        self._parts: list[Any] = []  # of the unfinished line
        self._decoder = None
        if self._encoding is not None:
            decoder = codecs.getincrementaldecoder(self._encoding)(self._errors)
            self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)

    def split(self, chunk: bytes) -> Iterator[Any]:
        return self._cut(chunk, is_end=False)

    def finish(self) -> Iterator[Any]:
        yield from self._cut(b"", is_end=True)
        rest = ("" if self._decoder else b"").join(self._parts)
        self._start()
        if rest:
            yield rest

    def _cut(self, chunk: bytes, is_end: bool) -> Iterator[Any]:
        error = None
        lines: list[Any]
        newline: Any = b"\n"
        if self._decoder is None:
            lines = io.BytesIO(chunk).readlines()
        else:
            text, error = self._decode(self._decoder, chunk, is_end)
            lines = io.StringIO(text, newline="\n").readlines()
            newline = "\n"
        if lines and lines[0].endswith(newline):
            lines[0] = newline[:0].join([*self._parts, lines[0]])
            self._parts = [] if lines[-1].endswith(newline) else [lines.pop()]
            yield from lines
        else:
            self._parts += lines
        if error is not None:
            raise error

    def _decode(self, decoder: Any, chunk: bytes, is_end: bool) -> tuple[str, FormatError | None]:
        """Return the text of a chunk up to the first invalid bytes, and the error of those or None."""
        before, state = decoder.getstate()
        offset = self._offset - len(before)
        self._offset += len(chunk)
        try:
            return decoder.decode(chunk, is_end), None
        except UnicodeDecodeError as error:
            decoder.setstate((before, state))
            text = decoder.decode(error.object[len(before) : error.start])
            found = f"the bytes {error.object[error.start : error.end].hex(' ')}"
            what = f"{error.encoding}: {error.reason}"
            place = offset + error.start
            return text, FormatError(what, path=self._name, offset=place, expected="text", found=found)


class Fixed:
    """Records of a fixed number of bytes."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._parts: list[bytes] = []  # of the unfinished record
        self._n = 0  # bytes in them

    def split(self, chunk: bytes) -> list[Any]:
        self._parts.append(chunk)
        self._n += len(chunk)
        size = self._size
        if self._n < size:
            return []
        content = b"".join(self._parts)
        whole_bytes = len(content) // size * size
        self._parts, self._n = [content[whole_bytes:]], len(content) - whole_bytes
        return [content[i : i + size] for i in range(0, whole_bytes, size)]

    def finish(self) -> list[Any]:
        n, self._parts, self._n = self._n, [], 0
        if n:
            raise FormatError("ends within a record", path=self._name, expected=f"{self._size} bytes", found=n)
        return []


class Found:
    """Records that a user-defined function finds."""

    def __init__(self, name: str, function: Finder) -> None:
        self._name, self._function = name, function
        self._rest = b""

    def split(self, chunk: bytes) -> Iterator[Any]:
        return self._find(chunk, False)

    def finish(self) -> Iterator[Any]:
        if self._rest:
            yield from self._find(b"", True)
        rest, self._rest = self._rest, b""
        if rest:
            raise FormatError("ends within a record", path=self._name, expected="whole records", found=_bytes(rest))

    def _find(self, chunk: bytes, is_end: bool) -> Iterator[Any]:
        content = self._rest + chunk
        records, n = found_by(self._function, content, is_end)
        self._rest = content[n:]
        yield from records


def found_by(function: Finder, content: bytes, is_end: bool) -> tuple[Iterable[Any], int]:
    """Return the records that a user's function finds in some bytes, and the number of bytes used.

    Raises:
        TypeError, ValueError: The function returned something else.
        RuntimeError: A StopIteration or GeneratorExit of the function.
    """
    try:
        found = function(content, is_end)
    except SIGNALS as error:
        raise signal_error(error, name_of(function)) from error
    if not (isinstance(found, tuple | list) and len(found) == 2):
        raise TypeError(f"records: expected the function to return (records, bytes used), found {shown(found)}")
    return found[0], whole("records: bytes used", found[1], 0, len(content))


def _bytes(rest: bytes) -> str:
    return f"{len(rest)} bytes more"


def make_splitter(name: str, records: Any, encoding: str | None, errors: str) -> Splitter:
    """Return the splitter for the bytes of `name`; the arguments are already checked."""
    if callable(records):
        return Found(name, records)
    return Lines(name, encoding, errors) if records == "line" else Fixed(name, records)


def check_records(records: Any, encoding: str | None, errors: str) -> Any:
    """Return `records`, checked; raise LookupError for an unknown encoding."""
    if encoding is not None:
        codec_named(encoding)
        handler_named(errors)
    if callable(records) or (isinstance(records, str) and records == "line"):
        return records
    if isinstance(records, str) or not isinstance(records, SupportsIndex):
        raise ValueError(f"records: expected 'line', a number of bytes, or a function, found {shown(records)}")
    return whole("records", records, 1, 2**31)


class Shuffle:
    """Shuffle buffer of `size` records. Each new record replaces a random buffered one, which is emitted.

    Its index is `int(random() * size)` of `random.Random(seed)`. The rest is shuffled at the end (Fisher-Yates).
    """

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._random = random.Random(seed)
        self._kept: list[Any] = []

    def mix(self, records: list[Any]) -> list[Any]:
        if self._size == 0:
            return records
        out = []
        for record in records:
            if len(self._kept) < self._size:
                self._kept.append(record)
            else:
                j = int(self._random.random() * self._size)
                out.append(self._kept[j])
                self._kept[j] = record
        return out

    def finish(self) -> list[Any]:
        """Return the buffered records, shuffled."""
        kept, self._kept = self._kept, []
        for i in range(len(kept) - 1, 0, -1):
            j = int(self._random.random() * (i + 1))
            kept[i], kept[j] = kept[j], kept[i]
        return kept
