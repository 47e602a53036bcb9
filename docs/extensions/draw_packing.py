# SPDX-License-Identifier: MIT
"""Draws the picture of packed documents in docs/tokens.md from the loaders themselves, when run as a program."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import numpy as np
from picture import WIDTH, picture, text

import fastbatch as fb

LENGTHS = (7, 12, 3, 20, 5, 9, 16, 2, 4, 10)  # of the documents
CONTEXT = 24
COLORS = ("#00897b", "#f2a541", "#5c6bc0", "#c0554f", "#6d8b3c")
EMPTY = "#dde3e8"
CELL, LEFT, ROW = 18, 150, 30


def packing() -> str:
    """Return the picture: the documents, their packs, and what padding would cost without packing."""
    tokens = np.repeat(np.arange(len(LENGTHS)), LENGTHS)  # each token is the number of its document
    (packs,) = fb.pack(tokens, context=CONTEXT, lengths=LENGTHS, pad=-1, out_dtype="int64")
    drawn = [text(24, 36, "the documents", "head")]
    starts = list(accumulate(LENGTHS, initial=0))
    scale = (WIDTH - LEFT - 24) / starts[-1]
    for d, (start, length) in enumerate(zip(starts, LENGTHS, strict=False)):
        drawn += bar(LEFT + start * scale, 20, length * scale, d, str(length))
    y = 84
    drawn.append(text(24, y + 16, "packs", "head"))
    for ids in packs["input_ids"].tolist():
        x = 0
        while x < CONTEXT:
            end = next((at for at in range(x, CONTEXT) if ids[at] != ids[x]), CONTEXT)
            drawn += bar(LEFT + x * CELL, y, (end - x) * CELL, ids[x], str(end - x) if ids[x] >= 0 else "")
            x = end
        y += ROW
    n = len(packs["input_ids"])
    fill, alone = sum(LENGTHS) / (n * CONTEXT), sum(LENGTHS) / (len(LENGTHS) * CONTEXT)
    beside = LEFT + CONTEXT * CELL + 24
    notes = [f"{len(LENGTHS)} documents in {n} contexts of {CONTEXT} tokens", f"{100 * fill:.0f} % of them are tokens,"]
    notes += [f"with a document in each: {100 * alone:.0f} %"]
    drawn += [text(beside, 100 + i * 20, note, "note") for i, note in enumerate(notes)]
    first = packs["segment_ids"][0], packs["position_ids"][0]
    y += 10
    for name, values in zip(("segment_ids", "position_ids"), first, strict=True):
        drawn.append(text(24, y + 14, name, "note"))
        for j, value in enumerate(values.tolist()):
            middle = LEFT + j * CELL + CELL / 2
            drawn.append(f'<text x="{middle:g}" y="{y + 14}" text-anchor="middle" class="note">{value}</text>')
        y += 22
    drawn.append(text(beside, y - 20, "of the first pack", "note"))
    return picture(y + 14, "Documents packed into contexts", f"{notes[0]}: {notes[1]} {notes[2]}.", drawn)


def bar(x: float, y: float, width: float, document: int, words: str) -> list[str]:
    """Return a bar in the colour of a document, or of padding, with its number of tokens."""
    color = COLORS[document % len(COLORS)] if document >= 0 else EMPTY
    shape = f'<rect x="{x:.1f}" y="{y}" width="{width - 2:.1f}" height="22" rx="3" fill="{color}"/>'
    if not words:
        return [shape]
    return [shape, f'<text x="{x + width / 2 - 1:.1f}" y="{y + 15}" text-anchor="middle" class="n">{words}</text>']


if __name__ == "__main__":
    (Path(__file__).parents[1] / "packing.svg").write_text(packing())
