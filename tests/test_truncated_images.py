# SPDX-License-Identifier: MIT
"""`on_truncated="fill"`: truncated images have the pixels of Pillow with LOAD_TRUNCATED_IMAGES, which is the oracle."""

import io
import threading

import numpy as np
import pytest
from making import error_of, same_batches
from making_png import png
from making_tar import write_tar
from PIL import Image, ImageFile

import fastbatch
from fastbatch import pure
from fastbatch.decode import image_options, truncated
from fastbatch.errors import DecodeError
from fastbatch.native import pillow as pillow_fallback

pytestmark = pytest.mark.behavior

FILL = {"on_truncated": "fill"}


def encoded(mode, kind, size=(56, 48), **options):
    noise = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode).save(file, kind, **options)
    return file.getvalue()


FILES = {
    "JPEG": encoded("RGB", "JPEG"),
    "gray JPEG": encoded("L", "JPEG"),
    "CMYK JPEG": encoded("CMYK", "JPEG"),
    "progressive JPEG": encoded("RGB", "JPEG", progressive=True),
    "PNG": encoded("RGB", "PNG"),
    "palette PNG": encoded("P", "PNG"),
    "16-bit gray PNG": png((20, 16), depth=16, color=0),
    "16-bit colour PNG": png((20, 16), depth=16, color=2),
    "interlaced PNG": png((20, 16), interlaced=True, piece=100),
    "GIF": encoded("P", "GIF"),
    "BMP": encoded("RGB", "BMP"),
    "TIFF": encoded("RGB", "TIFF"),
    "WebP": encoded("RGB", "WEBP"),
}


@pytest.fixture(autouse=True)
def no_warnings_of_formats(monkeypatch):
    monkeypatch.setattr(pillow_fallback, "_warned", {"GIF", "BMP", "TIFF"})


def cuts(content, n=12):
    """Return the file cut at several places, and the whole file."""
    return [content[: len(content) * i // n] for i in range(1, n + 1)]


def damaged(content, n=12):
    """Return the file with single bytes changed."""
    rng = np.random.default_rng(1)
    copies = []
    for _ in range(n):
        copy = bytearray(content)
        copy[rng.integers(len(copy))] ^= 1 << int(rng.integers(8))
        copies.append(bytes(copy))
    return copies


def filled_by_pillow(content, mode):
    """Return the pixels, or None if Pillow refuses the file even so."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image if mode is None else image.convert(mode))
    except (OSError, SyntaxError, ValueError):
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def facts(loader):
    """Return the report without the reasons, whose words are those of the decoder."""
    return [(one.path, one.sample, one.epoch, one.replaced_by, one.filled) for one in loader.report()]


@pytest.mark.parametrize("mode", [None, "RGB", "L"])
@pytest.mark.parametrize("kind", FILES)
def test_the_pixels_are_pillows(api, kind, mode):
    if mode == "L" and kind.startswith("16-bit gray"):
        mode = "I;16"
    if mode is None and kind == "CMYK JPEG":
        pytest.skip("the core decodes no CMYK, and says so")
    n_filled = 0
    for content in cuts(FILES[kind]) + damaged(FILES[kind]):
        expected = filled_by_pillow(content, mode)
        if expected is None:
            assert isinstance(error_of(api.decode, content, mode, **FILL), DecodeError)
            continue
        found = api.decode(content, mode, **FILL)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected)
        try:
            assert np.array_equal(api.decode(content, mode), expected)
        except DecodeError:
            n_filled += 1
    assert n_filled > 3 or kind == "WebP"


def test_orientation_of_a_filled_image(api):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded("RGB", "JPEG", exif=exif)[:900]
    upright = np.rot90(filled_by_pillow(content, "RGB"), -1)
    assert np.array_equal(api.decode(content, "RGB", "apply", **FILL), upright)


def test_what_is_no_image_is_refused_with_the_same_error(api, tmp_path):
    path = tmp_path / "a.jpg"
    for content in (b"", b"<html></html>", FILES["JPEG"][:40], FILES["WebP"][:200]):
        path.write_bytes(content)
        errors = [error_of(api.decode, path, **options) for options in ({}, FILL)]
        assert str(errors[0]) == str(errors[1])
        assert {type(error) for error in errors} == {DecodeError}
        loaders = [api.images([path], size=8, batch_size=1, **options) for options in ({}, FILL)]
        assert str(error_of(list, loaders[0])) == str(error_of(list, loaders[1]))


@pytest.fixture
def folder(tmp_path):
    """Return paths of whole and truncated images of all kinds that are filled, and which ones are truncated."""
    paths, which = [], []
    for i, (kind, content) in enumerate(FILES.items()):
        if kind == "WebP":
            continue
        for part in (1, 0.6):
            if part < 1:
                which.append(len(paths))
            paths.append(tmp_path / f"{i}-{part}.jpg")
            paths[-1].write_bytes(content[: int(len(content) * part)])
    return paths, which


CROPS = [
    {"crop": "none"},
    {"crop": "random_resized", "flip": True},
    {"crop": "center", "color": "grayscale", "exif": "apply"},
    {"crop": "pad", "color": "rgba", "dtype": "uint8", "depth": 8},
    {"dtype": "uint16", "crop": "random"},
]


@pytest.mark.parametrize("options", CROPS, ids=str)
def test_batches_agree(folder, options):
    paths, which = folder
    options = {"size": 10, "batch_size": 4, "exact": True, "shuffle": True, "seed": 5, **FILL, **options}
    oracle = pure.images(paths, **options)
    expected = [*oracle, *oracle]
    for threads in (1, 3):
        loader = fastbatch.images(paths, threads=threads, **options)
        same_batches([*loader, *loader], expected)
        assert facts(loader) == facts(oracle)
        assert loader.stats()["filled"] == oracle.stats()["filled"] == 2 * len(which)
        assert loader.stats()["bad_samples"] == 0
    found = oracle.report()
    assert sorted(one.sample for one in found if one.epoch == 0) == which
    assert all(one.filled and one.replaced_by is None and one.path == str(paths[one.sample]) for one in found)
    assert [one.epoch for one in found] == [0] * len(which) + [1] * len(which)


def test_fast_crops_are_pillows_where_rows_are_missing(folder):
    """Rows that are there are read by the core; missing ones make the whole image Pillow's."""
    paths = [path for i, path in enumerate(folder[0]) if i in folder[1]]
    options = {"crop": "random_resized", "size": 12, "batch_size": 4, "dct_scale": False, "seed": 3, **FILL}
    same_batches(fastbatch.images(paths, **options), pure.images(paths, **options))


def test_every_row_of_a_whole_crop(tmp_path, api):
    """Without a crop or a resize, a batch has the bytes of `decode`, which are Pillow's."""
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["JPEG"][:1000])
    loader = api.images([path], size=(48, 56), dtype="uint8", layout="NHWC", batch_size=1, **FILL)
    assert np.array_equal(next(iter(loader))[0], filled_by_pillow(FILES["JPEG"][:1000], "RGB"))


def test_raise_is_the_default_and_on_error_handles_it(api, folder):
    paths, which = folder
    error = error_of(list, api.images(paths, size=8))
    assert (type(error), error.sample) == (DecodeError, which[0])
    loader = api.images(paths, size=8, on_error="skip", depth=8)
    assert sum(len(batch) for batch in loader) == len(paths) - len(which)
    assert [(one.sample, one.filled) for one in loader.report()] == [(i, False) for i in which]
    assert loader.stats()["filled"] == 0


def test_with_on_error_only_what_cannot_be_filled_is_bad(api, folder):
    paths, which = folder
    bad = paths[0].parent / "bad.jpg"
    bad.write_bytes(FILES["WebP"][:300])
    loader = api.images([bad, *paths, bad], size=8, batch_size=50, on_error="skip", max_bad=2, depth=8, **FILL)
    (batch,) = loader
    assert len(batch) == len(paths)
    assert [(one.sample, one.filled) for one in loader.report()] == [
        (0, False),
        (len(paths) + 1, False),
        *[(i + 1, True) for i in which],
    ]
    assert (loader.stats()["bad_samples"], loader.stats()["filled"]) == (2, len(which))
    assert f"{len(which)} filled images, " in repr(loader.stats())


def test_masks_and_boxes_of_truncated_images(tmp_path):
    rng = np.random.default_rng(0)
    levels = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (48, 56), dtype=np.uint8)).save(levels, "PNG")
    contents = [FILES["JPEG"], FILES["JPEG"][:1000], FILES["PNG"], encoded("RGB", "PNG")[:2000]]
    masks = [levels.getvalue()[: 1500 if i % 2 == 0 else None] for i in range(4)]
    for i in range(4):
        (tmp_path / f"{i}.jpg").write_bytes(contents[i])
        (tmp_path / f"{i}.png").write_bytes(masks[i])
    images, of_masks = ([tmp_path / f"{i}.{end}" for i in range(4)] for end in ("jpg", "png"))
    options = {"masks": of_masks, "boxes": [[[1, 2, 30, 40]]] * 4, "size": 16, "crop": "random_resized", "flip": True}
    options |= {"exact": True, "batch_size": 4, **FILL}
    oracle = pure.images(images, None, **options)
    loader = fastbatch.images(images, None, **options)
    same_batches(loader, oracle)
    assert facts(loader) == facts(oracle)
    truncated_files = (of_masks[0], images[1], of_masks[2], images[3])
    assert [one.path for one in oracle.report()] == list(map(str, truncated_files))


def test_other_sources_and_loaders(api, tmp_path):
    content = FILES["JPEG"][:1000]
    expected = filled_by_pillow(content, "RGB")
    options = {"size": (48, 56), "dtype": "uint8", "layout": "NHWC", "batch_size": 1, **FILL}
    write_tar(tmp_path / "a.tar", [("a.jpg", content)])
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(content)
    loaders = [
        api.images(str(tmp_path / "a.tar"), **options),
        api.images(api.encoded([content]), **options),
        api.images(str(tmp_path / "photos"), None, **options),
        api.ImageDataLoader(tmp_path / "photos", decode=True, **options),
    ]
    pa = pytest.importorskip("pyarrow")
    loaders.append(api.images(pa.table({"image": [content]}), **options))
    for loader in loaders:
        assert np.array_equal(next(iter(loader))[0], expected)
        assert [one.filled for one in loader.report()] == [True]


def test_mixtures_and_zips_list_filled_images(api, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["JPEG"][:1000])
    options = {"size": 8, "batch_size": 2, **FILL}
    one, other = (api.images([path] * 4, **options) for _ in range(2))
    for loader, n in ((api.concat(one, other), 8), (api.zip(one, other), 8), (one.map(lambda x: x), 4)):
        list(loader)
        assert len(loader.report()) == n
        assert loader.stats()["filled"] == n


def test_the_flag_of_pillow_is_that_of_other_threads(api):
    """While one thread fills, another one sees the flag as it was; afterwards it is as it was."""
    inside, looked = threading.Event(), threading.Event()
    seen = []

    def look():
        inside.wait()
        seen.append(bool(ImageFile.LOAD_TRUNCATED_IMAGES))
        try:
            Image.open(io.BytesIO(FILES["PNG"][:2000])).load()
        except OSError as error:
            seen.append(str(error))
        looked.set()

    thread = threading.Thread(target=look)
    thread.start()
    with truncated.filled():
        assert ImageFile.LOAD_TRUNCATED_IMAGES
        inside.set()
        looked.wait()
    thread.join()
    assert seen[0] is False
    assert "truncated" in seen[1]
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        api.decode(FILES["JPEG"][:1000], **FILL)
        assert ImageFile.LOAD_TRUNCATED_IMAGES is True
        with truncated.filled():
            ImageFile.LOAD_TRUNCATED_IMAGES = False  # by the user, meanwhile
        assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def test_wrong_options(api, photos, monkeypatch):
    for call in (lambda **options: api.images(photos, **options), lambda **options: api.decode(b"", **options)):
        error = error_of(call, on_truncated="pad")
        assert (type(error), str(error)) == (ValueError, "on_truncated: expected one of raise, fill, found 'pad'")
        assert isinstance(error_of(call, on_truncated=True), ValueError)
    monkeypatch.setattr(image_options, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="on_truncated='fill' needs Pillow: pip install pillow"):
        api.images(photos, **FILL)
