# SPDX-License-Identifier: MIT
"""Masks of 32 bits, values outside the image that are not 0 to 255, and 16-bit animations that begin with a part."""

import io
import struct

import numpy as np
import pytest
from making import error_of, same, same_batches
from making_png import chunk, noise, png
from PIL import Image

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError

tifffile = pytest.importorskip("tifffile")

pytestmark = pytest.mark.behavior

SIZE = (20, 30)


def tiff(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="minisblack", **options)
    return file.getvalue()


def numbers(dtype, seed=0):
    limits = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(limits.min, limits.max, SIZE, dtype=dtype, endpoint=True)


@pytest.fixture
def folder(tmp_path):
    """Return images, and masks of 8, 16 and 32 bits."""
    masks = [tmp_path / name for name in ("uint8.png", "uint16.tif", "int32.tif", "uint32.tif")]
    Image.fromarray(numbers("uint8")).save(masks[0])
    for path in masks[1:]:
        path.write_bytes(tiff(numbers(path.stem)))
    image = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (*SIZE, 3), dtype=np.uint8)).save(image)
    return [image] * 4, masks


AUGMENT = fastbatch.Augment(rotation=30, zoom=0.3, shift=0.3, shear=10, order=0, fill="constant")
WAYS = {
    "whole": {"size": SIZE},
    "resized": {"size": (16, 18), "crop": "random_resized", "flip": True, "vertical_flip": True},
    "padded": {"size": 40, "crop": "random", "flip": True},
    "turned": {"size": (25, 40), "crop": "pad", "vertical_flip": True, "augment": AUGMENT},
}


def both(images, masks, **options):
    """Return the masks of the only batch, the same from both implementations."""
    options = {"masks": masks, "batch_size": len(images), "seed": 4, **options}
    (expected,) = pure.images(images, None, exact=True, **options)
    same_batches(fastbatch.images(images, None, exact=True, threads=2, **options), [expected])
    return expected[1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pad", [0, 7, 300, -100, 2**31 + 5])
def test_masks_of_all_depths(folder, way, pad):
    masks = both(*folder, mask_dtype="int64", mask_pad_value=pad, **WAYS[way])
    assert masks.dtype == np.int64
    for mask, path in zip(masks, folder[1], strict=True):
        stored = numbers(path.stem)
        if way == "whole":
            assert np.array_equal(mask, stored)
        allowed = [pad] if way in ("padded", "turned") else []
        assert np.isin(mask, np.append(stored.astype(np.int64), allowed)).all()
        if way == "padded":
            assert np.count_nonzero(mask == pad) >= 40 * 40 - stored.size
            assert np.isin(stored.astype(np.int64), mask).all()
        if way == "turned":
            assert np.count_nonzero(mask == pad) > 100


@pytest.mark.parametrize("fill", ["nearest", "reflect", "wrap"])
def test_an_augmentation_that_repeats_the_mask(folder, fill):
    augment = fastbatch.Augment(rotation=30, shift=0.4, order=0, fill=fill)
    both(*folder, mask_dtype="int64", mask_pad_value=-1, size=40, crop="random", augment=augment)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int32", ["int32", "int64", "float64"], ["uint8", "uint16", "uint32", "uint64", "float32"]),
        ("uint32", ["uint32", "int64", "uint64", "float64"], ["int32", "uint16", "float32"]),
    ],
)
def test_types_that_hold_32_bits(folder, kind, good, bad):
    images, masks = folder[0][:1], [path for path in folder[1] if path.stem == kind]
    for dtype in good:
        same(both(images, masks, size=SIZE, mask_dtype=dtype)[0], numbers(kind).astype(dtype))
    for dtype in bad:
        for api in (fastbatch, pure):
            error = error_of(list, api.images(images, None, masks=masks, size=8, mask_dtype=dtype))
            assert (type(error), error.path, error.sample) == (DecodeError, str(masks[0]), 0)
            least, most = np.iinfo(kind).min, np.iinfo(kind).max
            wanted = f"mask of 32 bits: expected mask_dtype= a type that holds {least} to {most}, found a smaller one"
            assert error.message == wanted


@pytest.mark.parametrize(
    ("dtype", "pad", "wanted"),
    [
        ("uint8", 256, "0 to 255"),
        ("uint8", -1, "0 to 255"),
        ("int16", 2**15, "-32768 to 32767"),
        ("uint32", -1, "0 to 4294967295"),
        ("float32", 2**24 + 1, "-16777216 to 16777216"),
        ("bool", 256, "0 to 255"),
    ],
)
def test_values_outside_that_the_type_does_not_hold(api, folder, dtype, pad, wanted):
    error = error_of(api.images, *folder[:1], None, masks=folder[1], mask_dtype=dtype, mask_pad_value=pad)
    assert isinstance(error, ValueError)
    assert str(error) == f"mask_pad_value: expected {wanted}, found {pad}"


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64", "float16", "float64"])
def test_each_type_is_padded(folder, dtype):
    pad = 100 if np.dtype(dtype).kind == "u" else -100
    masks = both(folder[0][:1], folder[1][:1], size=40, crop="random", mask_dtype=dtype, mask_pad_value=pad)
    assert (masks.dtype, np.count_nonzero(masks == pad) >= 1000) == (dtype, True)


def test_masks_of_other_kinds_are_refused(api, folder):
    images, masks = folder
    for pixels in (numbers("int32").astype("f4"), np.stack([numbers("int32")] * 2), numbers("int32").astype("i8")):
        masks[0].write_bytes(tiff(pixels))
        error = error_of(list, api.images(images, None, masks=masks, size=8, mask_dtype="int64"))
        assert (type(error), error.path, error.sample) == (DecodeError, str(masks[0]), 0)
        assert "not a mask: expected a palette or grayscale image, found mode float32 x " in error.message
    masks[0].write_bytes(tiff(numbers("int32"))[:-500])
    assert isinstance(error_of(list, api.images(images, None, masks=masks, size=8, mask_dtype="int64")), DecodeError)
    masks[0].write_bytes(tiff(numbers("int32")[:, :9]))
    error = error_of(list, api.images(images, None, masks=masks, size=8, mask_dtype="int64"))
    assert "mask of another size than its image" in error.message


def test_an_augmentation_works_with_8_bits(api, tmp_path):
    """Gray of 16 bits would be clipped; of colours, the upper 8 bits are taken."""
    for color, name in ((0, "gray.png"), (2, "rgb.png")):
        (tmp_path / name).write_bytes(png((30, 20), depth=16, color=color))
    options = {"size": 8, "batch_size": 1, "augment": fastbatch.Augment(brightness=0.1)}
    wanted = "expected depth=8 to clip them, since augment= works with 8 bits, found mode I;16"
    assert wanted in str(error_of(list, api.images([tmp_path / "gray.png"], **options)))
    (clipped,) = api.images([tmp_path / "gray.png"], depth=8, **options)
    (upper,) = api.images([tmp_path / "rgb.png"], **options)
    assert clipped.min() > 0.5
    assert upper.mean() < 0.7


def animation(color, frame):
    """Return an animation of 16 bits whose first frame has (width, height, x, y)."""
    before = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, *frame, 1, 1, 0, 0))
    rows = noise(frame[:2], 16 * {0: 1, 2: 3, 6: 4}[color], False, 1)
    return png((30, 20), depth=16, color=color, before=before, rows=rows)


@pytest.mark.filterwarnings("ignore:PNG images are decoded by Pillow")  # told once a process
@pytest.mark.parametrize("frame", [(30, 20, 0, 0), (13, 9, 0, 0), (12, 8, 5, 4)])
@pytest.mark.parametrize("color", [0, 2, 6])
@pytest.mark.parametrize("options", [{}, {"dtype": "uint16"}, {"color": "grayscale"}, {"color": "rgba"}], ids=str)
def test_animations_of_16_bits(tmp_path, frame, color, options):
    path = tmp_path / "a.png"
    path.write_bytes(animation(color, frame))
    options = {"size": (20, 30), "batch_size": 1, "layout": "NHWC", **options}
    (expected,) = pure.images([path], **options)
    same_batches(fastbatch.images([path], exact=True, **options), [expected])
    covered = np.zeros((20, 30), bool)
    covered[frame[3] : frame[3] + frame[1], frame[2] : frame[2] + frame[0]] = True
    assert not expected[0][~covered][..., 0].any()
    assert expected[0][covered][..., 0].any()
