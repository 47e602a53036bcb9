# SPDX-License-Identifier: MIT
"""Whichever Pillow is installed: pure gives the pixels of Pillow 13, fastbatch.keras those of the installed one."""

import numpy as np
import pytest
from PIL import Image
from pillow_oracle import resized

import fastbatch
from fastbatch import pure
from fastbatch.keras import file_decoder, load_img
from fastbatch.keras.file_decoder import FileDecoder

SIZES = [(60, 40), (20, 70), (90, 33), (41, 41)]  # height, width
TARGETS = [(20, 30), (17, 64), (80, 80)]


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for i, size in enumerate(SIZES):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(paths[-1])
    return paths


@pytest.mark.parametrize("name", ["box", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("target", TARGETS)
def test_one_order_of_passes(files, name, target):
    for path in files:
        pixels = fastbatch.decode(path)
        wanted = np.asarray(resized(Image.fromarray(pixels), target[::-1], Image.Resampling[name.upper()]))
        for api in (fastbatch, pure):
            assert np.array_equal(api.resize(pixels, target, name), wanted)


def test_pure_asks_pillow_for_one_pass_at_a_time(monkeypatch):
    """So that the order does not depend on Pillow's version."""
    passes = []
    own = Image.Image.resize

    def resize(image, size, *arguments):
        if image.mode == "RGBa":
            passes.append((size[0] == image.width) + 2 * (size[1] == image.height))
        return own(image, size, *arguments)

    monkeypatch.setattr(Image.Image, "resize", resize)
    pure.resize(np.zeros((60, 40, 4), "u1"), (20, 30))  # columns first
    pure.resize(np.zeros((40, 60, 4), "u1"), (20, 30))
    assert passes == [1, 2, 2, 1]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos"])
@pytest.mark.parametrize("is_older", [False, True])
def test_keras_gets_the_pixels_of_the_installed_pillow(files, interpolation, is_older, monkeypatch):
    if is_older:
        monkeypatch.setattr(file_decoder, "_begins_with_rows", lambda: True)
    through_pillow = []
    own = FileDecoder._decode_by_pillow
    monkeypatch.setattr(
        FileDecoder, "_decode_by_pillow", lambda *arguments: (through_pillow.append(arguments[1]), own(*arguments))
    )
    for target in TARGETS:
        decoder = FileDecoder(files, "rgb", target, interpolation, False)
        images = decoder.empty(len(files))
        decoder.decode(np.arange(len(files)), images, 0)
        for path, pixels in zip(files, images.pixels, strict=True):
            assert np.array_equal(pixels, np.asarray(load_img(path, "rgb", target, interpolation)))
    tall = [
        p for t in TARGETS for p, (h, w) in zip(files, SIZES, strict=True) if h > t[0] and h - t[0] > 2 * (w - t[1])
    ]
    assert through_pillow == (
        tall if interpolation != "nearest" and (is_older or file_decoder._begins_with_rows()) else []
    )
    assert tall
