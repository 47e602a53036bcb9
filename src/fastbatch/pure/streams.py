# SPDX-License-Identifier: MIT
"""Batches of streamed data, read in the consumer's thread: the oracle of `fastbatch.stream`.

If the source is an iterable, `max_wait_s` is checked only when an item arrives.
"""

from __future__ import annotations

import codecs
import io
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from fastbatch.errors import FormatError
from fastbatch.generators import stream as compiled
from fastbatch.generators.stream_bytes import ByteSource, add_name
from fastbatch.generators.stream_options import StreamOptions
from fastbatch.generators.stream_records import found_by
from fastbatch.generators.stream_text import open_source
from fastbatch.loader import fork as process

NOTHING = object()  # returned if no data arrives in time
END_OF_FILE = object()


class Feed:
    """Reads a source when it is asked to. Threads: any; the lock guards the source."""

    n_threads = 0

    def __init__(self, source: Any, options: StreamOptions) -> None:
        self._bytes, items, self._options = open_source(source, options)
        records = self._records(self._bytes) if self._bytes else items
        assert records is not None
        self._samples = shuffled(self._decoded(records), options)
        self._lock = process.new_lock()
        self._deadline: float | None = None  # for completing the current batch
        self._error: BaseException | None = None
        self._closed = False

    def n_ready(self) -> int:
        return 0

    def take(self) -> list[Any]:
        """Return the samples of the next batch, none at the end; raise the source's error after all samples."""
        with self._lock:
            samples = [] if self._closed else self._collect()
            if self._closed:
                samples = []
            if not samples:
                error = None if self._closed else self._error
                self._end()
                if error is not None:
                    raise error
            return samples

    def _collect(self) -> list[Any]:
        samples: list[Any] = []
        self._deadline = None
        while len(samples) < self._options.batch_size and not self._is_late() and self._error is None:
            try:
                sample = next(self._samples)
            except StopIteration:
                break
            except (Exception, GeneratorExit) as error:
                self._error = error  # raised for the next batch if this one has samples
                break
            if sample is NOTHING:
                continue
            samples.append(sample)
            if self._deadline is None and self._options.max_wait_s is not None:
                self._deadline = time.monotonic() + self._options.max_wait_s
        return samples

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _end(self) -> None:
        self._closed = True
        if self._bytes:
            self._bytes.close()

    def close(self) -> None:
        """End the feed: a `take` that is waiting in any thread returns nothing, and so do all later calls."""
        self._closed = True
        if self._bytes is None or not self._bytes.wake():
            return
        with self._lock:
            self._bytes.close()

    def __del__(self) -> None:
        if getattr(self, "_bytes", None) is not None:
            self._end()

    def _records(self, source: ByteSource) -> Iterator[Any]:
        options = self._options
        if callable(options.records):
            return found(self._chunks(source), options.records, source.name)
        if options.records == "line":
            return lines(self._chunks(source), options, source.name)
        return fixed(self._chunks(source), options.records, source.name)

    def _chunks(self, source: ByteSource) -> Iterator[Any]:
        """Yield bytes as they arrive, NOTHING if none arrive in time, END_OF_FILE after each file."""
        rotations = 0
        while not self._closed:
            left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            try:
                chunk = source.read(left)
            except OSError as error:
                add_name(error, source.name)
                raise
            if getattr(source, "rotations", 0) != rotations:
                rotations += 1
                yield END_OF_FILE
            if chunk == b"":
                yield END_OF_FILE
                return
            yield NOTHING if chunk is None else chunk

    def _decoded(self, records: Iterator[Any]) -> Iterator[Any]:
        for record in records:
            yield record if record is NOTHING else self._options.decoded(record)


class Stream(compiled.Stream):  # noqa: D101
    __doc__ = compiled.Stream.__doc__
    _feed_class = Feed


def lines(chunks: Iterator[Any], options: StreamOptions, name: str) -> Iterator[Any]:
    """Yield lines, each with its newline."""
    done = 0  # in this file
    decoder, rest = _decoder(options), _empty(options)
    for chunk in chunks:
        if chunk is NOTHING:
            yield NOTHING
            continue
        is_end = chunk is END_OF_FILE
        for i in range(1 if is_end else len(chunk)):
            byte = b"" if is_end else chunk[i : i + 1]
            try:
                text: Any = byte if decoder is None else decoder.decode(byte, is_end)
            except UnicodeDecodeError as error:
                bad = error.object[error.start : error.end].hex(" ")
                place = done + len(byte) - len(error.object) + error.start
                what = f"{error.encoding}: {error.reason}"
                raise FormatError(what, path=name, offset=place, expected="text", found=f"the bytes {bad}") from None
            done += len(byte)
            rest += text
            newline = "\n" if decoder else b"\n"
            if newline in text:  # the newline of a lone carriage return is decoded with the text after it
                *whole, rest = rest.split(newline)
                for line in whole:
                    yield line + newline
        if is_end:
            if rest:
                yield rest
            done, decoder, rest = 0, _decoder(options), _empty(options)


def _decoder(options: StreamOptions) -> Any:
    if options.encoding is None:
        return None
    return io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(options.encoding)(options.errors), translate=True)


def _empty(options: StreamOptions) -> Any:
    return b"" if options.encoding is None else ""


def fixed(chunks: Iterator[Any], size: int, name: str) -> Iterator[Any]:
    """Yield records of `size` bytes."""
    rest = b""
    for chunk in chunks:
        if chunk is NOTHING:
            yield NOTHING
        elif chunk is END_OF_FILE:
            if rest:
                raise FormatError("ends within a record", path=name, expected=f"{size} bytes", found=len(rest))
        else:
            rest += chunk
            while len(rest) >= size:
                yield rest[:size]
                rest = rest[size:]


def found(chunks: Iterator[Any], function: Callable[[bytes, bool], Any], name: str) -> Iterator[Any]:
    """Yield the records that the user's function finds."""
    rest = b""
    for chunk in chunks:
        if chunk is NOTHING:
            yield NOTHING
            continue
        is_end = chunk is END_OF_FILE
        rest += b"" if is_end else chunk
        if is_end and not rest:
            continue
        records, used = found_by(function, rest, is_end)
        yield from records
        rest = rest[used:]
        if is_end and rest:
            raise FormatError(
                "ends within a record", path=name, expected="whole records", found=f"{len(rest)} bytes more"
            )


def shuffled(samples: Iterator[Any], options: StreamOptions) -> Iterator[Any]:
    """Yield the samples from a shuffle buffer: each new sample replaces a random buffered one, which is emitted."""
    size = options.shuffle_buffer
    draw = random.Random(options.seed).random
    kept: list[Any] = []
    error: BaseException | None = None
    while True:
        try:
            sample = next(samples)
        except StopIteration:
            break
        except (Exception, GeneratorExit) as raised:
            error = raised
            break
        if sample is NOTHING or size == 0:
            yield sample
        elif len(kept) < size:
            kept.append(sample)
        else:
            j = int(draw() * size)
            yield kept[j]
            kept[j] = sample
    for i in range(len(kept) - 1, 0, -1):
        j = int(draw() * (i + 1))
        kept[i], kept[j] = kept[j], kept[i]
    yield from kept
    if error is not None:
        raise error
