# SPDX-License-Identifier: MIT
"""Creates the scenarios' data sets once, from fixed seeds, in a cache folder."""

from __future__ import annotations

import ast
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHUNK_ROWS = 10_000
PHOTOS = (
    "astronaut",
    "chelsea",
    "coffee",
    "hubble_deep_field",
    "ihc",
    "retina",
    "rocket",
    "motorcycle_left",
    "china",
    "flower",
)


def default_folder() -> Path:
    """Return the folder of the data sets, unless `--data` gives another."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastbatch-bench"


def once(path: Path, make: Callable[[Path], None]) -> Path:
    """Return `path`; if it is missing, create it under a temporary name first, so that it is complete or absent.

    What another process has made meanwhile stays.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{os.getpid()}-{path.name}")
        make(unfinished)
        try:
            unfinished.rename(path)
        except OSError:  # a folder does not replace another one
            if not path.is_dir():
                raise
            shutil.rmtree(unfinished)
    return path


def rows(folder: Path, n: int, columns: int, name: str = "rows") -> Path:
    """Return a .npy file of `n` x `columns` normally distributed float32 numbers."""

    def make(path: Path) -> None:
        random = np.random.default_rng(1)
        out = np.lib.format.open_memmap(path, "w+", np.float32, (n, columns))
        for start in range(0, n, CHUNK_ROWS):
            out[start : start + CHUNK_ROWS] = random.standard_normal(out[start : start + CHUNK_ROWS].shape, np.float32)
        out.flush()

    return once(folder / f"{name}-{n}x{columns}.npy", make)


def ids(folder: Path, n: int) -> Path:
    """Return a .npy file of 0..n-1 as int64: labels that identify every sample."""
    return once(folder / f"ids-{n}.npy", lambda path: np.save(path.open("wb"), np.arange(n, dtype=np.int64)))


def window_ids(folder: Path, n_rows: int, length: int, stride: int) -> Path:
    """Return a .npy file of int64, one per row: i at the last row of window i."""
    last = np.arange(n_rows, dtype=np.int64) - (length - 1)
    return once(
        folder / f"window-ids-{n_rows}-{length}-{stride}.npy", lambda path: np.save(path.open("wb"), last // stride)
    )


def tokens(folder: Path, n: int, context: int) -> Path:
    """Return a .npy file of `n` uint16 contexts plus one token; the first two tokens of a context hold its number."""

    def make(path: Path) -> None:
        random = np.random.default_rng(4)
        out = np.lib.format.open_memmap(path, "w+", np.uint16, (n * context + 1,))
        for start in range(0, n, 1000):
            rows = random.integers(0, 50_000, (min(1000, n - start), context), np.uint16)
            number = np.arange(start, start + len(rows))
            rows[:, 0], rows[:, 1] = number & 0xFFFF, number >> 16
            out[start * context : start * context + rows.size] = rows.reshape(-1)
        out.flush()

    return once(folder / f"tokens-{n}x{context}.npy", make)


def csv(folder: Path, n: int, columns: int) -> Path:
    """Return a CSV file with a header and `n` rows of normally distributed numbers with 6 decimals."""

    def make(path: Path) -> None:
        random = np.random.default_rng(5)
        with path.open("w") as file:
            file.write(",".join(map(str, range(columns))) + "\n")
            for start in range(0, n, CHUNK_ROWS):
                np.savetxt(file, random.standard_normal((min(CHUNK_ROWS, n - start), columns)), "%.6f", ",")

    return once(folder / f"numbers-{n}x{columns}.csv", make)


def images(folder: Path, n: int, side: int) -> Path:
    """Return a .npy file of `n` x `side` x `side` x 3 uint8 images."""

    def make(path: Path) -> None:
        random = np.random.default_rng(2)
        out = np.lib.format.open_memmap(path, "w+", np.uint8, (n, side, side, 3))
        for i in range(n):
            out[i] = random.integers(0, 256, (side, side, 3), np.uint8)
        out.flush()

    return once(folder / f"images-{n}x{side}.npy", make)


def sparse_rows(folder: Path, n: int, columns: int) -> Path:
    """Return a .npy file of `n` x `columns` float32 zeros that needs no space on disk."""

    def make(path: Path) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n, columns)}
        with path.open("wb") as file:
            np.lib.format.write_array_header_2_0(file, header)
            file.truncate(file.tell() + 4 * n * columns)

    return once(folder / f"sparse-{n}x{columns}.npy", make)


def large_jpegs(folder: Path, n: int, width: int, height: int) -> Path:
    """Return a folder of `n` JPEGs of that size in one class: enlarged photographs with sensor grain."""

    def make(path: Path) -> None:
        from PIL import Image

        random = np.random.default_rng(4)
        photographs = list(_photographs())
        (path / "photographs").mkdir(parents=True)
        for i in range(n):
            photograph = Image.fromarray(photographs[i % len(photographs)][1])
            large = np.asarray(photograph.resize((width, height), Image.Resampling.BICUBIC), np.float32)
            grain = random.normal(0, 4, large.shape).astype(np.float32)
            pixels = (large + grain).round().clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path / "photographs" / f"{i:06d}.jpg", "JPEG", quality=90)

    return once(folder / f"large-{n}x{width}x{height}", make)


def english(folder: Path, megabytes: int) -> Path:
    """Return a text file of about `megabytes` MB: the docstrings of the standard library, shuffled and repeated."""

    def make(path: Path) -> None:
        texts = _docstrings()
        random = np.random.default_rng(4)
        left = megabytes * 1_000_000
        with path.open("w", encoding="utf-8") as file:
            while left > 0:
                text = texts[int(random.integers(len(texts)))]
                file.write(text + "\n")
                left -= len(text) + 1

    return once(folder / f"english-{megabytes}.txt", make)


def _docstrings() -> list[str]:
    found = []
    for path in sorted(Path(ast.__file__).parent.glob("[a-z]*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        texts = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented))
        found += [text for text in texts if text and text.isascii() and "\x00" not in text]
    return found


def jpegs(folder: Path, n: int) -> Path:
    """Return a folder of `n` JPEGs of about 500 x 375 and 100 KB, one class per photograph.

    Each is a random part of a photograph from the scikit-image or scikit-learn wheel, resized to a random size and
    shape near 500 x 375 (some upright), mirrored at random, and compressed with the lowest quality that reaches a
    random number of bytes.
    """

    def make(path: Path) -> None:
        random = np.random.default_rng(3)
        photographs = dict(_photographs())
        for i in range(n):
            name = list(photographs)[i % len(photographs)]
            target = path / name / f"{i:06d}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_variation(photographs[name], random))

    try:
        return once(folder / f"jpegs-{n}", make)
    except BaseException:
        for left in folder.glob(f".{os.getpid()}-jpegs-*"):
            shutil.rmtree(left)
        raise


def recoded_jpegs(folder: Path, n: int, name: str, **options: object) -> Path:
    """Return the folder of `jpegs()`, each saved once more with these options of Pillow, at a quality of 90."""

    def make(path: Path) -> None:
        from PIL import Image

        source = jpegs(folder, n)
        for file in sorted(source.rglob("*.jpg")):
            target = path / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.open(file).save(target, "JPEG", quality=90, **options)

    return once(folder / f"jpegs-{name}-{n}", make)


def _photographs() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    import skimage
    import sklearn
    from PIL import Image

    folders = (Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images")
    for name in PHOTOS:
        path = next(path for folder in folders for path in folder.glob(f"{name}.[jp][pn]g"))
        yield name, np.asarray(Image.open(path).convert("RGB"))


def _variation(photograph: NDArray[np.uint8], random: np.random.Generator) -> bytes:
    from PIL import Image

    image = Image.fromarray(photograph)
    width, height = random.normal((500, 375), (40, 30)).clip(200, 800)
    if random.random() < 0.25:
        width, height = height, width
    part = random.uniform(0.75, 1.0) * min(image.width / width, image.height / height)
    left = random.uniform(0, image.width - part * width)
    top = random.uniform(0, image.height - part * height)
    box = (left, top, left + part * width, top + part * height)
    image = image.resize((round(width), round(height)), Image.Resampling.BICUBIC, box=box)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    wanted = random.uniform(60_000, 150_000)
    for quality in (75, 85, 90, 93, 95, 97, 98, 99):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        if out.tell() >= wanted:
            break
    return out.getvalue()
