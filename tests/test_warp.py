# SPDX-License-Identifier: MIT
"""Affine warps: native and pure against SciPy."""

import numpy as np
import pytest

from fastbatch import _core
from fastbatch.pure.augment import warp

pytestmark = pytest.mark.behavior

FILLS = ["nearest", "constant", "reflect", "wrap"]


def native_warp(image, matrix, offset, order, fill, value, flips=None, threads=1):
    flips = None if flips is None else [flips]
    return _core.warp_batch(image[None], [matrix], [offset], order, fill, value, threads, flips)[0]


def transforms(height, width, rng):
    """Yield pairs (matrix, offset): identity, flips, halves (ties), rotations, singular, far away, random."""
    identity = np.eye(2)
    yield identity, np.zeros(2)
    yield np.diag([-1.0, 1.0]), np.array([height - 1.0, 0.0])
    yield np.diag([1.0, -1.0]), np.array([0.0, width - 1.0])
    yield -identity, np.array([height - 1.0, width - 1.0])
    yield np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2)
    yield identity / 2, np.array([-0.5, 0.25])
    yield identity, np.array([0.5, -0.5])
    yield identity, np.array([-height - 0.5, 2.0 * width + 0.5])
    yield np.zeros((2, 2)), np.array([height / 2, width / 2])
    yield np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([-3.0, -2.0])
    yield np.array([[1e-12, 0.0], [0.0, 1e12]]), np.array([0.3, 0.7])
    yield identity, np.array([1e7, -1e7 - 0.5])
    angle = rng.uniform(-3, 3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([height / 2 - 0.5, width / 2 - 0.5])
    yield turn, centre - turn @ centre
    yield turn @ np.diag([0.8, 1.2]), centre - turn @ centre + rng.normal(size=2)
    for _ in range(6):
        yield rng.normal(size=(2, 2)), rng.normal(size=2) * 10
        yield rng.integers(-2, 3, (2, 2)) / 2, rng.integers(-60, 60, 2) / 2


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 7, 3), (9, 1, 4), (2, 2, 3), (13, 10, 1), (12, 17, 2), (11, 23, 3), (21, 8, 4), (5, 6, 7)]
)
def test_a_warp_is_scipys(fill, shape):
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(sum(shape))
    images = [rng.integers(0, 256, shape).astype("u1"), rng.normal(size=shape).astype("f4")]
    for matrix, offset in transforms(*shape[:2], rng):
        for order in (0, 1):
            for image in images:
                got = native_warp(image, matrix, offset, order, fill, 3.5)
                channels = [
                    ndimage.affine_transform(
                        channel.astype("f4"), matrix, offset, order=order, mode=fill, cval=3.5, output=np.float32
                    )
                    for channel in np.moveaxis(image, 2, 0)
                ]
                wanted = np.stack(channels, 2)
                if order == 0:
                    assert np.array_equal(got, wanted), (matrix, offset)
                else:
                    assert np.abs(got - wanted).max() <= 1e-6 * max(1, np.abs(wanted).max()), (matrix, offset)
                assert np.array_equal(got, warp(image, matrix, offset, order, fill, 3.5)), (matrix, offset)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("order", [0, 1])
def test_coordinates_out_of_all_measure(fill, order):
    """With overflowing coordinates, nothing crashes, and native and pure agree."""
    image = np.arange(60, dtype="f4").reshape(4, 5, 3)
    huge = 1.7e308
    for matrix in ([[huge, huge], [0, 1]], [[1, 0], [-huge, huge]], [[1e16, 0], [0, -1e16]], [[huge, -huge]] * 2):
        for offset in ([0, 0], [huge, -huge], [-1e300, 1e15]):
            got = native_warp(image, np.array(matrix), np.array(offset), order, fill, 9.0)
            assert np.array_equal(got, warp(image, np.array(matrix), np.array(offset), order, fill, 9.0))
            assert set(got.ravel().tolist()) <= {*image.ravel().tolist(), 9.0} or order == 1


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("flips", [(False, True), (True, False), (True, True)])
def test_a_flip_comes_after_the_warp(fill, flips):
    rng = np.random.default_rng(3)
    image = rng.normal(size=(19, 300, 3)).astype("f4")  # wider than a block
    for matrix, offset in transforms(19, 300, rng):
        for order in (0, 1):
            plain = native_warp(image, matrix, offset, order, fill, 1.0)
            turned = plain[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
            assert np.array_equal(native_warp(image, matrix, offset, order, fill, 1.0, flips), turned)


def test_a_batch_of_warps():
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (9, 20, 30, 3)).astype("u1")
    matrices, offsets = rng.normal(size=(9, 2, 2)), rng.normal(size=(9, 2))
    alone = [native_warp(*one, 1, "reflect", 0.0) for one in zip(images, matrices, offsets, strict=True)]
    for threads in (1, 2, 5, 64):
        out = np.full(images.shape, -1, "f4")
        got = _core.warp_batch(images, matrices, offsets, 1, "reflect", 0.0, threads, out=out)
        assert got is out
        assert np.array_equal(got, alone)
    nothing = _core.warp_batch(images[:0], matrices[:0], offsets[:0], 1, "wrap", 0.0, 4)
    assert nothing.shape == (0, 20, 30, 3)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"images": np.zeros((2, 3, 4), "f4")}, "images: expected a contiguous array of four dimensions"),
        ({"images": np.zeros((2, 3, 4, 3), "f4")[:, ::-1]}, "images: expected a contiguous array"),
        ({"images": np.zeros((2, 3, 4, 3))}, "images: expected float32 or uint8"),
        ({"matrices": np.zeros((1, 2, 2))}, "matrices: expected the shape"),
        ({"offsets": np.zeros((2, 3))}, "offsets: expected the shape"),
        ({"order": 3}, "order: expected 0 or 1"),
        ({"mode": "mirror"}, "mode: expected nearest, constant, reflect or wrap, found mirror"),
        ({"flips": [[True]]}, "flips: expected the shape"),
        ({"out": np.zeros((2, 3, 4, 3))}, "out: expected a writable contiguous float32 array"),
        ({"out": np.zeros((2, 3, 4, 1), "f4")}, "out: expected a writable contiguous float32 array"),
    ],
)
def test_a_batch_that_does_not_fit(change, message):
    good = {
        "images": np.zeros((2, 3, 4, 3), "f4"),
        "matrices": np.zeros((2, 2, 2)),
        "offsets": np.zeros((2, 2)),
        "order": 1,
        "mode": "wrap",
        "cval": 0.0,
        "threads": 1,
    }
    with pytest.raises(ValueError, match=message):
        _core.warp_batch(**{**good, **change})


def test_a_batch_is_not_warped_onto_itself():
    images = np.zeros((2, 3, 4, 3), "f4")
    with pytest.raises(ValueError, match="out: expected other memory"):
        _core.warp_batch(images, np.zeros((2, 2, 2)), np.zeros((2, 2)), 1, "wrap", 0.0, 1, out=images)
