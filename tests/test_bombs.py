# SPDX-License-Identifier: MIT
"""Images that cost far more than their bytes: bounded work, errors of data, and decodes that Ctrl-C ends."""

import io
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

import fastbatch as fb
from fastbatch import DecodeError, pure


@pytest.fixture(params=["fastbatch", "pure"])
def api(request):
    return fb if request.param == "fastbatch" else pure


def chunk(name, data):
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def gray_png(width, height):
    """A black PNG, made without its pixels in memory."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    row = bytes(1 + (width + 7) // 8)
    deflate = zlib.compressobj(9)
    data = b"".join(deflate.compress(row) for _ in range(height)) + deflate.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def photo(color=9, size=(64, 48)):
    file = io.BytesIO()
    Image.new("RGB", size, (color, 2, 3)).save(file, "PNG")
    return file.getvalue()


def scans_jpeg(width, height, n):
    """A progressive JPEG whose first AC scan comes n times; each is one run of empty blocks after another."""
    file = io.BytesIO()
    Image.new("L", (width, height), 128).save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    starts = [i for i in range(len(whole) - 1) if whole[i : i + 2] == b"\xff\xda"]
    begin = max(whole.rfind(b"\xff\xc4", 0, starts[1]), starts[0])
    return whole[:begin] + whole[begin : starts[2]] * n + b"\xff\xd9"


@pytest.mark.parametrize("crop", ["center", "none", "pad", "random_resized"])
@pytest.mark.parametrize("shape", [(10_000_000, 1), (1, 300_000), (65_536, 2)])
def test_a_long_image_is_a_bad_sample(api, tmp_path, shape, crop):
    files = [tmp_path / "bad.png", tmp_path / "ok.png"]
    files[0].write_bytes(gray_png(*shape))
    files[1].write_bytes(photo())
    crops = {"size": 32} if crop == "none" else {"size": 32, "crop": crop}
    loader = api.images(files, [0, 1], **crops, on_error="skip", batch_size=2, exact=True)
    assert sum(len(y) for _, y in loader) == 1
    (bad,) = loader.report()
    assert (bad.path, bad.sample) == (str(files[0]), 0)
    assert bad.reason == f"image too long: expected sides of at most 65535 pixels, found {shape[0]} x {shape[1]}"
    with pytest.raises(DecodeError, match=r"bad\.png: sample 0: image too long"):
        list(api.images(files, [0, 1], **crops, batch_size=2))


def test_a_long_image_that_is_not_resized_is_cropped(api):
    loader = api.images(api.encoded([gray_png(100_000, 40)]), size=(32, 32), crop="random")
    (batch,) = loader
    assert batch.shape == (1, 3, 32, 32)


def test_a_narrow_image_whose_resize_would_be_endless_is_a_bad_sample(api):
    samples = api.encoded([gray_png(60_000, 1)])
    options = {"size": 8, "resize": 60_000, "crop": "center"}
    with pytest.raises(DecodeError, match="sample 0: image too narrow: expected at most 2147483647 pixels a side"):
        next(iter(api.images(samples, **options)))
    loader = api.images(samples, boxes=[[[0, 0, 1, 1]]], on_error="skip", **options)
    assert list(loader) == []
    assert [bad.sample for bad in loader.report()] == [0]


def test_boxes_and_masks_of_a_long_image(api, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(gray_png(70_000, 1))
    options = {"size": 8, "on_error": "skip", "exact": True}
    loader = api.images([tmp_path / "a.png"], masks=[tmp_path / "b.png"], boxes=[[[0, 0, 1, 1]]], **options)
    assert list(loader) == []
    assert [bad.sample for bad in loader.report()] == [0]


@pytest.mark.filterwarnings("ignore:JPEG images are decoded by Pillow")  # libjpeg-turbo 2, where scans are missing
def test_scans_are_counted():
    good, bad = scans_jpeg(64, 64, 40), scans_jpeg(64, 64, 200)
    with pytest.raises(DecodeError, match="expected at most 100 scans, found more"):
        fb.decode(bad)
    assert fb.decode(good).shape == (64, 64)


def test_images_of_many_scans_take_seconds_not_minutes():
    start = time.perf_counter()
    with pytest.raises(DecodeError, match="at most 100 scans"):
        fb.decode(scans_jpeg(4000, 4000, 470))
    assert time.perf_counter() - start < 20


BOMB = """
import os, signal, sys, threading, time
import fastbatch as fb
data = open(sys.argv[1], "rb").read()
def interrupt():
    time.sleep(0.4)
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=interrupt, daemon=True).start()
try:
    {work}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
WORK = {
    "decode": "fb.decode(data)",
    "loader": "list(fb.images(fb.encoded([data] * 8), size=32, exact=True, threads=2))",
}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_ctrl_c_ends_a_decode_soon(tmp_path, work, kind):
    path = tmp_path / "bomb"
    path.write_bytes(scans_jpeg(9000, 9000, 98) if kind == "jpeg" else gray_png(60_000, 2_900))
    start = time.perf_counter()
    code = BOMB.replace("{work}", WORK[work])
    if kind == "png":
        code = code.replace("0.4", "0.1").replace("{work}", WORK[work])
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=100)
    took = time.perf_counter() - start
    assert done.stdout == "interrupted\n" or (kind == "png" and took < 3), done
    assert took < 5


def test_ctrl_c_ends_the_counting_of_words(tmp_path):
    path = tmp_path / "words.txt"
    rng = np.random.default_rng(0)
    path.write_bytes(b" ".join(b"%d" % number for number in rng.integers(0, 10**12, 3_000_000)))
    for work in ("fb.vocabulary(sys.argv[1])", "next(iter(fb.words(sys.argv[1], shuffle='line')))"):
        start = time.perf_counter()
        code = BOMB.replace("{work}", work)
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done
        if "vocabulary" in work:
            assert done.stdout == "interrupted\n"
            assert time.perf_counter() - start < 4


def test_leaving_a_loop_does_not_wait_for_a_decode():
    samples = fb.encoded([photo()] * 2 + [scans_jpeg(9000, 9000, 98)] * 6)
    start = time.perf_counter()
    with fb.images(samples, size=32, batch_size=1, threads=2, prefetch=8, exact=True) as loader:
        next(iter(loader))
    assert time.perf_counter() - start < 4


def tiff(size):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.new("1", size, 1).save(file, "TIFF", compression="group4")
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:TIFF images are decoded by Pillow")
def test_max_pixels_holds_for_every_format_and_function(api, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow's own limit, for each of its users to set
    for name, content in (("png", photo(size=(80, 60))), ("tif", tiff((80, 60)))):
        path = tmp_path / f"a.{name}"
        path.write_bytes(content)
        for given in (path, content):
            assert api.decode(given, max_pixels=4800).shape[:2] == (60, 80)
            assert api.decode(given).shape[:2] == (60, 80)
            with pytest.raises(DecodeError, match="image too large: expected at most 4799 pixels, found 80 x 60"):
                api.decode(given, max_pixels=4799)
        assert api.probe([path], max_pixels=4800)["error"][0] is None
        assert api.probe([path], max_pixels=4799)["error"][0].startswith("image too large: expected at most 4799")
        assert next(iter(api.images([path], size=8, max_pixels=4800))).shape == (1, 3, 8, 8)
        with pytest.raises(DecodeError, match="image too large: expected at most 4799"):
            next(iter(api.images([path], size=8, max_pixels=4799)))
    assert Image.MAX_IMAGE_PIXELS == 1000
    with pytest.raises(ValueError, match="max_pixels"):
        api.decode(photo(), max_pixels=0)


def test_more_pixels_than_pillow_opens_by_itself(tmp_path):
    path = tmp_path / "b.tif"
    path.write_bytes(tiff((20_000, 10_000)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (x,) = fb.images([path], size=32, max_pixels=10**9)
    assert x.shape == (1, 3, 32, 32)
    assert fb.probe([path], max_pixels=10**9)["width"][0] == 20_000
    assert "image too large" in fb.probe([path])["error"][0]


def test_a_member_longer_than_its_array_is_not_inflated(api, tmp_path):
    """NumPy ignores what lies behind an array, too."""
    array = io.BytesIO()
    np.save(array, np.arange(10.0))
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as member:
        member.write(array.getvalue())
        for _ in range(200):
            member.write(bytes(1 << 20))
    api.npz(path)  # imports
    tracemalloc.start()
    try:
        assert api.npz(path, "a")[:].tolist() == list(range(10))
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
