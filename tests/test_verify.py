# SPDX-License-Identifier: MIT
"""`verify`: the files that `decode` refuses, whatever damages them; `fastbatch verify`."""

import io
import json
import os
import signal
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from making import make_photos
from making_png import png
from making_tar import jpeg, write_tar
from PIL import Image
from store_server import StoreServer

import fastbatch
from fastbatch.command import cli
from fastbatch.decode.verification import Verification, joined


def encode(seed, kind, mode="RGB", size=(45, 31), **options):
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).convert(mode).save(out, kind, **options)
    return out.getvalue()


FILES = {
    "baseline": encode(0, "JPEG", quality=85),
    "of three scans": encode(1, "JPEG", quality=85, progressive=True),
    "with restarts": encode(2, "JPEG", quality=95, restart_marker_blocks=2),
    "optimized, 4:4:4": encode(3, "JPEG", quality=90, optimize=True, subsampling=0),
    "gray": encode(4, "JPEG", "L"),
    "CMYK": encode(5, "JPEG", "CMYK"),
    "PNG": encode(6, "PNG"),
    "PNG of gray and alpha": encode(7, "PNG", "LA"),
    "PNG of a palette": encode(8, "PNG", "P"),
    "PNG of 16 bits": png(depth=16, color=0),
    "interlaced PNG": png((13, 9), interlaced=True),
    "PNG of many pieces": png((13, 9), piece=20),
    "WebP": encode(9, "WEBP"),
    "lossless WebP": encode(10, "WEBP", lossless=True),
    "GIF": encode(11, "GIF"),
    "BMP": encode(12, "BMP"),
    "TIFF": encode(13, "TIFF"),
}


def damaged(file, seed, n=60):
    """Return a file as it is, cut, and with bytes changed, lost and twice."""
    rng = np.random.default_rng(seed)
    made = [file, b"", file[:-1], file + b"\0" * 9]
    for at in rng.integers(2, len(file), n):
        choice = int(rng.integers(5))
        changed = bytearray(file)
        if choice == 0:
            changed = changed[:at]
        elif choice == 1:
            changed[at] ^= 1 << int(rng.integers(8))
        elif choice == 2:
            del changed[at]
        elif choice == 3:
            changed[at] = 0xFF
        else:
            changed[at:at] = changed[at : at + 3]
        made.append(bytes(changed))
    return made


def reason_of(api, content):
    try:
        api.decode(content)
    except api.DecodeError as error:
        return error.message
    return None


@pytest.mark.filterwarnings("ignore")  # of Pillow
@pytest.mark.parametrize("name", FILES)
def test_bad_is_what_decode_refuses(api, name):
    files = damaged(FILES[name], zlib.crc32(name.encode()))
    found = api.verify(api.encoded(files, names=[str(i) for i in range(len(files))]), threads=3)
    expected = [(str(i), i, reason) for i, one in enumerate(files) if (reason := reason_of(api, one)) is not None]
    assert [(bad.path, bad.sample, bad.reason) for bad in found.bad] == expected
    assert 0 < len(expected) < len(files)
    assert found.n_files == len(files)
    assert found.n_bytes == sum(map(len, files))
    assert not found.is_good


def test_libjpeg_judges_alike(monkeypatch):
    for name in ("baseline", "of three scans", "with restarts", "gray"):
        files = damaged(FILES[name], 5)
        own = fastbatch.verify(fastbatch.encoded(files)).bad
        monkeypatch.setenv("FASTBATCH_JPEG", "turbo")
        assert fastbatch.verify(fastbatch.encoded(files)).bad == own
        monkeypatch.delenv("FASTBATCH_JPEG")


def test_damage_between_restart_markers_is_found():
    """A crop may jump over such an interval; a check must not."""
    file = bytearray(encode(2, "JPEG", size=(640, 480), quality=95, restart_marker_blocks=4))
    marks = [i for i in range(len(file) - 1) if file[i] == 0xFF and 0xD0 <= file[i + 1] <= 0xD7]
    n_bad = 0
    for mark in marks[3:90:4]:
        changed = bytearray(file)
        changed[mark + 4 : mark + 12] = bytes(8)
        reason = reason_of(fastbatch, bytes(changed))
        assert [bad.reason for bad in fastbatch.verify(fastbatch.encoded([bytes(changed)])).bad] == (
            [reason] if reason else []
        )
        n_bad += reason is not None
    changed = file[: marks[5]] + file[marks[6] :]  # an interval is missing
    assert bool(fastbatch.verify(fastbatch.encoded([bytes(changed)])).bad) == (
        reason_of(fastbatch, changed) is not None
    )


@pytest.fixture
def folder(tmp_path):
    """Twelve photos, of which two are damaged."""
    make_photos(tmp_path / "photos")
    for name, content in (("cat/1.jpg", b"no image"), ("owl/2.jpg", None)):
        path = tmp_path / "photos" / name
        path.write_bytes(content or path.read_bytes()[:700])
    return tmp_path / "photos"


def test_a_folder_and_paths(api, folder):
    found = api.verify(str(folder))
    assert [os.path.relpath(bad.path, folder) for bad in found.bad] == ["cat/1.jpg", "owl/2.jpg"]
    assert [bad.sample for bad in found.bad] == [1, 10]
    assert (found.n_files, found.is_complete) == (12, True)
    missing = folder / "gone.jpg"
    paths = [folder / "cat/0.jpg", missing, folder / "cat"]
    bad = api.verify(paths).bad
    assert [(one.path, one.sample) for one in bad] == [(str(missing), 1), (str(folder / "cat"), 2)]
    assert [one.reason for one in bad] == ["No such file or directory", bad[1].reason]
    assert str(bad[0]) == f"{missing}: No such file or directory"
    assert api.verify([folder / "cat/0.jpg"]).is_good
    limited = api.verify([folder / "cat/0.jpg"], max_pixels=10)
    assert limited.bad[0].reason.startswith("image too large: expected at most 10 pixels")


def test_what_is_no_file_is_bad(api, tmp_path):
    paths = [tmp_path / "folder", tmp_path / "missing.jpg", tmp_path / "pipe.jpg"]
    paths[0].mkdir()
    reasons = ["Is a directory", "No such file or directory", "Not a regular file"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(paths[2])
    else:
        del paths[2], reasons[2]
    assert [bad.reason for bad in api.verify(paths).bad] == reasons
    assert list(api.probe(paths)["error"]) == reasons


def test_members_of_archives(api, tmp_path):
    good = jpeg(0)
    write_tar(tmp_path / "a.tar", [("x/1.jpg", good), ("x/2.jpg", good[:300]), ("x/2.txt", b"label")])
    write_tar(tmp_path / "b.tar", [("y/3.jpg", good)])
    found = api.verify([str(tmp_path / "a.tar"), str(tmp_path / "b.tar")])
    assert found.n_files == 3
    (bad,) = found.bad
    assert bad.path == f"{tmp_path / 'a.tar'}: x/2.jpg"


@pytest.mark.timeout(120)
def test_objects_in_stores(api, folder, tmp_path, monkeypatch):
    pytest.importorskip("obstore", reason="the extra `stores` is not installed")
    from fastbatch.source.remote import fetcher

    monkeypatch.setenv("FASTBATCH_STORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetcher, "_fetcher", None)
    server = StoreServer(folder)
    try:
        urls = [f"{server.url}/{name}/{i}.jpg" for name in ("cat", "dog", "owl") for i in range(4)]
        found = api.verify(urls)
        assert [bad.path for bad in found.bad] == [urls[1], urls[10]]
        assert found.bad[0].reason == api.verify(str(folder)).bad[0].reason
        assert found.n_files == 12
    finally:
        server.close()


def test_bad_arguments(api, tmp_path):
    for options, kind, message in [
        ({"threads": 0}, ValueError, "threads: expected 1 to 1024, found 0"),
        ({"threads": "2"}, TypeError, "threads: expected an integer, found '2'"),
        ({"max_pixels": 0}, ValueError, "max_pixels: expected "),
        ({"workers": 2}, TypeError, "verify.. has no option 'workers'; use threads="),
    ]:
        with pytest.raises(kind, match=message):
            api.verify([tmp_path / "a.jpg"], **options)
    with pytest.raises(ValueError, match="expected image files"):
        api.verify(tmp_path)
    with pytest.raises(FileNotFoundError):
        api.verify(tmp_path / "gone")


def test_warnings_are_as_before(api):
    """Pillow reads other formats in threads, and warns of some files; the filters of the process stay."""
    before = list(warnings.filters)
    files = [file for name in ("GIF", "BMP", "TIFF") for file in damaged(FILES[name], 1, 20)]
    assert len(api.verify(api.encoded(files), threads=8).bad) > 9
    assert list(warnings.filters) == before


def test_the_progress_is_told(api, monkeypatch):
    from fastbatch.api import verify as module

    monkeypatch.setattr(module, "AT_ONCE", 4)
    told = []
    files = [FILES["gray"]] * 3 + [b"x"] + [FILES["PNG"]] * 6
    found = api.verify(api.encoded(files), progress=lambda done, total: told.append((done, total)))
    assert told == [(4, 10), (8, 10), (10, 10)]
    assert [(bad.path, bad.sample) for bad in found.bad] == [(None, 3)]
    assert str(found.bad[0]).startswith("image 3: not an image")


def test_reports(tmp_path):
    one = Verification(2, 10, (fastbatch.verify(fastbatch.encoded([b"x", b"y"])).bad[1],), 1.0)
    both = joined([one, Verification(5, 7)], 2.0, is_complete=False)
    assert (both.n_files, both.n_bytes, len(both.bad), both.is_good) == (7, 17, 1, False)
    assert repr(both).startswith("7 files, 0.0 MB, 4 files/s: 1 bad; interrupted\nimage 1: not an image")
    assert Verification(3).is_good
    assert repr(Verification(3)) == "3 files, 0.0 MB: none is bad"
    many = Verification(30, 0, one.bad * 25)
    assert repr(many).endswith("\n... and 5 more")
    both.save(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == both.to_dict()
    assert written["bad"] == [{"path": None, "sample": 1, "reason": one.bad[0].reason}]
    assert os.listdir(tmp_path) == ["report.json"]


# ---- the command -------------------------------------------------------------------------------------------------


def test_the_command(folder, tmp_path, capsys):
    pytest.importorskip("typer", reason="the extra `cli` is not installed")
    report = tmp_path / "report.json"
    assert cli.main(["verify", str(folder), "--json", str(report), "--threads", "2"]) == 1
    printed = capsys.readouterr()
    bad = fastbatch.verify(folder).bad
    assert printed.out.splitlines() == list(map(str, bad))
    assert printed.err.startswith(f"{folder}: 12 files, ")
    assert printed.err.endswith(": 2 bad\n")
    assert json.loads(report.read_text())["complete"] is True
    assert cli.main(["verify", str(folder / "dog"), str(folder / "cat/0.jpg"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    files = [str(folder / "cat/0.jpg"), str(folder / "dog"), str(folder / "cat/1.jpg"), str(folder / "owl/*.jpg")]
    assert cli.main(["verify", *files, "--json", str(report)]) == 1
    capsys.readouterr()
    written = json.loads(report.read_text())
    assert (written["files"], [one["sample"] for one in written["bad"]]) == (10, [5, 8])
    assert cli.main(["verify", str(tmp_path / "gone")]) == 1
    assert "fastbatch verify: " in (err := capsys.readouterr().err) and "gone" in err
    assert cli.main(["verify", str(folder), "--json", str(tmp_path / "no/r.json")]) == 1
    assert "no/r.json" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="not on Windows")
def test_ctrl_c_leaves_a_report(tmp_path):
    """The signal comes when the first bad file is printed, long before the end."""
    pytest.importorskip("typer", reason="the extra `cli` is not installed")
    (tmp_path / "photos").mkdir()
    large = tmp_path / "photos/large.jpg"
    large.write_bytes(encode(0, "JPEG", size=(3000, 2000), quality=95))
    (tmp_path / "photos/0.jpg").write_bytes(b"no image")
    for i in range(6000):
        os.link(large, tmp_path / f"photos/a{i}.jpg")
    report = tmp_path / "report.json"
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from fastbatch.command import cli, verify; verify.verify_parts.__globals__['AT_ONCE'] = 4; "
    code += "sys.exit(cli.main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "verify", str(tmp_path / "photos"), "--json", str(report)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().startswith(f"{tmp_path / 'photos/0.jpg'}: not an image")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.endswith(": 1 bad; interrupted\n")
    written = json.loads(report.read_text())
    assert written["complete"] is False
    assert 4 <= written["files"] < 6002
    assert len(written["bad"]) == 1


def test_names_with_line_ends_are_one_line(tmp_path, capsys):
    (tmp_path / "a\n\x1b[2J\u2028.jpg").write_bytes(b"no image")
    assert cli.main(["verify", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert out.startswith(str(tmp_path / r"a\n\x1b[2J\u2028.jpg") + ": not an image")


def test_a_report_without_a_folder_is_refused_before_the_work(tmp_path, capsys):
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    assert cli.main(["verify", str(tmp_path), "--json", str(tmp_path / "no" / "report.json")]) == 1
    said = capsys.readouterr()
    assert f"there is no folder {tmp_path / 'no'}" in said.err
    assert "1 file," not in said.err
