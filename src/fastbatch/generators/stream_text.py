# SPDX-License-Identifier: MIT
"""Streams of files opened as text: they decode themselves, and may have read ahead."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fastbatch.errors import EncodingError
from fastbatch.source.foreign import refuse_container
from fastbatch.source.local_file import path_text

from .stream_bytes import CHUNK_BYTES, ByteSource, Pollable, add_name, can_poll, name_of_file, not_blocking, open_bytes
from .stream_options import StreamOptions, is_bytes


def open_source(source: Any, options: StreamOptions) -> tuple[ByteSource | None, Iterator[Any] | None, StreamOptions]:
    """Open the source of a stream.

    Returns:
        Its bytes, which have to be cut into records, or None; its records, or None; the options for it.

    Raises:
        OSError: A path that cannot be read.
    """
    if isinstance(source, io.TextIOWrapper) and can_poll(source.buffer) and not source.seekable():
        return TextPipe(source), None, replace(options, encoding=source.encoding, errors=source.errors or "strict")
    if isinstance(source, io.TextIOBase):
        return None, lines_of(source), options
    if is_bytes(source):
        if isinstance(source, str | bytes | os.PathLike) and options.records == "line" and os.path.isfile(source):
            refuse_container(path_text("source", source), "text", "lines; records= takes other records")
        return open_bytes(source, options.follow), None, options
    return None, iter(source), options


def lines_of(file: io.TextIOBase) -> Iterator[str]:
    """Yield the lines that a text file has left; keep the file open meanwhile.

    Raises:
        EncodingError: Bytes that are not in the file's encoding.
    """
    while True:
        try:
            line = file.readline()
        except OSError as error:
            add_name(error, name_of_file(file))
            raise
        except UnicodeDecodeError as error:
            wrong = bytes(error.object[error.start : error.end])
            raise EncodingError(error.encoding, wrong, error.reason, path=name_of_file(file)) from None
        if not line:
            return
        yield line


class TextPipe(Pollable):
    """A pipe, terminal or socket opened as text: first the text that it has read ahead, then bytes as they arrive.

    A text file does not say how much it has read ahead, and a read of one line may block. Therefore it is read
    character by character until nothing is there, and from then on its bytes are read instead.
    """

    def __init__(self, file: io.TextIOWrapper) -> None:
        super().__init__(file.buffer, name_of_file(file), is_ours=False)
        self._text = file  # a text file closes its bytes when it is dropped
        self._encoder = codecs.getincrementalencoder(file.encoding)(file.errors or "strict")

    def _read_ahead(self) -> bytes:
        found: list[str] = []
        rest = b""
        with not_blocking(self._text.fileno()):
            try:
                while len(found) < CHUNK_BYTES and (character := self._text.read(1)):
                    found.append(character)
            except (BlockingIOError, TypeError):  # nothing is there: Python 3.14, some before
                pass
            except UnicodeDecodeError as error:  # of the last character there is a part only, or it is wrong
                rest = bytes(error.object)
        self._has_ahead = len(found) == CHUNK_BYTES
        ahead = self._encoder.encode("".join(found)) if found else b""  # of no text: a byte order mark
        return ahead + rest or super()._read_ahead()
