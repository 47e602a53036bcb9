# SPDX-License-Identifier: MIT
"""Broken or missing images and files that are no images: their batch raises, and the loader remains usable."""

import os
import struct

import numpy as np
import pytest
from making import error_of, jpeg

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError, FastbatchError

pytestmark = pytest.mark.behavior


def header_claiming(width, height):
    """Return a 30-byte header of an image of that size, without pixels."""
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    return (b"\xff\xd8\xff\xe0\0\4JF\xff\xc0" + frame).ljust(30, b"\0")


BROKEN_IMAGES = {
    "half a file": (jpeg()[: len(jpeg()) // 2], "JPEG ends early"),
    "header only": (jpeg()[:200], "JPEG"),
    "three bytes": (b"\xff\xd8\xff", "JPEG"),
    "no bytes": (b"", "found an empty file"),
    "HTML": (
        b"<!DOCTYPE html><html>404</html>",
        "not an image: expected JPEG, PNG, WebP or another format that Pillow reads, found",
    ),
    "PNG": (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "broken PNG|not an image"),
    "a huge claim": (header_claiming(65500, 65500), "JPEG|image too large"),
    "no size": (header_claiming(0, 0), "JPEG"),
    "zeros inside": (jpeg()[:160] + b"\0" * 200, "JPEG"),
}


def write_images(folder, n, broken, content):
    folder.mkdir(exist_ok=True)
    for i in range(n):
        (folder / f"{i:02}.jpg").write_bytes(content if i in broken else jpeg())
    return [folder / f"{i:02}.jpg" for i in range(n)]


@pytest.mark.parametrize("name", BROKEN_IMAGES)
def test_a_broken_image_is_named(tmp_path, name):
    content, message = BROKEN_IMAGES[name]
    files = write_images(tmp_path / "images", 5, [3], content)
    for api in (fastbatch, pure):
        error = error_of(list, api.images(files, size=16, batch_size=2))
        assert type(error) is DecodeError
        assert (error.path, error.sample) == (str(files[3]), 3)
        assert str(error).startswith(f"{files[3]}: sample 3: ")
        assert any(part in str(error) for part in message.split("|")), str(error)


@pytest.mark.parametrize("place", [0, 9, 10, 24], ids=["first", "last of a batch", "in the middle", "last"])
@pytest.mark.parametrize("options", [{}, {"threads": 1}, {"threads": 7, "prefetch": 9}, {"shuffle": True, "seed": 4}])
def test_the_batch_that_owed_it_raises_and_the_loader_goes_on(api, tmp_path, place, options):
    n, size = 25, 5
    files = write_images(tmp_path / "images", n, [place], b"broken")
    order = [int(i) for batch in api.arrays(np.arange(n), batch_size=size, **options) for i in batch]
    owed = order.index(place) // size
    loader = api.images(files, list(range(n)), size=16, batch_size=size, **options)
    iterator = iter(loader)
    for k in range(owed):
        x, y = next(iterator)
        assert (x.shape, y.tolist()) == ((size, 3, 16, 16), order[k * size : (k + 1) * size])
    with pytest.raises(DecodeError, match=f"{place:02}.jpg: sample {place}: not an image"):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)
    files[place].write_bytes(jpeg())
    assert sorted(i for _, y in loader for i in y.tolist()) == list(range(n))  # the next epoch
    files[place].unlink()
    assert type(error_of(list, loader)) is FileNotFoundError
    loader.close()


def test_a_broken_image_among_several_columns_and_errors(api, tmp_path):
    files = write_images(tmp_path / "images", 12, [4, 5, 11], b"broken")
    loader = api.images(files, batch_size=3, size=8)
    iterator = iter(loader)
    next(iterator)
    with pytest.raises(DecodeError, match="sample 4"):  # the first in order, whichever thread failed first
        next(iterator)
    with loader:
        pass


def test_folders_without_images(api, tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("none")
    for labels in ("infer", None):
        with pytest.raises(ValueError, match=r"expected image files \(jpg, .*, webp, .*\) below it, found none") as e:
            api.images(tmp_path, labels)
        assert str(tmp_path) in str(e.value)
    (tmp_path / "here.jpg").write_bytes(jpeg())
    (tmp_path / "cat" / "notes.txt").unlink()
    (tmp_path / "cat").rmdir()
    with pytest.raises(ValueError, match="expected one sub-folder for each class, found images"):
        api.images(tmp_path)
    for labels in ([1, 2], [], np.zeros((2, 1)), "cat"):
        with pytest.raises(ValueError, match="labels: expected .*, found "):
            api.images(tmp_path, labels)
    missing = error_of(api.images, tmp_path / "nowhere")
    assert (type(missing), missing.filename) == (FileNotFoundError, str(tmp_path / "nowhere"))


def test_images_that_go_away(api, tmp_path):
    files = write_images(tmp_path / "images", 8, [], b"")
    loader = api.images(files, size=8, batch_size=2, prefetch=1)
    list(loader)
    os.truncate(files[6], 300)
    iterator = iter(loader)
    for _ in range(3):
        next(iterator)
    error = error_of(next, iterator)
    assert isinstance(error, FastbatchError)
    assert error.sample == 6
