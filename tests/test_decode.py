# SPDX-License-Identifier: MIT
"""Conversions of array samples (cast, scale, normalise, transpose) against plain NumPy."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import same, same_batches

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

TYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]
FLOATS = ["f2", "f4", "f8"]


def numbers(dtype, shape):
    """Return an array of `dtype` with its extremes, their neighbours, and values between."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(5)
    n = int(np.prod(shape))
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        special = [limits.min, limits.min + 1, limits.max - 1, limits.max, 0, 1, 100]
        values = rng.integers(limits.min, limits.max, n, dtype=dtype, endpoint=True)
    else:
        limits = np.finfo(dtype)
        special = [np.inf, -np.inf, np.nan, limits.max, limits.min, limits.tiny, limits.smallest_subnormal, -0.0, 0.0]
        special += [
            0.5,
            -0.5,
            1.5,
            127.5,
            128,
            255.9,
            256,
            65504,
            65520,
            -129,
            *(s * 2.0**e for s in (1, -1) for e in (31, 32, 63, 64)),
        ]
        values = (rng.standard_normal(n) * 10.0 ** rng.integers(-6, 7, n)).clip(float(limits.min), float(limits.max))
    with np.errstate(all="ignore"):
        special = np.array(special, dtype=None if dtype.kind in "iu" else "f8").astype(dtype)
        values = values.astype(dtype)
    values[: len(special)] = special[:n]
    return values.reshape(shape)


def both(data, **options):
    """Return the samples in order after asserting that both implementations give the same bytes."""
    ours, theirs = (api.arrays(data, batch_size=4, **options) for api in (fastbatch, pure))
    ours, theirs = list(ours), list(theirs)
    same_batches(ours, theirs)
    return np.concatenate(ours)


def saturated(array, dtype):
    """Return `array.astype(dtype)`, with the nearest integer for values out of range and 0 for NaN."""
    dtype = np.dtype(dtype)
    with np.errstate(all="ignore"):
        if array.dtype.kind != "f" or dtype.kind not in "iu":
            return array.astype(dtype)
        limits = np.iinfo(dtype)
        return np.array(
            [
                0 if x != x else limits.max if x >= limits.max else limits.min if x <= limits.min else int(x)
                for x in array.ravel().tolist()
            ],
            dtype,
        ).reshape(array.shape)


@pytest.mark.parametrize("source", TYPES)
@pytest.mark.parametrize("target", TYPES)
def test_plain_casts_are_astype(source, target):
    array = numbers(source, (9, 4, 3))
    got = both(array, dtype=target)
    wanted = saturated(array, target)
    assert got.dtype == np.dtype(target)
    assert np.array_equal(got, wanted, equal_nan=np.dtype(target).kind == "f")


@pytest.mark.parametrize("source", ["i2", "u4", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("target", ["u1", "i4", "f2", "f4", "f8"])
def test_casts_of_swapped_strided_and_mapped_data(tmp_path, source, target):
    array = numbers(source, (9, 6, 4))
    wanted = both(array, dtype=target)
    swapped = array.astype(array.dtype.newbyteorder())
    path = tmp_path / "a.npy"
    for same_numbers in (
        swapped,
        np.asfortranarray(array),
        np.asfortranarray(swapped),
        np.repeat(swapped, 2, 2)[..., ::2],
    ):
        same(both(same_numbers, dtype=target), wanted)
        np.save(path, same_numbers)
        same(both(path, dtype=target), wanted)
        same(both(fastbatch.npy(path), dtype=target), wanted)


@pytest.mark.parametrize("source", TYPES)
@pytest.mark.parametrize("target", [None, "u1", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("layout", [None, "NCHW", "NCHW->NHWC", "NCHW->NCHW"])
def test_scale_mean_std_and_layout(source, target, layout):
    array = numbers(source, (5, 3, 6, 3))
    channels_at = 1 if layout and layout.startswith("NCHW->") else 3
    for options in (
        {},
        {"scale": 1 / 255},
        {"scale": [0.5, 2, 4]},
        {"mean": 0.5, "std": (0.25, 0.5, 4)},
        {"scale": 3, "mean": np.array([1, 2, 3]), "std": 0.7},
        {"std": [2]},
    ):
        if target is None and not options and layout != "NCHW":
            continue
        got = both(array, dtype=target, layout=layout, **options)
        affine = bool(options)
        dtype = np.dtype(target or ("f8" if source == "f8" else "f4") if affine else target or source)
        assert got.dtype == dtype
        if layout == "NCHW":
            got = got.transpose(0, 2, 3, 1)
        elif layout == "NCHW->NHWC":
            got = got.transpose(0, 3, 1, 2)
        assert got.shape == array.shape
        if dtype.kind == "f" and affine:
            close_to_exact(got, array, options, channels_at)


def close_to_exact(got, array, options, channels_at):
    """Assert that every number is as close to the exact one as the precision of the type allows."""
    shape = [-1 if axis == channels_at else 1 for axis in range(array.ndim)]
    scale, mean, std = (
        np.asarray(options.get(name, default), "f8").reshape(shape)
        for name, default in [("scale", 1), ("mean", 0), ("std", 1)]
    )
    x = array.astype("f8")
    precision = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        exact = (x * scale - mean) / std
        size = np.abs(x * scale / std) + np.abs(mean / std)  # rounding errors are relative to this
        counts = size < min(float(precision.max), 3e38) / 2
        error = np.abs(got.astype("f8") - exact)
    allowed = 4 * float(precision.eps) * size + float(precision.smallest_normal)
    assert np.all(error[counts] <= np.broadcast_to(allowed, error.shape)[counts])
    assert np.array_equal(np.isnan(got), np.isnan(exact))


def test_the_definition_of_the_arithmetic():
    """y = x * a + b with a = scale / std and b = -mean / std in float64, then in the compute type, rounded twice."""
    x = np.random.default_rng(0).integers(0, 256, (8, 5, 7, 3), dtype=np.uint8)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    a, b = ((1 / 255) / std).astype("f4"), (-mean / std).astype("f4")
    wanted = x.astype("f4") * a + b
    same(both(x, scale=1 / 255, mean=mean, std=std), wanted)
    same(both(x, scale=1 / 255, mean=mean, std=std, layout="NCHW"), np.ascontiguousarray(np.moveaxis(wanted, 3, 1)))
    same(both(x, scale=1 / 255, mean=mean, std=std, dtype="f2"), wanted.astype("f2"))
    x = np.random.default_rng(0).random((8, 3))
    same(both(x, mean=mean, std=std), x * (1 / std) + (-mean / std))
    same(both(x, mean=mean, std=std, dtype="f4"), (x * (1 / std) + (-mean / std)).astype("f4"))


@given(
    st.sampled_from(TYPES),
    st.sampled_from(TYPES),
    st.lists(st.integers(0, 5), max_size=3),
    st.sampled_from([None, {"scale": 0.1}, {"mean": 3.0, "std": 1e-3}]),
    st.booleans(),
)
def test_any_shape(source, target, shape, options, swap):
    array = numbers(source, (3, *shape))
    if swap:
        array = array.astype(array.dtype.newbyteorder())
    got = both(array, dtype=target, **(options or {}))
    assert got.shape == array.shape
    if len(shape) == 3:
        assert both(array, dtype=target, layout="NCHW", **(options or {})).shape == (3, shape[2], *shape[:2])


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 16, 33])
@pytest.mark.parametrize("types", list(itertools.product(["u1", "f4", "f8"], ["u1", "f2", "f4", "f8"])))
def test_any_number_of_channels(channels, types):
    source, target = types
    array = (np.arange(4 * 5 * 7 * channels) % 251).astype(source).reshape(4, 5, 7, channels)
    moved = np.ascontiguousarray(np.moveaxis(array, 3, 1))
    same(both(array, dtype=target, layout="NCHW"), moved.astype(target))
    same(both(moved, dtype=target, layout="NCHW->NHWC"), array.astype(target))
    each = np.linspace(0.5, 2, channels)
    one = both(array, dtype=target, scale=each)
    same(both(array, dtype=target, scale=each, layout="NCHW"), np.ascontiguousarray(np.moveaxis(one, 3, 1)))
    same(both(moved, dtype=target, scale=each, layout="NCHW->NHWC"), one)
    same(both(moved, dtype=target, scale=each, layout="NCHW->NCHW"), np.ascontiguousarray(np.moveaxis(one, 3, 1)))


def test_each_part_may_have_its_own(api):
    x, y = np.ones((6, 4, 4, 3), "u1"), np.arange(6)
    batch = next(iter(api.arrays({"x": api.field(x, scale=2, layout="NCHW"), "y": y, "z": api.field(y, dtype="i2")})))
    assert {name: (a.dtype.str, a.shape) for name, a in batch.items()} == {
        "x": ("<f4", (6, 3, 4, 4)),
        "y": ("<i8", (6,)),
        "z": ("<i2", (6,)),
    }
    assert batch["x"].max() == 2
    first, second = next(iter(api.arrays(x, x, dtype="f4", scale=3)))
    assert (first.dtype, second.dtype) == (np.float32, np.uint8)
    both_leaves, _ = next(iter(api.arrays((x, x), y, scale=3)))
    assert [a.max() for a in both_leaves] == [3, 3]
    own, other = next(iter(api.arrays((api.field(x, scale=5), x), scale=3)))
    assert (own.max(), other.max()) == (5, 3)


def test_fields_take_paths(api, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, 2), ">i2"))
    np.savez(tmp_path / "b.npz", p=np.ones(3), q=np.ones(3))
    got = next(iter(api.arrays(api.field(tmp_path / "a.npy", scale=4))))
    assert got.tolist() == [[4, 4]] * 3
    got = next(iter(api.arrays(tmp_path / "b.npz", scale=4)))
    assert {name: a.tolist() for name, a in got.items()} == {"p": [4] * 3, "q": [4] * 3}


IMAGES = np.zeros((2, 4, 5, 3), "u1")


@pytest.mark.parametrize(
    "data, options, error, message",
    [
        (IMAGES, {"std": 0}, ValueError, "std: expected numbers other than 0, found 0"),
        (IMAGES, {"std": [1, 0, 1]}, ValueError, r"std: expected numbers other than 0, found \[1, 0, 1\]"),
        (
            IMAGES,
            {"mean": [1, 2]},
            ValueError,
            r"mean: expected one number, or one for each of 3 channels, found \[1, 2\]",
        ),
        (IMAGES, {"scale": np.ones((3, 1))}, ValueError, "scale: expected one number, or one for each of 3 channels"),
        (IMAGES, {"scale": [1] * 3, "layout": "NCHW->NCHW"}, ValueError, "each of 4 channels"),
        (IMAGES, {"scale": float("inf")}, ValueError, "scale: expected finite numbers, found inf"),
        (IMAGES, {"mean": [0, 1, float("nan")]}, ValueError, "mean: expected finite numbers"),
        (IMAGES, {"scale": "much"}, ValueError, "much"),
        (IMAGES, {"layout": "CHW"}, ValueError, "layout: expected NHWC or NCHW, or one '->' the other, found 'CHW'"),
        (IMAGES, {"layout": "NHWC->CHWN"}, ValueError, "layout: expected NHWC or NCHW"),
        (
            IMAGES[0],
            {"layout": "NCHW"},
            ValueError,
            r"layout 'NCHW': expected samples of 3 dimensions, found shape \(5, 3\)",
        ),
        (IMAGES, {"dtype": "c8"}, TypeError, "elements of type complex64 can be copied but not converted"),
        (IMAGES, {"dtype": "S3"}, TypeError, "can be copied but not converted; expected bool, integer or float"),
        (IMAGES, {"dtype": "O"}, TypeError, "object can be copied but not converted"),
        (IMAGES, {"dtype": "g"}, TypeError, "longdouble|float128"),
        (IMAGES, {"dtype": "nothing"}, TypeError, "nothing"),
        (IMAGES.astype("c8"), {"dtype": "f4"}, TypeError, "elements of type complex64 can be copied but not converted"),
        (IMAGES.astype("c8"), {"scale": 2}, TypeError, "complex64"),
        (IMAGES.astype("c8"), {"layout": "NCHW"}, TypeError, "complex64"),
        (np.array(["a"]), {"dtype": "f4"}, TypeError, "elements of type <U1 can be copied but not converted"),
        (np.array([1], "M8[s]"), {"dtype": "i8"}, TypeError, "elements of type datetime64.s. can be copied"),
        (np.zeros(3, [("a", "i4")]), {"dtype": "i4"}, TypeError, "can be copied but not converted"),
    ],
)
def test_bad_conversions(api, data, options, error, message):
    with pytest.raises(error, match=message):
        api.arrays(data, **options)
