# SPDX-License-Identifier: MIT
"""Attributes, warnings and errors of Keras's image iterators: ours against Keras's own."""

import os
import warnings

import numpy as np
import pytest
from keras_oracle import import_oracle, make_pictures, quietly, same_batch
from making import error_of

import fastbatch.keras as ours
from fastbatch.keras.array_pool import ArrayPool

KERAS = import_oracle()
ATTRIBUTES = [
    "n",
    "samples",
    "batch_size",
    "seed",
    "shuffle",
    "batch_index",
    "total_batches_seen",
    "image_shape",
    "target_size",
    "color_mode",
    "data_format",
    "class_mode",
    "class_indices",
    "num_classes",
    "filenames",
    "filepaths",
    "directory",
    "split",
    "subset",
    "interpolation",
    "dtype",
    "save_to_dir",
    "save_prefix",
    "save_format",
    "white_list_formats",
    "sample_weight",
    "keep_aspect_ratio",
    "workers",
    "use_multiprocessing",
    "max_queue_size",
    "num_batches",
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"), n_per_class=4)


def both(call):
    """Return the results of a call with each of the two modules."""
    return quietly(call, ours)[0], quietly(call, KERAS)[0]


def warned(call, module):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quietly_kept = call(module)
    del quietly_kept
    return [warning.category for warning in caught]


def test_attributes(pictures):
    one, other = both(
        lambda module: module.ImageDataGenerator(validation_split=0.5).flow_from_directory(
            pictures, target_size=(9, 8), subset="training", batch_size=3, seed=4, color_mode="grayscale"
        )
    )
    for name in ATTRIBUTES:
        assert getattr(one, name) == getattr(other, name), name
    for name in ("classes", "labels"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert len(one) == len(other) == 2
    assert iter(one) is one
    assert one.index_array is None
    next(one), next(other)
    assert np.array_equal(one.index_array, other.index_array)
    assert (one.batch_index, one.total_batches_seen) == (other.batch_index, other.total_batches_seen) == (1, 1)
    assert one.lock.acquire(timeout=1)


def test_generator_attributes_are_keras():
    options = {"zoom_range": 0.2, "rotation_range": 3, "samplewise_center": True, "brightness_range": (0.1, 2)}
    one, other = both(lambda module: module.ImageDataGenerator(**options))
    assert vars(one) == vars(other)


def test_it_is_a_py_dataset_for_isinstance():
    from keras.utils import PyDataset

    iterator = ours.ImageDataGenerator().flow(np.zeros((3, 2, 2, 1)))
    assert isinstance(iterator, PyDataset)
    assert type(iterator) is ours.NumpyArrayIterator
    assert isinstance(iterator, ours.Iterator)
    assert isinstance(ours.TimeseriesGenerator(range(9), range(9), 2), PyDataset)


@pytest.mark.parametrize("index", [-1, 2, 10])
def test_batches_out_of_range(index):
    x = np.zeros((3, 4, 4, 3))
    outcomes = []
    for module in (ours, KERAS):
        iterator = module.ImageDataGenerator().flow(x, batch_size=2)
        try:
            outcomes.append(iterator[index].shape)
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


def test_nothing_to_iterate(tmp_path):
    (tmp_path / "cat").mkdir()
    one, other = both(lambda module: module.ImageDataGenerator().flow_from_directory(tmp_path, (5, 5)))
    assert len(one) == len(other) == 0
    same_batch(next(one), next(other))
    x = np.zeros((0, 4, 4, 3))
    same_batch(*(next(module.ImageDataGenerator().flow(x, np.zeros(0))) for module in (ours, KERAS)))


def test_augmented_images_are_saved(pictures, tmp_path):
    names = []
    for module in (ours, KERAS):
        folder = tmp_path / module.__name__
        folder.mkdir()

        def saved(module=module, folder=folder):
            generator = module.ImageDataGenerator(horizontal_flip=True)
            files = generator.flow_from_directory(
                pictures, (6, 7), batch_size=5, seed=1, save_to_dir=folder, save_prefix="a", save_format="jpeg"
            )
            images = np.arange(4 * 5 * 5 * 3.0).reshape(4, 5, 5, 3)
            arrays = generator.flow(images, seed=2, save_to_dir=str(folder), save_prefix="b")
            return [next(files), next(files), next(arrays)], np.random.random()

        names.append((quietly(saved)[0][1], {p.name: p.read_bytes() for p in folder.iterdir()}))
    assert names[0] == names[1]
    assert len(names[0][1]) == 14


BAD_GENERATORS = [
    {"zoom_range": (1, 2, 3)},
    {"zoom_range": "ab"},
    {"data_format": "last"},
    {"validation_split": 1.5},
    {"brightness_range": 0.3},
    {"brightness_range": (1, 2, 3)},
]


@pytest.mark.parametrize("options", BAD_GENERATORS)
def test_arguments_that_the_generator_refuses(options):
    kinds = [type(error_of(module.ImageDataGenerator, **options)) for module in (ours, KERAS)]
    assert kinds[0] is kinds[1]


X, Y = np.zeros((4, 3, 3, 3)), np.array([0, 0, 1, 1])
BAD_FLOWS = [
    ("flow", {"x": X[0]}),
    ("flow", {"x": X, "y": Y[:3]}),
    ("flow", {"x": X, "sample_weight": Y[:3]}),
    ("flow", {"x": (X, Y[:3])}),
    ("flow", {"x": X, "subset": "test"}),
    ("flow", {"x": X, "y": Y, "subset": "training"}),
    ("flow_from_directory", {"class_mode": "other"}),
    ("flow_from_directory", {"color_mode": "cmyk"}),
    ("flow_from_directory", {"subset": "test"}),
    ("flow_from_directory", {"directory": "nowhere"}),
    ("flow_from_directory", {"target_size": 5}),
]


@pytest.mark.parametrize(("flow", "arguments"), BAD_FLOWS)
def test_arguments_that_flows_refuse(pictures, flow, arguments):
    if flow == "flow_from_directory":
        arguments = {"directory": pictures, **arguments}
    kinds = []
    for module in (ours, KERAS):
        generator = module.ImageDataGenerator(validation_split=0.5)
        kinds.append(type(error_of(getattr(generator, flow), **arguments)))
    assert kinds[0] is kinds[1]


def test_bad_files_are_named(tmp_path):
    folder = tmp_path / "cat"
    folder.mkdir()
    (folder / "bad.jpg").write_bytes(b"no image at all")
    flow = {"directory": tmp_path, "target_size": (4, 4)}
    errors = []
    for module in (ours, KERAS):
        iterator = quietly(module.ImageDataGenerator().flow_from_directory, **flow)[0]
        errors.append(error_of(next, iterator))
    assert type(errors[0]) is type(errors[1])
    assert str(folder / "bad.jpg") in str(errors[0])
    iterator = quietly(ours.ImageDataGenerator().flow_from_directory, **flow)[0]
    os.remove(folder / "bad.jpg")
    assert error_of(next, iterator).filename == str(folder / "bad.jpg")


def test_warnings():
    def un_fitted(module):
        return next(module.ImageDataGenerator(featurewise_std_normalization=True).flow(X))

    def overridden(module):
        module.ImageDataGenerator(zca_whitening=True, featurewise_std_normalization=True)
        module.ImageDataGenerator(samplewise_std_normalization=True)

    def channels(module):
        module.ImageDataGenerator().flow(np.zeros((2, 3, 3, 5)))
        module.ImageDataGenerator().fit(np.zeros((2, 3, 3, 5)))

    for call in (un_fitted, overridden, channels):
        assert warned(call, ours) == warned(call, KERAS) != []


def test_subclasses_keep_their_say(pictures):
    """Methods overridden by users are called for each image, in order."""

    def run(module):
        class Mine(module.ImageDataGenerator):
            def standardize(self, x):
                return super().standardize(x) + np.random.random()

        generator = Mine(rescale=1 / 255, horizontal_flip=True)
        files = generator.flow_from_directory(pictures, (6, 7), batch_size=5, seed=1)
        return [next(files) for _ in range(4)]

    for one, other in zip(*both(run), strict=True):
        same_batch(one, other)


def test_an_iterator_of_the_users_own():
    class Numbers(ours.Iterator):
        def _get_batches_of_transformed_samples(self, index_array):
            return index_array * 10

    assert [next(Numbers(5, 2, False, None)).tolist() for _ in range(1)] == [[0, 10]]
    numbers = Numbers(5, 2, False, None)
    assert [next(numbers).tolist() for _ in range(4)] == [[0, 10], [20, 30], [40], [0, 10]]
    assert "_get_batches" in str(error_of(next, ours.Iterator(5, 2, False, None)))


def test_frames(pictures):
    pandas = pytest.importorskip("pandas")
    files = sorted(str(p.relative_to(pictures)) for p in pictures.rglob("*.*g"))
    frame = pandas.DataFrame({"filename": [*files, "missing.png"], "weight": np.linspace(0, 1, len(files) + 1)})
    frame["class"] = [name[:3] for name in frame["filename"]]
    frame["tags"] = [["a"], ["a", "b"], ["c"]] * 4 + [["b"]]
    frame["number"] = np.arange(len(frame)) / 2
    for options in (
        {},
        {"class_mode": "sparse", "classes": ["cow", "ant"], "weight_col": "weight", "shuffle": False},
        {"y_col": "tags", "color_mode": "grayscale"},
        {"y_col": ["number", "weight"], "class_mode": "multi_output"},
        {"y_col": "number", "class_mode": "raw", "subset": "validation"},
        {"y_col": "number", "class_mode": "other", "subset": "training", "has_ext": True},
        {"class_mode": None},
        {"class_mode": "input", "validate_filenames": False, "directory": None},
        {"class_mode": "binary"},
        {"class_mode": "binary", "y_col": "number"},
        {"class_mode": "categorical", "y_col": "number"},
        {"class_mode": "multi_output", "y_col": "number"},
        {"x_col": "number"},
        {"weight_col": "class"},
        {"class_mode": "huge"},
    ):
        outcomes = []
        for module in (ours, KERAS):
            generator = module.ImageDataGenerator(rescale=1 / 255, validation_split=0.25)
            arguments = {"directory": pictures, "target_size": (6, 5), "batch_size": 5, "seed": 3, **options}
            if arguments["directory"] is None:
                rows = frame.iloc[:-1].assign(filename=[str(pictures / name) for name in files])
            else:
                rows = frame
            try:
                iterator, printed = quietly(generator.flow_from_dataframe, rows, **arguments)
            except (ValueError, TypeError) as error:
                outcomes.append((type(error), None, None))
            else:
                outcomes.append((printed, [next(iterator) for _ in range(4)], iterator.filenames))
        (said, batches, names), (keras_said, keras_batches, keras_names) = outcomes
        assert (said, names) == (keras_said, keras_names)
        for one, other in zip(batches or [], keras_batches or [], strict=True):
            same_batch(one, other)
    with pytest.warns(UserWarning, match=r"1 invalid image filename"):
        ours.ImageDataGenerator().flow_from_dataframe(frame, directory=pictures)


def test_a_batch_in_the_users_hands_is_never_overwritten(pictures):
    """Memory is reused when its last view is deleted, not earlier."""
    generator = ours.ImageDataGenerator(horizontal_flip=True)
    files = quietly(generator.flow_from_directory, pictures, (150, 150), batch_size=4, class_mode=None)[0]
    arrays = generator.flow(np.random.default_rng(0).integers(0, 256, (9, 150, 150, 3)), batch_size=4)
    for iterator in (files, arrays):
        kept = [next(iterator) for _ in range(8)]
        views = [next(iterator)[1:] for _ in range(8)]
        copies = [batch.copy() for batch in kept + views]
        for _ in range(20):
            next(iterator)[:] = -1
        assert all(map(np.array_equal, kept + views, copies))


def test_memory_is_used_again():
    memory = ArrayPool(2)
    shape, dtype = (1 << 18,), np.dtype("u1")
    view = memory.empty(shape, dtype)[1:]
    other = memory.empty(shape, dtype)
    assert other is not view.base
    kept = {id(view.base), id(other)}
    del view, other
    assert id(memory.empty(shape, dtype)) in kept
    assert id(memory.empty((1,), dtype)) not in kept
