# SPDX-License-Identifier: MIT
"""The demo's data: a folder of camera-like JPEGs made from real photographs, and real handwritten digits.

Each photograph in the scikit-image and scikit-learn wheels becomes a class. A picture is a random crop at a random
scale, with changed exposure and sensor grain, compressed again. Picture `i` depends on (seed, i) only, not on the
thread that makes it.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastbatch.demo import DemoError

from .cache import complete_folder

VERSION = 1  # part of the cache's folder names; raise it when the data change


class Photograph(NamedTuple):
    """A real photograph inside an installed wheel."""

    name: str
    package: str
    file: str


PHOTOGRAPHS = (
    Photograph("astronaut", "skimage.data", "astronaut.png"),
    Photograph("bricks", "skimage.data", "brick.png"),
    Photograph("cameraman", "skimage.data", "camera.png"),
    Photograph("cat", "skimage.data", "chelsea.png"),
    Photograph("coffee", "skimage.data", "coffee.png"),
    Photograph("coins", "skimage.data", "coins.png"),
    Photograph("dahlia", "sklearn.datasets.images", "flower.jpg"),
    Photograph("galaxies", "skimage.data", "hubble_deep_field.jpg"),
    Photograph("motorcycle", "skimage.data", "motorcycle_left.png"),
    Photograph("pagoda", "sklearn.datasets.images", "china.jpg"),
    Photograph("retina", "skimage.data", "retina.jpg"),
    Photograph("rocket", "skimage.data", "rocket.jpg"),
)

_LONG, _SHORT = 500, 375  # pixels
_JPEG_QUALITY = 95
_GRAIN = 6.0  # standard deviation of the sensor's noise, in grey levels
_GRAIN_SIDE = 1024
_CHUNK = 32


def make_photos(n_photos: int, seed: int, threads: int, progress: Callable[[int, int], None]) -> Path:
    """Return the cached folder of `<class>/*.jpg`; create it if needed.

    Args:
        n_photos: Total number of pictures, divided evenly among the classes.
        seed: Seed of crops, exposures and grain.
        threads: Number of threads; Pillow releases the GIL while it works.
        progress: Called in this thread with the numbers of finished and of all pictures.
    """

    def make(folder: Path) -> None:
        _write_photos(folder, n_photos, seed, threads, progress)

    def is_complete(folder: Path) -> bool:
        return sum(1 for _ in folder.glob("*/*.jpg")) == n_photos

    return complete_folder(f"demo-photos-{VERSION}-{n_photos}-{seed}", make, is_complete)


def make_digits() -> Path:
    """Return the cached folder with `x.npy`, uint8 `(1797, 8, 8)` of 0 to 16, and `y.npy`, int64 `(1797,)`."""

    def is_complete(folder: Path) -> bool:
        return (folder / "x.npy").is_file() and (folder / "y.npy").is_file()

    return complete_folder(f"demo-digits-{VERSION}", _write_digits, is_complete)


def _write_photos(folder: Path, n_photos: int, seed: int, threads: int, progress: Callable[[int, int], None]) -> None:
    originals = [_open(photograph) for photograph in PHOTOGRAPHS]
    grain = np.random.default_rng(seed).normal(0.0, _GRAIN, (_GRAIN_SIDE, _GRAIN_SIDE, 1)).astype(np.float32)
    for photograph in PHOTOGRAPHS:
        (folder / photograph.name).mkdir(parents=True)

    def write(chunk: range) -> None:
        for i in chunk:
            place = i % len(PHOTOGRAPHS)
            random = np.random.default_rng([seed, i])
            picture = _snapshot(originals[place], grain, random)
            name = PHOTOGRAPHS[place].name
            Image.fromarray(picture).save(
                folder / name / f"{name}-{i // len(PHOTOGRAPHS):05}.jpg", quality=_JPEG_QUALITY, subsampling="4:2:0"
            )

    chunks = [range(start, min(start + _CHUNK, n_photos)) for start in range(0, n_photos, _CHUNK)]
    pool = ThreadPoolExecutor(threads)
    try:
        unfinished = {pool.submit(write, chunk) for chunk in chunks}
        while unfinished:
            finished, unfinished = wait(unfinished, timeout=0.1, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
            progress(max(0, n_photos - _CHUNK * len(unfinished)), n_photos)
    finally:
        pool.shutdown(cancel_futures=True)


def _snapshot(original: Image.Image, grain: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a uint8 picture `(height, width, 3)`: a random crop of the photograph, as a camera would record it."""
    width, height = (_LONG, _SHORT) if random.random() < 0.75 else (_SHORT, _LONG)
    scale = min(original.width / width, original.height / height) * random.uniform(0.55, 1.0)
    piece_width, piece_height = width * scale, height * scale
    left = random.uniform(0.0, original.width - piece_width)
    top = random.uniform(0.0, original.height - piece_height)
    piece = original.resize(
        (width, height), Image.Resampling.BICUBIC, box=(left, top, left + piece_width, top + piece_height)
    )
    y, x = random.integers(0, _GRAIN_SIDE - _LONG, 2)
    picture = np.asarray(piece, np.float32) * np.float32(random.uniform(0.7, 1.3))
    picture += grain[y : y + height, x : x + width]
    snapshot: NDArray[np.uint8] = picture.clip(0, 255).astype(np.uint8)
    return snapshot


def _open(photograph: Photograph) -> Image.Image:
    resource = importlib.resources.files(photograph.package) / photograph.file
    try:
        with importlib.resources.as_file(resource) as path, Image.open(path) as image:
            original: Image.Image = image.convert("RGB")
            return original
    except FileNotFoundError:
        raise DemoError(
            f"the installed {photograph.package.split('.')[0]} comes without {photograph.file}: "
            'pip install --upgrade "fastbatch[demo]"'
        ) from None


def _write_digits(folder: Path) -> None:
    from sklearn.datasets import load_digits  # takes a second: imported only when the data is missing

    digits = load_digits()
    np.save(folder / "x.npy", digits.images.astype(np.uint8))
    np.save(folder / "y.npy", digits.target.astype(np.int64))
