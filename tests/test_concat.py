# SPDX-License-Identifier: MIT
"""Arrays concatenated per sample, and sample weights, on both implementations."""

import numpy as np
import pytest
from making import same_batches

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

N = 45
RNG = np.random.default_rng(0)
A, B = RNG.random((N, 3, 4)).astype(np.float32), RNG.random((N, 3, 6)).astype(np.float32)
Y = np.arange(N)


def test_two_inputs_as_the_user_writes_it(api):
    s1, s2 = A[:, 0], B[:, 0]
    loader = api.arrays([s1, s2], Y, batch_size=32, concat=-1)
    expected = [(np.concatenate([s1[i : i + 32], s2[i : i + 32]], axis=-1), Y[i : i + 32]) for i in (0, 32)]
    same_batches(loader, expected)


def swapped(array):
    return array.astype(array.dtype.newbyteorder())


CASES = {
    "last axis": ([A, B], -1, {}),
    "an axis inside": ([A, A[:, :1], A], 1, {}),
    "one array": ([A], 2, {}),
    "other types": ([A, (100 * B).astype(np.int16)], 2, {}),
    "with gaps": ([A[:, :, ::2], np.asfortranarray(B)], -1, {}),
    "of another byte order": ([swapped(A), swapped(B)], -1, {}),
    "converted": ([A, B], 2, {"dtype": "float64", "scale": 3, "mean": 1}),
    "cast and cut": ([A, B], -1, {"dtype": "float16"}),
    "a dict": ({"a": A, "b": B}, -1, {}),
    "no width": ([A, B[:, :, :0]], -1, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_numpys_concatenate(name):
    parts, axis, options = CASES[name]
    arrays = list(parts.values()) if isinstance(parts, dict) else parts
    if "scale" in options:
        whole = np.concatenate(arrays, axis).astype(np.float64) * 3 - 1
    else:
        whole = np.concatenate(arrays, axis)
        whole = whole.astype(options.get("dtype", whole.dtype.newbyteorder("=")))
    expected = pure.arrays(parts, Y, concat=axis, shuffle=True, batch_size=8, **options)
    epochs = [list(expected) for _ in range(2)]
    for x, y in epochs[0]:
        assert x.dtype == whole.dtype
        assert np.array_equal(x, whole[y])
    for threads in (1, 3):
        loader = fastbatch.arrays(parts, Y, concat=axis, shuffle=True, batch_size=8, threads=threads, **options)
        for epoch in epochs:
            same_batches(loader, epoch)


def test_files_are_joined(api, tmp_path):
    np.save(tmp_path / "a.npy", A)
    np.savez(tmp_path / "b.npz", b=B, c=A)
    same_batches(api.arrays([tmp_path / "a.npy", B], concat=-1), api.arrays(np.concatenate([A, B], -1)))
    same_batches(api.arrays(tmp_path / "b.npz", concat=-1), api.arrays(np.concatenate([B, A], -1)))


def test_what_a_loader_does(api):
    loader = api.arrays([A, B], Y, concat=-1, batch_size=10, shuffle=True)
    assert "float32 (3, 10)" in repr(loader)
    train, _ = loader.split(0.2)
    assert sum(len(y) for _, y in train) == 36
    other = api.arrays([A, B + 1], Y, concat=-1)
    assert other.state_dict()["dataset"] != loader.state_dict()["dataset"]


def test_a_file_that_shrinks(api, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((1000, 64)))
    loader = api.arrays([tmp_path / "a.npy", np.zeros((1000, 3))], concat=-1, prefetch=1)
    with open(tmp_path / "a.npy", "r+b") as file:
        file.truncate(8192)
    with pytest.raises(api.FormatError, match="a.npy"):
        list(loader)


def test_parts_that_do_not_fit(api):
    bad = [
        ([A, B[1:]], -1, "expected arrays of equal length, found 45, 44 samples"),
        ([A, B], 1, "concat: expected samples that differ along axis 1 only"),
        ([A, B[:, 0]], -1, "concat: expected samples that differ along axis -1 only"),
        ([A, B], 0, "concat: expected an axis of the samples, found 0"),
        ([A, B], 3, "concat: expected -3 to 2, found 3"),
        ([Y, Y], -1, "concat: expected an axis of the samples, found -1"),
        ([], -1, "expected at least one array, found none"),
    ]
    for parts, axis, message in bad:
        with pytest.raises(ValueError, match=message):
            api.arrays(parts, concat=axis)
    with pytest.raises(TypeError, match="concat: expected an integer, found 'last'"):
        api.arrays([A, B], concat="last")


def test_sample_weights(api):
    weights = RNG.random(N)
    batches = list(api.arrays(A, Y, sample_weight=weights, shuffle=True))
    assert all(len(batch) == 3 for batch in batches)
    for x, y, w in batches:
        assert np.array_equal(x, A[y])
        assert np.array_equal(w, weights[y])
    with pytest.raises(TypeError, match="sample_weight: expected inputs and targets before it, found 1 data"):
        api.arrays(A, sample_weight=weights)
    with pytest.raises(ValueError, match="equal length, found 45, 45, 44 samples"):
        api.arrays(A, Y, sample_weight=weights[1:])
