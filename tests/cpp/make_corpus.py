# SPDX-License-Identifier: MIT
"""Writes seeds for the fuzzers: small valid files of each format, and the same files cut short.

python tests/cpp/make_corpus.py build/corpus
"""

import gzip
import io
import struct
import sys
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from making_png import KINDS, chunk, palette, png


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


def tar_files() -> Iterator[bytes]:
    for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
            for name, size in (("a.jpg", 3), ("d/" * 60 + "b", 513), ("ü.cls", 0)):
                info = tarfile.TarInfo(name)
                info.size = size
                archive.addfile(info, io.BytesIO(bytes(size)))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.LNKTYPE, "a.jpg"
            archive.addfile(link)
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


def own_jpeg_files() -> Iterator[bytes]:
    """Files for our own decoder, each with six bytes that choose part, scale and mode (fuzz_jpeg_own.cpp)."""
    y, x = np.mgrid[0:45, 0:61]
    smooth = np.stack([(x * 3 + y * 2) % 256, (x * 2 + y * 5) % 256, x + y], -1).astype(np.uint8)
    noise = np.random.default_rng(1).integers(0, 256, smooth.shape, dtype=np.uint8)
    kinds = ({}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1, "optimize": True}, {"quality": 98})
    restarts = ({"restart_marker_blocks": 3}, {"restart_marker_rows": 1, "progressive": True})
    for pixels in (smooth, noise):
        for mode in ("RGB", "L", "CMYK"):
            for i, options in enumerate((*kinds, *restarts)):
                buffer = io.BytesIO()
                Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", **options)
                yield buffer.getvalue() + bytes([i * 5, i * 4, 20 * (i % 3), 17, i, 6])


def texts() -> Iterator[bytes]:
    yield bytes([53, 0]) + b"a\r\xff\nb\r\xff"
    text = "one Z\u00fcrich\u3000\u6f22\u5b57\r\n\rlong-long-long \u2003end".encode()
    for options in range(40):
        yield bytes([options, options % 7]) + text + b"\xe2\x80\xff tail"


def png_files() -> Iterator[bytes]:
    for depth, color in KINDS:
        for interlaced in (False, True):
            before = palette(9) + chunk(b"tRNS", b"\1\2\3") if color == 3 else b""
            yield png((13, 9), depth, color, interlaced=interlaced, before=before, piece=40)
    texts = [chunk(b"tEXt", b"key\0value"), chunk(b"zTXt", b"key\0\0" + zlib.compress(b"value"))]
    texts.append(chunk(b"iTXt", b"key\0\1\0en\0key\0" + zlib.compress(b"value")))
    frame = struct.pack(">IIIIIHHBB", 0, 13, 9, 0, 0, 1, 1, 0, 0)
    yield png((13, 9), before=b"".join(texts), after=chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0"))
    yield png((13, 9), before=chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame))


def webp_files() -> Iterator[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 4), dtype=np.uint8)
    for mode in ("RGB", "RGBA"):
        image = Image.fromarray(pixels).convert(mode)
        for options in ({"quality": 60}, {"lossless": True}, {"save_all": True, "append_images": [image.rotate(90)]}):
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0", **options)
            yield buffer.getvalue()


def hdf5_chunks() -> Iterator[bytes]:
    plain = bytes(range(12))
    packed = zlib.compress(plain)
    for kinds, content in ((0, plain), (4, packed), (5, packed), (12, b"\x02abc\xe0\x00\x02")):
        yield bytes([kinds | 3 << 5, 0, 3]) + content


def parquet_pages() -> Iterator[bytes]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        return
    table = arrow.table({"image": [b"one", b"", b"three" * 20, b"one"]})
    for version in ("1.0", "2.0"):
        for codec in ("NONE", "SNAPPY"):
            for dictionary in (False, True):
                file = io.BytesIO()
                parquet.write_table(
                    table, file, data_page_version=version, compression=codec, use_dictionary=dictionary
                )
                chunk = parquet.read_metadata(file).row_group(0).column(0)
                begin = chunk.dictionary_page_offset or chunk.data_page_offset
                pages = file.getvalue()[begin : begin + chunk.total_compressed_size]
                yield bytes([codec == "SNAPPY", 1, 4, 40]) + pages


FILES = {
    "text": texts,
    "png": png_files,
    "webp": webp_files,
    "npy": npy_files,
    "npz": npz_files,
    "idx": idx_files,
    "tar": tar_files,
    "hdf5": hdf5_chunks,
    "parquet": parquet_pages,
    "jpeg": jpeg_files,
    "jpeg_own": own_jpeg_files,
}


def main(root: Path) -> None:
    for name, make in FILES.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for i, data in enumerate(make()):
            (folder / f"seed{i:02}").write_bytes(data)
            (folder / f"seed{i:02}-cut").write_bytes(data[: len(data) * 2 // 3])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
