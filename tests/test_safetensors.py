# SPDX-License-Identifier: MIT
"""Safetensors files, and data sets of h5py: mapped where they lie; files that lie."""

import json
import os

import numpy as np
import pytest
from making import same, same_batches

import fastbatch as fb

X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.arange(6)


def tensors(header, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def about(dtype="F32", shape=(6, 4), start=0, size=96):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, start + size]}


def test_tensors_are_mapped(api, write):
    header = {"__metadata__": {"a": "b"}, "x": about(), "y": about("I64", (6,), 96, 48)}
    path = write(tensors(header, X.tobytes() + Y.tobytes()), "x.safetensors")
    loader = api.arrays(path, batch_size=4, shuffle=True)
    same_batches(loader, api.arrays({"x": X, "y": Y}, batch_size=4, shuffle=True))
    assert next(iter(loader))["x"].dtype == np.float32


def test_the_library_writes_the_same(api, tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    library.save_file({"x": X, "y": Y, "flag": Y > 2, "half": X.astype(np.float16)}, tmp_path / "a.safetensors")
    batch = next(iter(api.arrays(tmp_path / "a.safetensors")))
    for name, values in (("x", X), ("y", Y), ("flag", Y > 2), ("half", X.astype(np.float16))):
        same(batch[name], values)


BROKEN = {
    "long header": (b"\xff\0\0\0\0\0\0\0{", "file ends early: expected a header of 255 bytes, found 9"),
    "name twice": (
        tensors(
            b'{"x":' + json.dumps(about()).encode() + b',"x":' + json.dumps(about("I32")).encode() + b"}", bytes(96)
        ),
        "name 'x': expected each name once, found it again",
    ),
    "common bytes": (
        tensors({"x": about(), "y": about("I32", (6, 2), 48, 48)}, bytes(96)),
        "tensor 'y': place: expected the bytes from 96 on, found those from 48 on",
    ),
    "gap": (tensors({"x": about(start=8)}, bytes(104)), "place: expected the bytes from 0 on, found those from 8 on"),
    "more": (tensors({"x": about()}, bytes(97)), "file too long: expected 1[0-9]+ bytes, found 1[0-9]+"),
    "no header": (b"\x02" + bytes(7) + b"[]", "not an array: .* found something else, though the name is that of a"),
    "no JSON": (tensors(b'{"x": '), "header is not JSON"),
    "type": (tensors({"x": about("BF16")}), "tensor 'x': type: expected BOOL, .* found 'BF16'"),
    "no tensor": (tensors({"x": 3}), "tensor 'x': type: expected BOOL, .* found None"),
    "shape": (tensors({"x": about(shape=(6, -4))}), "tensor 'x': header: expected a shape and two offsets"),
    "offsets": (
        tensors({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}),
        "expected a shape and two offsets",
    ),
    "size": (tensors({"x": about(size=95)}, bytes(96)), "tensor 'x': place: expected 96 bytes in a file of"),
    "end": (tensors({"x": about()}, bytes(95)), "tensor 'x': place: expected 96 bytes in a file of"),
    "huge": (tensors({"x": about(shape=(2**40, 2**40))}, bytes(95)), "tensor 'x': place"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_lie(api, write, name):
    content, message = BROKEN[name]
    path = write(content, "x.safetensors")
    with pytest.raises(fb.FormatError, match=message) as caught:
        api.arrays(path)
    assert caught.value.path == str(path)


# ---- HDF5 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def h5(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["x"], file["y"] = X, Y.astype(">i2")
        file.create_dataset("chunked", data=X, chunks=(2, 4), compression="gzip")
        file.create_dataset("empty", (6,), "f4")
        file["text"] = ["a", "b"]
        file["number"] = 3
    with h5py.File(tmp_path / "a.h5") as file:
        yield file


def test_contiguous_data_sets_are_mapped(api, h5):
    loader = api.arrays(h5["x"], h5["y"], batch_size=4, shuffle=True)
    same_batches(loader, api.arrays(X, Y.astype(np.int16), batch_size=4, shuffle=True))
    h5.close()  # the file is mapped on its own
    assert sum(len(y) for _, y in loader) == 6


def test_windows_of_a_data_set(api, h5):
    same_batches(api.windows(h5["x"], h5["y"], length=2), api.windows(X, Y.astype(np.int16), length=2))


REFUSED = {
    "empty": "it is stored in other files, or in none",
    "text": "its type is object",
    "number": "it has no rows",
}


@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused_and_not_read_whole(api, h5, name):
    for call in (api.arrays, lambda data: api.windows(data, length=1)):
        with pytest.raises(
            TypeError, match=rf"data set /{name} cannot be read from its file: {REFUSED[name]}.*; dataset\[:\] reads"
        ):
            call(h5[name])


def test_a_file_that_may_be_written_to(api, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x"] = X
        with pytest.raises(TypeError, match=r"mode 'r\+', expected 'r'"):
            api.arrays(file["x"])


def test_a_file_that_becomes_shorter(api, h5):
    loader = api.arrays(h5["x"])
    path = h5.filename
    h5.close()
    os.truncate(path, 600)
    with pytest.raises(fb.FormatError, match="a.h5: file became shorter"):
        list(loader)
