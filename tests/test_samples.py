# SPDX-License-Identifier: MIT
"""Encoded images in memory: decoding, masks, probe, errors and resume."""

import copy
import io
import pickle

import numpy as np
import pytest
from making import same, same_batches

import fastbatch
from fastbatch import _core
from fastbatch.errors import DecodeError
from fastbatch.source.codecs import CODECS, codec_of

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.behavior

OPTIONS = {"size": (20, 24), "batch_size": 4, "seed": 3, "exact": True}


def encode(pixels, kind="JPEG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def pictures():
    random = np.random.default_rng(0)
    sizes = [(30 + i, 40 - i, 3) for i in range(9)]
    kinds = ["JPEG", "PNG", "WEBP"]
    return [encode(random.integers(0, 256, size, np.uint8), kinds[i % 3]) for i, size in enumerate(sizes)]


@pytest.fixture
def files(pictures, tmp_path):
    paths = [tmp_path / f"{i}.img" for i in range(len(pictures))]
    for path, content in zip(paths, pictures, strict=True):
        path.write_bytes(content)
    return paths


def as_block(pictures):
    """Return the images in one buffer, with other bytes between them."""
    offsets = np.cumsum([3, *map(len, pictures)])
    return b"abc" + b"".join(pictures) + b"rest", offsets


MORE = [{}, {"crop": "random_resized", "flip": True, "shuffle": True}, {"exif": "apply", "color": "grayscale"}]


@pytest.mark.parametrize("options", MORE)
def test_images_in_memory_equal_those_in_files(api, pictures, files, options):
    labels = np.arange(9)
    expected = list(api.images(files, labels, **OPTIONS, **options))
    same_batches(api.images(api.encoded(pictures), labels, **OPTIONS, **options), expected)
    block, offsets = as_block(pictures)
    for data in (block, np.frombuffer(block, np.uint8), memoryview(block), bytearray(block)):
        same_batches(api.images(api.encoded(data, offsets), labels, **OPTIONS, **options), expected)


def test_both_implementations_agree(pictures):
    from fastbatch import pure

    loaders = [api.images(api.encoded(pictures), None, flip=True, **OPTIONS) for api in (fastbatch, pure)]
    same_batches(*loaders)


def test_a_block_is_not_copied(pictures, tmp_path):
    block, offsets = as_block(pictures)
    (tmp_path / "block").write_bytes(block)
    mapped = np.memmap(tmp_path / "block", np.uint8, "r")
    samples = fastbatch.encoded(mapped, offsets)
    assert np.shares_memory(samples.blob, mapped)
    assert len(samples) == 9 and "9 samples" in repr(samples)


def test_masks_in_memory(api, pictures, files, tmp_path):
    random = np.random.default_rng(1)
    masks = [encode(random.integers(0, 5, (30 + i, 40 - i), np.uint8), "PNG") for i in range(9)]
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for path, mask in zip(paths, masks, strict=True):
        path.write_bytes(mask)
    options = {**OPTIONS, "crop": "random_resized", "flip": True}
    boxes = [[[1, 2, 9, 8]]] * 9
    expected = list(api.images(files, None, masks=paths, boxes=boxes, **options))
    for images, given in ((api.encoded(pictures), api.encoded(masks)), (files, api.encoded(masks))):
        found = list(api.images(images, None, masks=given, boxes=boxes, **options))
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one[0], other[0])
            same(one[1], other[1])
            for row, wanted in zip(one[2], other[2], strict=True):
                same(row, wanted)
    with pytest.raises(ValueError, match="masks: expected one for each of 9 files, found 2"):
        api.images(files, None, masks=api.encoded(masks[:2]))
    with pytest.raises(ValueError, match="a folder of masks goes with a folder of images"):
        api.images(api.encoded(pictures), None, masks=tmp_path)


def test_probe_in_memory(api, pictures, files):
    broken = [*pictures, b"", pictures[0][:30]]
    found = api.probe(api.encoded(broken))
    expected = api.probe(files)
    assert found[:9].tolist() == expected.tolist()
    assert all(record["error"] for record in found[9:])


def test_errors_name_the_sample(api, pictures):
    spoilt = [*pictures[:4], pictures[0][: len(pictures[0]) // 2], *pictures[5:]]
    with pytest.raises(DecodeError, match=r"^sample 4: JPEG ends early|^sample 4: broken JPEG") as raised:
        list(api.images(api.encoded(spoilt), None, **OPTIONS))
    assert (raised.value.path, raised.value.sample) == (None, 4)
    names = [f"row {i}" for i in range(9)]
    with pytest.raises(DecodeError, match="^row 4: sample 4: ") as raised:
        list(api.images(api.encoded(spoilt, names=names), None, **OPTIONS))
    assert (raised.value.path, raised.value.sample) == ("row 4", 4)
    loader = api.images(api.encoded(spoilt, names=names), None, on_error="skip", **OPTIONS)
    assert [len(batch) for batch in loader] == [4, 3, 1]
    assert [(bad.path, bad.sample) for bad in loader.report()] == [("row 4", 4)]


def test_resume_copy_and_pickle(api, pictures):
    loader = api.images(api.encoded(pictures), None, shuffle=True, flip=True, **OPTIONS)
    expected = list(loader)
    loader.set_epoch(0)
    next(iter(loader))
    state = loader.state_dict()
    for other in (
        api.images(api.encoded(*as_block(pictures)), None, shuffle=True, flip=True, **OPTIONS),
        copy.copy(loader),
        pickle.loads(pickle.dumps(loader)),
    ):
        other.load_state_dict(state)
        same_batches(other, expected[1:])
    changed = [*pictures[:-1], pictures[0]]
    with pytest.raises(fastbatch.StateError, match="state of another data set"):
        api.images(api.encoded(changed), None, shuffle=True, **OPTIONS).load_state_dict(state)


BAD = [
    ((b"abc",), TypeError, "images: expected a list of bytes, found bytes; or give its offsets"),
    ((["a.jpg"],), TypeError, "images: sample 0: expected bytes, found a str"),
    (([1],), TypeError, "images: sample 0: expected contiguous bytes, found int"),
    (([],), ValueError, "images: expected at least one, found none"),
    ((b"abc", [0]), ValueError, "images: expected at least one, found none"),
    ((b"abc", []), TypeError, "offsets: expected integers"),
    ((b"abc", [0.5, 1]), TypeError, "offsets: expected integers in 1 dimension, found float64"),
    ((b"abc", [0, 4]), ValueError, "offsets: expected numbers from 0 to 3, the size of the block, found 4"),
    ((b"abc", [-1, 3]), ValueError, "offsets: expected numbers from 0 to 3, the size of the block, found -1"),
    ((b"abc", [0, 2, 1]), ValueError, "offsets: sample 1: expected an end of at least 2, found 1"),
    (([b"a"], None, ["x", "y"]), ValueError, "names: expected one for each of 1 images, found 2"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD)
def test_bad_blocks(api, arguments, kind, message):
    with pytest.raises(kind, match=message):
        api.encoded(*arguments)


def test_a_root_is_for_paths(api, pictures):
    with pytest.raises(ValueError, match="root: only valid with a list of paths"):
        api.images(api.encoded(pictures), None, root="photos")


def test_the_tables_of_codecs_are_equal():
    assert [(codec.name, list(codec.extensions)) for codec in CODECS] == [row[:2] for row in _core.codecs()]


def test_a_codec_knows_its_own_files_and_no_others(pictures):
    for i, content in enumerate(pictures):
        codec = codec_of(content)
        assert codec is CODECS[i % 3]
        assert [one.matches(content) for one in CODECS].count(True) == 1
    assert codec_of(b"") is None and codec_of(b"RIFFxxxxWAVE") is None
