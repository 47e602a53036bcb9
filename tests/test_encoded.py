# SPDX-License-Identifier: MIT
"""Encoded images in memory, tested on the core: the same bytes as from files, and errors that name the sample."""

import gc
import io

import numpy as np
import pytest

from fastbatch import DecodeError, _core
from fastbatch.source.image_folder import NATIVE_EXTENSIONS

Image = pytest.importorskip("PIL.Image")

SIZES = {"JPEG": (50, 37), "PNG": (37, 50), "WEBP": (64, 20)}


def encoded(image_format: str, mode: str = "RGB") -> bytes:
    width, height = SIZES[image_format]
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, image_format)
    return out.getvalue()


def in_memory(samples: list[bytes], names: list[bytes] | None = None) -> _core.EncodedSamples:
    offsets = np.cumsum([0, *map(len, samples)], dtype=np.uint64)
    return _core.EncodedSamples(b"".join(samples), offsets, names)


def options(**given) -> _core.ImageOptions:
    given = {"height": 24, "width": 31, "crop": "center", "resize": 40, **given}
    return _core.ImageOptions(_core.Conversion(np.dtype("u1"), 3), **given)


@pytest.fixture
def samples():
    return [encoded(image_format) for image_format in SIZES]


@pytest.fixture
def files(samples, tmp_path):
    paths = [tmp_path / f"{i}.img" for i in range(len(samples))]
    for path, sample in zip(paths, samples, strict=True):
        path.write_bytes(sample)
    return _core.FileList([bytes(path) for path in paths])


def rows(decoder: _core.Decoder, n: int) -> list[bytes]:
    return [decoder.row(i) for i in range(n)]


def test_images_in_memory_decode_to_the_bytes_of_the_files(samples, files):
    memory = in_memory(samples)
    assert len(memory) == len(files) == 3
    for given in ({}, {"crop": "random_resized", "resize": 0, "flip": True}, {"exact": False}, {"apply_exif": True}):
        expected = rows(_core.ImageDecoder(files, options(**given), False), 3)
        assert rows(_core.ImageDecoder(memory, options(**given), False), 3) == expected
        expected = rows(_core.MatrixDecoder(files, options(**given), False), 3)
        assert rows(_core.MatrixDecoder(memory, options(**given), False), 3) == expected
    assert _core.probe_images(memory, 0, 3, 2, 10**9) == _core.probe_images(files, 0, 3, 2, 10**9)


def test_masks_in_memory(tmp_path):
    masks = [encoded("PNG", mode) for mode in ("L", "P", "1")]
    images = in_memory([encoded("PNG")] * 3)
    conversion = _core.Conversion(np.dtype("u1"))
    wanted = _core.ImageOptions(conversion, height=24, width=31, crop="random", resize=40, flip=True)
    paths = [tmp_path / str(i) for i in range(3)]
    for path, mask in zip(paths, masks, strict=True):
        path.write_bytes(mask)
    from_files = _core.MaskDecoder(images, _core.FileList([bytes(path) for path in paths]), wanted, False)
    assert rows(_core.MaskDecoder(images, in_memory(masks), wanted, False), 3) == rows(from_files, 3)


@pytest.mark.parametrize("names", [None, [b"a.jpg", b"dir/b\xff.png", b"c.webp"]])
def test_errors_name_the_sample(samples, names):
    samples[1] = samples[1][:100]
    memory = in_memory(samples, names)
    assert memory.name(1) == (b"sample 1 in memory" if names is None else names[1])
    with pytest.raises(IndexError):
        memory.name(3)
    decoder = _core.ImageDecoder(memory, options(), False)
    with pytest.raises(DecodeError, match="sample 1: ") as caught:
        decoder.row(1)
    assert caught.value.sample == 1
    assert caught.value.path == (None if names is None else "dir/b\udcff.png")
    assert decoder.row(2)


def test_the_buffer_lives_as_long_as_the_decoder(samples, files):
    blob = bytearray(b"".join(samples))
    offsets = np.cumsum([0, *map(len, samples)], dtype=np.uint64)
    memory = _core.EncodedSamples(blob, offsets)
    with pytest.raises(BufferError):
        blob.extend(b"more")
    decoder = _core.ImageDecoder(memory, options(), False)
    del memory, offsets
    gc.collect()
    with pytest.raises(BufferError):
        blob.extend(b"more")
    assert decoder.row(0) == _core.ImageDecoder(files, options(), False).row(0)
    del decoder
    gc.collect()
    blob.extend(b"more")


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([], "one more than there are samples, found none"),
        ([0, 5, 4], "never fall, found 4 after 5"),
        ([0, 11], "at most the blob's 10 bytes, found 11"),
        ([0, 2**64 - 1], "at most the blob's 10 bytes"),
    ],
)
def test_offsets_that_lie_are_refused(offsets, message):
    with pytest.raises(ValueError, match=message):
        _core.EncodedSamples(bytes(10), np.array(offsets, np.uint64))


def test_other_arguments_are_refused():
    with pytest.raises(ValueError, match="offsets: expected uint64 of one dimension"):
        _core.EncodedSamples(bytes(10), np.array([0, 10]))
    with pytest.raises(ValueError, match="names: expected 2, found 1"):
        _core.EncodedSamples(bytes(10), np.array([0, 3, 10], np.uint64), [b"one"])
    with pytest.raises(ValueError, match="blob: expected contiguous memory"):
        _core.EncodedSamples(np.zeros((10, 10), np.uint8)[:, ::2], np.array([0, 3], np.uint64))


def test_the_table_of_codecs():
    table = {name: (extensions, scales) for name, extensions, scales in _core.codecs()}
    assert table["JPEG"] == (["jpg", "jpeg", "jpe", "jfif"], True)
    assert [extension for extensions, _ in table.values() for extension in extensions] == list(NATIVE_EXTENSIONS)
    registered = Image.registered_extensions()  # Pillow's names
    for name, (extensions, _) in table.items():
        assert {registered["." + extension] for extension in extensions} == {name}
    for image_format in SIZES:
        assert _core.name_format(encoded(image_format)).upper() == image_format
