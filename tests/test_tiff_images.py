# SPDX-License-Identifier: MIT
"""TIFF images of 16 bits, of floats and of many channels in `images`. The oracle is the array that tifffile wrote."""

import io
import struct
import zlib

import numpy as np
import pytest
from making import same, same_batches
from PIL import Image

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError
from fastbatch.native import pillow as pillow_fallback

tifffile = pytest.importorskip("tifffile")

pytestmark = pytest.mark.behavior

SIZE = (17, 23)


def array(dtype, channels, size=SIZE, seed=0):
    """Return an image (height, width, channels) over the whole range of a type, or floats around 0."""
    rng = np.random.default_rng(seed)
    shape = (*size, channels)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 1000, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def tiff(pixels, **options):
    """Return a TIFF file of (height, width, channels), or pages of (pages, height, width)."""
    file = io.BytesIO()
    options = {"photometric": "rgb" if pixels.ndim == 3 and pixels.shape[2] in (3, 4) else "minisblack", **options}
    tifffile.imwrite(file, pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels, **options)
    return file.getvalue()


def write(tmp_path, *contents):
    paths = [tmp_path / f"{i}.tif" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def both(paths, **options):
    """Return the only batch, the same from both implementations and any number of threads."""
    options = {"layout": "NHWC", "size": SIZE, "batch_size": len(paths), **options}
    (expected,) = pure.images(paths, **options)
    for threads in (1, 4):
        same_batches(fastbatch.images(paths, threads=threads, **options), [expected])
    return expected


def outcome(api, path, **options):
    """Return the bytes of a batch of one file; None if it is refused."""
    try:
        (batch,) = api.images([path], **options)
    except DecodeError as error:
        assert f"{path.name}: sample 0: " in str(error)
        return None
    return batch.tobytes()


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_cut_and_changed_files_are_the_same_on_both(tmp_path, compression):
    whole = tiff(array("u2", 3, (6, 5)), compression=compression)
    path = tmp_path / "a.tif"
    options = {"size": (6, 5), "dtype": "uint16", "batch_size": 1}
    contents = [whole[:end] for end in range(4, len(whole), 7)]
    contents += [whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :] for at in range(4, len(whole), 3)]
    refused = 0
    for content in contents:
        path.write_bytes(content)
        results = [outcome(api, path, **options) for api in (fastbatch, pure)]
        assert results[0] == results[1]
        refused += results[0] is None
    assert 20 < refused < len(contents)


def test_a_size_that_lies_is_refused_before_memory_is_allocated(api, tmp_path):
    whole = bytearray(tiff(array("u2", 1, (6, 5))))
    file = tifffile.TiffFile(io.BytesIO(bytes(whole)))
    for code in (256, 257):  # width and length
        tag = file.pages[0].tags[code]
        whole[tag.valueoffset : tag.valueoffset + 4] = struct.pack("<I", 60_000)[: 2 if tag.dtype == 3 else 4].ljust(
            4, b"\0"
        )
    paths = write(tmp_path, bytes(whole))
    with pytest.raises(DecodeError, match=r"0\.tif: sample 0: image too large: expected at most 178956970 pixels"):
        next(iter(api.images(paths, dtype="uint16")))


def test_a_bomb_is_refused(api, tmp_path, monkeypatch):
    """A segment of zeros that unpacks to more than the image."""
    from fastbatch.decode import tiff as reader

    monkeypatch.setattr(reader, "_MOST_UNPACKED", 1 << 20)
    bomb = zlib.compress(bytes(50 << 20), 9)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        options = {"shape": (6, 5), "dtype": "uint16", "compression": 8, "rowsperstrip": 6, "photometric": "minisblack"}
        writer.write(iter([bomb]), **options)
    paths = write(tmp_path, file.getvalue())
    with pytest.raises(DecodeError, match=r"0\.tif: sample 0: broken TIFF: expected 60 bytes of pixels, found more"):
        next(iter(api.images(paths, dtype="uint16")))


def test_without_tifffile(api, tmp_path, monkeypatch):
    import sys

    monkeypatch.setattr(pillow_fallback, "_warned", {"TIFF"})
    monkeypatch.setitem(sys.modules, "tifffile", None)
    paths = write(tmp_path, tiff(array("u2", 3)), tiff(array("u1", 3)))
    for path, options in ((paths[0], {}), (paths[1], {"channels": 3})):
        with pytest.raises(DecodeError, match=r"\.tif: sample 0: TIFF of .* pip install fastbatch\[tiff\]"):
            next(iter(api.images([path], **options)))
    assert next(iter(api.images(paths[1:], size=4))).shape == (1, 3, 4, 4)  # 8 bits are Pillow's


def test_another_number_of_channels(api, tmp_path):
    paths = write(tmp_path, tiff(array("u2", 5), planarconfig="contig"))
    for options, message in [
        ({"channels": 4}, r"image of another number of channels: expected 4, found 5"),
        ({}, r"image of 5 channels: expected channels=5"),
    ]:
        with pytest.raises(DecodeError, match=rf"0\.tif: sample 0: {message}"):
            next(iter(api.images(paths, **options)))


@pytest.mark.parametrize("dtype", ["uint16", "int32"])
def test_floats_need_a_float_type(api, tmp_path, dtype):
    paths = write(tmp_path, tiff(array("f4", 1)))
    with pytest.raises(DecodeError, match=r"0\.tif: sample 0: image of floats: expected dtype= a float type"):
        next(iter(api.images(paths, dtype=dtype, depth=16)))


# ---- all bits and channels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits(tmp_path, channels, options):
    stored = array("u2", channels)
    color = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    paths = write(tmp_path, tiff(stored, extrasamples=["unassalpha"] if channels == 4 else None, **options))
    same(both(paths, dtype="uint16", color=color)[0], stored)
    same(both(paths, color=color)[0], stored.astype(np.float32) * np.float32(1 / 65535))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_colours_of_any_number_of_channels(tmp_path, channels, dtype):
    """Gray is repeated, alpha is the second or the fourth channel, and without one all is opaque."""
    stored = array(dtype, channels)
    paths = write(tmp_path, tiff(stored, **({"planarconfig": "contig"} if channels == 2 else {})))
    gray = channels <= 2
    colors = np.repeat(stored[..., :1], 3, axis=-1) if gray else stored[..., :3]
    opaque = np.full((*SIZE, 1), 65535 if dtype == "uint16" else 1.0)
    alpha = stored[..., -1:] if channels in (2, 4) else opaque
    most = np.float32(1 / 65535 if dtype == "uint16" else 1)
    wanted = np.concatenate([colors, alpha], axis=-1).astype(np.float32) * most
    same(both(paths, color="rgba")[0], wanted)
    same(both(paths, color="rgb")[0], wanted[..., :3])


@pytest.mark.parametrize("dtype", ["i2", "u4", "i4", "f2", "f4", "f8"])
def test_other_types_keep_their_values(tmp_path, dtype):
    stored = array(dtype, 1)
    paths = write(tmp_path, tiff(stored))
    same(both(paths, color="grayscale")[0], stored.astype(np.float32))
    scaled = both(paths, color="grayscale", scale=0.5, mean=1.0)[0]
    assert np.allclose(scaled, stored.astype(np.float32) * 0.5 - 1)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("channels", [2, 5, 13])
def test_many_channels(tmp_path, channels, planar):
    stored = array("u2", channels)
    pixels = stored if planar == "contig" else np.moveaxis(stored, 2, 0)
    paths = write(tmp_path, tiff(np.ascontiguousarray(pixels), planarconfig=planar, photometric="minisblack"))
    for layout in ("NHWC", "NCHW"):
        wanted = stored if layout == "NHWC" else np.moveaxis(stored, 2, 0)
        same(both(paths, dtype="uint16", channels=channels, layout=layout)[0], np.ascontiguousarray(wanted))
    mean = list(range(channels))
    made = both(paths, channels=channels, depth=16, scale=1, mean=mean)[0]
    same(made, stored.astype(np.float32) - np.arange(channels, dtype=np.float32))
    for options in ({"crop": "random_resized", "flip": True}, {"crop": "pad", "pad_value": 7}, {"filter": "lanczos"}):
        both(paths, channels=channels, **{"size": (12, 9), **options})


def test_pages_are_channels(tmp_path):
    stored = array("f4", 4)
    paths = write(tmp_path, tiff(np.moveaxis(stored, 2, 0).copy(), photometric="minisblack"))
    same(both(paths, channels=4)[0], stored)
    same(both(paths, color="grayscale")[0], stored[..., :1])  # the first page, as Pillow's


def test_8_bits_of_many_channels(tmp_path):
    stored = array("u1", 5)
    paths = write(tmp_path, tiff(stored, planarconfig="contig"))
    same(both(paths, channels=5, dtype="uint16")[0], stored.astype(np.uint16) * np.uint16(257))
    made = both(paths, channels=5)[0]
    assert np.allclose(made, stored / 255, atol=1e-7)


def test_white_is_zero(tmp_path):
    stored = array("u2", 1)
    paths = write(tmp_path, tiff(stored, photometric="miniswhite"))
    same(both(paths, dtype="uint16", color="grayscale")[0], 65535 - stored)


def test_orientation(tmp_path):
    stored = array("u2", 3, (4, 7))
    contents = [tiff(stored, extratags=[(274, 3, 1, orientation, True)]) for orientation in range(1, 9)]
    paths = write(tmp_path, *contents)
    made = both(paths, size=(6, 6), exif="apply", filter="nearest", dtype="uint16")
    turns = [
        "",
        "FLIP_LEFT_RIGHT",
        "ROTATE_180",
        "FLIP_TOP_BOTTOM",
        "TRANSPOSE",
        "ROTATE_270",
        "TRANSVERSE",
        "ROTATE_90",
    ]
    for turned, way in zip(made, turns, strict=True):
        planes = [Image.fromarray(stored[..., c].copy()) for c in range(3)]
        upright = [plane.transpose(getattr(Image.Transpose, way)) if way else plane for plane in planes]
        wanted = [np.asarray(one.resize((6, 6), Image.Resampling.NEAREST)) for one in upright]
        same(turned, np.stack(wanted, 2))


def test_8_bits_are_pillows(tmp_path, recwarn):
    """TIFF files of 8 bits in 1, 3 or 4 channels are as before."""
    stored = array("u1", 3)
    paths = write(tmp_path, tiff(stored))
    same(both(paths, dtype="uint8")[0], stored)
    same(both(paths)[0], both(paths, depth=8)[0])


@pytest.mark.parametrize("dtype", ["u2", "u1"])
def test_masks(tmp_path, dtype):
    stored = array(dtype, 1)
    (mask,) = write(tmp_path, tiff(stored))
    Image.fromarray(array("u1", 3)).save(tmp_path / "a.png")
    (expected,) = pure.images([tmp_path / "a.png"], masks=[mask], mask_dtype="int32", size=SIZE)
    same_batches(fastbatch.images([tmp_path / "a.png"], masks=[mask], mask_dtype="int32", size=SIZE), [expected])
    same(expected[1][0], stored[..., 0].astype(np.int32))
