# SPDX-License-Identifier: MIT
"""Invalid files: a clear error from both implementations, and the loader remains usable."""

import faulthandler
import gc
import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from making import error_of

import fastbatch
from fastbatch import pure
from fastbatch.errors import FormatError

pytestmark = pytest.mark.behavior

X = np.arange(4000, dtype="f4").reshape(1000, 4)


def npy_bytes(array=X, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def npy_head(shape, descr="<f4", extra="", length=None):
    """Return a .npy header with arbitrary content."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, {extra}}}".encode() + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text) if length is None else length) + text


def npz_bytes(save=np.savez, **members):
    file = io.BytesIO()
    save(file, **members)
    return file.getvalue()


def idx_bytes(shape, body=b"", code=8):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


def both_errors(function, *arguments, **options):
    """Return the errors of both implementations after asserting that they have the same class."""
    one, two = (error_of(getattr(api, function), *arguments, **options) for api in (fastbatch, pure))
    assert type(one) is type(two), f"{one!r} and {two!r}"
    return one, two


# ---- missing files and other kinds of files --------------------------------------------------------------------------


@pytest.fixture
def no_files(tmp_path):
    """Return paths that cannot be read, each with its expected error."""

    def make(name):
        (tmp_path / "folder").mkdir(exist_ok=True)
        kinds = {"missing": FileNotFoundError, "folder": IsADirectoryError, "dangling": FileNotFoundError}
        found = {}
        for kind, error in kinds.items():
            path = tmp_path / f"{kind}{name}"
            if kind == "folder":
                path.mkdir()
            elif kind == "dangling":
                path.symlink_to(tmp_path / "nowhere")
            found[path] = error
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / f"fifo{name}")
            found[tmp_path / f"fifo{name}"] = OSError
        return found

    return make


@pytest.mark.parametrize("opener", ["npy", "npz", "idx", "raw", "arrays"])
def test_what_cannot_be_opened(no_files, opener):
    for path, expected in no_files(".npy").items():
        for error in both_errors(opener, path, *(["u1", -1] if opener == "raw" else [])):
            assert type(error) is expected
            assert error.filename == str(path)
            assert error.errno
            assert str(path) in str(error)


def test_images_that_cannot_be_opened(api, photos, no_files):
    for path, expected in no_files(".jpg").items():
        files = [*sorted((photos / "cat").iterdir()), path]
        loader = api.images(files, batch_size=2, size=8)
        error = error_of(list, loader)
        assert type(error) is expected
        assert error.filename == str(path)
        assert error_of(api.images, path).__class__ in (NotADirectoryError, FileNotFoundError, ValueError)


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(api, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, X)
    path.chmod(0)
    for call in (lambda: api.arrays(path), lambda: list(api.images([path]))):
        error = error_of(call)
        assert type(error) is PermissionError
        assert error.filename == str(path)


def test_a_path_with_a_zero_byte(api):
    for call in (api.npy, api.npz, api.idx, api.arrays, lambda p: api.raw(p, "u1", -1), lambda p: api.images([p])):
        with pytest.raises(ValueError, match="null"):
            call("a\0b")


# ---- headers with wrong sizes ----------------------------------------------------------------------------------------

BROKEN_ARRAYS = {
    "empty": (b"", "not an array: expected .npy, .npz, safetensors or IDX, found an empty file"),
    "text": (b"hello", "not an array: expected .npy, .npz, safetensors or IDX, found something else"),
    "a JPEG image": (b"\xff\xd8\xff\xe0" + b"\0" * 30, "expected .npy, .npz, safetensors or IDX, found a JPEG image"),
    "a pickle": (pickle.dumps([1, 2]), "expected .npy, .npz, safetensors or IDX"),
    "gzip of something": (gzip.compress(b"hello"), "expected .npy, .npz, safetensors or IDX"),
    "one row short": (npy_bytes()[:-16], "array ends early: expected 16000 bytes, found 15984"),
    "one byte short": (npy_bytes()[:-1], "array ends early: expected 16000 bytes, found 15999"),
    "header only": (npy_bytes()[:128], "array ends early: expected 16000 bytes, found 0"),
    "half a header": (npy_bytes()[:64], "header ends early: expected 128 bytes, found 64"),
    "eight bytes": (npy_bytes()[:8], "header ends early: expected at least 10 bytes, found 8"),
    "version 9": (b"\x93NUMPY\x09\0" + b"\0" * 99, "unknown .npy version: expected 1.0, 2.0 or 3.0, found 9.0"),
    "2^62 rows": (npy_head((2**62, 1)) + b"\0" * 99, "array too large: expected less than 2^63 bytes"),
    "2^32 times 2^32": (npy_head((2**32, 2**32)), "array too large: expected less than 2^63 bytes"),
    "2^64 rows": (npy_head((2**64,)), "byte"),
    "0 times 2^63": (npy_head((0, 2**63 - 1)), "array too large"),
    "a trillion rows": (npy_head((10**12,)), "array ends early: expected 4000000000000 bytes, found 0"),
    "a negative length": (npy_head((-3,)), "header"),
    "a length of no number": (npy_head((True, 2)), "header"),
    "an unknown key": (npy_head((3,), extra="'x': 1"), "header"),
    "code in the header": (npy_head("__import__('os').abort()"), "header"),
    "objects": (npy_head((3,), "|O") + b"\0" * 99, "elements are Python objects"),
    "an unknown type": (npy_head((3,), "<q9"), "unknown element type"),
    "elements of no size": (npy_head((3,), "|S0"), "expected at least 1 byte"),
    "records": (npy_head((3,)).replace(b"'<f4'", b"[('a', '<f4')]"), "header|array ends early: expected 12 bytes"),
    "half a zip": (npz_bytes(a=X)[:5000], "zip|npz"),
    "half a zip, deflated": (npz_bytes(np.savez_compressed, a=X)[:-30], "zip|npz"),
    "zip without members": (npz_bytes(), "at least one array|expected"),
    "IDX short": (idx_bytes((2, 3), b"12345"), "IDX file ends early: expected 18 bytes, found 17"),
    "IDX long": (idx_bytes((2, 3), b"1234567"), "IDX file too long: expected 18 bytes, found 19"),
    "IDX header short": (idx_bytes((2, 3))[:7], "IDX header ends early: expected 12 bytes, found 7"),
    "IDX 2^64": (idx_bytes((2**32 - 1,) * 3), "expected less than 2^63 bytes|expected"),
    "IDX of 200 dimensions": (idx_bytes((1,) * 200), "expected at most 64 dimensions, found 200"),
    "half an IDX.gz": (gzip.compress(idx_bytes((99, 99), bytes(range(99)) * 99))[:-20], "end early|damaged"),
    "IDX.gz short": (gzip.compress(idx_bytes((2, 3), b"12345")), "ends early: expected 18 bytes, found 17"),
    "IDX.gz bomb": (gzip.compress(idx_bytes((2**31, 2**31))), "ends early|expected"),
}


@pytest.mark.parametrize("name", BROKEN_ARRAYS)
def test_broken_array_files(tmp_path, name):
    content, message = BROKEN_ARRAYS[name]
    path = tmp_path / "data.bin"
    path.write_bytes(content)
    for error in both_errors("arrays", path):
        assert isinstance(error, ValueError)
        if isinstance(error, FormatError):
            assert error.path == str(path)
            assert str(error).startswith(f"{path}: ")
        else:
            assert name == "zip without members"
        assert any(part in str(error) for part in message.split("|")), str(error)


@pytest.mark.parametrize("keep", [0, 1, 5, 20, 60, 100, 5000, 9000])
@pytest.mark.parametrize("kind", ["npy", "npz", "npz deflated", "idx", "idx.gz"])
def test_any_truncation_is_an_error(tmp_path, kind, keep):
    content = {
        "npy": npy_bytes(),
        "npz": npz_bytes(a=X, b=X),
        "npz deflated": npz_bytes(np.savez_compressed, a=X, b=X),
        "idx": idx_bytes((1000, 10), bytes(10000)),
        "idx.gz": gzip.compress(idx_bytes((1000, 10), bytes(range(250)) * 40)),
    }[kind]
    path = tmp_path / kind
    path.write_bytes(content[: min(keep, len(content) - 1)])
    for error in both_errors("arrays", path):
        assert type(error) is FormatError
        assert str(path) in str(error)


def test_a_damaged_member_is_named(tmp_path):
    content = bytearray(npz_bytes(np.savez_compressed, good=X, bad=np.random.default_rng(0).random(999)))
    middle = content.index(b"bad.npy") + 2000
    content[middle : middle + 50] = b"\xff" * 50
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    for error in both_errors("npz", path):
        assert type(error) is FormatError
        assert str(error).startswith(f"{path}: member bad.npy: ")
    for api in (fastbatch, pure):
        assert np.array_equal(api.npz(path, "good"), X)


def test_raw_files_of_another_size(tmp_path):
    path = tmp_path / "raw"
    path.write_bytes(bytes(10))
    cases = [
        (("<f4", -1), FormatError, "no whole number of rows: expected a multiple of 4 bytes, found 10"),
        (("<f4", 3), FormatError, "array ends early: expected 12 bytes, found 10"),
        (("<f4", (2, 1), 4), FormatError, "array ends early: expected 8 bytes, found 6"),
        (("u1", -1, 11), FormatError, "offset past the end: expected at most 10 bytes, found offset 11"),
        (("u1", (2**62, 4)), FormatError, "array too large: expected less than 2^63 bytes"),
        (("u1", (-1, 0)), ValueError, "-1 cannot be worked out from rows of 0 bytes"),
        (("u1", (2, -1)), ValueError, "shape: expected 0 to"),
        (("u1", -2), ValueError, "shape: expected -1 to"),
        (("u1", 2**63), ValueError, "shape: expected -1 to"),
        (("u1", 2.5), TypeError, "shape: expected an integer, found 2.5"),
        (("u1", 1, -1), ValueError, "offset: expected 0 to"),
        (("O", 1), TypeError, "dtype: expected numbers"),
        (([("a", "u1")], 1), TypeError, "dtype: expected numbers"),
    ]
    for arguments, kind, message in cases:
        for error in both_errors("raw", path, *arguments):
            assert type(error) is kind
            assert message in str(error)


# ---- pickles never run -----------------------------------------------------------------------------------------------


class Intruder:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickles_are_refused_and_never_run(api, tmp_path):
    trace = tmp_path / "trace"
    intruders = np.array([Intruder(trace)] * 3, dtype=object)
    np.save(tmp_path / "a.npy", intruders, allow_pickle=True)
    np.savez(tmp_path / "b.npz", a=intruders)
    np.savez_compressed(tmp_path / "c.npz", a=intruders)
    (tmp_path / "d.npy").write_bytes(pickle.dumps(intruders))
    for name in ("a.npy", "b.npz", "c.npz", "d.npy"):
        for call in (api.arrays, api.npz if "npz" in name else api.npy):
            error = error_of(call, tmp_path / name)
            assert type(error) is FormatError
            assert error.path == str(tmp_path / name)
            if name != "d.npy" or call is not api.arrays:
                assert "never read because reading them runs the code inside" in str(error)
    with pytest.raises(TypeError, match="arrays of Python objects are refused"):
        api.arrays(intruders)
    assert not trace.exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert trace.exists()  # the attack works in NumPy


@pytest.mark.parametrize(
    "data", [[object()], np.array([None]), np.zeros(3, [("a", object)]), np.float32(3), np.zeros(3, []), 5, None]
)
def test_what_is_no_array(data):
    for error in both_errors("arrays", data):
        assert type(error) in (TypeError, ValueError)


# ---- files that change -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 100, 8000, 4096 * 30, 4096 * 30 + 5])
@pytest.mark.parametrize("kind", ["npy", "npz", "raw", "idx", "npy converted", "npy of columns", "tokens"])
def test_a_file_cut_short_while_mapped(api, tmp_path, kind, length):
    array = np.random.default_rng(0).integers(0, 255, (1000, 200), dtype=np.uint8)
    path = tmp_path / "data"
    content = (
        npz_bytes(a=array) if kind == "npz" else idx_bytes(array.shape, array.tobytes()) if kind == "idx" else None
    )
    if kind == "npy of columns":
        content = npy_bytes(np.asfortranarray(array))
    path.write_bytes(content or npy_bytes(array.reshape(-1) if kind == "tokens" else array))
    leaf = api.raw(path, "u1", (-1, 200), offset=128) if kind == "raw" else path
    if kind == "tokens":  # and their targets: two columns that are filled together
        loader = api.tokens(path, context=199, batch_size=10, prefetch=2)
    else:
        loader = api.arrays(leaf, batch_size=10, prefetch=2, dtype="f4" if "converted" in kind else None)
    if kind == "npz" and api is pure:  # reads the whole file when it is opened
        os.truncate(path, length)
        assert sum(map(len, (batch["a"] for batch in loader))) == 1000
        return
    state = loader.state_dict() if length == 100 else None
    faulthandler.disable()
    was_enabled = length == 8000
    if was_enabled:
        faulthandler.enable(sys.__stderr__)
    try:
        iterator = iter(loader)
        next(iterator)
        size = path.stat().st_size
        os.truncate(path, length)
        error = error_of(list, iterator)
        assert type(error) is FormatError
        assert error.path == str(path)
        assert "file became shorter while in use" in str(error)
        assert str(length) in error.found
        assert 0 < size - int(error.expected.split()[0]) < 1000 or int(error.expected.split()[0]) == size
        again = error_of(list, loader)
        assert type(again) is FormatError
        if state is None:
            assert type(error_of(loader.state_dict)) is FormatError
        loader.close()
    finally:
        faulthandler.enable(sys.__stderr__)


def test_a_real_crash_still_reaches_faulthandler(tmp_path):
    """The core's signal handler must pass on crashes that are not its own."""
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((100, 4096), "u1"))
    code = (
        "import faulthandler, os, sys, numpy as np, fastbatch\n"
        "faulthandler.enable()\n"
        "path = sys.argv[1]\n"
        "list(fastbatch.arrays(path))\n"
        "mapped = np.load(path, mmap_mode='r')\n"
        "os.truncate(path, 0)\n"
        "mapped.sum()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == -7
    assert "Fatal Python error: Bus error" in done.stderr


def test_no_file_stays_open(api, tmp_path):
    np.save(tmp_path / "a.npy", X)
    gc.collect()
    before = n_open_files()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for content in (b"", b"broken", npy_bytes()[:-5], npz_bytes(a=X)[:-9]):
            (tmp_path / "bad").write_bytes(content)
            error_of(api.arrays, tmp_path / "bad")
        list(api.arrays(tmp_path / "a.npy"))
        gc.collect()
    assert n_open_files() == before


def n_open_files():
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.is_dir() else None
