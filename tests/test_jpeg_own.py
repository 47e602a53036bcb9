# SPDX-License-Identifier: MIT
"""Our own JPEG decoder, in loaders: the batches of libjpeg-turbo, and counters that tell which one decoded."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import same_batches
from PIL import Image

import fastbatch

KINDS = [
    {"quality": 90},
    {"quality": 30, "subsampling": 0},
    {"quality": 75, "subsampling": 1, "optimize": True},
    {"quality": 85, "progressive": True},
    {"quality": 85, "progressive": True, "subsampling": 0},
    {"quality": 95, "restart_marker_blocks": 2},
    {"quality": 95, "restart_marker_rows": 1},
    {"quality": 60, "progressive": True, "restart_marker_rows": 1},
]


def photograph(height, width, mode="RGB", seed=0, **options):
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = random.normal(0, 6, (height, width, 3))
    pixels = (np.asarray(image) + grain).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def files():
    sizes = [(97, 130), (64, 48), (201, 75)]
    return [
        photograph(*size, mode, seed, **kind)
        for seed, (kind, size, mode) in enumerate(
            (kind, size, mode) for kind in KINDS for size in sizes for mode in ("RGB", "L", "CMYK")
        )
    ]


def epoch(files, **options):
    loader = fastbatch.images(fastbatch.encoded(files), batch_size=7, shuffle=True, seed=3, **options)
    return list(loader), loader.stats()


@pytest.mark.parametrize(
    "options",
    [
        {"size": (60, 50), "exact": True, "dtype": "uint8"},
        {"size": 40, "crop": "random_resized", "flip": True},
        {"size": 20, "crop": "center", "color": "grayscale"},
        {"size": 8, "crop": "random_resized", "color": "rgba", "dtype": "uint8", "layout": "NHWC"},
    ],
    ids=str,
)
def test_batches_are_those_of_libjpeg_turbo(files, options, monkeypatch):
    own, counted = epoch(files, threads=2, **options)
    assert (counted["jpeg_own"], counted["jpeg_library"]) == (len(files), 0)
    monkeypatch.setenv("FASTBATCH_JPEG", "turbo")
    turbo, counted = epoch(files, threads=2, **options)
    assert (counted["jpeg_own"], counted["jpeg_library"]) == (0, len(files))
    same_batches(own, turbo)


def test_damaged_files_are_read_by_libjpeg_turbo(files, monkeypatch):
    damaged = []
    for i, file in enumerate(files):
        content = bytearray(file)
        content[len(content) * 2 // 3 + i % 5] ^= 0x55
        damaged.append(bytes(content))
    options = {"size": (60, 50), "exact": True, "dtype": "uint8", "on_error": "skip"}
    own, counted = epoch(damaged, **options)
    assert counted["jpeg_library"] > 0
    assert counted["jpeg_own"] + counted["jpeg_library"] + counted["bad_samples"] == len(damaged)
    monkeypatch.setenv("FASTBATCH_JPEG", "turbo")
    turbo, again = epoch(damaged, **options)
    same_batches(own, turbo)
    assert counted["bad_samples"] == again["bad_samples"]


def test_counters_of_the_oracle_are_zero(api, files):
    loader = api.images(api.encoded(files[:9]), size=20, batch_size=3)
    list(loader)
    counted = loader.stats()
    assert counted["jpeg_own"] + counted["jpeg_library"] == (9 if api is fastbatch else 0)


def test_masks_are_counted(files):
    masks = [photograph(height, width, "L", quality=95) for height, width in [(97, 130), (64, 48), (201, 75)]]
    images = [files[i] for i in (0, 3, 6)]
    loader = fastbatch.images(fastbatch.encoded(images), masks=fastbatch.encoded(masks), size=20)
    list(loader)
    assert (loader.stats()["jpeg_own"], loader.stats()["jpeg_library"]) == (6, 0)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    mode=st.sampled_from(["RGB", "L", "CMYK"]),
    wanted=st.sampled_from(["RGB", "L", "RGBA"]),
    seed=st.integers(0, 99),
)
def test_whole_images_are_pillows(kind, height, width, mode, wanted, seed):
    file = photograph(height, width, mode, seed, **kind)
    expected = np.asarray(Image.open(io.BytesIO(file)).convert(wanted))
    np.testing.assert_array_equal(fastbatch.decode(file, wanted), expected)
