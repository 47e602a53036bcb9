# SPDX-License-Identifier: MIT
"""PNG images of 16 bits in `images`: all bits, and the same on both implementations.

The oracle is NumPy: the arrays that the files were written from, and a resize of Pillow's mode "I;16".
"""

import struct
import zlib

import numpy as np
import pytest
from making import same, same_batches
from making_png import SAMPLES, chunk, png
from PIL import Image
from pillow_oracle import as_pillow, clips_16_bits

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError

pytestmark = pytest.mark.behavior

KINDS = {0: "gray", 2: "rgb", 4: "gray and alpha", 6: "rgba"}  # PNG's colour types


def pixels_of(size, color, seed=0):
    """Return smooth uint16 pixels (height, width, channels) over the whole range."""
    width, height = size
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / rng.uniform(2, 9) + y / rng.uniform(2, 9)) for _ in range(SAMPLES[color])]
    return np.round((np.stack(waves, 2) + 1) / 2 * 65535).astype(np.uint16)


def png16(pixels, color, **more):
    """Return a PNG file of these pixels, without filters."""
    height, width = pixels.shape[:2]
    rows = np.zeros((height, width * pixels.shape[2] * 2 + 1), np.uint8)
    rows[:, 1:] = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    return png((width, height), 16, color, rows=rows.tobytes(), **more)


def write(tmp_path, contents):
    paths = [tmp_path / f"{i}.png" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def as_color(stored, color):
    """Return pixels in the colours of an option, by the definition of the documentation, in float64 and integers."""
    n = stored.shape[2]
    gray = n <= 2
    alpha = stored[..., -1:] if n % 2 == 0 else np.full_like(stored[..., :1], 65535)
    if color == "grayscale":
        if gray:
            return stored[..., :1]
        weights = np.array([19595, 38470, 7471], np.int64)
        return ((stored[..., :3].astype(np.int64) @ weights + 32768) // 65536).astype(np.uint16)[..., None]
    colors = np.repeat(stored[..., :1], 3, 2) if gray else stored[..., :3]
    return colors if color == "rgb" else np.concatenate([colors, alpha], 2)


def both(paths, **options):
    """Return the only batch, the same from both implementations and any number of threads."""
    options = {"layout": "NHWC", "batch_size": len(paths), **options}
    (expected,) = pure.images(paths, **options)
    for threads in (1, 3):
        for exact in (True, False):
            same_batches(fastbatch.images(paths, threads=threads, **{**options, "exact": exact}), [expected])
    return expected


def outcome(api, path, **options):
    """Return the bytes of a batch of one file; None if it is refused."""
    try:
        (batch,) = api.images([path], **options)
    except DecodeError:
        return None
    return batch.tobytes()


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("color", KINDS)
def test_every_cut_file_is_refused_or_black_below(api, tmp_path, color):
    """As with 8 bits: data that ends inside a row is an error, rows that are missing are black."""
    pixels = pixels_of((9, 7), color)
    whole = png16(pixels, color)
    path = tmp_path / "cut.png"
    options = {"size": (7, 9), "dtype": "uint16", "layout": "NHWC", "color": "rgb", "batch_size": 1}
    n_refused = 0
    for end in range(8, len(whole), 3):
        path.write_bytes(whole[:end])
        content = outcome(api, path, **options)
        if content is None:
            n_refused += 1
            continue
        rows = np.frombuffer(content, np.uint16).reshape(7, 9, 3)
        n_equal = (rows == as_color(pixels, "rgb")).all(axis=(1, 2)).sum()
        assert np.array_equal(rows[:n_equal], as_color(pixels, "rgb")[:n_equal])
        assert not rows[n_equal:].any()
    assert n_refused > len(whole) // 6


@pytest.mark.parametrize("color", KINDS)
def test_damaged_files_are_the_same_on_both(tmp_path, color):
    """Each byte in turn is changed: both implementations refuse the file, or give the same pixels."""
    whole = png16(pixels_of((5, 4), color), color, before=chunk(b"tEXt", b"a\0b"))
    path = tmp_path / "a.png"
    options = {"size": (4, 5), "dtype": "uint16", "layout": "NHWC", "color": "rgba", "exact": True, "batch_size": 1}
    seen = set()
    for at in range(8, len(whole), 1):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        results = [outcome(api, path, **options) for api in (fastbatch, pure)]
        assert results[0] == results[1], at
        seen.add(results[0] is None)
    assert seen == {True, False}


def test_a_size_that_lies_is_refused_before_memory_is_allocated(api, tmp_path):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 16, 6, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND")
    (path,) = write(tmp_path, [content])
    with pytest.raises(DecodeError, match=r"0\.png: sample 0: image too large: expected at most 178956970 pixels"):
        next(iter(api.images([path], dtype="uint16")))


def test_little_data_under_a_large_size_uses_little_memory(tmp_path):
    """12,000 x 12,000 pixels of four channels are 1.2 GB; the file ends after its first rows."""
    resource = pytest.importorskip("resource")
    header = struct.pack(">IIBBBBB", 12_000, 12_000, 16, 6, 0, 0, 0)
    data = zlib.compressobj()
    rows = data.compress(bytes(96_001)) + data.flush(zlib.Z_SYNC_FLUSH)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows[:60]) + chunk(b"IEND")
    (path,) = write(tmp_path, [content])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DecodeError, match=r"0\.png: sample 0: PNG ends early"):
        next(iter(fastbatch.images([path], dtype="uint16", size=8, color="rgba")))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 12}, "depth: expected None, 8 or 16, found 12"),
        ({"depth": True}, "depth: expected None, 8 or 16, found True"),
        ({"depth": 16, "dtype": "uint8"}, "depth: expected 8 for dtype=uint8, which does not hold 0 to 65535"),
        ({"depth": 16, "augment": fastbatch.Augment(rotation=3)}, "depth: expected None or 8 with augment="),
        ({"channels": 0}, "channels: expected 1 to 512, found 0"),
        ({"channels": 3, "dtype": "uint8"}, "channels: expected dtype= a float type or uint16"),
        ({"channels": 3, "depth": 8}, "channels: expected dtype= a float type or uint16, no depth=8"),
    ],
    ids=str,
)
def test_wrong_options(api, options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        api.images(["a.png"], **options)


@pytest.mark.parametrize("options", [{"dtype": "uint8"}, {"dtype": "int32"}, {"augment": fastbatch.Augment(hue=0.1)}])
def test_gray_of_16_bits_is_not_clipped_in_silence(api, tmp_path, options):
    paths = write(tmp_path, [png16(pixels_of((9, 7), 0), 0)])
    with pytest.raises(DecodeError, match=r"0\.png: sample 0: .*clipped to 255: expected .*depth=8.*found mode I;16"):
        list(api.images(paths, size=8, **options))
    (clipped,) = api.images(paths, size=(7, 9), dtype="uint8", depth=8, color="grayscale")
    assert np.array_equal(clipped[0, 0], np.minimum(pixels_of((9, 7), 0)[..., 0], 255))


# ---- all bits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("color", ["rgb", "rgba", "grayscale"])
def test_noise_with_all_filters(tmp_path, color, interlaced):
    """Files of every kind with every filter: the oracle is `pure`, whose reader shares no code with the core."""
    hidden = chunk(b"tRNS", b"\x81\x81" * 3)
    contents = [png((23, 17), 16, kind, interlaced=interlaced, seed=kind) for kind in KINDS]
    contents += [png((23, 17), 16, kind, before=hidden, seed=kind) for kind in (2,)]
    both(write(tmp_path, contents), size=(17, 23), dtype="uint16", color=color)


@pytest.mark.parametrize("color", ["rgb", "rgba", "grayscale"])
def test_pixels_as_written(tmp_path, color):
    stored = [pixels_of((23, 17), kind, seed=kind) for kind in KINDS]
    paths = write(tmp_path, [png16(one, kind) for one, kind in zip(stored, KINDS, strict=True)])
    wanted = np.stack([as_color(one, color) for one in stored])
    assert wanted.max() > 65000
    same(both(paths, size=(17, 23), dtype="uint16", color=color), wanted)
    same(both(paths, size=(17, 23), dtype="int32", depth=16, color=color), wanted.astype(np.int32))
    floats = both(paths, size=(17, 23), color=color)
    same(floats, wanted.astype(np.float32) * np.float32(1 / 65535))
    assert floats.max() <= 1
    same(both(paths, size=(17, 23), depth=16, color=color), floats)
    plain = both(paths, size=(17, 23), depth=16, scale=1, color=color)
    same(plain, wanted.astype(np.float32))
    assert np.allclose(both(paths, size=(17, 23), scale=1, color=color), wanted / 257, rtol=1e-6)  # units of 8 bits


def test_one_colour_of_16_bits_is_transparent(tmp_path):
    """All 16 bits of the colour are compared: not the lower eight, as Pillow does."""
    stored = np.array([[[0x0102, 3, 4], [0x0202, 3, 4], [0x0102, 0x0103, 4]]], np.uint16)
    (path,) = write(tmp_path, [png16(stored, 2, before=chunk(b"tRNS", struct.pack(">3H", 0x0102, 3, 4)))])
    alpha = both([path], size=(1, 3), dtype="uint16", color="rgba")[..., 3]
    assert alpha.tolist() == [[[0, 65535, 65535]]]


WAYS = {
    "smaller": {"size": (9, 14)},
    "columns first": {"size": (5, 30)},
    "larger": {"size": (40, 50)},
    "center": {"size": 12, "crop": "center"},
    "center, resized": {"size": 12, "crop": "center", "resize": 19},
    "random": {"size": 12, "crop": "random", "resize": 19},
    "window": {"size": 20, "crop": "random", "pad_value": 9},
    "resized": {"size": 16, "crop": "random_resized"},
    "pad": {"size": 20, "crop": "pad", "pad_value": 200},
}


@pytest.mark.parametrize("filter", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
@pytest.mark.parametrize("way", WAYS)
def test_crops_and_filters(tmp_path, way, filter):
    stored = [pixels_of((31, 25), kind, seed=kind) for kind in KINDS] + [pixels_of((16, 33), 2)]
    paths = write(tmp_path, [png16(one, kind) for one, kind in zip(stored, [*KINDS, 2], strict=True)])
    options = {"filter": filter, "flip": True, "vertical_flip": True, "dtype": "uint16", "seed": 3, **WAYS[way]}
    for color in ("rgb", "rgba", "grayscale"):
        both(paths, color=color, **options)


def triangle(pixels, size):
    """Return pixels resized in float64 by an antialiased triangle, written from its definition: no rounding."""
    for axis, out in enumerate(size):
        n = pixels.shape[axis]
        scale = n / out
        centers = (np.arange(out) + 0.5) * scale
        weights = np.maximum(0, 1 - np.abs(np.arange(n) + 0.5 - centers[:, None]) / max(scale, 1))
        weights /= weights.sum(axis=1, keepdims=True)
        pixels = np.moveaxis(np.tensordot(weights, pixels, (1, axis)), 0, axis)
    return pixels


@pytest.mark.parametrize("size", [(9, 14), (5, 30), (40, 50)])
def test_bilinear_is_within_one_level_of_float64(tmp_path, size):
    stored = pixels_of((31, 25), 2)
    (path,) = write(tmp_path, [png16(stored, 2)])
    made = both([path], size=size, dtype="uint16")[0].astype(np.float64)
    assert np.abs(made - triangle(stored.astype(np.float64), size)).max() <= 1.01  # two roundings of one half
    assert len(np.unique(made % 257)) > 100  # not bytes


@clips_16_bits
@pytest.mark.parametrize("filter", ["nearest", "bilinear", "lanczos"])
def test_each_channel_is_as_pillows_gray_of_16_bits(tmp_path, filter):
    stored = pixels_of((31, 25), 2)
    (path,) = write(tmp_path, [png16(stored, 2)])
    resample = Image.Resampling[filter.upper()]
    wanted = [Image.fromarray(stored[..., c].copy()).resize((13, 11), resample) for c in range(3)]
    made = both([path], size=(11, 13), filter=filter, dtype="uint16")[0]
    assert as_pillow(made, np.stack(list(map(np.asarray, wanted)), 2))


def test_transparent_pixels_do_not_bleed(tmp_path):
    """Bright, transparent pixels beside dark, opaque ones: weighted by alpha, the result stays dark."""
    stored = np.zeros((8, 8, 4), np.uint16)
    stored[:, ::2] = [65535, 65535, 65535, 0]
    stored[:, 1::2] = [1000, 2000, 3000, 65535]
    (path,) = write(tmp_path, [png16(stored, 6)])
    made = both([path], size=(4, 4), color="rgba", dtype="uint16")[0].astype(int)
    assert np.abs(made[..., :3] - [1000, 2000, 3000]).max() <= 3
    assert made[..., 3].min() > 20_000


def test_exif_turns_16_bits(tmp_path):
    stored = pixels_of((7, 4), 2)
    contents = []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        contents.append(png16(stored, 2, before=chunk(b"eXIf", exif.tobytes()[6:])))
    paths = write(tmp_path, contents)
    ways = [None, *(getattr(Image.Transpose, one) for one in ORDER)]
    made = both(paths, size=(6, 6), exif="apply", filter="nearest", dtype="uint16", color="rgba")
    for turned, way in zip(made, ways, strict=True):
        planes = [Image.fromarray(stored[..., c].copy()) for c in range(3)]
        upright = [plane if way is None else plane.transpose(way) for plane in planes]
        wanted = [np.asarray(one.resize((6, 6), Image.Resampling.NEAREST)) for one in upright]
        same(turned[..., :3], np.stack(wanted, 2))


ORDER = ["FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"]


# ---- folders of 8 and of 16 bits ------------------------------------------------------------------------------------


@pytest.fixture
def mixed(tmp_path):
    """Return paths of the same picture in 8 and in 16 bits, as PNG and JPEG."""
    deep = pixels_of((24, 16), 2)
    paths = write(tmp_path, [png16(deep, 2)])
    eight = (deep >> 8).astype(np.uint8)
    for name, options in (("a.png", {}), ("b.jpg", {"quality": 95, "subsampling": 0})):
        Image.fromarray(eight).save(tmp_path / name, **options)
        paths.append(tmp_path / name)
    return paths


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_mixed_folders_have_one_range(mixed, layout):
    floats = both(mixed, size=(16, 24), layout=layout)
    assert np.abs(floats[0] - floats[1]).max() < 1 / 250
    assert np.abs(floats[0] - floats[2]).mean() < 1 / 40
    deep = both(mixed, size=(16, 24), dtype="uint16", layout=layout)
    assert np.array_equal(deep[1] % 257, np.zeros_like(deep[1]))
    assert np.array_equal(deep[1] // 257, both(mixed[1:2], size=(16, 24), dtype="uint8", layout=layout)[0])
    normal = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4], "layout": layout, "size": (10, 9)}
    wanted = both(mixed, depth=16, **normal)
    assert np.allclose(both(mixed, **normal), wanted, atol=1e-6)


def test_files_of_8_bits_are_as_before(mixed):
    """Byte by byte: the new default changes only files of more bits."""
    for options in ({}, {"mean": 0.5, "std": 0.25}, {"scale": [1 / 255, 1 / 127.5, 1]}, {"dtype": "float64"}):
        same(both(mixed[1:], size=9, **options), both(mixed[1:], size=9, depth=8, **options))


def test_own_channels(tmp_path):
    stored = pixels_of((23, 17), 4)
    (path,) = write(tmp_path, [png16(stored, 4)])
    same(both([path], size=(17, 23), dtype="uint16", channels=2)[0], stored)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_another_number_of_channels_is_an_error(api, tmp_path, channels):
    paths = write(tmp_path, [png16(pixels_of((23, 17), 4), 4)])
    with pytest.raises(DecodeError, match=rf"another number of channels: expected {channels}, found 2"):
        list(api.images(paths, size=8, channels=channels))


# ---- masks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def masked(tmp_path):
    """Return an image, a mask of 16 bits, and one of 8 bits."""
    stored = np.random.default_rng(1).integers(0, 65536, (20, 30, 1)).astype(np.uint16)
    image, deep = write(tmp_path, [png16(pixels_of((30, 20), 2), 2), png16(stored, 0)])
    Image.fromarray((stored[..., 0] >> 8).astype(np.uint8)).save(tmp_path / "eight.png")
    return image, deep, tmp_path / "eight.png"


@pytest.mark.parametrize("mask_dtype", ["uint16", "int32", "int64", "float32"])
def test_masks_of_16_bits(masked, mask_dtype):
    image, deep, eight = masked
    augment = fastbatch.Augment(rotation=30, zoom=0.3, shift=0.1, shear=10, order=0, fill="constant", fill_value=7)
    options = {"size": (16, 18), "crop": "random_resized", "flip": True, "vertical_flip": True, "batch_size": 2}
    for more in ({}, {"augment": augment, "mask_pad_value": 9}, {"filter": "bicubic", "exif": "apply"}):
        made = {**options, **more, "masks": [deep, eight], "mask_dtype": mask_dtype}
        (expected,) = pure.images([image, image], **made)
        same_batches(fastbatch.images([image, image], **made), [expected])
        assert expected[1].dtype == mask_dtype
        assert expected[1][0].max() > 60_000
        assert expected[1][1].max() < 256


@pytest.mark.parametrize("mask_dtype", ["uint8", "int8", "int16", "float16"])
def test_a_type_that_does_not_hold_the_mask_is_an_error(api, masked, mask_dtype):
    image, deep, _ = masked
    wanted = r"1\.png: sample 0: mask of 16 bits: expected mask_dtype= a type that holds 0 to 65535"
    with pytest.raises(DecodeError, match=wanted):
        list(api.images([image], masks=[deep], mask_dtype=mask_dtype))


def test_a_deep_image_as_its_own_mask(masked):
    _, deep, _ = masked
    options = {"color": "grayscale", "filter": "nearest", "dtype": "uint16", "crop": "random_resized", "size": 9}
    for api in (fastbatch, pure):
        (batch,) = api.images([deep], masks=[deep], mask_dtype="uint16", **options)
        assert np.array_equal(batch[0][:, 0], batch[1])
