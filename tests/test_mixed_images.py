# SPDX-License-Identifier: MIT
"""Folders of images of many formats and modes in the loader."""

import io
import sys
import threading

import numpy as np
import pytest
from making import same_batches
from making_png import KINDS, chunk, palette, png
from PIL import Image

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError
from fastbatch.native import pillow as pillow_fallback

pytestmark = pytest.mark.behavior


def picture(mode, size):
    noise = np.random.default_rng(3).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)


@pytest.fixture
def mixed(tmp_path, monkeypatch):
    """Return paths of files of every kind with misleading extensions."""
    monkeypatch.setattr(pillow_fallback, "_warned", {"GIF", "BMP", "TIFF"})
    contents = [png((40, 30), *kind, before=palette() + chunk(b"tRNS", b"\0\x40\0\1\0\1")) for kind in KINDS]
    contents += [png((41, 29), *kind, interlaced=True, before=palette()) for kind in KINDS[::3]]
    for kind, mode, options in [
        ("JPEG", "RGB", {}),
        ("JPEG", "CMYK", {}),
        ("WEBP", "RGB", {"quality": 50}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("TIFF", "I;16", {}),
    ]:
        file = io.BytesIO()
        picture("L" if mode == "I;16" else mode, (50, 33)).convert(mode).save(file, kind, **options)
        contents.append(file.getvalue())
    paths = [tmp_path / f"{i:02}.jpg" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


@pytest.mark.parametrize("color", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize(
    "options", [{"size": (30, 40)}, {"size": 19, "crop": "center"}, {"size": 24, "filter": "nearest"}], ids=str
)
def test_mixed_folders(mixed, color, options):
    options = {
        "color": color,
        "exact": True,
        "dtype": "uint8",
        "layout": "NHWC",
        "depth": 8,
        "batch_size": 5,
        **options,
    }
    expected = list(pure.images(mixed, **options))
    for threads in (1, 4):
        loader = fastbatch.images(mixed, threads=threads, **options)
        same_batches(loader, expected)
        assert loader.stats()["through_pillow"] == 3
    fast = np.concatenate(list(fastbatch.images(mixed, **{**options, "exact": False})))
    assert np.mean(np.abs(fast.astype(int) - np.concatenate(expected))) < 1


@pytest.mark.skipif(
    getattr(sys.flags, "context_aware_warnings", False), reason="pytest does not see the warnings of other threads"
)
def test_other_formats_are_said_once_by_the_loader(mixed, monkeypatch):
    monkeypatch.setattr(pillow_fallback, "_warned", set())
    with pytest.warns(UserWarning) as caught:
        list(fastbatch.images(mixed, size=8, depth=8))
    assert sorted(str(warning.message).split()[0] for warning in caught) == ["BMP", "GIF", "TIFF"]
    list(fastbatch.images(mixed, size=8, depth=8))  # warnings are errors: the warning is not repeated


def test_without_pillow(mixed, monkeypatch):
    monkeypatch.setattr(pillow_fallback, "is_available", lambda: False)
    with pytest.raises(DecodeError, match=r"24\.jpg: sample 24: .*pip install pillow.* found GIF"):
        list(fastbatch.images(mixed, size=8))
    assert len(np.concatenate(list(fastbatch.images(mixed[:-3], size=8)))) == len(mixed) - 3


def test_loaders_end_while_pillow_works(mixed):
    """The worker threads need the GIL for these files: closing or dropping a loader must not hold it."""
    many = mixed[-3:] * 200
    for end in (fastbatch.Loader.close, lambda loader: None):
        loader = fastbatch.images(many, size=8, threads=4, batch_size=3)
        iterator = iter(loader)
        next(iterator)
        end(loader)
        del iterator, loader
    results = []
    readers = [
        threading.Thread(target=lambda: results.append(len(list(fastbatch.images(many[:30], size=8)))))
        for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert results == [1, 1, 1]


def test_a_broken_file_of_each_format_is_named(api, tmp_path):
    for kind in ("PNG", "WEBP", "GIF"):
        file = io.BytesIO()
        picture("RGB", (60, 50)).save(file, kind)
        path = tmp_path / "broken"
        path.write_bytes(file.getvalue()[: len(file.getvalue()) // 2])
        with pytest.raises(DecodeError) as caught:
            pillow_fallback._warned.add("GIF")
            list(api.images([path], size=8))
        assert (caught.value.path, caught.value.sample) == (str(path), 0)
