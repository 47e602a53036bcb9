# SPDX-License-Identifier: MIT
"""Structured .npy files: broken headers first; the fields of the records as a dict of arrays."""

import io
import os
import pickle

import numpy as np
import pytest
from making import same, same_batches

import fastbatch as fb

N = 12
KIND = np.dtype([("id", "<i8"), ("x", "<f4"), ("big", ">i2"), ("place", "<f8", (2, 3)), ("name", "S3")])
NESTED = np.dtype([("a", "<i4"), ("in", [("b", "<u2"), ("c", "<f4", (2,))])])


def records(dtype=KIND, n=N):
    """Return records of random bytes, which are never NaN."""
    made = np.zeros(n, dtype)
    flat = np.random.default_rng(0).integers(0, 100, (n, dtype.itemsize), dtype=np.uint8)
    made.view(np.uint8).reshape(n, -1)[:] = flat
    return made


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves an array and returns the path."""

    def one(array):
        np.save(tmp_path / "x.npy", array)
        return str(tmp_path / "x.npy")

    return one


# ---- bad input -------------------------------------------------------------------------------------------------------


def head(descr: str, shape="(3,)", order="False", body=b"") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + body


BAD = {
    "too short": (head("[('a', '<f4')]", body=bytes(11)), "array ends early: expected 12 bytes, found 11"),
    "objects": (head("[('a', '|O')]", body=bytes(99)), "fields are Python objects"),
    "no fields": (head("[]", body=bytes(99)), "header"),
    "unknown type": (head("[('a', '<q9')]", body=bytes(99)), "bad .npy header"),
    "no pairs": (head("[3]", body=bytes(99)), "bad .npy header"),
    "twice the same": (head("[('a', '<f4'), ('a', '<f4')]", body=bytes(99)), "bad .npy header"),
    "fortran": (head("[('a', '<f4')]", "(2, 2)", "True", bytes(99)), "records of named fields in C's order"),
    "negative": (head("[('a', '<f4')]", "(-3,)", body=bytes(99)), "header"),
    "2^62 rows": (head("[('a', '<f4')]", "(2**62,)", body=bytes(99)), "header"),
    "many rows": (head("[('a', '<f4')]", str((2**62, 8)), body=bytes(99)), "bytes"),
    "code": (head("[__import__('os').abort()]", body=bytes(99)), "header"),
    "no end": (head("[('a', '<f4')]")[:-30], "header"),
}


@pytest.mark.parametrize("name", BAD)
def test_broken_headers(api, write, name):
    content, message = BAD[name]
    for call in (api.npy, api.arrays):
        with pytest.raises((fb.FormatError, ValueError), match=message) as caught:
            call(write(content, "x.npy"))
        assert "x.npy" in str(caught.value) or isinstance(caught.value, fb.FormatError)


def test_a_file_that_becomes_shorter(api, saved):
    path = saved(records())
    loader = api.arrays(path)
    os.truncate(path, 300)
    with pytest.raises(fb.FormatError, match=r"x.npy: file became shorter while in use"):
        list(loader)


# ---- the fields ------------------------------------------------------------------------------------------------------


def test_fields_are_a_dict_of_arrays(api, saved):
    made = records()
    path = saved(made)
    found = api.npy(path)
    assert list(found) == list(KIND.names)
    for name in KIND.names:
        same(np.asarray(found[name]), made[name])
    want = {name: made[name] for name in KIND.names}
    options = {"batch_size": 5, "shuffle": True, "seed": 1}
    same_batches(api.arrays(path, **options), api.arrays(want, **options))


def test_nested_fields_and_paddings(api, saved):
    made = records(NESTED)
    batch = next(iter(api.arrays(saved(made), batch_size=N)))
    same(batch["in"]["c"], made["in"]["c"])
    same(batch["a"], made["a"])
    padded = np.zeros(4, np.dtype([("a", "u1"), ("b", "<f8")], align=True))
    padded["b"] = np.arange(4)
    same(next(iter(api.arrays(saved(padded))))["b"], np.arange(4.0))


def test_fields_as_columns(api, saved):
    made = records()
    fields = api.npy(saved(made))
    loader = api.arrays(fields["x"], fields["id"], dtype="float64", batch_size=4)
    same(np.concatenate([x for x, _ in loader]), made["x"].astype(np.float64))
    windows = api.windows(fields["x"], length=3)
    same(next(iter(windows))[0], made["x"][:3])


def test_states_and_pickles(api, saved):
    loader = api.arrays(saved(records()), batch_size=5, shuffle=True)
    whole = list(loader)
    loader.set_epoch(0)
    next(iter(loader))
    other = pickle.loads(pickle.dumps(loader))
    other.load_state_dict(loader.state_dict())
    same_batches(other, whole[1:])


def test_versions_of_the_header(api, write):
    made = records()
    for version in ((1, 0), (2, 0), (3, 0)):
        file = io.BytesIO()
        np.lib.format.write_array(file, made, version=version)
        same(np.asarray(api.npy(write(file.getvalue(), "x.npy"))["id"]), made["id"])
