# SPDX-License-Identifier: MIT
"""Crops against torchvision's and Pillow's rules, implemented again here."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import same_batches
from PIL import Image, ImageOps
from pillow_oracle import resized

import fastbatch
from fastbatch import pure
from fastbatch.decode.conversion import Field
from fastbatch.decode.image_options import make_image_options
from fastbatch.native.options import core_image_options
from fastbatch.pure.geometry import plan_crop

pytestmark = pytest.mark.behavior

CROP = 2  # number of the crop's random stream


def checked(size, **options):
    return make_image_options(size, Field(None, "u1", layout="NHWC"), **options)


def plan_of(api, shape, options, seed=0, epoch=0, index=0):
    """Return (source, scaled, wanted, top, left) of one implementation; windows are (top, left, height, width)."""
    height, width = shape
    if api is pure:
        plan = plan_crop(shape, options, seed, epoch, index)
        return plan.source, plan.scaled, plan.wanted, plan.top, plan.left
    source, scaled, wanted, left, top = core_image_options(options).crop(width, height, seed, epoch, index)
    (x, y, w, h), (a, b, c, d) = source, wanted
    return (y, x, h, w), scaled[::-1], (b, a, d, c), top, left


class Draws:
    """The crop's random stream of one sample, from NumPy."""

    def __init__(self, seed, epoch, index):
        self.generator = np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, index, 0, CROP]))

    def uniform(self, low, high):
        return low + (high - low) * self.generator.random()

    def integer(self, n):
        return int(self.generator.bit_generator.random_raw()) * n >> 64


def random_resized(shape, scale, ratio, draws):
    """torchvision's RandomResizedCrop: return top, left, height, width."""
    height, width = shape
    for _ in range(10):
        area = height * width * draws.uniform(*scale)
        aspect = math.exp(draws.uniform(*map(math.log, ratio)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            top = draws.integer(height - h + 1)
            left = draws.integer(width - w + 1)
            return top, left, h, w
    w, h = width, height
    if width / height < min(ratio):
        h = round(w / min(ratio))
    elif width / height > max(ratio):
        w = round(h * max(ratio))
    return (height - h) // 2, (width - w) // 2, h, w


# ---- plans ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [(3 / 4, 4 / 3), (1, 1), (0.2, 5)])
@pytest.mark.parametrize("scale", [(0.08, 1.0), (0.5, 0.5), (1, 1)])
@pytest.mark.parametrize("shape", [(375, 500), (500, 375), (1, 1), (7, 900), (900, 7), (3000, 4000)])
def test_random_resized_is_torchvisions(api, shape, scale, ratio):
    options = checked(224, crop="random_resized", crop_scale=scale, crop_ratio=ratio)
    for index in range(40):
        wanted = random_resized(shape, scale, ratio, Draws(5, 2, index))
        assert plan_of(api, shape, options, 5, 2, index) == (wanted, (224, 224), (0, 0, 224, 224), 0, 0)


def test_random_resized_covers_what_it_should(api):
    """Areas are uniform in (0.08, 1), aspect ratios uniform in the logarithm, and positions cover the image."""
    options = checked(64, crop="random_resized")
    plans = np.array([plan_of(api, (600, 600), options, 0, 0, i)[0] for i in range(2000)])
    top, left, height, width = plans.T
    areas = height * width / 600**2
    assert 0.078 < areas.min() < 0.1
    assert abs(np.quantile(areas, 0.25) - 0.08 - 0.92 / 4) < 0.05  # large boxes fit less often
    assert abs(np.log(width / height).mean()) < 0.02
    assert 0.74 < (width / height).min() < 0.77
    small = (areas < 0.3) & (height < 600) & (width < 600)
    assert np.all(np.abs((top[small] / (600 - height[small])).mean() - 0.5) < 0.05)
    assert np.all(np.abs((left[small] / (600 - width[small])).mean() - 0.5) < 0.05)
    assert np.all((top + height <= 600) & (left + width <= 600) & (top >= 0) & (left >= 0))


def test_a_shape_that_never_fits_is_the_middle(api):
    """All ten tries fail on a narrow image: the result is the largest centred box with an allowed aspect ratio."""
    options = checked(10, crop="random_resized", crop_scale=(0.9, 1))
    assert plan_of(api, (20, 1000), options)[0] == (0, 486, 20, 27)
    assert plan_of(api, (1000, 20), options)[0] == (486, 0, 27, 20)
    wide = checked(10, crop="random_resized", crop_ratio=(3, 4))
    assert plan_of(api, (1, 1), wide)[0] == (0, 0, 1, 1)  # at least one pixel


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (30, 30), (31, 200)])
def test_random_with_resize(api, shape):
    options = checked((20, 24), crop="random", resize=30)
    places = set()
    for index in range(300):
        source, scaled, wanted, top, left = plan_of(api, shape, options, 1, 0, index)
        assert source == (0, 0, *shape)
        h, w = shape
        assert scaled == ((int(30 * h / w), 30) if w <= h else (30, int(30 * w / h)))
        draws = Draws(1, 0, index)
        y = draws.integer(scaled[0] - 20 + 1)
        x = draws.integer(scaled[1] - 24 + 1)
        assert (wanted, top, left) == ((y, x, 20, 24), 0, 0)
        places.add((y, x))
    rows, columns = ({place[axis] for place in places} for axis in (0, 1))
    assert rows == set(range(scaled[0] - 19)) or len(rows) > 50
    assert columns == set(range(scaled[1] - 23)) or len(columns) > 50


@pytest.mark.parametrize("shape", [(40, 60), (20, 24), (12, 60), (60, 12), (1, 1)])
def test_random_without_resize(api, shape):
    """A window of the unscaled image; a smaller image is placed at random in the window."""
    options = checked((20, 24), crop="random")
    for index in range(50):
        source, scaled, wanted, top, left = plan_of(api, shape, options, 9, 4, index)
        draws = Draws(9, 4, index)
        y, x = draws.integer(abs(shape[0] - 20) + 1), draws.integer(abs(shape[1] - 24) + 1)
        h, w = min(shape[0], 20), min(shape[1], 24)
        assert source == (y if shape[0] >= 20 else 0, x if shape[1] >= 24 else 0, h, w)
        assert (scaled, wanted) == ((h, w), (0, 0, h, w))
        assert (top, left) == (0 if shape[0] >= 20 else y, 0 if shape[1] >= 24 else x)


sides = st.integers(1, 5000)


@given(
    shape=st.tuples(sides, sides),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    crop=st.sampled_from(["none", "stretch", "center", "random", "random_resized", "pad"]),
    resize=st.none() | st.integers(300, 400),
    scale=st.tuples(st.floats(0.001, 1), st.floats(0.001, 1)).map(sorted),
    ratio=st.tuples(st.floats(0.001, 1000), st.floats(0.001, 1000)).map(sorted),
    key=st.tuples(*[st.integers(0, 2**64 - 1)] * 3),
)
def test_both_plan_the_same(shape, size, crop, resize, scale, ratio, key):
    resize = resize if crop in ("center", "random") else None
    options = checked(size, crop=crop, resize=resize, crop_scale=scale, crop_ratio=ratio)
    plan = plan_of(pure, shape, options, *key)
    assert plan_of(fastbatch, shape, options, *key) == plan
    (y, x, h, w), scaled, (a, b, c, d), top, left = plan
    assert 0 <= y <= y + h <= shape[0] and 0 <= x <= x + w <= shape[1] and min(h, w, c, d) >= 1
    assert 0 <= a <= a + c <= scaled[0] and 0 <= b <= b + d <= scaled[1]
    assert 0 <= top <= top + c <= size[0] and 0 <= left <= left + d <= size[1]


# ---- pixels --------------------------------------------------------------------------------------------------------


def images_of(photos):
    for path in sorted(photos.glob("*/*.jpg")):
        with Image.open(path) as image:
            yield image.convert("RGB")


def agree(photos, wanted, **options):
    """Assert that both implementations give the expected images, with any number of threads."""
    options |= {"dtype": "uint8", "layout": "NHWC", "batch_size": 5}
    slow = pure.images(photos, None, **options)
    slow_epochs = [list(slow), list(slow)]
    got = np.concatenate(slow_epochs[0])
    assert got.shape == np.shape(wanted)
    assert np.array_equal(got, wanted)
    for threads in (1, 3):
        fast = fastbatch.images(photos, None, exact=True, threads=threads, **options)
        for epoch in slow_epochs:
            same_batches(fast, epoch)


@pytest.mark.parametrize("size", [(32, 32), (50, 20), (20, 50), (200, 210), (1, 3)])
@pytest.mark.parametrize("pad_value", [0, 128, (255, 0, 7)])
def test_pad_is_pillows(photos, size, pad_value):
    color = pad_value if isinstance(pad_value, tuple) else (pad_value,) * 3
    wanted = [ImageOps.pad(image, size[::-1], Image.Resampling.BILINEAR, color) for image in images_of(photos)]
    agree(photos, np.stack(wanted), size=size, crop="pad", pad_value=pad_value)


@pytest.mark.parametrize("name", ["nearest", "bilinear", "lanczos"])
def test_random_resized_pixels(photos, name):
    wanted = []
    for index, image in enumerate(images_of(photos)):
        box = random_resized(image.size[::-1], (0.1, 0.6), (0.5, 2), Draws(7, 0, index))
        top, left, h, w = box
        cut = image.crop((left, top, left + w, top + h))
        wanted.append(resized(cut, (30, 20), Image.Resampling[name.upper()]))
    options = {"size": (20, 30), "crop": "random_resized", "crop_scale": (0.1, 0.6), "crop_ratio": (0.5, 2)}
    agree(photos, np.stack(wanted), filter=name, seed=7, **options)


@pytest.mark.parametrize("size", [(30, 40), (45, 80), (100, 90)])
def test_random_pixels(photos, size):
    wanted = np.full((12, *size, 3), (1, 2, 3), np.uint8)
    for index, image in enumerate(images_of(photos)):
        pixels, draws = np.asarray(image), Draws(3, 0, index)
        y, x = (draws.integer(abs(have - want) + 1) for have, want in zip(pixels.shape, size, strict=False))
        if pixels.shape[0] >= size[0]:
            pixels, y = pixels[y : y + size[0]], 0
        if pixels.shape[1] >= size[1]:
            pixels, x = pixels[:, x : x + size[1]], 0
        wanted[index, y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    agree(photos, wanted, size=size, crop="random", seed=3, pad_value=(1, 2, 3))


def test_random_pixels_after_a_resize(photos):
    wanted = []
    for index, image in enumerate(images_of(photos)):
        w, h = image.size
        w, h = (33, int(33 * h / w)) if w <= h else (int(33 * w / h), 33)
        draws = Draws(0, 0, index)
        top, left = draws.integer(h - 24 + 1), draws.integer(w - 32 + 1)
        wanted.append(resized(image, (w, h), Image.Resampling.BOX).crop((left, top, left + 32, top + 24)))
    agree(photos, np.stack(wanted), size=(24, 32), crop="random", resize=33, filter="box")


def test_flips_are_drawn_apart(photos):
    """Each with probability 1/2, from its own stream, after the crop."""
    plain = [np.asarray(resized(image, (16, 16), Image.Resampling.BILINEAR)) for image in images_of(photos)]
    wanted, kinds = [], set()
    for index, pixels in enumerate(plain):
        draws = [
            np.random.Generator(np.random.Philox(key=[6, 0], counter=[0, index, 0, operation])).random() < 0.5
            for operation in (0, 1)
        ]
        kinds.add(tuple(draws))
        wanted.append(pixels[:: -1 if draws[1] else 1, :: -1 if draws[0] else 1])
    assert len(kinds) == 4
    agree(photos, np.stack(wanted), size=16, flip=True, vertical_flip=True, seed=6)


def test_one_more_operation_changes_no_other(api, photos):
    """Adding a flip does not change the crops."""
    options = {"size": 20, "crop": "random_resized", "seed": 2, "exact": True}
    plain = np.concatenate(list(api.images(photos, None, **options)))
    flipped = np.concatenate(list(api.images(photos, None, flip=True, **options)))
    assert all(np.array_equal(a, b) or np.array_equal(a, b[..., ::-1]) for a, b in zip(plain, flipped, strict=True))
    assert not np.array_equal(plain, flipped)


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"crop": "middle"},
            "crop: expected one of none, stretch, center, random, random_resized, pad, found 'middle'",
        ),
        ({"crop": "random", "resize": 20, "size": 30}, "resize: expected 30 to 65535, found 20"),
        ({"crop": "pad", "resize": 20}, "resize: only valid with crop='center' and crop='random'"),
        ({"crop_scale": (0, 1)}, r"crop_scale: expected 0 < lowest <= highest <= 1, found \(0, 1\)"),
        ({"crop_scale": (0.5, 0.4)}, "crop_scale: expected"),
        ({"crop_scale": (0.5, 1.1)}, "crop_scale: expected"),
        ({"crop_scale": 0.5}, r"crop_scale: expected \(lowest, highest\), found 0.5"),
        ({"crop_scale": (float("nan"), 1)}, "crop_scale: expected"),
        ({"crop_ratio": (1, 2, 3)}, r"crop_ratio: expected \(lowest, highest\), found \(1, 2, 3\)"),
        ({"crop_ratio": (0.0001, 1)}, "crop_ratio: expected 0.001 <= lowest <= highest <= 1000, found"),
        ({"crop_ratio": ("a", "b")}, "crop_ratio: expected"),
        ({"pad_value": 256}, "pad_value: expected 0 to 255, found 256"),
        ({"pad_value": (1, 2)}, r"pad_value: expected one number, or one for each of 3 channels, found \(1, 2\)"),
        ({"color": "bgr"}, "color: expected one of rgb, rgba, grayscale, found 'bgr'"),
        ({"exif": True}, "exif: expected one of ignore, apply, found True"),
        ({"max_pixels": 0}, "max_pixels: expected 1 to"),
    ],
)
def test_bad_options(api, photos, options, message):
    with pytest.raises(ValueError, match=message):
        api.images(photos, **options)


def test_the_limit_on_pixels(api, photos):
    with pytest.raises(api.DecodeError, match=r"0.jpg: sample 0: image too large: expected at most 2399 pixels, found"):
        list(api.images(photos, None, size=8, max_pixels=40 * 60 - 1))
    assert len(list(api.images(photos, None, size=8, max_pixels=100_000))) == 1
