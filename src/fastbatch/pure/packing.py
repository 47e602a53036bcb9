# SPDX-License-Identifier: MIT
"""Documents packed by best fit, decreasing. In C++: `csrc/plan/packing.cpp` and `csrc/decode/packed_decoder.cpp`."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.column import array_identity, native_dtype
from fastbatch.decode.conversion import Conversion
from fastbatch.source.packing import NUMBERS, Packing, PackPart

from .convert import convert
from .sequences import require_parts, verify_source

Array = NDArray[Any]
Piece = tuple[int, int]  # start, length


def pack_documents(bounds: Array, are_lengths: bool, context: int, window: int, splits: bool) -> Packing:
    """Return the packs of documents from `bounds[d]` to `bounds[d + 1]`, or of `bounds[d]` tokens each."""
    lengths = bounds.tolist() if are_lengths else np.diff(bounds).tolist()
    start = 0 if are_lengths or not len(bounds) else int(bounds[0])
    packs: list[list[Piece]] = []
    for first in range(0, len(lengths), window):
        pieces: list[Piece] = []
        for length in lengths[first : first + window]:
            stop = length if splits else min(length, context)
            pieces += [(start + done, min(context, length - done)) for done in range(0, stop, context)]
            start += length
        packs += pack_window(pieces, context)
    flat = [piece for pack in packs for piece in pack]
    starts = np.array([start for start, _ in flat], np.uint64)
    sizes = np.array([length for _, length in flat], np.uint32)
    return Packing(starts, sizes, np.cumsum([len(pack) for pack in packs], dtype=np.uint64), context)


def pack_window(pieces: list[Piece], context: int) -> list[list[Piece]]:
    """Return the packs of one window, in the order of their first piece.

    The longest piece is packed first, into the pack with the least room that suffices, of equal ones the one that was
    used last.
    """
    packs: list[list[int]] = []
    rooms: list[int] = []  # those that some pack has, ascending
    with_room: dict[int, list[int]] = {}  # the packs with that room, in the order of their last use
    for i in sorted(range(len(pieces)), key=lambda i: -pieces[i][1]):
        place = bisect_left(rooms, pieces[i][1])
        if place == len(rooms):
            room, pack = context, len(packs)
            packs.append([])
        else:
            room = rooms[place]
            pack = with_room[room].pop()
            if not with_room[room]:
                del rooms[place], with_room[room]
        packs[pack].append(i)
        left = room - pieces[i][1]
        if left:
            if left not in with_room:
                insort(rooms, left)
            with_room.setdefault(left, []).append(pack)
    in_order = sorted(sorted(pack) for pack in packs)
    return [[pieces[i] for i in pack] for pack in in_order]


class PackedColumn:
    """One part of the packs of an array of tokens."""

    def __init__(self, tokens: Any, packing: Packing, part: PackPart, conversion: Conversion, fill: int) -> None:
        self.tokens = tokens
        self.n_samples = packing.n
        self.dtype = conversion.dtype
        self.shape: tuple[int, ...] = (packing.context,)
        self._packing = packing
        self._part = part
        self._conversion = conversion
        self._fill = fill

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        sample = np.full(self.shape, self._fill, self.dtype)
        at = 0
        for number, (start, length) in enumerate(self._packing.pieces(index), 1):
            here = slice(at, at + length)
            if self._part == "segment_ids":
                sample[here] = number
            elif self._part == "position_ids":
                sample[here] = np.arange(length)
            else:
                require_parts(self.tokens)
                shift = int(self._part == "targets")
                piece = np.asarray(self.tokens[start + shift : start + length])
                sample[at : at + length - shift] = convert(piece, self._conversion)
            at += length
        return sample

    def verify(self, may_be_shorter: bool = False) -> None:
        if self._part not in NUMBERS:
            verify_source(self.tokens, may_be_shorter)

    def identity(self) -> Any:
        if self._part != "input_ids":
            return self._part
        return [self._packing.identity(), array_identity(self.tokens.shape, self.tokens.dtype, self._row)]

    def _row(self, index: int) -> bytes:
        require_parts(self.tokens)
        row = np.asarray(self.tokens[index : index + 1])
        return row.astype(native_dtype(row.dtype), copy=False).tobytes()
