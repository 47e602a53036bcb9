# SPDX-License-Identifier: MIT
"""Values and words that come from other libraries or from elsewhere: meant as they are, or refused by name."""

import numpy as np
import pytest

X = np.arange(40)


def loader_of(api, **options):
    return api.arrays(X, batch_size=4, **options)


@pytest.mark.parametrize(
    "weights",
    [np.full(40, 1 + 2j), np.full(40, "2020-01-01", "M8[D]"), np.full(40, 3, "m8[s]")],
    ids=["complex", "dates", "times"],
)
def test_weights_that_are_no_real_numbers(api, weights):
    with pytest.raises(TypeError, match="weights: expected numbers, found"):
        loader_of(api, weights=weights)


def test_weights_with_a_sum_beyond_float64(api):
    with pytest.raises(ValueError, match="found a sum without bounds"):  # and no warning of NumPy
        loader_of(api, weights=[1e308] * 40)


@pytest.mark.parametrize("shard", [{"rank": 0, "world_size": 2}, {0, 2}, {0: 0, 2: 0}])
def test_a_shard_without_order(api, shard):
    with pytest.raises(TypeError, match=r"shard: expected \(rank, world_size\) or 'auto'"):
        loader_of(api, shard=shard)


@pytest.mark.parametrize("option", ["stratify", "groups", "balance"])
@pytest.mark.parametrize("missing", [None, float("nan")])
@pytest.mark.parametrize("others", ["a", 1])
def test_missing_labels_are_named(api, option, missing, others):
    labels = [others] * 20 + [missing] + [2 if others == 1 else "b"] * 19
    with pytest.raises(ValueError, match=rf"{option}: expected .* found (None|nan) for sample 20"):
        loader_of(api, balance=labels) if option == "balance" else loader_of(api).split(0.25, **{option: labels})


@pytest.mark.parametrize("labels", [[1, "1"] * 20, [b"a\0", b"a"] * 20, ["a\0", "a"] * 20, [True, "True"] * 20])
def test_labels_that_numpy_would_make_equal(api, labels):
    """In groups, since these are whole: with equal labels there would be one, which cannot be shared out."""
    train, held = loader_of(api).split(0.5, groups=labels, shuffle=True)
    assert {int(i) % 2 for batch in train for i in batch} != {int(i) % 2 for batch in held for i in batch}


def test_numbers_of_labels_are_those_of_numpy(api):
    labels = np.random.default_rng(1).integers(0, 3, 40)
    parts = [
        [[batch.tolist() for batch in part] for part in loader_of(api).split(0.25, stratify=given)]
        for given in (labels, labels.tolist(), labels.astype(str), list(map(str, labels)), labels.astype(object))
    ]
    assert parts == parts[:1] * 5


@pytest.mark.parametrize("options", [{}, {"shuffle": True}, {"stratify": [0, 1] * 20}])
def test_a_share_of_no_sample(api, options):
    with pytest.raises(ValueError, match="validation: expected a share that is at least one of 40 samples, found 0.01"):
        loader_of(api).split(0.01, **options)
    assert loader_of(api).split(0)[1].n_samples == 0


def test_integers_are_not_rounded_in_a_batch(api):
    mapped = loader_of(api).map(lambda i: 2**63 + int(i) if i else -1, each="sample")
    with pytest.raises(ValueError, match="found 9223372036854775809, which float64 would round"):
        next(iter(mapped))
    mixed = loader_of(api).map(lambda i: np.uint8(i) if i else np.int64(-300), each="sample")
    assert next(iter(mixed)).tolist() == [-300, 1, 2, 3]


def test_a_zip_in_a_mixture(api):
    pairs = api.zip(loader_of(api), loader_of(api))
    with pytest.raises(TypeError, match="mix: loader 0: expected samples of one loader, found those of zip"):
        api.mix({pairs: 1.0})


@pytest.mark.parametrize(
    "option, advice",
    [
        ("batch_sampler", "use shuffle=, weights="),
        ("buffer_size", "shuffle=True shuffles the whole epoch"),
        ("epochs", "repeat"),
        ("generator", "use seed="),
        ("random_state", "use seed="),
        ("num_replicas", "use shard=(rank, world_size)"),
        ("world_size", "use shard=(rank, world_size)"),
        ("target_transform", "use map()"),
        ("stratify", "use split("),
        ("max_queue_size", "use prefetch="),
    ],
)
def test_options_of_other_libraries(api, option, advice):
    with pytest.raises(TypeError) as caught:
        loader_of(api, **{option: 1})
    assert f"has no option '{option}'; " in str(caught.value)
    assert advice in str(caught.value)


def test_options_of_other_libraries_in_methods(api):
    with pytest.raises(TypeError, match="has no option 'num_shards'; use world_size="):
        loader_of(api).shard(num_shards=2, index=0)
    with pytest.raises(TypeError, match="num_parallel_calls'; functions run in the thread that asks"):
        loader_of(api).map(len, num_parallel_calls=4)


@pytest.mark.parametrize("method", ["batch", "cache", "enumerate", "filter", "mixup", "prefetch", "shuffle", "unbatch"])
def test_methods_of_other_libraries(api, method):
    assert not hasattr(loader_of(api), method)
    with pytest.raises(AttributeError, match=f"no attribute '{method}'; ."):
        getattr(loader_of(api), method)


def test_keras_sizes_of_no_batch():
    from fastbatch.keras import timeseries_dataset_from_array

    with pytest.raises(ValueError, match="batch_size: expected 1 to"):
        timeseries_dataset_from_array(X, None, 4, batch_size=0)


def test_keras_image_datasets_refuse_what_they_would_change(tmp_path):
    from PIL import Image

    from fastbatch.keras import image_dataset_from_directory

    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name / "0.png")
    with pytest.raises(ValueError, match="batch_size: expected 1 to"):
        image_dataset_from_directory(tmp_path, batch_size=0)
    with pytest.raises(TypeError, match="image_size: expected an integer, found 4.5"):
        image_dataset_from_directory(tmp_path, image_size=(4.5, 4))
    with pytest.raises(TypeError, match="`labels`: expected numbers"):
        image_dataset_from_directory(tmp_path, labels=["1", "2"])


@pytest.fixture
def photos(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    paths = [str(tmp_path / f"{i}.png") for i in range(3)]
    for path in paths:
        pillow.new("RGB", (6, 4)).save(path)
    return paths


@pytest.mark.parametrize(
    "name, call",
    [
        ("paths", lambda api, paths: api.images(set(paths), None, size=4)),
        ("labels", lambda api, paths: api.images(paths, {"a", "b", "c"}, size=4)),
        ("class_names", lambda api, paths: api.images(paths, ["a", "b", "a"], class_names=frozenset("ab"), size=4)),
        ("masks", lambda api, paths: api.images(paths, None, masks=set(paths), size=4)),
        ("size", lambda api, paths: api.images(paths, None, size={4, 5})),
        ("size", lambda api, paths: api.resize(np.zeros((4, 4), np.uint8), {4, 5})),
        ("crop_scale", lambda api, paths: api.images(paths, None, size=4, crop="random_resized", crop_scale={0.1, 1})),
        ("pad_value", lambda api, paths: api.images(paths, None, size=4, crop="pad", pad_value={1, 2, 3})),
        ("rotation", lambda api, paths: api.Augment(rotation={1, 20})),
        ("paths", lambda api, paths: api.words(set(paths), 4)),
        ("paths", lambda api, paths: api.lines(set(paths), 4)),
    ],
)
def test_sets_have_no_order(api, photos, name, call):
    with pytest.raises((TypeError, ValueError), match=rf"^{name}: expected .*, found "):
        call(api, photos)


def test_words_for_missing_numbers_may_be_a_set(api, tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,gone\nnone,2\n")
    table = np.asarray(api.csv(tmp_path / "x.csv", na_values={"gone", "none"}))
    assert np.isnan(table).tolist() == [[False, True], [True, False]]


def test_images_of_no_type(api, photos):
    with pytest.raises(TypeError, match="dtype: expected a NumPy dtype, found None"):  # NumPy makes it float64
        api.images(photos, None, size=4, dtype=None)


def test_many_classes_need_no_square(api, photos):
    labels = [0, 99_999, 5]  # np.eye would need 40 GB
    _, y = next(iter(api.images(photos, labels, size=4, label_mode="one_hot")))
    assert y.shape == (3, 100_000)
    assert np.argwhere(y).tolist() == [[0, 0], [1, 99_999], [2, 5]]


@pytest.mark.parametrize("option, row", [("boxes", [1, 1, 3, 3]), ("keypoints", [1, 1])])
def test_numbers_of_boxes_and_keypoints_are_not_rounded(api, photos, option, row):
    kept = [[[*row, 2**24, 0.1]]] * 3
    _, moved = next(iter(api.images(photos, None, size=4, **{option: kept})))
    assert moved[0][0, -2:].tolist() == [2**24, np.float32(0.1)]
    for number in (2**24 + 1, 900100581904, 1e300):
        with pytest.raises(ValueError, match=f"{option}: sample 1: expected whole numbers that float32 holds, found"):
            api.images(photos, None, size=4, **{option: [[[*row, 5]], [[*row, number]], []]})


@pytest.mark.parametrize("area", [-1, float("nan"), "x"])
def test_an_area_that_would_drop_all_boxes(api, photos, area):
    with pytest.raises(ValueError, match="min_box_area: expected a number"):
        api.images(photos, None, size=4, boxes=[[[1, 1, 3, 3]]] * 3, min_box_area=area)


@pytest.mark.parametrize(
    "text, options, message",
    [
        ("a.jpg,cat\nb.jpg,dog\n", {}, "line 1: expected the names of the columns, found the path 'a.jpg'"),
        ("file,class\na,b.jpg,dog\n", {}, "line 2: another number of cells: expected 2, found 3"),
        ("a.jpg,cat\na,b.jpg,dog\n", {"header": False}, "line 2: another number of cells: expected 2, found 3"),
        ("file,class,class\na.jpg,1,2\n", {"label_column": "class"}, "expected one column 'class', found 2"),
        ('file,class\n"a.jpg,' + "x" * 200_000, {}, "row 2: not CSV: field larger than field limit"),
    ],
)
def test_tables_that_would_be_read_otherwise(api, tmp_path, text, options, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        api.image_table(tmp_path / "t.csv", **options)


def test_headers_of_tables_are_those_of_pandas(api, tmp_path):
    (tmp_path / "t.csv").write_text("file,class,\na.jpg,1_0,\n")
    for header in (True, 0):
        assert api.image_table(tmp_path / "t.csv", header=header) == ([str(tmp_path / "a.jpg")], ["1_0"])
    for header in (False, None):
        assert api.image_table(tmp_path / "t.csv", header=header)[1] == ["class", "1_0"]
    with pytest.raises(TypeError, match="header: expected True or False, found 1"):
        api.image_table(tmp_path / "t.csv", header=1)


def test_a_table_that_is_a_frame(api):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="found DataFrame; images.* takes columns of a frame"):
        api.image_table(pandas.DataFrame({"file": ["a.jpg"], "class": ["a"]}))


def test_one_file_is_probed_and_verified(api, photos):
    assert api.probe(photos[0])["width"].tolist() == [6]
    assert api.verify(photos[0]).n_files == 1


def test_class_weights_of_numbers_beyond_int64(api):
    assert api.class_weight(np.array([2**64 - 1, 0, 0], np.uint64)) == {0: 0.75, 2**64 - 1: 1.5}


def test_keras_lists_have_the_types_of_tensorflow():
    from fastbatch.keras import timeseries_dataset_from_array

    x, y = next(iter(timeseries_dataset_from_array([0.5, 1.0, 2.0], [1, 2, 3], 2)))
    assert (x.dtype, y.dtype) == (np.float32, np.int32)
    x, y = next(iter(timeseries_dataset_from_array(np.arange(3.0), np.arange(3), 2)))
    assert (x.dtype, y.dtype) == (np.float64, np.int64)
