# SPDX-License-Identifier: MIT
"""PNG, WebP and the formats left to Pillow: `decode` gives Pillow's pixels and rejects what Pillow rejects."""

import io
import random
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest
from making import error_of, jpeg
from making_png import KINDS, chunk, palette, png
from PIL import Image, ImageOps

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError
from fastbatch.native import pillow as pillow_fallback

pytestmark = pytest.mark.behavior

MODES = [None, "L", "RGB", "RGBA", "I;16", "I"]


def pillow(content, mode, upright=False):
    """Return Pillow's pixels, or None if it rejects the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content))
            image.load()
            if upright:
                image = ImageOps.exif_transpose(image)
            return np.asarray(image if mode is None else image.convert(mode))
    except Exception:
        return None


def ours(content, mode, api=fastbatch):
    try:
        return api.decode(content, mode)
    except DecodeError:
        return None


def agree(content, modes=MODES):
    """Assert that fastbatch, fastbatch.pure and Pillow agree on a file; return whether it is valid."""
    for mode in modes:
        wanted = pillow(content, mode)
        for api in (fastbatch, pure):
            got = ours(content, mode, api)
            assert (got is None) == (wanted is None), (mode, api.__name__)
            if wanted is not None:
                assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape), (mode, api.__name__)
                assert np.array_equal(got, wanted), (mode, api.__name__)
    return wanted is not None


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(mode="RGBA", size=(61, 37)):
    noise = np.random.default_rng(5).integers(0, 256, (6, 9, 4), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)


# ---- PNG -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth, color", KINDS)
def test_every_kind_of_png(depth, color, interlaced):
    for size in [(1, 1), (3, 9), (37, 21)]:
        before = palette() if color == 3 else b""
        agree(png(size, depth, color, interlaced=interlaced, before=before))


@pytest.mark.parametrize(
    "depth, color, data",
    [
        (1, 0, b"\0\1"),
        (1, 0, b"\0\0"),
        (2, 0, b"\0\1"),
        (2, 0, b"\0\x55"),
        (8, 0, b"\0\x81"),
        (8, 0, b"\1\x81"),
        (16, 0, b"\1\x81"),
        (16, 0, b"\0\xff"),
        (8, 2, b"\0\x81\0\x81\0\x81"),
        (8, 2, b"\1\x81\0\x81\0\x81"),
        (16, 2, b"\x81\x81\0\0\x81\x81"),
        (8, 3, b"\x10\x20\x30"),
        (8, 3, b"\xff\xff\0\xff"),
        (8, 3, b"\0"),
        (8, 3, b""),
        (8, 3, bytes(300)),
        (8, 3, b"\xff" * 270 + b"\0"),
        (8, 3, b"\xff\0\n"),
        (8, 6, b"anything"),
        (8, 0, b"\0"),
        (8, 2, b"\0\1\2"),
    ],
)
def test_transparency(depth, color, data):
    before = (palette(200) if color == 3 else b"") + chunk(b"tRNS", data)
    agree(png((40, 20), depth, color, before=before))
    plain = png((40, 20), depth, color, before=before[: -12 - len(data)], after=chunk(b"tRNS", data))
    agree(plain)  # Pillow accepts it after the pixels, too


@pytest.mark.parametrize("n", [0, 1, 100, 256, 257, 400])
def test_palettes(n):
    for color in (3, 2):
        agree(png(depth=8, color=color, before=palette(n)))
    agree(png(depth=8, color=3, before=palette(5) + palette(n)))
    agree(png(depth=8, color=3, after=palette(n)))
    agree(png(depth=2, color=3, before=palette(n)[:-5] + b"\0" * 5))  # a wrong checksum


def _itxt(text, compressed):
    return b"key\0" + bytes([compressed, 0]) + b"en\0key\0" + (zlib.compress(text) if compressed else text)


ODD_CHUNKS = {
    "unknown": [chunk(b"abCd", b"private"), chunk(b"ABCD", b"critical")],
    "no name": [b"\0\0\0\0\xff\xfe\xfd\xfc\0\0\0\0"],
    "wrong checksum": [chunk(b"tEXt", b"a\0b")[:-1] + b"?"],
    "short": [chunk(b"gAMA", b"\0"), chunk(b"cHRM", b"\0" * 31), chunk(b"sRGB"), chunk(b"pHYs", b"\0" * 8)],
    "long enough": [
        chunk(b"gAMA", b"\0" * 4),
        chunk(b"cHRM", b"\0" * 32),
        chunk(b"sRGB", b"\0"),
        chunk(b"pHYs", b"\0" * 9),
    ],
    "profile": [chunk(b"iCCP", data) for data in (b"", b"name", b"name\0", b"name\0\0", b"name\0\1", b"name\0\0x")]
    + [chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(n))) for n in (10, 1 << 20, (1 << 20) + 1)],
    "text": [chunk(b"tEXt", data) for data in (b"", b"key", b"\0", b"key\0value", b"exif\0value")],
    "compressed text": [chunk(b"zTXt", data) for data in (b"", b"key", b"key\0\0", b"key\0\1", b"key\0\0damaged")]
    + [chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(n))) for n in (10, (1 << 20) + 1)],
    "international text": [chunk(b"iTXt", data) for data in (b"", b"key", b"key\0\0", b"key\0\1\1a\0b\0c")]
    + [chunk(b"iTXt", _itxt(bytes(n), c)) for n in (10, (1 << 20) + 1) for c in (0, 1)],
    "header again": [chunk(b"IHDR", struct.pack(">IIBBBBB", 11, 7, 8, 0, 0, 0, 0)), chunk(b"IHDR", b"short")],
    "filter method": [chunk(b"IHDR", struct.pack(">IIBBBBB", 11, 7, 8, 2, 0, 1, 0))],
    "animation": [
        chunk(b"acTL", struct.pack(">II", n, 0)) + chunk(b"fcTL", struct.pack(">IIIIIHHBB", seq, *frame, 1, 1, 0, 0))
        for n, seq, frame in [
            (1, 0, (11, 7, 0, 0)),
            (2, 0, (11, 7, 0, 0)),
            (2, 1, (11, 7, 0, 0)),
            (2, 0, (12, 7, 0, 0)),
        ]
    ]
    + [chunk(b"acTL", b"short"), chunk(b"fcTL", b"short"), chunk(b"fdAT", b""), chunk(b"acTL", bytes(8))],
    "pixels again": [chunk(b"IDAT", b"more"), chunk(b"IDAT"), chunk(b"DDAT", b"more")],
    "end": [chunk(b"IEND")],
}


@pytest.mark.filterwarnings("ignore:.* images are decoded by Pillow")  # told once a process
@pytest.mark.parametrize("name", ODD_CHUNKS)
def test_odd_chunks_are_judged_as_pillow_does(name):
    for odd in ODD_CHUNKS[name]:
        for place in ({"before": odd}, {"after": odd}, {"before": odd + odd}, {"after": odd + odd}):
            agree(png(**place), [None, "RGBA"])
        whole = png(after=odd)
        agree(whole[: -12 - len(odd) // 2], ["RGB"])  # truncated inside the chunk


def test_png_in_pieces(api):
    content = png((90, 50), seed=2)
    for piece in (1, 5, 1000):
        assert np.array_equal(api.decode(png((90, 50), seed=2, piece=piece)), api.decode(content))


@pytest.mark.parametrize("kind", ["png", "interlaced", "palette", "webp", "lossless", "alpha", "animation"])
def test_damage_is_judged_as_pillow_does(kind):
    content = {
        "png": lambda: png((30, 20), seed=4, piece=300),
        "interlaced": lambda: png((30, 20), 16, 6, interlaced=True),
        "palette": lambda: png((30, 20), 4, 3, before=palette(9) + chunk(b"tRNS", b"\1\2")),
        "webp": lambda: saved(picture("RGB"), "WEBP", quality=60),
        "lossless": lambda: saved(picture("RGB"), "WEBP", lossless=True),
        "alpha": lambda: saved(picture(), "WEBP", quality=60),
        "animation": lambda: saved(picture(), "WEBP", save_all=True, append_images=[picture().rotate(90)]),
    }[kind]()
    rng = random.Random(1)
    for n in (
        *range(0, 45, 4),
        len(content) // 4,
        len(content) // 2,
        3 * len(content) // 4,
        *(len(content) - k for k in (1, 5, 13, 20)),
    ):
        agree(content[:n], ["RGBA"])
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 1, 3])):
            damaged[rng.randrange(8, len(damaged))] ^= 1 << rng.randrange(8)
        agree(bytes(damaged), ["RGBA"])


def test_huge_claims_are_refused_before_memory_is_taken(api):
    header = struct.pack(">IIBBBBB", 65500, 65500, 8, 6, 0, 0, 0)
    for content in (png((65500, 65500), rows=b""), b"\x89PNG\r\n\x1a\n" + (chunk(b"IHDR", header))[:22]):
        error = error_of(api.decode, content)
        assert type(error) is DecodeError
        assert (
            "too large" in str(error)
            or "ends early" in str(error)
            or "cannot identify" in str(error)
            or "not an image" in str(error)
        )
    with pytest.raises(DecodeError, match="too large: expected at most 178956970 pixels, found"):
        api.decode(png((65500, 65500), rows=b""))
    bomb = bytearray(saved(picture("RGB"), "WEBP", lossless=True))
    bomb[12:30] = b"VP8X" + struct.pack("<IBBBB", 10, 0, 0, 0, 0) + b"\xff\xff\xff" * 2
    with pytest.raises(DecodeError):
        api.decode(bytes(bomb))


# ---- WebP ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize(
    "options", [{"quality": 70}, {"quality": 5}, {"lossless": True}, {"lossless": True, "exact": True}], ids=str
)
def test_webp(mode, options):
    for size in [(1, 1), (61, 37), (16, 300)]:
        assert agree(saved(picture(mode, size), "WEBP", **options))


def test_the_first_frame_of_an_animation():
    frames = [picture(mode) for mode in ("RGBA", "RGBA")]
    frames[0].putalpha(77)
    for first, second in (frames, frames[::-1]):
        assert agree(saved(first, "WEBP", save_all=True, append_images=[second, first], duration=20))
        assert agree(saved(first, "PNG", save_all=True, append_images=[second, first], default_image=False))
        assert agree(saved(first, "PNG", save_all=True, append_images=[second, first], default_image=True))


# ---- orientation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation(api, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(picture("RGB", (23, 14)), kind, exif=exif.tobytes())
    assert np.array_equal(api.decode(content), pillow(content, None))
    for mode in (None, "L"):
        upright = api.decode(content, mode, exif="apply")
        assert np.array_equal(upright, pillow(content, mode, upright=True))
        assert upright.flags.c_contiguous


def test_where_a_png_tells_its_orientation(api):
    tiff = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
    profile = b"\nexif\n    26\n" + tiff.hex().encode() + b"\n"
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0" + b'<x tiff:Orientation="6"/>'
    for orientation in (
        chunk(b"eXIf", tiff),
        chunk(b"tEXt", b"Raw profile type exif\0" + profile),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile)),
        chunk(b"iTXt", xmp),
        chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0") + chunk(b"iTXt", xmp),
    ):
        for content in (png((9, 4), before=orientation), png((9, 4), after=orientation)):
            assert api.decode(content, exif="apply").shape == (9, 4, 3)
            assert np.array_equal(api.decode(content, exif="apply"), pillow(content, None, upright=True))


# ---- images left to Pillow -------------------------------------------------------------------------------------------


OTHERS = {
    "GIF": ("P", {}),
    "BMP": ("RGB", {}),
    "TIFF": ("I;16", {}),
    "PPM": ("RGB", {}),
    "ICO": ("RGBA", {"sizes": [(32, 32)]}),
    "TGA": ("RGBA", {}),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_formats_go_through_pillow_and_say_so_once(kind, monkeypatch):
    monkeypatch.setattr(pillow_fallback, "_warned", set())
    mode, options = OTHERS[kind]
    content = saved(picture("L", (32, 32)).convert(mode), kind, **options)
    with pytest.warns(UserWarning, match=f"{kind} images are decoded by Pillow"):
        assert np.array_equal(fastbatch.decode(content, "RGB"), pillow(content, "RGB"))
    agree(content)  # warnings are errors: the warning is not repeated


def test_without_pillow_the_error_names_the_format_and_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(pillow_fallback, "is_available", lambda: False)
    path = tmp_path / "image.jpg"
    path.write_bytes(saved(picture("P"), "GIF"))
    with pytest.raises(DecodeError, match=r"image\.jpg: .*pip install pillow\): expected JPEG, PNG or WebP, found GIF"):
        fastbatch.decode(path)
    assert "found GIF" in fastbatch.probe([path])["error"][0]
    assert fastbatch.decode(jpeg()).shape == (48, 64, 3)


def test_modes_of_jpeg_that_arrays_of_the_core_do_not_hold(monkeypatch):
    monkeypatch.setattr(pillow_fallback, "_warned", {"JPEG"})
    for mode in ("RGB", "L", "CMYK"):
        agree(saved(picture("RGB").convert(mode), "JPEG"), [None, "RGB", "RGBA", "L"])


# ---- paths and bytes -------------------------------------------------------------------------------------------------


def test_paths_and_bytes(api, tmp_path):
    content = png()
    path = tmp_path / "named.jpg"  # the extension does not matter
    path.write_bytes(content)
    expected = api.decode(content)
    for given in (path, str(path), bytearray(content), memoryview(content), np.frombuffer(content, "u1")):
        assert np.array_equal(api.decode(given), expected)
    error = error_of(api.decode, tmp_path / "missing.png")
    assert (type(error), error.filename) == (FileNotFoundError, str(tmp_path / "missing.png"))
    assert isinstance(error_of(api.decode, tmp_path), OSError)
    (tmp_path / "link.png").symlink_to("nowhere")
    assert type(error_of(api.decode, tmp_path / "link.png")) is FileNotFoundError
    path.write_bytes(content[:60])
    error = error_of(api.decode, path)
    assert (type(error), error.path) == (DecodeError, str(path))
    assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"<!DOCTYPE html><html>404</html>", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"]
)
def test_what_is_no_image(api, content):
    with pytest.raises(DecodeError):
        api.decode(content)


def test_bad_arguments(api):
    for arguments, error, message in [
        ((png(), "CMYK"), ValueError, "mode: expected None or one of L, RGB, RGBA, I;16, I, found 'CMYK'"),
        ((png(), None, "yes"), ValueError, "exif: expected one of ignore, apply, found 'yes'"),
        ((5,), TypeError, "expected a path or bytes, found int"),
        (("a\0b",), ValueError, "embedded null byte"),
        ((memoryview(png())[::2],), ValueError, "side by side"),
    ]:
        with pytest.raises(error, match=message):
            api.decode(*arguments)


# ---- probe -----------------------------------------------------------------------------------------------------------


def test_probe(api, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    contents = {
        "a.jpg": saved(picture("RGB"), "JPEG", exif=exif.tobytes()),
        "b.png": png((5, 6), 16, 0),
        "c.webp": saved(picture(), "WEBP"),
        "d.jpg": b"<html>",
        "e.gif": saved(picture("P"), "GIF"),
        "f.jpg": b"",
        "g.jpg": saved(picture("RGB", (900, 700)), "JPEG", quality=100),
        "h.png": png((5, 6))[:40],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in (*contents, "missing.jpg")]
    for threads in (None, 1, 3):
        found = api.probe(paths, threads)
        assert found["format"].tolist() == ["JPEG", "PNG", "WEBP", "", "GIF", "", "JPEG", "", ""]
        assert found["mode"].tolist() == ["RGB", "I;16", "RGBA", "", "P", "", "RGB", "", ""]
        assert found["width"].tolist() == [61, 5, 61, 0, 61, 0, 900, 0, 0]
        assert found["height"].tolist() == [37, 6, 37, 0, 37, 0, 700, 0, 0]
        assert found["orientation"].tolist() == [8, 1, 1, 0, 1, 0, 1, 0, 0]
        assert [error is None for error in found["error"]] == [True, True, True, False, True, False, True, False, False]
        assert found["error"][8] == "No such file or directory"
    assert len(api.probe([])) == 0
    with pytest.raises(ValueError, match="threads: expected 1 to 1024, found 0"):
        fastbatch.probe(paths, threads=0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are not text")
def test_names_that_are_not_text(api, tmp_path):
    path = tmp_path / "caf\udce9.png"
    path.write_bytes(png()[:30])
    assert error_of(api.decode, path).path == str(path)
    assert api.probe([path])["error"][0]
