# SPDX-License-Identifier: MIT
"""Writes seeds for the fuzzers: small valid files of each format, and the same files cut short.

python tests/cpp/make_corpus.py build/corpus
"""

import gzip
import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, allow_pickle=False)
    return buffer.getvalue()


def npy_files() -> Iterator[bytes]:
    for dtype in ("bool", "u1", "<i2", ">i4", "<u8", "<f2", ">f8", "<c8", "S5", [("a", "<i4"), ("b", "<f4", 3)]):
        yield npy(np.zeros((3, 2), dtype=dtype))
    yield npy(np.asfortranarray(np.arange(12.0).reshape(3, 4)))
    yield npy(np.zeros((0, 7)))
    yield npy(np.float32(3.0).reshape(()))
    yield npy(np.arange(5), (2, 0))
    yield npy(np.arange(5), (3, 0))


def npz_files() -> Iterator[bytes]:
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, x=np.arange(12.0).reshape(3, 4), y=np.arange(3))
        yield buffer.getvalue()


def idx_files() -> Iterator[bytes]:
    for code, dtype in ((0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")):
        data = struct.pack(">HBBII", 0, code, 2, 3, 4) + np.arange(12).astype(dtype).tobytes()
        yield data
        yield gzip.compress(data, mtime=0)


def jpeg_files() -> Iterator[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    for mode in ("RGB", "L", "CMYK"):
        for options in ({"quality": 90}, {"quality": 50, "progressive": True}, {"subsampling": 0}, {"subsampling": 1}):
            buffer = io.BytesIO()
            Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", **options)
            yield buffer.getvalue()


def texts() -> Iterator[bytes]:
    text = "one Z\u00fcrich\u3000\u6f22\u5b57\r\n\rlong-long-long \u2003end".encode()
    for options in range(40):
        yield bytes([options, options % 7]) + text + b"\xe2\x80\xff tail"


FILES = {"text": texts, "npy": npy_files, "npz": npz_files, "idx": idx_files, "jpeg": jpeg_files}


def main(root: Path) -> None:
    for name, make in FILES.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for i, data in enumerate(make()):
            (folder / f"seed{i:02}").write_bytes(data)
            (folder / f"seed{i:02}-cut").write_bytes(data[: len(data) * 2 // 3])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
