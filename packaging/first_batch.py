# SPDX-License-Identifier: MIT
"""A wheel in an environment with NumPy alone: import, arrays, and images of all codecs, in time.

    python packaging/first_batch.py

Writes its own images: a JPEG, a PNG and a WebP of one pixel, as bytes.
"""

import base64
import importlib.metadata
import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path

JPEG = (
    "/9j/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/wAALCAABAAEBAREA"
    "/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q=="
)
WEBP = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="


def png() -> bytes:
    """Return a PNG of one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")
    )


def main() -> int:
    """Run all, and return the number of problems."""
    import numpy as np

    start = time.perf_counter()
    import fastbatch as fb

    import_s = time.perf_counter() - start
    installed = {one.metadata["Name"].lower() for one in importlib.metadata.distributions()}
    if unexpected := installed - {"fastbatch", "numpy", "pip", "setuptools", "wheel"}:
        print(f"expected NumPy alone, found {sorted(unexpected)}")
        return 1
    x = np.arange(24).reshape(8, 3)
    assert [batch.tolist() for batch in fb.arrays(x, batch_size=8)] == [x.tolist()]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("a.jpg", base64.b64decode(JPEG)), ("b.png", png()), ("c.webp", base64.b64decode(WEBP))):
            Path(folder, name).write_bytes(content)
        loader = fb.images(folder, labels=None, size=4, batch_size=3)
        batch = next(iter(loader))
        pixels = batch[0] if isinstance(batch, tuple) else batch
        assert pixels.shape == (3, 3, 4, 4), pixels.shape
        loader.close()
    print(f"import {1e3 * import_s:.0f} ms over NumPy, first batch: {time.perf_counter() - start:.2f} s")
    fb.show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
