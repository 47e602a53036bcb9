# SPDX-License-Identifier: MIT
"""Fast mode: exact without scaling, close to exact with scaled decoding; EXIF and colours as in Pillow."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fastbatch as fb
from fastbatch import pure

pytestmark = pytest.mark.behavior

datasets = pytest.importorskip("sklearn.datasets")

CROPS = ({"crop": "random_resized"}, {"crop": "center", "resize": 256}, {"crop": "none"})


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Return lists of JPEG files by width: scikit-learn's photographs with sensor grain."""
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(0)
    files = {}
    for width, height in ((500, 375), (2000, 1500)):
        for i, photograph in enumerate(datasets.load_sample_images().images):
            large = Image.fromarray(photograph).resize((width, height), Image.Resampling.BICUBIC)
            pixels = np.asarray(large, np.float32) + random.normal(0, 3, (height, width, 3))
            path = folder / f"{width}-{i}.jpg"
            Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(path, quality=90, progressive=i == 1)
            files.setdefault(width, []).append(path)
    return files


def images(package, files, **options):
    options = {"size": 224, "dtype": "uint8", "layout": "NHWC", "batch_size": len(files), "seed": 5, **options}
    return next(iter(package.images(files, None, **options)))


def psnr(one, other):
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return np.inf if error == 0 else 10 * np.log10(255**2 / error)


@pytest.mark.parametrize("crop", CROPS, ids=lambda crop: crop["crop"])
def test_without_scaling_only_time_is_saved(photographs, crop):
    exact = images(fb, photographs[500], exact=True, **crop)
    assert np.array_equal(exact, images(pure, photographs[500], **crop))
    assert np.array_equal(exact, images(fb, photographs[500], **crop))
    large = images(fb, photographs[2000], exact=True, **crop)
    assert np.array_equal(large, images(fb, photographs[2000], dct_scale=False, **crop))


@pytest.mark.parametrize("crop", CROPS, ids=lambda crop: crop["crop"])
def test_scaling_stays_close_to_the_exact_pixels(photographs, crop):
    files = photographs[2000] * 4  # more draws
    exact = images(fb, files, exact=True, **crop)
    fast = images(fb, files, threads=1, **crop)
    assert min(psnr(one, other) for one, other in zip(exact, fast, strict=True)) >= 50
    assert not np.array_equal(exact, fast)
    assert np.array_equal(fast, images(fb, files, threads=3, **crop))


@pytest.mark.parametrize("color", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_upright_in_every_colour_as_pillow_does_it(tmp_path, orientation, color):
    random = np.random.default_rng(orientation)
    coarse = Image.fromarray(random.integers(0, 256, (7, 9, 3), np.uint8))
    image = coarse.resize((90, 61), Image.Resampling.BICUBIC)
    files = []
    for order in "IM":
        exif = Image.Exif()
        exif.endian = "<" if order == "I" else ">"
        exif[0x0112] = orientation
        files.append(tmp_path / f"{order}.jpg")
        image.save(files[-1], exif=exif)
    for crop in ({"crop": "none"}, {"crop": "random_resized"}, {"crop": "center", "resize": 40}, {"crop": "pad"}):
        options = {"size": (30, 40), "color": color, "exif": "apply", **crop}
        expected = images(pure, files, **options)
        assert np.array_equal(images(fb, files, exact=True, **options), expected)
        assert np.array_equal(images(fb, files, **options), expected)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("color", ["rgb", "rgba", "grayscale"])
def test_grey_and_four_components_in_every_colour(tmp_path, mode, color):
    noise = Image.fromarray(np.random.default_rng(2).integers(0, 256, (8, 8, 3), np.uint8))
    path = tmp_path / "image.jpg"
    noise.resize((70, 50), Image.Resampling.BICUBIC).convert(mode).save(path)
    for options in ({}, {"crop": "random_resized"}):
        expected = images(pure, [path], size=25, color=color, **options)
        assert np.array_equal(images(fb, [path], size=25, color=color, **options), expected)


def test_damage_below_the_crop_may_go_unnoticed_unless_exact(tmp_path):
    file = io.BytesIO()
    noise = np.random.default_rng(3).integers(0, 256, (200, 300, 3), np.uint8)
    Image.fromarray(noise).save(file, "JPEG")
    path: Path = tmp_path / "cut.jpg"
    path.write_bytes(file.getvalue()[: len(file.getvalue()) * 3 // 4])
    options = {"size": 224, "batch_size": 1, "crop": "random_resized", "crop_scale": (0.05, 0.2)}
    outcomes = []
    for seed in range(20):
        with pytest.raises(fb.DecodeError, match="JPEG ends early: expected 200 rows"):
            list(fb.images([path], None, exact=True, seed=seed, **options))
        try:
            outcomes.append(len(list(fb.images([path], None, seed=seed, **options))))
        except fb.DecodeError as error:
            assert "JPEG ends early: expected 200 rows" in str(error)
            outcomes.append(0)
    assert {0, 1} == set(outcomes)
