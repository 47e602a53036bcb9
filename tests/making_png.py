# SPDX-License-Identifier: MIT
"""PNG files of every kind, written byte by byte: Pillow reads more kinds than it writes."""

import itertools
import struct
import zlib

import numpy as np

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # per colour type
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [(depth, color) for color, depths in DEPTHS.items() for depth in depths]
_PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data=b""):
    """Return one chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(size=(11, 7), depth=8, color=2, *, interlaced=False, before=b"", after=b"", rows=None, seed=0, piece=10**9):
    """Return a PNG file of noise with all filters, or of `rows`; `before` and `after` are chunks around its pixels."""
    width, height = size
    if rows is None:
        rows = noise(size, depth * SAMPLES[color], interlaced, seed)
    data = zlib.compress(rows)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    pixels = b"".join(chunk(b"IDAT", data[i : i + piece]) for i in range(0, len(data), piece))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + after + chunk(b"IEND")


def noise(size, bits, interlaced, seed):
    """Return rows before compression, with few distinct values, so that filter predictors tie."""
    rng = np.random.default_rng(seed)
    filters = itertools.cycle([4, 3, 2, 1, 0])
    rows = b""
    for x, y, dx, dy in _PASSES if interlaced else [(0, 0, 1, 1)]:
        n, height = (
            max(0, -(-(side - first) // step)) for side, first, step in zip(size, (x, y), (dx, dy), strict=True)
        )
        for _ in range(height if n else 0):
            row = rng.integers(0, 256, (n * bits + 7) // 8, dtype=np.uint8) & rng.choice([255, 0x81])
            rows += bytes([next(filters)]) + row.astype(np.uint8).tobytes()
    return rows


def palette(n=256, seed=0):
    """Return a PLTE chunk of n colours."""
    return chunk(b"PLTE", np.random.default_rng(seed).integers(0, 256, 3 * n, dtype=np.uint8).tobytes())
