# SPDX-License-Identifier: MIT
"""Unusual JPEG and PNG files: the same verdict and the same pixels as the installed Pillow's, in every mode."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

import fastbatch as fb
from fastbatch import pure


def jpeg(mode="RGB", size=(40, 30), **options):
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), "u1")
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def in_front(file, more):
    return file[:2] + more + file[2:]


def before_scan(file, more):
    scan = file.index(b"\xff\xda")
    return file[:scan] + more + file[scan:]


JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"
ADOBE = b"Adobe\0\x64\0\0\0\0\1\0\0"
ICC = b"ICC_PROFILE\0\1\1abcd"
MPF = b"MPF\0II*\0\x08\0\0\0\0\0"
RESOURCE = b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\x10" + b"\0\1" * 8


def jpeg_files(file):
    for marker in (0x00, 0x01, *range(0xD0, 0xD8)):
        yield f"FF{marker:02X} first", in_front(file, bytes([0xFF, marker]))
        yield f"FF{marker:02X} before the scan", before_scan(file, bytes([0xFF, marker]))
    for marker in (0x02, 0x4F, 0xBF, 0xF0, 0xFD):
        yield f"FF{marker:02X} with a size", in_front(file, segment(marker, b"abc"))
    for name, marker, data in (("JFIF", 0xE0, JFIF), ("Adobe", 0xEE, ADOBE), ("ICC", 0xE2, ICC), ("MPF", 0xE2, MPF)):
        for size in range(len(data)):
            yield f"{size} bytes of {name}", in_front(file, segment(marker, data[:size]))
    for size in range(10, len(RESOURCE)):
        yield f"{size} bytes of resources", in_front(file, segment(0xED, RESOURCE[:size]))
    yield "SOI again", before_scan(file, b"\xff\xd8")
    yield "EOI early", before_scan(file, b"\xff\xd9")
    yield "junk", in_front(file, b"abc")
    yield "padding", in_front(file, b"\xff\xff\xff")
    frame = file.index(b"\xff\xc0")
    size = struct.unpack(">H", file[frame + 2 : frame + 4])[0] + 2
    yield "two frames", file[: frame + size] + file[frame:]
    for marker in (0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7):
        yield f"frame FF{marker:02X}", file[: frame + 1] + bytes([marker]) + file[frame + 2 :]
    for size in (0, 1, 2):
        yield f"a segment of size {size}", in_front(file, b"\xff\xe5\0" + bytes([size]))


def progressive_files(mode):
    file = jpeg(mode, (100, 70), progressive=True, quality=60)
    scans = [i for i in range(len(file) - 1) if file[i : i + 2] == b"\xff\xda"]
    for n in range(1, len(scans)):
        yield f"{n} scans of {len(scans)}", file[: scans[n]] + b"\xff\xd9"


def chunk(name, data):
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def png_parts(color, side=8):
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    rows = b"".join(
        b"\0" + np.random.default_rng(y).integers(0, 4, side * samples, "u1").tobytes() for y in range(side)
    )
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, color, 0, 0, 0))
    return header, chunk(b"IDAT", zlib.compress(rows))


def png_files(color):
    hidden = {0: b"\0\1", 2: b"\0\1\0\2\0\1", 3: b"\0\x80", 4: b"\0\1", 6: b"\0\1\0\1\0\1"}[color]
    header, data = png_parts(color)
    parts = {
        "H": header,
        "D": data,
        "P": chunk(b"PLTE", bytes(range(24))),
        "p": chunk(b"PLTE", bytes(range(60, 84))),
        "e": chunk(b"PLTE", b""),
        "T": chunk(b"tRNS", hidden),
        "t": chunk(b"tRNS", b"\0" * 6),
        "O": png_parts(2 if color != 2 else 0, 4)[0],
    }
    usual = "DH DHD PDH DPH PHD HDP HTPD HTD HPTD HPDT HDPT HDTP TPHD PTHD PHTD THPD"
    again = "HHD HDH HDO OHD HPTOD HPOTD HPpD HeD HPTtD"
    for order in (*usual.split(), *again.split()):
        yield order, b"\x89PNG\r\n\x1a\n" + b"".join(parts[part] for part in order) + chunk(b"IEND", b"")


FILES = {
    **{f"{mode}: {name}": file for mode in ("RGB", "L", "CMYK") for name, file in jpeg_files(jpeg(mode))},
    **{f"{mode}: {name}": file for mode in ("RGB", "L") for name, file in progressive_files(mode)},
    **{f"colour {color}: {name}": file for color in (0, 2, 3, 4, 6) for name, file in png_files(color)},
}


def outcome(call):
    """Return the pixels, or None for an image that is refused."""
    try:
        return call()
    except (fb.DecodeError, TypeError):  # TypeError: Pillow on a colour that is hidden in another mode
        return None


def test_unusual_files_are_what_they_are_to_pillow():
    differ = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, file in FILES.items():
            for mode in (None, "RGB", "RGBA", "L"):
                found, expected = (outcome(lambda api=api: api.decode(file, mode)) for api in (fb, pure))  # noqa: B023
                if (found is None) != (expected is None) or not (found is None or np.array_equal(found, expected)):
                    differ.append((name, mode))
    assert differ == []


@pytest.mark.filterwarnings("ignore")
def test_loaders_give_pillow_the_same_files():
    good = {
        name: file for name, file in FILES.items() if outcome(lambda file=file: pure.decode(file, "RGB")) is not None
    }
    batches = []
    for api in (fb, pure):
        loader = api.images(
            api.encoded(list(good.values()), names=list(good)), size=16, exact=True, on_error="skip", batch_size=64
        )
        batches.append((np.concatenate(list(loader)), [bad.path for bad in loader.report()]))
    differ = [name for name, a, b in zip(good, batches[0][0], batches[1][0], strict=True) if not np.array_equal(a, b)]
    assert differ == []
    assert batches[0][1] == batches[1][1]
