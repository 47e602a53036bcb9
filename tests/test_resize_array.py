# SPDX-License-Identifier: MIT
"""`resize`: arrays of every Pillow mode, byte for byte."""

import numpy as np
import pytest
from making import error_of, same
from PIL import Image
from pillow_oracle import as_pillow, clips_16_bits, resized

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
KINDS = ["L", "LA", "RGB", "RGBA", pytest.param("I;16", marks=clips_16_bits), "I", "F"]


def noise(kind, size, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "F":
        return rng.normal(0, 1000, size).astype(np.float32)
    if kind in ("I;16", "I"):
        return rng.integers(0, 65536, size).astype(np.uint16 if kind == "I;16" else np.int32)
    channels = len(kind)
    pixels = rng.integers(0, 256, (*size, channels), dtype=np.uint8)
    if kind in ("LA", "RGBA"):
        pixels[..., -1] = rng.choice([0, 1, 100, 254, 255], size)
    return pixels[..., 0] if kind == "L" else pixels


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_are_resized_as_pillow_does(kind, name):
    for source, target in [
        ((40, 60), (17, 23)),
        ((9, 13), (30, 40)),
        ((90, 20), (12, 19)),
        ((7, 7), (7, 7)),
        ((1, 1), (3, 2)),
    ]:
        pixels = noise(kind, source)
        height, width = source
        image = Image.fromarray(pixels)
        for box in (
            None,
            (0, 0, width, height),
            (0.3, 0, width - 0.2, height * 0.7),
            (0, 0, min(width, target[1]), min(height, target[0])),
        ):
            wanted = np.asarray(resized(image, target[::-1], Image.Resampling[name.upper()], box))
            got = fastbatch.resize(pixels, target, name, box)
            assert as_pillow(got, wanted), (source, target, box)
            same(got, pure.resize(pixels, target, name, box))


@pytest.mark.parametrize("name", ["bicubic", "lanczos"])
def test_sums_beyond_the_type_saturate(api, name):
    for dtype in (np.uint16, np.int32):
        limits = np.iinfo(dtype)
        steps = np.repeat(np.array([limits.min, limits.max], dtype), 8)[None].repeat(3, 0)
        made = api.resize(steps, (3, 64), name)
        assert (made.min(), made.max()) == (limits.min, limits.max)
        assert made[0, 0] == limits.min
        assert made[0, -1] == limits.max


def test_views_and_shapes(api):
    pixels = noise("RGB", (20, 30))
    expected = api.resize(np.ascontiguousarray(pixels[::-1, ::2]), 8)
    assert np.array_equal(api.resize(pixels[::-1, ::2], 8), expected)
    assert expected.shape == (8, 8, 3)
    assert api.resize(pixels[..., :1], (4, 5)).shape == (4, 5, 1)
    assert np.array_equal(api.resize(pixels.tolist() and pixels[..., 0], 4), api.resize(pixels[..., :1], 4)[..., 0])
    big = noise("I;16", (20, 30))
    assert np.array_equal(api.resize(big.astype(">u2"), 8), api.resize(big, 8))


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((np.zeros((4, 4), "f8"), 4), TypeError, "expected uint8 of shape .* found float64 of shape"),
        ((np.zeros((4, 4, 5), "u1"), 4), TypeError, "found uint8 of shape"),
        ((np.zeros((4, 4, 3), "u2"), 4), TypeError, "found uint16 of shape"),
        ((np.zeros(4, "u1"), 4), TypeError, "found uint8 of shape"),
        ((np.zeros((0, 4), "u1"), 4), ValueError, "at least one pixel"),
        ((np.zeros((4, 4), "u1"), 0), ValueError, "size: expected 1 to 65535, found 0"),
        ((np.zeros((4, 4), "u1"), (1, 2, 3)), ValueError, "size: expected"),
        ((np.zeros((4, 4), "u1"), 4, "cubic"), ValueError, "filter: expected one of nearest, .*, found 'cubic'"),
        ((np.zeros((4, 4), "u1"), 4, "box", (0, 0, 5, 4)), ValueError, "box: expected a part of 4 x 4 pixels"),
        ((np.zeros((4, 4), "u1"), 4, "box", (2, 0, 2, 4)), ValueError, "box: expected a part of 4 x 4 pixels"),
        ((np.zeros((4, 4), "u1"), 4, "box", (0, 0, float("nan"), 4)), ValueError, "box: expected"),
        ((np.zeros((4, 4), "u1"), 4, "box", (0, 0, 4)), ValueError, "box: expected"),
    ],
)
def test_bad_arguments(api, arguments, error, message):
    found = error_of(api.resize, *arguments)
    assert type(found) is error
    with pytest.raises(error, match=message):
        api.resize(*arguments)
