# SPDX-License-Identifier: MIT
"""Tar archives for the tests: of the standard library, and headers made by hand."""

import io
import tarfile

import numpy as np
from PIL import Image

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def jpeg(seed: int, size: tuple[int, int] = (40, 50), kind: str = "JPEG", mode: str = "RGB") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC).convert(mode).save(out, kind)
    return out.getvalue()


def write_tar(path, members, kind: str = "pax"):
    """Write (name, content) members with the standard library; return the path."""
    with tarfile.open(path, "w", format=FORMATS[kind]) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def samples(n: int, first: int = 0):
    """Return the members of n samples: an image and its class."""
    pairs = [(f"photo{i}.jpg", f"photo{i}.cls", i) for i in range(first, first + n)]
    return [member for jpg, cls, i in pairs for member in ((jpg, jpeg(i)), (cls, b"%d" % (i % 3)))]


def header(
    name: bytes = b"a.txt", size: int | bytes = 0, kind: bytes = b"0", link: bytes = b"", sum_shift: int = 0, **more
) -> bytes:
    """Return one header block."""
    field = size if isinstance(size, bytes) else b"%011o\0" % size
    magic = more.get("magic", b"ustar\00000")
    parts = [name.ljust(100, b"\0"), b"0000644\0", b"0" * 16, field, b"0" * 12, b" " * 8, kind, link.ljust(100, b"\0")]
    block = bytearray((b"".join(parts) + magic).ljust(345, b"\0") + more.get("prefix", b"").ljust(155, b"\0"))
    block = bytearray(bytes(block).ljust(512, b"\0"))
    block[148:156] = more.get("checksum", b"%06o\0 " % (sum(block) + sum_shift))
    return bytes(block)


def member(name: bytes, content: bytes, **more) -> bytes:
    """Return the header and the padded content of one member."""
    return header(name, len(content), **more) + padded(content)


def padded(content: bytes) -> bytes:
    return content.ljust(-(-len(content) // 512) * 512, b"\0")


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """Return a PAX header."""
    text = b""
    for key, value in records:
        body = b" " + key + b"=" + value + b"\n"
        size = len(body) + 1
        while len(b"%d" % size) + len(body) != size:
            size += 1
        text += b"%d" % size + body
    return member(b"PaxHeader", text, kind=kind)


END = bytes(1024)
