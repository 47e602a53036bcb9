# SPDX-License-Identifier: MIT
"""Writes small files of every kind into a folder: the data for the pages in docs/.

    python examples/make_data.py FOLDER

Needs NumPy and Pillow, and takes about a second. The files are the same each time.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("cat", "dog", "owl")
N_ROWS = 2000
TEXT = "the quick brown fox\njumps over the lazy dog\n\nin the long grass of the old park\n"


def make_photos(folder: Path) -> None:
    """Write photos/train and photos/validation with a sub-folder per class, and labels.csv for photos/train."""
    rng = np.random.default_rng(0)
    rows = []
    for part, n in (("train", 32), ("validation", 8)):
        for name in CLASSES:
            (folder / "photos" / part / name).mkdir(parents=True)
            for i in range(n):
                coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
                image = Image.fromarray(coarse).resize((96 + i % 7, 72 + i % 5), Image.Resampling.BICUBIC)
                path = Path("photos") / part / name / f"{i:02}.jpg"
                image.save(folder / path, quality=90)
                if part == "train":
                    rows.append([path.as_posix(), name])
    write_csv(folder / "labels.csv", ["file", "class"], rows)


def make_masks(folder: Path) -> None:
    """Write images/ and masks/: eight photographs, each with a mask of the same name."""
    rng = np.random.default_rng(1)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for i in range(8):
        coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((320, 280), Image.Resampling.BICUBIC).save(folder / "images" / f"{i}.jpg")
        regions = rng.integers(0, 4, (7, 8), dtype=np.uint8)
        Image.fromarray(regions).resize((320, 280), Image.Resampling.NEAREST).save(folder / "masks" / f"{i}.png")


def make_scans(folder: Path) -> None:
    """Write scans/: gray images of 16 bits; and, with tifffile, bands/: images of five channels."""
    rng = np.random.default_rng(2)
    (folder / "scans").mkdir()
    for i in range(4):
        coarse = rng.integers(0, 65535, (6, 8), dtype=np.uint16)
        Image.fromarray(coarse).resize((96, 72), Image.Resampling.BICUBIC).save(folder / "scans" / f"{i}.png")
    try:
        import tifffile
    except ModuleNotFoundError:
        return
    (folder / "bands").mkdir()
    for i in range(2):
        bands = rng.integers(0, 65535, (48, 64, 5), dtype=np.uint16)
        tifffile.imwrite(folder / "bands" / f"{i}.tif", bands, planarconfig="contig", photometric="minisblack")


def make_shards(folder: Path) -> None:
    """Write shards/0.tar and shards/1.tar, as of WebDataset: the photographs of images/ with their classes."""
    (folder / "shards").mkdir()
    for shard in range(2):
        with tarfile.open(folder / "shards" / f"{shard}.tar", "w") as archive:
            for i in range(4 * shard, 4 * shard + 4):
                archive.add(folder / "images" / f"{i}.jpg", f"photo{i}.jpg")
                info = tarfile.TarInfo(f"photo{i}.cls")
                info.size = 1
                archive.addfile(info, io.BytesIO(str(i % 3).encode()))


def make_arrays(folder: Path) -> None:
    """Write x.npy (uint8 images of 28 x 28, as rows), y.npy (their classes) and data.npz (both)."""
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, (N_ROWS, 784), dtype=np.uint8)
    y = rng.integers(0, 10, N_ROWS)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    np.savez(folder / "data.npz", x=x, y=y)


def make_table(folder: Path) -> None:
    """Write people.parquet: ages, incomes and cities; nothing without pyarrow."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        return
    rng = np.random.default_rng(5)
    cities = arrow.DictionaryArray.from_arrays(rng.integers(0, 3, N_ROWS).astype(np.int8), ["Oslo", "Rome", "Lima"])
    columns = {
        "name": [f"person {i}" for i in range(N_ROWS)],
        "age": rng.integers(18, 90, N_ROWS).astype(np.int16),
        "income": rng.normal(3000, 500, N_ROWS).astype(np.float32),
        "city": cities,
    }
    parquet.write_table(arrow.table(columns), folder / "people.parquet", row_group_size=500)


def make_series(folder: Path) -> None:
    """Write sensors.npy and sensors.csv (three channels), a.npy and b.npy (two shorter series), labels.npy."""
    rng = np.random.default_rng(3)
    sensors = np.cumsum(rng.normal(0, 0.1, (N_ROWS, 3)), axis=0).astype(np.float32)
    np.save(folder / "sensors.npy", sensors)
    np.save(folder / "a.npy", sensors[:1200])
    np.save(folder / "b.npy", sensors[1200:])
    np.save(folder / "labels.npy", (sensors[:, 2] > sensors[:, 2].mean()).astype(np.int64))
    rows = [[f"{value:.4f}" for value in row] for row in sensors]
    write_csv(folder / "sensors.csv", ["temperature", "pressure", "load"], rows)


def make_text(folder: Path) -> None:
    """Write corpus/a.txt, corpus/b.txt, and events.jsonl with one JSON object per line."""
    (folder / "corpus").mkdir()
    (folder / "corpus" / "a.txt").write_text(TEXT * 40, encoding="utf-8")
    (folder / "corpus" / "b.txt").write_text(TEXT * 20, encoding="utf-8")
    events = [json.dumps({"x": [i, i / 2], "y": i % 2}) for i in range(100)]
    (folder / "events.jsonl").write_text("\n".join(events) + "\n", encoding="utf-8")


def make_tokens(folder: Path) -> None:
    """Write train.bin: uint16 tokens of documents that end with 50256; and offsets.npy: the documents' boundaries."""
    rng = np.random.default_rng(4)
    sizes = rng.integers(500, 4000, 40)
    documents = [np.append(rng.integers(0, 50256, size - 1), 50256) for size in sizes]
    np.concatenate(documents).astype(np.uint16).tofile(folder / "train.bin")
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(sizes)]))


def write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a header and rows."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def make_all(folder: Path) -> None:
    """Write everything."""
    folder.mkdir(parents=True, exist_ok=True)
    for make in (
        make_photos,
        make_masks,
        make_scans,
        make_shards,
        make_arrays,
        make_table,
        make_series,
        make_text,
        make_tokens,
    ):
        make(folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/make_data.py FOLDER")
    make_all(Path(sys.argv[1]))
