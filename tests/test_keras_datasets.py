# SPDX-License-Identifier: MIT
"""Keras's dataset functions and sequences: files, labels, splits, windows against Keras; pixels against TensorFlow."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from keras_oracle import import_oracle, make_pictures, quietly
from making import error_of, ids

import fastbatch.keras as ours

import_oracle()
import keras.src.utils.dataset_utils as oracle  # noqa: E402
from keras.src.legacy.preprocessing.sequence import TimeseriesGenerator  # noqa: E402
from keras.utils import pad_sequences  # noqa: E402

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))


def listed_by_keras(directory, seed, labels="inferred", split=None, subset=None, **options):
    paths, labels, names = oracle.index_directory(directory, labels, FORMATS, seed=seed, **options)
    return (*oracle.get_training_or_validation_split(paths, labels, split, subset), names)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("subset", [None, "training", "validation"])
def test_files_labels_and_splits_are_keras(pictures, shuffle, subset):
    split = None if subset is None else 0.3
    wanted, printed = quietly(listed_by_keras, pictures, 5, split=split, subset=subset, shuffle=shuffle)
    arguments = {"validation_split": split, "subset": subset, "shuffle": shuffle, "image_size": (8, 9)}
    dataset, ours_printed = quietly(ours.image_dataset_from_directory, pictures, seed=5, batch_size=4, **arguments)
    assert ours_printed == printed
    assert dataset.file_paths == wanted[0]
    assert dataset.class_names == wanted[2]
    labels = np.concatenate([y for _, y in dataset])
    assert labels.dtype == np.int32
    if shuffle:  # again, for the next epoch
        assert sorted(labels) == sorted(wanted[1])
    else:
        assert np.array_equal(labels, wanted[1])


def test_both_subsets_and_label_modes(pictures):
    options = {"validation_split": 0.5, "subset": "both", "seed": 1, "image_size": 8, "batch_size": None}
    (train, held_out), printed = quietly(ours.image_dataset_from_directory, pictures, **options)
    assert "Using 11 files for training.\nUsing 10 files for validation.\n" in printed
    assert not set(train.file_paths) & set(held_out.file_paths)
    x, y = next(iter(held_out))
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((8, 8, 3), np.float32, (), np.int32)
    classes = ["cow", "ant"]
    for mode, shape in (("binary", (5, 1)), ("categorical", (5, 2))):
        dataset, _ = quietly(
            ours.image_dataset_from_directory,
            pictures,
            label_mode=mode,
            class_names=classes,
            shuffle=False,
            batch_size=5,
            image_size=(6, 7),
            data_format="channels_first",
        )
        x, y = next(iter(dataset))
        assert (x.shape, y.shape, y.dtype) == ((5, 3, 6, 7), shape, np.float32)
    dataset, _ = quietly(ours.image_dataset_from_directory, pictures, labels=None, image_size=(6, 7))
    assert next(iter(dataset)).shape == (21, 6, 7, 3)
    assert dataset.class_names is None


def test_seeds_are_drawn_as_keras_draws_them(pictures):
    np.random.seed(3)
    expected = np.random.randint(1e6)
    after = np.random.random()
    np.random.seed(3)
    dataset, _ = quietly(ours.image_dataset_from_directory, pictures)
    assert (dataset.seed, np.random.random()) == (expected, after)
    assert len({tuple(ids(dataset)) for _ in range(3)}) > 1  # each epoch in a new order


BAD = [
    {"labels": 3},
    {"labels": [1, 2]},
    {"label_mode": "other"},
    {"color_mode": "cmyk"},
    {"image_size": (1, 2, 3)},
    {"interpolation": "cubic"},
    {"validation_split": 0.2},
    {"subset": "training"},
    {"validation_split": 2, "subset": "training", "seed": 1},
    {"validation_split": 0.2, "subset": "training"},
    {"class_names": ["dodo"]},
    {"label_mode": "binary"},
    {"format": "csv"},
    {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
]


@pytest.mark.parametrize("arguments", BAD)
def test_arguments_that_are_refused(pictures, arguments):
    assert type(quietly(error_of, ours.image_dataset_from_directory, pictures, **arguments)[0]) is ValueError


def test_texts(tmp_path):
    for name, text in (("a/1.txt", "grün"), ("a/2.txt", "two"), ("b/3.txt", "three"), ("b/no.md", "")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = {"shuffle": False, "batch_size": 2}
    batches = list(quietly(ours.text_dataset_from_directory, tmp_path, max_length=3, **options)[0])
    assert [x.tolist() for x, _ in batches] == [["grün".encode()[:3], b"two"], [b"thr"]]
    assert [y.tolist() for _, y in batches] == [[0, 0], [1]]
    grain = quietly(ours.text_dataset_from_directory, tmp_path, max_length=3, format="grain", labels=None, **options)[0]
    assert [x.tolist() for x in grain] == [["grü", "two"], ["thr"]]
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="No text files"):
        quietly(ours.text_dataset_from_directory, tmp_path / "none", labels=None)


def windows_by_definition(data, targets, length, stride=1, rate=1, start=0, end=None):
    data = data[start : len(data) if end is None else end]
    n = len(data) - (length - 1) * rate
    n = n if targets is None else min(n, len(targets))
    starts = range(0, n, stride)
    x = np.array([data[i : i + length * rate : rate] for i in starts])
    return x if targets is None else (x, np.array([targets[start:][i] for i in starts]))


@pytest.mark.parametrize("options", [{}, {"stride": 3}, {"rate": 2, "start": 4, "end": 33}, {"stride": 2, "end": 20}])
def test_windows(options):
    data, targets = np.arange(80.0).reshape(40, 2), np.arange(40)
    names = {"stride": "sequence_stride", "rate": "sampling_rate", "start": "start_index", "end": "end_index"}
    arguments = {names[name]: value for name, value in options.items()}
    x, y = windows_by_definition(data, targets, 5, **options)
    batches = list(ours.timeseries_dataset_from_array(data, targets, 5, batch_size=4, **arguments))
    assert np.array_equal(np.concatenate([x for x, _ in batches]), x)
    assert np.array_equal(np.concatenate([y for _, y in batches]), y)
    alone = ours.timeseries_dataset_from_array(data, None, 5, batch_size=None, **arguments)
    assert np.array_equal(np.array(list(alone)), windows_by_definition(data, None, 5, **options))
    shuffled = ours.timeseries_dataset_from_array(data, targets, 5, batch_size=4, shuffle=True, seed=1, **arguments)
    assert sorted(int(i) for _, part in shuffled for i in part) == y.tolist()


def test_windows_that_are_refused():
    data = np.arange(10.0)
    for arguments in (
        {"start_index": 10},
        {"start_index": -1},
        {"end_index": 10},
        {"start_index": 5, "end_index": 4},
        {"sampling_rate": 0},
        {"sequence_stride": 10},
        {"format": "csv"},
        {"targets": data[:2], "start_index": 5},
    ):
        arguments = {"targets": None, **arguments}
        assert type(error_of(ours.timeseries_dataset_from_array, data, sequence_length=2, **arguments)) is ValueError
    assert list(ours.timeseries_dataset_from_array(data, None, 11)) == []


@pytest.mark.parametrize("shuffle", [False, True])
def test_timeseries_generator(shuffle):
    data, targets = np.arange(60.0).reshape(30, 2), np.arange(30)
    for options in ({}, {"sampling_rate": 2, "stride": 3, "reverse": True}, {"start_index": 3, "end_index": 20}):
        for given in ((data, targets), (data.tolist(), targets.tolist())):
            batches = []
            for kind in (ours.TimeseriesGenerator, TimeseriesGenerator):
                np.random.seed(1)
                generator = kind(*given, length=4, batch_size=3, shuffle=shuffle, **options)
                batches.append([generator[i] for i in range(len(generator))])
            for one, other in zip(*batches, strict=True):
                assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one, other, strict=True))
    assert json.loads(generator.to_json() if kind is ours.TimeseriesGenerator else "{}") == {}
    config = json.loads(ours.TimeseriesGenerator(data, targets, 4).to_json())["config"]
    assert (config["length"], json.loads(config["targets"])) == (4, list(range(30)))
    for arguments in ((data, targets[1:], 3), (data, targets, 30)):
        assert type(error_of(ours.TimeseriesGenerator, *arguments)) is ValueError


def test_padding():
    sequences = [[1], [2, 3], [4, 5, 6], []]
    for options in (
        {},
        {"maxlen": 2},
        {"maxlen": 2, "truncating": "post", "padding": "post", "value": -1},
        {"dtype": "float32", "padding": "post"},
        {"dtype": object, "value": "pad"},
    ):
        one, other = ours.pad_sequences(sequences, **options), pad_sequences(sequences, **options)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert np.array_equal(one, other)
    nested = [np.ones((2, 3)), np.ones((4, 3))]
    assert np.array_equal(ours.pad_sequences(nested), pad_sequences(nested))
    for arguments in (
        {"sequences": 3},
        {"sequences": [1, 2]},
        {"sequences": sequences, "padding": "middle"},
        {"sequences": sequences, "truncating": "middle"},
        {"sequences": sequences, "value": "x"},
        {"sequences": [np.ones((2, 3)), np.ones((2, 2))]},
    ):
        assert type(error_of(ours.pad_sequences, **arguments)) is type(error_of(pad_sequences, **arguments))


SCRIPT = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import fastbatch.keras as ours
assert "tensorflow" not in sys.modules
import keras
root = sys.argv[1]
methods = "bilinear nearest bicubic area lanczos3".split()
cases = [{"interpolation": method} for method in methods]
cases += [{"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}, {"color_mode": "grayscale"}]
for case in cases:
    options = dict(image_size=(20, 31), batch_size=4, shuffle=False, label_mode="categorical", verbose=False, **case)
    theirs = keras.utils.image_dataset_from_directory(root, **options)
    mine = ours.image_dataset_from_directory(root, **options)
    assert mine.file_paths == list(theirs.file_paths)
    assert mine.class_names == theirs.class_names
    for (x, y), (u, v), k in zip(theirs, mine, range(9)):
        assert (x.dtype.name, y.dtype.name, tuple(x.shape)) == (u.dtype.name, v.dtype.name, u.shape)
        assert np.array_equal(y, v)
        # TensorFlow decodes JPEG with a faster, less exact transform; all else is alike.
        exact = [name.endswith(".png") for name in mine.file_paths[4 * k : 4 * k + 4]]
        apart = np.abs(x.numpy().astype("f8") - u).max((1, 2, 3))
        limit = 0.3 if case != {"color_mode": "grayscale"} else 1.1
        assert all(apart[i] <= (limit if exact[i] else 6) for i in range(len(apart))), (case, apart)
windows = ours.timeseries_dataset_from_array(np.arange(40.0).reshape(20, 2), np.arange(20), 3, batch_size=4)
dataset = windows.to_tf()
assert dataset.cardinality() == len(windows) == 5
assert dataset.element_spec[0].shape == (None, 3, 2)
for (x, y), (u, v) in zip(dataset, windows):
    assert np.array_equal(x, u) and np.array_equal(y, v)
assert len(list(dataset)) == 5
"""


@pytest.mark.slow
def test_pixels_are_tensorflows(pictures):
    pytest.importorskip("tensorflow")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(pictures)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "labels, mode, wanted",
    [
        ([0.25, 1.75, 2.5, -3.9], "int", np.array([0.25, 1.75, 2.5, -3.9], "f4")),
        ([np.float64(0.25)] * 4, "int", np.full(4, 0.25)),
        ([1, 0.5, 1, 1], "int", np.array([1, 0.5, 1, 1], "f4")),
        ([True, False, True, True], "int", np.array([True, False, True, True])),
        ([1, 2**40, 1, 1], "int", np.array([1, 2**40, 1, 1])),
        ([np.int64(3), 2, 2, 2], "int", np.array([3, 2, 2, 2], "i4")),
        ([0.25, 1.75, 0.25, 1.75], "binary", np.array([[0.25], [1.75], [0.25], [1.75]], "f4")),
        ([3, 3, 5, 5], "binary", np.array([[3], [3], [5], [5]], "f4")),
        ([0, 0, 1, 1], "categorical", np.array([[1, 0], [1, 0], [0, 1], [0, 1]], "f4")),
        ([0.25, 1.75, 0.25, 1.75], "categorical", TypeError),
        ([True, False, True, False], "categorical", TypeError),
    ],
)
def test_given_labels_keep_their_type(tmp_path, labels, mode, wanted):
    """Values of Keras 3.15 with TensorFlow for the same calls; `format="grain"` cuts fractions there too."""
    for i in range(4):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / f"{i}.txt").write_text("x")

    def made(**options):
        options = {"labels": labels, "label_mode": mode, "shuffle": False, **options}
        return quietly(ours.text_dataset_from_directory, tmp_path, **options)[0]

    if wanted is TypeError:
        assert isinstance(error_of(made), TypeError)
        return
    _, y = next(iter(made()))
    assert y.dtype == wanted.dtype
    np.testing.assert_array_equal(y, wanted)
    if mode == "int" and abs(wanted).max() < 2**31:
        np.testing.assert_array_equal(next(iter(made(format="grain")))[1], wanted.astype("i4"))


@pytest.mark.parametrize("format", ["tf", "grain"])
def test_a_pipe_among_the_files_is_refused(tmp_path, format):
    (tmp_path / "a").mkdir()
    for kind in ("txt", "png"):
        os.mkfifo(tmp_path / "a" / f"x.{kind}")
    for function in (ours.text_dataset_from_directory, ours.image_dataset_from_directory):
        error = error_of(next, iter(quietly(function, tmp_path, shuffle=False, format=format)[0]))
        assert isinstance(error, OSError)
        assert error.filename.startswith(str(tmp_path))
