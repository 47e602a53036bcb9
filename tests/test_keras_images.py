# SPDX-License-Identifier: MIT
"""ImageDataGenerator against Keras with the same seed: order, labels, dtypes, pixels, state of the global generator."""

import random
import warnings

import numpy as np
import pytest
from keras_oracle import import_oracle, make_pictures, quietly, same_batch, same_state

import fastbatch.keras as ours

KERAS = import_oracle()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))


def pass_over(module, options, flow, arguments, fit=None):
    """Return the results of a script with a generator: batches by next and by number, across epochs; and its output."""

    def script():
        np.random.seed(5)
        generator = module.ImageDataGenerator(**options)
        if fit is not None:
            generator.fit(**fit)
        iterator = getattr(generator, flow)(**arguments)
        batches = [next(iterator) for _ in range(len(iterator) + 2)]
        batches += [iterator[len(iterator) - 1], iterator[0]]
        iterator.on_epoch_end()
        batches += [iterator[0]]
        iterator.reset()
        return [*batches, next(iterator)], same_state()

    return quietly(script)


def compare(options, flow, arguments, is_exact=True, fit=None):
    (ours_batches, ours_state), ours_printed = pass_over(ours, options, flow, arguments, fit)
    (keras_batches, keras_state), keras_printed = pass_over(KERAS, options, flow, arguments, fit)
    assert ours_printed == keras_printed
    for one, other in zip(ours_batches, keras_batches, strict=True):
        same_batch(one, other, is_exact)
    assert ours_state == keras_state


EXACT = [
    {},
    {"rescale": 1 / 255, "horizontal_flip": True},
    {"horizontal_flip": True, "vertical_flip": True, "samplewise_center": True, "samplewise_std_normalization": True},
    {"brightness_range": (0.3, 1.8), "vertical_flip": True, "rescale": 1 / 127.5},
    {"channel_shift_range": 30.0, "brightness_range": [0.5, 1.0]},
    {"rotation_range": 40, "fill_mode": "reflect", "interpolation_order": 0, "brightness_range": (0.5, 1.5)},
    {"width_shift_range": [-2, 0, 4], "height_shift_range": 3, "interpolation_order": 0, "fill_mode": "wrap"},
    {"data_format": "channels_first", "horizontal_flip": True, "rescale": 1 / 255, "samplewise_center": True},
    {"dtype": "float64", "rescale": 1 / 3},
    {"dtype": "uint8", "horizontal_flip": True},
    {"horizontal_flip": True, "preprocessing_function": lambda x: x / 2 + np.random.random()},
]
SPLINES = [
    {
        "rotation_range": 20,
        "shear_range": 0.2,
        "zoom_range": 0.2,
        "width_shift_range": 0.1,
        "height_shift_range": 0.1,
        "horizontal_flip": True,
        "rescale": 1 / 255,
    },
    {"width_shift_range": 3, "height_shift_range": [-2, 0, 4]},
    {"width_shift_range": 2.0, "height_shift_range": 0.3, "fill_mode": "constant", "cval": 7.0},
    {"zoom_range": [0.5, 1.2], "fill_mode": "wrap", "interpolation_order": 3, "samplewise_center": True},
    {"shear_range": 30, "fill_mode": "reflect", "channel_shift_range": 12.5},
    {"data_format": "channels_first", "rotation_range": 10, "rescale": 1 / 255, "horizontal_flip": True},
    {"rotation_range": 10, "preprocessing_function": lambda x: x[..., ::-1] - 100},
]
FLOWS = [
    {},
    {"color_mode": "grayscale", "class_mode": "sparse", "interpolation": "bicubic"},
    {"color_mode": "rgba", "class_mode": "binary", "interpolation": "bilinear"},
    {"class_mode": None, "seed": None, "keep_aspect_ratio": True, "interpolation": "lanczos"},
    {"class_mode": "input", "shuffle": False, "classes": ["cow", "ant"]},
]


ALL = [*((one, True) for one in EXACT), *((one, False) for one in SPLINES)]


@pytest.mark.parametrize("flow", range(len(FLOWS)))
def test_directories(pictures, flow):
    arguments = {"directory": pictures, "target_size": (20, 25), "batch_size": 5, "seed": 3, **FLOWS[flow]}
    for options, is_exact in ALL if flow == 0 else ALL[flow::4]:
        compare(options, "flow_from_directory", arguments, is_exact)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_arrays(dtype):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (11, 12, 14, 3)).astype(dtype)
    y, weights = rng.integers(0, 3, 11), rng.random(11)
    for options, is_exact in ALL:
        images = x.transpose(0, 3, 1, 2) if options.get("data_format") == "channels_first" else x
        compare(options, "flow", {"x": images, "y": y, "batch_size": 4, "seed": 7}, is_exact)
        compare(options, "flow", {"x": (images, [y, weights]), "batch_size": 5, "shuffle": False}, is_exact)
    compare({}, "flow", {"x": x, "y": y, "sample_weight": weights})


def test_statistics_of_the_data():
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, (9, 6, 7, 3)).astype("uint8")
    for options in (
        {"featurewise_center": True},
        {"featurewise_std_normalization": True, "rescale": 1 / 255},
        {"zca_whitening": True, "featurewise_std_normalization": True, "horizontal_flip": True},
        {"featurewise_center": True, "data_format": "channels_first"},
    ):
        images = x.transpose(0, 3, 1, 2) if "data_format" in options else x
        for fit in (None, {"augment": False}, {"augment": True, "rounds": 2, "seed": 4}):
            compare(options, "flow", {"x": images, "batch_size": 4, "seed": 1}, fit=fit and {"x": images, **fit})


def test_parts(pictures):
    x, y = np.arange(20 * 4 * 4 * 1.0).reshape(20, 4, 4, 1), np.tile([0, 1], 10)
    for subset in ("training", "validation"):
        options = {"validation_split": 0.3}
        arguments = {"directory": pictures, "target_size": (8, 8), "seed": 1, "subset": subset}
        compare(options, "flow_from_directory", arguments)
        compare(options, "flow", {"x": x, "y": y, "seed": 1, "subset": subset})


def test_draws_at_once_are_those_one_by_one():
    """The vectorised draws are bit-identical to `get_random_transform` for every option that has them."""
    from fastbatch.keras.draws import rows_of, uniform_draws

    options = {
        "rotation_range": 33,
        "width_shift_range": 0.17,
        "height_shift_range": 5.5,
        "shear_range": 7.3,
        "zoom_range": [0.7, 1.9],
        "channel_shift_range": 11,
        "brightness_range": (0.1, 2.7),
        "horizontal_flip": True,
        "vertical_flip": True,
    }
    for left_out in ([], ["zoom_range"], ["rotation_range", "brightness_range"], list(options)):
        generator = ours.ImageDataGenerator(**{name: options[name] for name in options if name not in left_out})
        np.random.seed(8)
        one_by_one = [generator.get_random_transform((31, 47, 3)) for _ in range(200)]
        state = same_state()
        np.random.seed(8)
        draws = uniform_draws(generator, 31, 47)
        assert rows_of(draws.draw(200), 200) == one_by_one
        assert same_state() == state
    for shift in (2, [1, 2], np.array([1, 2])):
        assert uniform_draws(ours.ImageDataGenerator(width_shift_range=shift), 9, 9) is None


def test_matrices_are_keras_to_the_bit(monkeypatch):
    """SciPy in Keras and the warp here get the same matrix: the same nearest pixel is chosen."""
    import scipy.ndimage

    from fastbatch.keras.affine import affine_matrices

    rng = np.random.default_rng(3)
    seen = []

    def record(image, matrix, offset, **_):
        seen.append((matrix.copy(), offset.copy()))
        return image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        monkeypatch.setattr(scipy.ndimage.interpolation, "affine_transform", record)
    image = np.zeros((31, 47, 1), "float32")
    n = 100
    parameters = {
        "theta": rng.uniform(-90, 90, n) * (rng.random(n) < 0.7),
        "tx": rng.uniform(-9, 9, n) * (rng.random(n) < 0.7),
        "ty": rng.uniform(-9, 9, n),
        "shear": rng.uniform(-30, 30, n) * (rng.random(n) < 0.5),
        "zx": rng.uniform(0.5, 2, n),
        "zy": rng.uniform(0.5, 2, n),
    }
    for i in range(n):
        one = {name: values[i] for name, values in parameters.items()}
        KERAS.apply_affine_transform(image, **one, row_axis=0, col_axis=1, channel_axis=2)
    matrices, offsets, moves = affine_matrices(parameters, image.shape[:2])
    assert moves.all()
    assert np.array_equal(matrices, [matrix for matrix, _ in seen])
    assert np.array_equal(offsets, [offset for _, offset in seen])


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5, 3.0, 4.7])
def test_brightness_after_a_warp_is_one_level_times_the_factor_away_at_most(factor):
    """Brightness truncates interpolated values: a rounding difference can become one level before the factor. Rare."""
    x = np.random.default_rng(4).integers(0, 256, (8, 60, 60, 3)).astype("uint8")
    options = {"rotation_range": 20, "zoom_range": 0.2, "horizontal_flip": True, "brightness_range": (factor, factor)}
    flows = [module.ImageDataGenerator(**options).flow(x, seed=3) for module in (ours, KERAS)]
    one, other = (quietly(next, flow)[0] for flow in flows)
    assert np.abs(one - other).max() <= np.ceil(factor)
    assert np.mean(one != other) < 1e-4


def count_decoded(iterator, monkeypatch):
    """Return a list that receives each batch that is decoded."""
    started = []
    start = iterator._prefetcher._start

    def counting(pool, decoder, indices):
        started.append(indices.tolist())
        return start(pool, decoder, indices)

    monkeypatch.setattr(iterator._prefetcher, "_start", counting)
    return started


@pytest.mark.parametrize("is_shuffled", [True, False])
def test_what_fit_asks_for_is_foreseen(pictures, monkeypatch, is_shuffled):
    """In Keras's order, each batch is prefetched and decoded exactly once."""
    random.seed(1)  # a shuffled order that begins with 0 could be mistaken for a sequential one
    flow = {"directory": pictures, "target_size": (8, 8), "batch_size": 2}
    iterator = quietly(ours.ImageDataGenerator().flow_from_directory, **flow)[0]
    started = count_decoded(iterator, monkeypatch)
    for _ in range(2):
        started.clear()
        iterator.on_epoch_begin()
        order = list(range(len(iterator)))
        if is_shuffled:
            random.shuffle(order)
        for place, i in enumerate(order):
            assert iterator[i][0].shape[1:] == (8, 8, 3)
            assert len(started) > min(place + 1, len(order) - 1)  # the next one is being decoded
        assert len(started) == len(order)
        iterator.on_epoch_end()


@pytest.mark.parametrize("seed", [5, None])
def test_the_next_epoch_is_foreseen_from_its_seed(pictures, monkeypatch, seed):
    flow = {"directory": pictures, "target_size": (8, 8), "batch_size": 2, "seed": seed}
    iterator = quietly(ours.ImageDataGenerator(rotation_range=3).flow_from_directory, **flow)[0]
    started = count_decoded(iterator, monkeypatch)
    n = 3 * len(iterator)
    for k in range(n):
        next(iterator)
        if seed is not None:
            assert len(started) > k + 1
    assert n <= len(started) <= n + 8
