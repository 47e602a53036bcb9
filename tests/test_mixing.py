# SPDX-License-Identifier: MIT
"""MixUp and CutMix: the mixed samples, their labels, and identical mixing after a resume."""

import numpy as np
import pytest

import fastbatch as fb
from fastbatch.api.mixup import _interval

pytestmark = pytest.mark.behavior


def data(n=23, dtype="f4", shape=(3, 8, 10)):
    x = np.random.default_rng(0).normal(size=(n, *shape)) * 100
    return x.astype(dtype), np.arange(n) % 4


def loader_of(api, dtype="f4", shape=(3, 8, 10), **options):
    return api.arrays(*data(dtype=dtype, shape=shape), **{"batch_size": 6, "shuffle": True, "seed": 5, **options})


@pytest.mark.parametrize("dtype, tolerance", [("f2", 0.2), ("f4", 1e-3), ("f8", 1e-3)])
def test_a_blend_of_two(api, dtype, tolerance):
    """Every image has its own class, so the labels show which two are mixed and with which weights."""
    images, _ = data(dtype=dtype)
    loader = api.mixup(api.arrays(images, np.arange(23), batch_size=6, shuffle=True, seed=5), alpha=0.5, n_classes=23)
    shares, partners = [], set()
    for _ in range(3):
        for blend, labels in loader:
            assert (blend.dtype, labels.dtype) == (images.dtype, np.float32)
            assert np.allclose(labels.sum(1), 1)
            assert (labels > 0).any(0).sum() == len(labels)
            alone = 0
            for image, label in zip(blend, labels, strict=True):
                members = np.flatnonzero(label)
                assert len(members) in (1, 2)
                alone += len(members) == 1
                wanted = sum(float(label[j]) * images[j].astype(float) for j in members)
                assert np.abs(image - wanted).max() < tolerance
                if len(members) == 2:
                    shares.append(float(label[members[0]]))
                    partners.add(tuple(members.tolist()))
            assert alone == len(labels) % 2
    assert len(partners) > 25
    assert 0.3 < np.mean(shares) < 0.7
    assert min(shares) < 0.1


@pytest.mark.parametrize("layout, shape", [("NCHW", (3, 8, 10)), ("NHWC", (8, 10, 3))])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_an_exchange_of_rectangles(api, layout, shape, dtype):
    for given in (layout, None):
        plain = loader_of(api, dtype, shape)
        mixed = api.cutmix(loader_of(api, dtype, shape), n_classes=4, layout=given)
        areas = []
        for (x, y), (cut, labels) in zip(plain, mixed, strict=True):
            axis = 1 if layout == "NCHW" else 3
            changed = (x != cut).any(axis)
            window = changed.any(0)
            rows, columns = np.flatnonzero(window.any(1)), np.flatnonzero(window.any(0))
            area = len(rows) * len(columns) / 80
            if area:
                assert rows[-1] - rows[0] + 1 == len(rows)
                assert columns[-1] - columns[0] + 1 == len(columns)
            assert np.array_equal(np.sort(x, axis=0), np.sort(cut, axis=0))  # swapped, none lost
            assert np.allclose(labels.max(1), 1) or np.isclose(labels, area, atol=1e-6).any()
            assert np.allclose(labels.sum(0), np.eye(4)[y].sum(0), atol=1e-5)
            areas.append(area)
        assert len(set(areas)) > 1


@pytest.mark.parametrize("how", ["mixup", "cutmix"])
def test_the_same_after_a_resume_and_on_ranks(api, how):
    def make(**options):
        return getattr(api, how)(loader_of(api, **options), n_classes=4)

    whole = list(make())
    again = make()
    for (x, y), (a, b) in zip(again, whole, strict=True):
        assert np.array_equal(x, a)
        assert np.array_equal(y, b)
    second = list(again)
    assert not np.array_equal(second[0][0], whole[0][0])
    begun = make()
    iterator = iter(begun)
    next(iterator)
    next(iterator)
    resumed = make()
    resumed.load_state_dict(begun.state_dict())
    rest = list(resumed)
    assert len(rest) == len(whole) - 2
    assert all(np.array_equal(x, a) and np.array_equal(y, b) for (x, y), (a, b) in zip(rest, whole[2:], strict=True))
    ranks = [make(shard=(rank, 2)) for rank in range(2)]
    assert not np.array_equal(next(iter(ranks[0]))[0], next(iter(ranks[1]))[0])
    assert len(make().take(1)) == 1


@pytest.mark.parametrize("how", ["mixup", "cutmix"])
def test_native_and_pure_mix_alike(photos, how):
    from fastbatch import pure

    ours, theirs = (
        getattr(api, how)(api.images(photos, size=16, shuffle=True, exact=True, batch_size=5)) for api in (fb, pure)
    )
    assert ours.class_names == ("cat", "dog", "owl")
    for (x, y), (a, b) in zip(ours, theirs, strict=True):
        assert np.array_equal(x, a)
        assert np.array_equal(y, b)
        assert y.shape[1] == 3


def test_labels_that_are_rows_already(api):
    x, y = data()
    rows = np.eye(4)[y].astype("f8")
    for how in (api.mixup, api.cutmix):
        for _, labels in how(api.arrays(x, rows, batch_size=6)):
            assert labels.dtype == np.float32
            assert labels.shape[1] == 4
    assert np.array_equal(rows, np.eye(4)[y])  # the user's labels are unchanged


def test_the_users_arrays_stay(api):
    x, y = data(6)
    kept = x.copy()
    list(api.mixup(api.arrays(x, y, batch_size=6), n_classes=4))
    list(api.cutmix(api.arrays(x, y, batch_size=6), n_classes=4))
    assert np.array_equal(x, kept)


def test_bad_mixes(api):
    loader = loader_of(api)
    for alpha in (0, -1, float("nan"), float("inf"), "much", True):
        with pytest.raises(ValueError, match="alpha: expected a finite number above 0, found"):
            api.mixup(loader, alpha)
    with pytest.raises(TypeError, match="mixup: expected a Loader, found list"):
        api.mixup([])
    with pytest.raises(ValueError, match="n_classes: expected"):
        api.mixup(loader, n_classes=0)
    with pytest.raises(ValueError, match="layout: expected NCHW or NHWC, found 'HW'"):
        api.cutmix(loader, layout="HW")
    for mix in (api.mixup, api.cutmix):
        with pytest.raises(ValueError, match="n_classes: expected the number of classes"):
            mix(loader)
    for bad, error, message in [
        (api.mixup(loader.map(lambda batch: batch)), ValueError, "n_classes: expected the number of classes"),
        (api.mixup(loader, n_classes=2), ValueError, "labels: expected 0..1, found 0..3"),
        (api.mixup(loader_of(api, "u1"), n_classes=4), TypeError, "mixup: expected images of floats, found uint8"),
        (api.mixup(api.arrays(data()[0])), TypeError, "mixup: expected batches .x, y., found ndarray"),
        (api.cutmix(loader_of(api, shape=(3, 8, 4)), n_classes=4), ValueError, "layout: expected NCHW or NHWC, since"),
        (api.cutmix(loader_of(api, shape=(30,)), n_classes=4), ValueError, "cutmix: expected images of 3 dimensions"),
        (api.mixup(api.arrays(data()[0], np.ones(23))), ValueError, "labels: expected integers, or one row"),
    ]:
        with pytest.raises(error, match=message):
            list(bad)


@pytest.mark.parametrize(
    "place, wanted",
    [(0.5, slice(3, 7)), (0.0, slice(0, 2)), (0.19, slice(0, 3)), (0.2, slice(0, 4)), (0.99, slice(7, 10))],
)
def test_a_rectangle_lies_around_its_centre(place, wanted):
    """Four of ten pixels, clipped at the borders: the paper's `rand_bbox`."""
    assert _interval(10, 4, place) == wanted
