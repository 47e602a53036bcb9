# SPDX-License-Identifier: MIT
"""The user's own photographs as the data of races: a folder with links to some of them."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import fastbatch

from .job import Job, Skipped

MOST_FILES, MOST_BYTES = 1_000, 200_000_000  # an epoch of the slowest contestant takes some seconds
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif"}
LARGE = 896  # pixels of the shorter side from which the codec reduces photographs while it decodes


def job(images: Path, folder: Path, threads: int) -> Job:
    """Return the request for an epoch of the JPEGs below `images`. Raises `Skipped` if there are too few.

    Args:
        images: The user's folder, with or without class folders.
        folder: Where a folder with links to the files is made.
        threads: For the contestants.
    """
    files, is_large = _usable(_chosen(images))
    n = len(files)
    if n < 2:
        raise Skipped(f"{images}: expected at least 2 upright JPEG files in RGB, found {n}")
    links = str(_linked(files, images, folder))
    return Job(
        kind="jpeg", data=links, n=n, batch_size=min(64, -(-n // 4)), threads=threads, exact=True, is_large=is_large
    )


def _chosen(images: Path) -> list[Path]:
    """Return a part of the files that is not too large, evenly from all of them."""
    if not images.is_dir():
        raise Skipped(f"{images}: there is no such folder")
    every = sorted(path for path in images.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    sizes = [path.stat().st_size for path in every]
    step = max(-(-len(every) // MOST_FILES), -(-sum(sizes) // MOST_BYTES), 1)
    return every[::step]


def _usable(files: list[Path]) -> tuple[list[Path], bool]:
    """Return the files that every contestant reads alike, and whether one is large enough for scaled decoding.

    Not all contestants turn photographs as their EXIF data says, or convert CMYK.
    """
    if not files:
        return [], False
    found = fastbatch.probe(files)
    is_good = [
        one["error"] is None and one["format"] == "JPEG" and one["mode"] == "RGB" and one["orientation"] == 1
        for one in found
    ]
    large = [min(int(one["width"]), int(one["height"])) >= LARGE for one in found]
    return (
        [path for path, good in zip(files, is_good, strict=True) if good],
        any(good and one for good, one in zip(is_good, large, strict=True)),
    )


def _linked(files: list[Path], images: Path, folder: Path) -> Path:
    """Return a folder with a class folder for each folder of the user's, and a link to each file."""
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    state = hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()[:12]
    target = folder / f"own-{state}"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        made = Path(unfinished) / "links"
        for i, path in enumerate(files):
            place = made / ("-".join(path.parent.relative_to(images).parts) or "images")
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i:06d}.jpg").symlink_to(path.resolve())
        made.rename(target)
    return target
