# SPDX-License-Identifier: MIT
"""Words and lines in plain Python; `csrc/text/run.cpp` does the same with threads and SIMD."""

from __future__ import annotations

import codecs
import os
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from fastbatch.errors import EncodingError, FormatError
from fastbatch.source.compressed import codec_name, limited_lines, skip
from fastbatch.text.plan import Place, TextPlan, is_decoded_natively
from fastbatch.text.python_text import Item, PythonText, cut, items_by_codec, open_text, with_newline

from .plan import Order


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
        size = None if codec_name(path) else os.fstat(file.fileno()).st_size
        found = skip(file, offset) if size is None else min(size, offset)
        if found < offset:
            what = "the file ends before the saved position"
            found_text = "fewer" if size is None else size
            raise FormatError(what, path=path, expected=f"at least {offset} bytes", found=found_text)
        if size is not None:
            file.seek(offset)
        if plan.encoding == "utf-8-sig" and offset == 0 and file.peek(3)[:3] == codecs.BOM_UTF8:
            offset = len(file.read(3))
        encoding = plan.encoding.removesuffix("-sig")
        for raw in (
            file if size is not None else limited_lines(file, path)
        ):  # pieces that end with b"\n" split no character and no item
            decoded = Decoded(raw, offset, encoding, plan.errors)
            for text, end in items_of_text(plan, decoded):
                yield text, unit, end
            decoded.require(path, encoding)
            offset += len(raw)
        if size is not None and offset < size:
            what = "the file became shorter while it was read"
            raise FormatError(what, path=path, expected=f"{size} bytes", found=offset)


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
            status = os.fstat(file.fileno())
            size, before = status.st_size, known["files"][unit].identity
            if (status.st_ino, status.st_dev) != (before.inode, before.device):  # the native loader keeps it mapped
                raise FormatError("file was replaced while in use", path=path)
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


class PureText(PythonText):
    """The text implementation of `fastbatch.pure`; no threads and no prefetch."""

    def items(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> Iterator[Item]:
        """Yield all items of an epoch from a place on."""
        return shuffled_items(plan, epoch, place, known) if plan.shuffle else super().items(plan, epoch, place, known)

    def items_of_file(self, plan: TextPlan, unit: int, offset: int) -> Iterator[Item]:
        """Yield the items of a file from a byte on."""
        of_file = items_of_file if is_decoded_natively(plan) else items_by_codec
        return of_file(plan, unit, offset)
