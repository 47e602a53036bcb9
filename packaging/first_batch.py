# SPDX-License-Identifier: MIT
"""A wheel in an environment with NumPy alone: import, arrays, and images of all codecs, in time.

    python packaging/first_batch.py [PHOTOS [SINCE]]
    python packaging/first_batch.py --write PHOTOS

Writes its own images: a JPEG, a PNG and a WebP of one pixel, as bytes. PHOTOS is a folder of photographs, whose first
batch is timed in a process of its own: from before NumPy's import, or since SINCE (seconds of the epoch), when the
installation began. `--write` makes such a folder, with Pillow, unless it exists.
"""

import base64
import importlib.metadata
import struct
import subprocess
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


def write_photos(folder: Path) -> None:
    """Write 1,000 JPEGs of 500 x 375 pixels in ten classes, unless the folder exists."""
    import numpy as np
    from PIL import Image

    if folder.exists():
        return
    partial = folder.with_suffix(".partial")
    generator = np.random.default_rng(0)
    for i in range(1000):
        path = partial / f"{i % 10}" / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(generator.integers(0, 256, (30, 40, 3), np.uint8))
        small.resize((500, 375), Image.Resampling.BICUBIC).save(path, quality=90)
    partial.rename(folder)


def time_photos(folder: str, since: float | None) -> None:
    """Print how long it takes until a new process has its first batch."""
    begin = time.time() if since is None else since
    code = "import fastbatch, sys; print(*next(iter(fastbatch.images(sys.argv[1], size=224, shuffle=True)))[0].shape)"
    shape = subprocess.run([sys.executable, "-c", code, folder], check=True, capture_output=True, text=True).stdout
    assert shape == "32 3 224 224\n", shape
    what = "installation, import" if since is not None else "import"
    print(f"{what} and first batch of 1,000 photographs: {time.time() - begin:.2f} s")


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
    if sys.argv[1:2] == ["--write"]:
        write_photos(Path(sys.argv[2]))
        sys.exit()
    if len(sys.argv) > 1:
        time_photos(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else None)
    sys.exit(main())
