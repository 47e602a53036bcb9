# SPDX-License-Identifier: MIT
"""Words and lines in plain Python; `csrc/text/run.cpp` does the same with threads and SIMD."""

from __future__ import annotations

import codecs
import os
import re
import stat
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, BinaryIO

import numpy as np

from fastbatch.errors import EncodingError, FormatError
from fastbatch.source.local_file import not_a_file
from fastbatch.text.plan import Place, TextPlan, batch_length, is_decoded_natively, to_numpy_strings

from .plan import Order

Item = tuple[str, int, int]  # a word or line, and the file and byte offset of its end

PATTERNS = {"word": re.compile(r"\S+"), "line": re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")}


class Decoded:
    """A piece of decoded text, with the file offset of each character."""

    def __init__(self, raw: bytes, offset: int, encoding: str, errors: str) -> None:
        self._is_wide = encoding != "latin-1"
        # Between consecutive entries, bytes and characters correspond.
        self._characters, self._bytes = [0], [offset]
        self._known = (0, offset)  # the offset of one character
        self.bad: UnicodeDecodeError | None = None
        self.text = ""
        pieces: list[str] = []
        at = n_characters = 0
        while at < len(raw):
            try:
                pieces.append(raw[at:].decode(encoding))
                break
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding)
                pieces.append(good)
                if errors == "strict":
                    self.bad = error
                    self.bad_offset = offset + at + error.start
                    break
                replacement, resume = codecs.lookup_error(errors)(error)
                assert isinstance(replacement, str)
                pieces.append(replacement)
                n_characters += len(good) + len(replacement)
                at += resume
                self._characters.append(n_characters)
                self._bytes.append(offset + at)
        self.text = "".join(pieces)

    def byte_of(self, character: int) -> int:
        """Return the file offset of a character or of the end of the text; `character` must not decrease."""
        i = bisect_right(self._characters, character) - 1
        if self._characters[i] > self._known[0]:
            self._known = (self._characters[i], self._bytes[i])
        start, byte = self._known
        between = self.text[start:character]
        size = len(between.encode("utf-8", "surrogatepass")) if self._is_wide else len(between)
        self._known = (character, byte + size)
        return byte + size

    def require(self, path: bytes, encoding: str) -> None:
        """Raise EncodingError if a part could not be decoded."""
        if self.bad:
            wrong = self.bad.object[self.bad.start : self.bad.end]
            raise EncodingError(encoding, wrong, self.bad.reason, path=os.fsdecode(path), offset=self.bad_offset)


def open_text(path: bytes) -> BinaryIO:
    """Open a regular file, with the same errors as `csrc/source/open_file.cpp`."""
    descriptor = os.open(os.fsdecode(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise not_a_file(mode, os.fsdecode(path))
    return os.fdopen(descriptor, "rb")


def cut(item: str, text: str) -> Iterator[re.Match[str]]:
    """Find the words or the lines of a text."""
    return PATTERNS[item].finditer(text)


def with_newline(item: str, match: re.Match[str]) -> str:
    """Return a word unchanged; a line with a single newline, as open() returns it."""
    found = match.group()
    if item == "line" and found[-1] in "\r\n":
        return found.rstrip("\r\n") + "\n"
    return found


def items_of_text(plan: TextPlan, decoded: Decoded) -> Iterator[tuple[str, int]]:
    """Yield the items of a piece of text, each with the offset of its end."""
    for match in cut(plan.item, decoded.text):
        if decoded.bad and match.end() == len(decoded.text) and match.group()[-1] not in "\r\n":
            return  # truncated by undecodable bytes
        yield with_newline(plan.item, match), decoded.byte_of(match.end())


def items_of_file(plan: TextPlan, unit: int, offset: int) -> Iterator[Item]:
    """Yield the items of a file from a byte offset on."""
    path = plan.paths[unit]
    with open_text(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size < offset:
            what = "the file ends before the saved position"
            raise FormatError(what, path=path, expected=f"at least {offset} bytes", found=size)
        if plan.encoding == "utf-8-sig" and offset == 0 and file.read(3) == codecs.BOM_UTF8:
            offset = 3
        encoding = plan.encoding.removesuffix("-sig")
        file.seek(offset)
        for raw in file:  # pieces that end with b"\n" split no character and no item
            decoded = Decoded(raw, offset, encoding, plan.errors)
            for text, end in items_of_text(plan, decoded):
                yield text, unit, end
            decoded.require(path, encoding)
            offset += len(raw)
        if offset < size:
            what = "the file became shorter while it was read"
            raise FormatError(what, path=path, expected=f"{size} bytes", found=offset)


def items_by_codec(plan: TextPlan, unit: int, offset: int) -> Iterator[Item]:
    """Yield the items of a file in any Python encoding; offsets count bytes of the text in UTF-8."""
    path = os.fsdecode(plan.paths[unit])
    open_text(plan.paths[unit]).close()  # for the errors of opening
    at = 0
    try:
        with open(path, encoding=plan.encoding, errors=plan.errors, newline="\n") as file:
            for text in file:
                for match in cut(plan.item, text):
                    end = at + len(text[: match.end()].encode("utf-8", "surrogatepass"))
                    if end > offset:
                        yield with_newline(plan.item, match), unit, end
                at += len(text.encode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as error:
        raise EncodingError(
            error.encoding, bytes(error.object[error.start : error.end]), error.reason, path=path
        ) from None
    except UnicodeError as error:
        raise FormatError(str(error), path=path) from None


def line_index(plan: TextPlan) -> list[tuple[int, int, int]]:
    """Return the location of each line of all files: (file, begin, end)."""
    raw = replace(plan, item="line", encoding="latin-1", errors="strict")
    found: list[tuple[int, int, int]] = []
    for unit in range(len(plan.paths)):
        begin = 0
        if plan.encoding == "utf-8-sig":
            with open_text(plan.paths[unit]) as file:
                begin = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
        for _, _, end in items_of_file(raw, unit, begin):
            found.append((unit, begin, end))
            begin = end
    return found


def shuffled_items(plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> Iterator[Item]:
    """Yield the items of the lines in random order; a place is a position in the order and a byte in its line."""
    if "index" not in known:
        known["index"] = line_index(plan)
    index: list[tuple[int, int, int]] = known["index"]
    if not index:
        return
    shuffle = "block" if plan.shuffle == "block" else True
    order = Order(len(index), (), shuffle, plan.block_size, plan.window, plan.seed, epoch)
    skip = place.byte
    numbers = order.at(np.arange(place.unit, len(index))).tolist()
    for position, number in enumerate(numbers, place.unit):
        unit, begin, end = index[number]
        path = plan.paths[unit]
        with open_text(path) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(begin + skip)
            raw = file.read(end - begin - skip)
        if len(raw) < end - begin - skip:
            what = "the file became shorter while it was read"
            raise FormatError(what, path=path, expected=f"at least {end} bytes", found=size)
        encoding = plan.encoding.removesuffix("-sig")
        decoded = Decoded(raw, begin + skip, encoding, plan.errors)
        for text, after in items_of_text(plan, decoded):
            yield text, position, after - begin
        decoded.require(path, encoding)
        skip = 0


def items(plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> Iterator[Item]:
    """Yield all items of an epoch from a place on."""
    if plan.shuffle:
        yield from shuffled_items(plan, epoch, place, known)
        return
    of_file = items_of_file if is_decoded_natively(plan) else items_by_codec
    offset = place.byte
    for unit in range(place.unit, len(plan.paths)):
        yield from of_file(plan, unit, offset)
        offset = 0


def batches(plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> Iterator[tuple[Any, int, int, int]]:
    """Yield this rank's batches, each with the place (unit, byte, items) after the batches of all ranks."""
    stream = items(plan, epoch, place, known)
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
    """Return a batch in the form of `output` and `keepends`."""
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


class PureTextRun:
    """A pass over the text; its lock makes it safe for several threads."""

    def __init__(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> None:
        self._batches = islice(batches(plan, epoch, place, known), plan.batches_after(place.items))
        self._lock = threading.Lock()
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


class PureText:
    """The text implementation of `fastbatch.pure`; no threads and no prefetch."""

    def start(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> PureTextRun:
        return PureTextRun(plan, epoch, place, known)

    def count(self, plan: TextPlan) -> int:
        return sum(1 for _ in items(replace(plan, shuffle=False), 0, Place(), {}))

    def count_words(self, plan: TextPlan, max_words: int, min_count: int) -> list[tuple[str, int]]:
        counts = Counter(word for word, _, _ in items(plan, 0, Place(), {}))
        kept = [(word, count) for word, count in counts.items() if count >= min_count]
        return sorted(kept, key=lambda pair: (-pair[1], pair[0]))[:max_words]
