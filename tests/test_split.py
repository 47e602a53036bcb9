# SPDX-License-Identifier: MIT
"""`split`: no row of a series in both parts, and nothing random in the validation part."""

import numpy as np
import pytest

X = np.arange(500.0)
LENGTHS = [100, 30, 200, 170]


def rows(loader):
    return {
        float(value)
        for batch in loader
        for part in (batch if isinstance(batch, tuple) else (batch,))
        for value in part.flat
    }


OPTIONS = [
    {"length": 20},
    {"length": 20, "stride": 7},
    {"length": 5, "stride": 9},
    {"length": 4, "sampling_rate": 5, "stride": 3},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("ahead", [{}, {"horizon": 12}, {"horizon": 3, "target_length": 6}])
@pytest.mark.parametrize("validation", [0.2, 0.5, 1])
def test_windows_share_no_rows(api, options, lengths, ahead, validation):
    loader = api.windows(
        X, X if ahead else None, lengths=lengths, short="skip" if lengths else "raise", **options, **ahead
    )
    train, held_out = loader.split(validation=validation)
    wanted = validation if isinstance(validation, int) else int(loader.n_samples * validation)
    assert held_out.n_samples == wanted
    assert not rows(train) & rows(held_out)
    reach = (options["length"] - 1) * options.get("sampling_rate", 1) + ahead.get("horizon", 0) + 1
    reach += ahead.get("target_length", 1) - 1
    assert 0 <= loader.n_samples - wanted - train.n_samples < -(-reach // options.get("stride", 1))  # no wider gap


def test_windows_of_a_series_of_files(api):
    parts = np.split(X, np.cumsum(LENGTHS)[:-1])
    train, held_out = api.windows(api.series(parts), length=10).split(161)  # the whole last series
    assert held_out.n_samples == 161
    assert rows(held_out) == set(parts[-1]) and rows(train) == set(X[: -LENGTHS[-1]])


def test_splits_of_splits(api):
    loader = api.windows(X, length=20)
    train, test = loader.split(0.2)
    train, validation = train.split(0.2)
    assert not rows(train) & rows(validation) and not rows(validation) & rows(test)
    some = loader.select(np.random.default_rng(1).permutation(loader.n_samples)[:60])
    train, validation = some.split(4)
    assert 0 < train.n_samples < 56 and validation.n_samples == 4
    assert not rows(train) & rows(validation)
    expected = [
        i
        for i in some.plan.subsets[-1].items[:56].tolist()
        if all(abs(i - j) >= 20 for j in some.plan.subsets[-1].items[56:].tolist())
    ]
    assert [int(x[0]) for x in np.concatenate(list(train))] == expected


@pytest.mark.parametrize("first", [0.3, 0.7])
@pytest.mark.parametrize("second", [0.2, 0.45, 0.5])
def test_a_held_out_part_is_split_as_the_whole_is(api, first, second):
    """Its samples begin in the middle of the series, and whole series lie before them."""
    _, held_out = api.windows(X, lengths=LENGTHS, length=10).split(first)
    train, validation = held_out.split(second)
    assert validation.n_samples == int(held_out.n_samples * second)
    assert not rows(train) & rows(validation)
    starts = [int(x[0]) for batch in held_out for x in batch]
    kept = len(starts) - validation.n_samples
    ends = np.cumsum(LENGTHS)
    piece = [int(np.searchsorted(ends, start, "right")) for start in starts]
    apart = [i for i in range(kept) if piece[i] != piece[kept] or starts[i] + 10 <= starts[kept]]
    assert [int(x[0]) for batch in train for x in batch] == [starts[i] for i in apart]


def test_a_part_that_was_drawn_at_random_is_split_as_it_is(api):
    """Its windows share rows anyway."""
    train, _ = api.windows(X, length=20).split(0.5, shuffle=True)
    both = train.split(0.2)
    assert [part.n_samples for part in both] == [193, 48]


def test_windows_that_touch_share_no_rows(api):
    train, held_out = api.windows(X, length=20).select([0, 39, 40, 41, 21, 1, 20]).split(1)
    assert [int(x[0]) for batch in held_out for x in batch] == [20]
    assert [int(x[0]) for batch in train for x in batch] == [0, 40, 41]
    train, _ = api.windows(X, lengths=LENGTHS, length=20).split(151)  # the whole last series
    assert train.n_samples == 81 + 11 + 181


def test_windows_are_split_as_asked(api):
    loader = api.windows(X, length=20, shuffle=True)
    train, held_out = loader.split(0.2, shuffle=True)
    assert train.n_samples + held_out.n_samples == loader.n_samples and rows(train) & rows(held_out)
    train, held_out = loader.split(0.2, shuffle=False)
    assert train.n_samples + held_out.n_samples == loader.n_samples
    with pytest.raises(ValueError, match="split: all of the first 5 samples share rows with the 476 held out"):
        loader.split(476)
    assert [part.n_samples for part in loader.split(0)] == [481, 0]


@pytest.mark.parametrize("options", [{}, {"stride": 3}, {"targets": None}, {"document_end": 49}])
def test_contexts_of_tokens_share_none(api, options):
    tokens = np.arange(500)
    if "document_end" in options:
        tokens = tokens % 50
    train, held_out = api.tokens(tokens, context=16, **options).split(0.25)
    assert train.n_samples > 0 and held_out.n_samples > 0
    if "document_end" not in options:
        assert not rows(train) & rows(held_out)


def test_other_loaders_are_split_at_random(api):
    train, held_out = api.arrays(X).split(0.2)
    assert train.n_samples + held_out.n_samples == 500 and sorted(rows(held_out)) != X[400:].tolist()


# ---- validation ------------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    paths = [tmp_path / f"{i}.png" for i in range(12)]
    for i, path in enumerate(paths):
        image.fromarray(np.random.default_rng(i).integers(0, 255, (30, 40, 3), "u1")).save(path)
    return paths


CROPS = [
    {"crop": "random_resized"},
    {"crop": "random"},
    {"crop": "random", "resize": 20},
    {"crop": "center", "resize": 18},
    {},
]


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_validation_images_are_plain(api, pictures, crop, dtype):
    numbers = np.arange(12)
    augment = api.Augment(rotation=20, brightness=0.3, erase=0.9)
    options = {"size": 16, "dtype": dtype, "exact": True}
    loader = api.images(
        pictures, numbers, flip=True, vertical_flip=True, augment=augment, **crop, **options, batch_size=5
    )
    train, held_out = loader.split(0.5)
    plain = {**crop, "crop": "center"} if crop.get("crop", "").startswith("random") else crop
    expected = np.concatenate([x for x, _ in api.images(pictures, numbers, **plain, **options)])
    for _ in range(2):
        for x, y in held_out:
            assert np.array_equal(x, expected[y])
    assert not np.array_equal(*(np.concatenate([x for x, _ in train]) for _ in range(2)))
    assert held_out.state_dict()["dataset"] == loader.state_dict()["dataset"]


def test_validation_masks_and_boxes_are_plain(api, pictures, tmp_path):
    from PIL import Image

    masks = [tmp_path / f"mask{i}.png" for i in range(12)]
    for path, mask in zip(pictures, masks, strict=True):
        Image.fromarray(np.asarray(Image.open(path))[..., 0]).save(mask)
    boxes = [np.array([[2.0, 3.0, 20.0, 22.0]])] * 12
    data = {"masks": masks, "boxes": boxes, "size": 16, "crop": "random_resized", "flip": True}
    _, held_out = api.images(pictures, np.arange(12), **data).split(0.5)
    plain = next(iter(api.images(pictures, np.arange(12), **{**data, "crop": "center", "flip": False})))
    for _ in range(2):
        x, y, mask, box = next(iter(held_out))
        assert np.array_equal(x, plain[0][y]) and np.array_equal(mask, plain[2][y])
        assert all(np.array_equal(one, plain[3][i]) for one, i in zip(box, y, strict=True))


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_validation_is_not_mixed(api, mix):
    x, y = np.random.default_rng(0).random((20, 3, 4, 4)).astype("f4"), np.arange(20) % 5
    _, held_out = getattr(api, mix)(api.arrays(x, y, batch_size=20), n_classes=5).split(0.5, shuffle=False)
    images, labels = next(iter(held_out))
    assert np.array_equal(images, x[10:]) and np.array_equal(labels, np.eye(5, dtype="f4")[y[10:]])


# ---- no samples, no rows ---------------------------------------------------------------------------------------------


def test_nothing_to_load(api):
    with pytest.raises(ValueError, match="images: expected at least one path, found none"):
        api.images([], size=8)
    with pytest.raises(ValueError, match="expected at least one sample, found arrays without rows"):
        api.arrays(np.zeros((0, 3)), np.zeros(0))


def test_lists_of_rows(api):
    with pytest.raises(ValueError, match=r"may be rows or columns: give np.array\(rows\), or a tuple of arrays"):
        api.arrays([[1, 2], [3, 4], [5, 6]], [0, 1, 2])
    with pytest.raises(ValueError, match="may be rows or columns"):
        api.arrays([[1, 2, 3]])
    assert [len(part) for part in next(iter(api.arrays(([1, 2], [3, 4]))))] == [2, 2]
