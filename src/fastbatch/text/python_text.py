# SPDX-License-Identifier: MIT
"""Words and lines decoded by Python: for encodings that the core does not know, and the base of `fastbatch.pure`."""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from fastbatch.errors import EncodingError, FormatError
from fastbatch.loader import fork as process
from fastbatch.source.compressed import codec_name, open_content, require_short
from fastbatch.source.local_file import NamedFile, not_a_file
from fastbatch.system import OPEN_FLAGS

from .plan import Place, TextPlan, batch_length, to_numpy_strings

Item = tuple[str, int, int]  # a word or line, and the file and byte offset of its end

CHUNK_BYTES = 1 << 16
PATTERNS = {"word": re.compile(r"\S+"), "line": re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")}


def open_text(path: bytes) -> io.BufferedReader:
    """Open a regular file, with the same errors as `csrc/platform/file.h`; of a compressed one its content."""
    if codec_name(path):
        return open_content(path)
    descriptor = os.open(os.fsdecode(path), OPEN_FLAGS)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise not_a_file(mode, os.fsdecode(path))
    return io.BufferedReader(NamedFile(os.fsdecode(path), opener=lambda name, flags: descriptor))


def cut(item: str, text: str) -> Iterator[re.Match[str]]:
    """Return an iterator over the words or the lines of a text."""
    return PATTERNS[item].finditer(text)


def with_newline(item: str, match: re.Match[str]) -> str:
    """Return a word unchanged; a line with a single newline, as open() returns it."""
    found = match.group()
    if item == "line" and found[-1] in "\r\n":
        return found.rstrip("\r\n") + "\n"
    return found


def decoded_chunks(plan: TextPlan, path: bytes) -> Generator[str, int, None]:
    """Yield the text of a file in pieces. The caller sends the number of characters that it still holds.

    Raises:
        EncodingError: Bytes that are not valid in the encoding; raised after the text before them.
        FormatError: The file became shorter while it was read.
    """
    decoder = codecs.getincrementaldecoder(plan.encoding)(plan.errors)
    with open_text(path) as file:
        size = 0 if codec_name(path) else os.fstat(file.fileno()).st_size
        done, wanted = 0, CHUNK_BYTES
        while raw := file.read(wanted):
            done += len(raw)
            # Pieces grow with an unfinished item, which is searched again with each piece: otherwise quadratic time.
            wanted = max(CHUNK_BYTES, (yield from _decoded(decoder, raw, path)))
        if done < size:
            what = "the file became shorter while it was read"
            raise FormatError(what, path=path, expected=f"{size} bytes", found=done)
        yield from _decoded(decoder, b"", path)


def _decoded(decoder: codecs.IncrementalDecoder, raw: bytes, path: bytes) -> Generator[str, int, int]:
    """Yield the text of bytes before the end of the file; return the value that the caller sends."""
    state = decoder.getstate()
    try:
        return (yield decoder.decode(raw, not raw))
    except UnicodeDecodeError as error:
        wrong = bytes(error.object[error.start : error.end])
        failure: FormatError = EncodingError(error.encoding, wrong, error.reason, path=os.fsdecode(path))
        n_good = max(0, error.start - len(state[0]))  # of these bytes, without those of the previous piece
    except UnicodeError as error:
        raise FormatError(str(error), path=path) from None
    decoder.setstate(state)
    yield decoder.decode(raw[:n_good])
    raise failure


def items_by_codec(plan: TextPlan, unit: int, offset: int) -> Iterator[Item]:
    """Yield the items of a file in any encoding that Python knows; offsets count the text's bytes in UTF-8."""
    chunks = decoded_chunks(plan, plan.paths[unit])
    rest, at, is_last = "", 0, False  # `at`: offset of `rest`
    text = next(chunks, "")
    while True:
        rest += text
        end = 0
        if codec_name(plan.paths[unit]):
            require_short(plan.paths[unit], len(rest))
        for match in cut(plan.item, rest):
            # An item that touches the end may continue in the next piece; a "\r" may be half of a "\r\n".
            if not is_last and match.end() == len(rest) and not match.group().endswith("\n"):
                break
            at += len(rest[end : match.end()].encode("utf-8", "surrogatepass"))
            end = match.end()
            if at > offset:
                yield with_newline(plan.item, match), unit, at
        if is_last:
            return
        blank = len(rest[end:]) - len(rest[end:].lstrip()) if plan.item == "word" else 0
        at += len(rest[end : end + blank].encode("utf-8", "surrogatepass"))
        rest = rest[end + blank :]
        try:
            text = chunks.send(len(rest))
        except StopIteration:
            text, is_last = "", True


def batches(plan: TextPlan, place: Place, stream: Iterator[Item]) -> Iterator[tuple[Any, int, int, int]]:
    """Yield this rank's batches, each with the position (unit, byte, items) after that batch of all ranks."""
    n_items, failure = 0, None
    after = (place.unit, place.byte)
    while True:
        mine: list[str] = []
        in_round = 0
        try:
            for text, *end in stream:
                after = (end[0], end[1])
                if in_round // plan.batch_size == plan.rank:
                    mine.append(text)
                in_round += 1
                if in_round == plan.batch_size * plan.world_size:
                    break
        except Exception as error:
            failure = error
        n_items += in_round
        is_short = len(mine) < plan.batch_size
        if mine and not (is_short and (plan.drop_last or failure)):
            yield finish(plan, mine), *after, n_items
        if failure:
            raise failure
        if in_round < plan.batch_size * plan.world_size:
            return


def finish(plan: TextPlan, mine: list[str]) -> Any:
    """Return a batch in the type of `output`, with or without newlines."""
    if plan.item == "line" and not plan.keepends:
        mine = [line.removesuffix("\n") for line in mine]
    if plan.output == "numpy":
        return to_numpy_strings(mine)
    if plan.output == "ids":
        return plan.vocabulary.encode(mine).astype(plan.dtype)
    if plan.output == "offsets":
        encoded = [text.encode("utf-8", "surrogatepass") for text in mine]
        return b"".join(encoded), np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return mine


class PythonTextRun:
    """A pass over the text; its lock makes it safe for several threads."""

    def __init__(self, plan: TextPlan, place: Place, stream: Iterator[Item]) -> None:
        self._batches = islice(batches(plan, place, stream), plan.batches_after(place.items))
        self._lock = process.new_lock()
        self._closed = False
        self._progress = (0, 0, 0, 0, 0)

    def next(self) -> Any:
        with self._lock:
            if self._closed:
                return False
            found = next(self._batches, None)
            if found is None:
                return None
            batch, unit, byte, items_after = found
            n_batches, n_items, *_ = self._progress
            self._progress = (n_batches + 1, n_items + batch_length(batch), unit, byte, items_after)
            return batch

    def progress(self) -> tuple[int, int, int, int, int]:
        return self._progress

    def close(self) -> None:
        self._closed = True


class PythonText:
    """A text implementation without threads and prefetch."""

    def items(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> Iterator[Item]:
        """Yield all items of an epoch from a position."""
        offset = place.byte
        for unit in range(place.unit, len(plan.paths)):
            yield from self.items_of_file(plan, unit, offset)
            offset = 0

    def items_of_file(self, plan: TextPlan, unit: int, offset: int) -> Iterator[Item]:
        """Yield the items of a file from a byte offset."""
        return items_by_codec(plan, unit, offset)

    def start(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> PythonTextRun:
        return PythonTextRun(plan, place, self.items(plan, epoch, place, known))

    def count(self, plan: TextPlan) -> int:
        return sum(1 for _ in self.items(replace(plan, shuffle=False), 0, Place(), {}))

    def count_words(self, plan: TextPlan, max_words: int, min_count: int) -> list[tuple[str, int]]:
        counts = Counter(word for word, _, _ in self.items(plan, 0, Place(), {}))
        kept = [(word, count) for word, count in counts.items() if count >= min_count]
        return sorted(kept, key=lambda pair: (-pair[1], pair[0]))[:max_words]
