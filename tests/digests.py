# SPDX-License-Identifier: MIT
"""Digests of the batches of many loaders, to compare machines and instruction sets with each other.

    python tests/digests.py write DATA x86.json     # makes the files in DATA unless they exist
    python tests/digests.py compare x86.json aarch64.json ...

The files are made once, on one machine: codecs that write may differ. `compare` names the loaders that differ, and
returns 1.
"""

import hashlib
import io
import json
import platform
import sys
from itertools import islice, product
from pathlib import Path

import kinds
import numpy as np
from making_png import KINDS, png
from PIL import Image

import fastbatch as fb

MOST_BATCHES = 20
FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
CROPS = ("none", "center", "random", "random_resized", "pad")
NUMBERS = ("u1", "<i2", ">i4", "i8", "f2", ">f4", "f8")
CHANGES = {
    "turned": {"rotation": 30, "shear": 10, "zoom": 0.2, "shift": 0.1},
    "turned to the nearest": {"rotation": 30, "order": 0, "fill": "reflect"},
    "coloured": {"brightness": 0.3, "contrast": 0.3, "saturation": 0.4, "hue": 0.2, "channel_shift": 20},
    "erased": {"erase": 0.7, "erase_value": "random", "standardize": True},
}


def write_files(root):
    """Write images of all codecs into a folder, and return it."""
    if root.exists():
        return root
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 256, (25, 33, 3), np.uint8)).resize((517, 389), Image.Resampling.BICUBIC)
    alpha = photo.copy()
    alpha.putalpha(photo.convert("L"))
    files = {
        "jpeg/420.jpg": (photo, {"quality": 90}),
        "jpeg/422.jpg": (photo, {"quality": 70, "subsampling": 1}),
        "jpeg/444.jpg": (photo, {"quality": 97, "subsampling": 0}),
        "jpeg/progressive.jpg": (photo, {"progressive": True}),
        "jpeg/restarts.jpg": (photo, {"restart_marker_rows": 2}),
        "jpeg/gray.jpg": (photo.convert("L"), {}),
        "jpeg/cmyk.jpg": (photo.convert("CMYK"), {}),
        "webp/lossy.webp": (photo, {"quality": 80}),
        "webp/lossless.webp": (alpha, {"lossless": True}),
        "png/photo.png": (photo, {}),
    }
    partial = root.with_suffix(".partial")
    for name, (image, options) in files.items():
        content = io.BytesIO()
        image.save(content, {"jpg": "JPEG"}.get(name.rpartition(".")[2], name.rpartition(".")[2].upper()), **options)
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).write_bytes(content.getvalue())
    for (depth, color), interlaced in product(KINDS, (False, True)):
        palette = b"" if color != 3 else _palette()
        name = f"{depth} bits of kind {color}{', interlaced' * interlaced}.png"
        (partial / "png" / name).write_bytes(png((37, 29), depth, color, interlaced=interlaced, before=palette))
    partial.rename(root)
    return root


def _palette():
    from making_png import chunk

    return chunk(b"PLTE", np.random.default_rng(1).bytes(768))


def loaders(data):
    """Yield names and loaders: every kind, every codec with every resize and crop, every conversion of numbers."""
    at = kinds.Folder(data)
    for name, make in kinds.LOADERS.items():
        yield name, make(fb, at)
    files = write_files(data / "files")
    images = {"labels": None, "shuffle": True, "seed": 1, "batch_size": 4}
    for codec, exact in product(("jpeg", "png", "webp"), (False, True)):
        paths = sorted((files / codec).iterdir())
        for filter_, crop in product(FILTERS, CROPS):
            options = {"size": (67, 41), "filter": filter_, "crop": crop, "exact": exact, "flip": True, "depth": 8}
            yield f"{codec}, {crop}, {filter_}{', exact' * exact}", fb.images(paths, dtype="u1", **options, **images)
        for color in ("rgb", "rgba", "grayscale"):
            options = {"size": 96, "color": color, "exact": exact, "layout": "NHWC"}
            yield f"{codec}, {color}{', exact' * exact}", fb.images(paths, mean=0.4, std=0.2, **options, **images)
    for name, change in CHANGES.items():
        augment = fb.Augment(**change)
        for dtype in ("f4", "f2") if "standardize" in change else ("f4", "f2", "u1"):
            yield (
                f"{name}, {dtype}",
                fb.images(sorted((files / "jpeg").iterdir()), augment=augment, dtype=dtype, **images),
            )
    for source, dtype in product(NUMBERS, ("f2", "f4", "f8", "u1")):
        x = np.random.default_rng(2).integers(0, 127, (50, 131)).astype(source)
        yield f"{source} to {dtype}", fb.arrays(x, dtype=dtype, scale=0.37, mean=-1.1, shuffle=True, batch_size=9)
    pixels = np.random.default_rng(3).integers(0, 256, (9, 31, 27, 3), np.uint8)
    yield "planes", fb.arrays(pixels, dtype="f4", scale=1 / 255, mean=[0.4, 0.5, 0.6], layout="NCHW", batch_size=4)
    series = np.random.default_rng(4).random((400, 7)).astype("f4")
    for normalize in ("window", None):
        yield f"windows, {normalize}", fb.windows(series, length=24, normalize=normalize, shuffle=True, batch_size=32)


def add(digest, batch):
    """Add structure, types, shapes and bytes of a batch to a digest."""
    if isinstance(batch, dict):
        batch = tuple(batch.items())
    if isinstance(batch, (tuple, list)):
        digest.update(f"({len(batch)}".encode())
        for part in batch:
            add(digest, part)
    elif isinstance(batch, (np.ndarray, np.generic)):
        digest.update(f"{batch.dtype.str}{batch.shape}".encode() + batch.tobytes())
    else:
        digest.update(f"{type(batch).__name__}{batch!r}".encode())


def write(data, path):
    """Write the digest of each loader as JSON."""
    data.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, loader in loaders(data):
        digest = hashlib.sha256()
        n = 0
        for batch in islice(loader, MOST_BATCHES):
            add(digest, batch)
            n += 1
        assert n, f"{name}: no batches"
        assert name not in found, name
        found[name] = digest.hexdigest()
        loader.close()
    simd = fb.show_config(mode="dict")["simd"]["in use"]
    path.write_text(json.dumps({"machine": f"{platform.machine()}, {simd}", "digests": found}, indent=1))
    print(f"{platform.machine()}, {simd}: {len(found)} loaders")


def compare(paths):
    """Print which loaders differ from those of the first file, and return whether all are the same."""
    first, *others = [json.loads(path.read_text()) for path in paths]
    equal = True
    for other in others:
        differ = [
            name
            for name in first["digests"] | other["digests"]
            if first["digests"].get(name) != other["digests"].get(name)
        ]
        print(f"{first['machine']} and {other['machine']}: {len(differ)} of {len(first['digests'])} loaders differ")
        for name in differ:
            print(f"  {name}")
        equal = equal and not differ
    return equal


if __name__ == "__main__":
    command, *names = sys.argv[1:]
    if command == "write":
        write(*map(Path, names))
    elif not compare(list(map(Path, names))):
        sys.exit(1)
