# SPDX-License-Identifier: MIT
"""The functions of `fastbatch.keras` on single images, by name, against Keras's own: same draws, same values."""

import numpy as np
import pytest
from keras_oracle import TOLERANCE, import_oracle, quietly
from making import error_of

import fastbatch.keras as ours

KERAS = import_oracle()
import keras  # noqa: E402 (after the choice of a backend)

UTILS = keras.utils
CHANNELS = {"last": {"row_axis": 0, "col_axis": 1, "channel_axis": 2}, "first": {}}  # Keras's default is the first
RANDOM = {
    "random_rotation": [(30,), (90, 0, 1, 2, "constant", 5.0), (20, 0, 1, 2, "wrap", 0.0, 3)],
    "random_shift": [(0.3, 0.1), (0.0, 0.4), (0.4, 0.0), (0.2, 0.2, 0, 1, 2, "reflect")],
    "random_shear": [(25,), (50, 0, 1, 2, "constant", 7.0)],
    "random_zoom": [((0.5, 1.5),), ((0.3, 0.6),), ((1.0, 1.0),)],
}


def picture(channels="last", size=(24, 37)):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 255, (*size, 3)).astype(np.float32)
    return x if channels == "last" else np.ascontiguousarray(x.transpose(2, 0, 1))


def close(one, other):
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    assert np.abs(one.astype("f8") - other).max() <= TOLERANCE * np.ptp(other.astype("f8"))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("name, arguments", [(name, a) for name, cases in RANDOM.items() for a in cases])
def test_random_functions_draw_and_compute_as_keras_does(name, arguments, channels):
    n_ranges = 2 if name == "random_shift" else 1
    axes = CHANNELS[channels] if len(arguments) == n_ranges else {}
    x = picture("last" if len(arguments) > n_ranges else channels)
    results = []
    for module in (ours, KERAS):
        np.random.seed(7)
        images = [quietly(getattr(module, name), x.copy(), *arguments, **axes)[0] for _ in range(3)]
        results.append((images, np.random.random()))  # the global generator is at the same place
    for one, other in zip(results[0][0], results[1][0], strict=True):
        close(one, other)
    assert results[0][1] == results[1][1]
    assert name == "random_zoom" or not np.array_equal(results[0][0][0], x)


@pytest.mark.parametrize("channels", CHANNELS)
def test_a_shift_moves_one_axis_only(channels):
    """Keras moves columns by `hrg`, in shares of the height: equal shifts on both axes would hide a swap."""
    axis = 1 if channels == "last" else 2
    x = np.moveaxis(
        np.broadcast_to(np.arange(40.0, dtype=np.float32), (3, 30, 40)), 0, axis_of_channels(channels)
    ).copy()
    for module in (ours, KERAS):
        np.random.seed(0)
        share = np.random.uniform(-0.5, 0.5)
        np.random.seed(0)
        moved = quietly(module.random_shift, x, 0.0, 0.5, **CHANNELS[channels])[0]
        assert np.allclose(np.take(moved, 20, axis), 20 + 30 * share, atol=1e-3)
        np.random.seed(0)
        assert np.array_equal(quietly(module.random_shift, x, 0.5, 0.0, **CHANNELS[channels])[0], x)


def axis_of_channels(channels):
    return {"last": 2, "first": 0}[channels]


@pytest.mark.parametrize("axis", [0, 2])
def test_random_channel_shift(axis):
    x = picture("last" if axis == 2 else "first")
    results = []
    for module in (ours, KERAS):
        np.random.seed(11)
        results.append([module.random_channel_shift(x, 60.0, axis), module.apply_channel_shift(x, -25.5, axis)])
    for one, other in zip(*results, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert np.array_equal(one, other)
    added = results[0][1]
    inside = (x - 25.5 > x.min()) & (x - 25.5 < x.max())
    assert np.array_equal(added[inside], (x - 25.5)[inside])
    assert added.min() == x.min()


@pytest.mark.parametrize("scale", [True, False])
def test_random_brightness(scale):
    x = picture()
    results = []
    for module in (ours, KERAS):
        np.random.seed(5)
        results.append([module.random_brightness(x, (0.4, 1.7), scale), module.apply_brightness_shift(x, 0.6, scale)])
    for one, other in zip(*results, strict=True):
        assert one.shape == other.shape
        assert np.abs(np.asarray(one, "f8") - other).max() <= 1
    if not scale:
        assert np.abs(results[0][1] - np.floor(x * 0.6)).max() <= 1
    for wrong in ((0.5,), (0.5, 1.0, 1.5)):
        assert isinstance(error_of(ours.random_brightness, x, wrong), ValueError)
        assert isinstance(error_of(KERAS.random_brightness, x, wrong), ValueError)


ARRAYS = {
    "rgb": picture(),
    "grey": picture()[:, :, :1],
    "alpha": np.dstack([picture(), picture()[:, :, :1]]),
    "deep grey": picture()[:, :, :1] * 100,
    "nearly constant": np.full((5, 7, 3), 200.0) + np.eye(5, 7)[:, :, None] * 1e-3,
    "constant": np.full((5, 7, 3), 9.0),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_array_to_img_and_back(name, scale, data_format):
    x = ARRAYS[name] if data_format == "channels_last" else ARRAYS[name].transpose(2, 0, 1)
    one, other = (m.array_to_img(x, data_format=data_format, scale=scale) for m in (ours, UTILS))
    assert (one.mode, one.size) == (other.mode, other.size)
    assert one.tobytes() == other.tobytes()
    backs = [m.img_to_array(one, data_format=data_format) for m in (ours, UTILS)]
    assert backs[0].dtype == backs[1].dtype
    assert np.array_equal(*backs)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
@pytest.mark.parametrize("name", ["rgb", "grey", "alpha"])
def test_save_img_and_load_img(tmp_path, name, suffix):
    if (name, suffix) == ("alpha", "bmp"):
        pytest.skip("BMP with transparency is Pillow's own affair")
    paths = [tmp_path / f"{who}.{suffix}" for who in ("ours", "keras")]
    for module, path in zip((ours, UTILS), paths, strict=True):
        quietly(module.save_img, path, ARRAYS[name])
    assert paths[0].read_bytes() == paths[1].read_bytes()
    for options in (
        {},
        {"color_mode": "grayscale"},
        {"color_mode": "rgba"},
        {"target_size": (10, 13)},
        {"target_size": (10, 13), "interpolation": "bicubic"},
        {"target_size": (10, 30), "keep_aspect_ratio": True},
    ):
        one, other = (m.load_img(paths[0], **options) for m in (ours, UTILS))
        assert (one.mode, one.size) == (other.mode, other.size)
        assert one.tobytes() == other.tobytes()


def test_save_img_into_an_open_file(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        ours.save_img(file, ARRAYS["rgb"], file_format="png", scale=False)
    assert np.array_equal(ours.img_to_array(ours.load_img(tmp_path / "a")), ARRAYS["rgb"])
    for module in (ours, UTILS):
        assert isinstance(error_of(module.save_img, tmp_path / "a.nonsense", ARRAYS["rgb"]), KeyError)
    assert isinstance(error_of(ours.save_img, tmp_path / "nowhere" / "a.png", ARRAYS["rgb"]), FileNotFoundError)


def test_iterators_and_data_sets_have_their_classes(tmp_path):
    for c in ("ant", "bee"):
        (tmp_path / c).mkdir()
        for i in range(3):
            ours.save_img(tmp_path / c / f"{i}.png", ARRAYS["rgb"])
    generator = ours.ImageDataGenerator()
    directory = generator.flow_from_directory(tmp_path, target_size=(8, 8), batch_size=4)
    assert isinstance(directory, ours.DirectoryIterator)
    assert isinstance(directory, ours.Iterator)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"filename": ["ant/0.png", "bee/1.png"], "class": ["ant", "bee"]})
    frames = generator.flow_from_dataframe(frame, tmp_path, target_size=(8, 8))
    assert isinstance(frames, ours.DataFrameIterator)
    assert isinstance(frames, ours.Iterator)
    dataset = quietly(ours.image_dataset_from_directory, tmp_path, image_size=(8, 8))[0]
    assert isinstance(dataset, ours.KerasDataset)


def answer_of(function, *arguments):
    try:
        return function(*arguments)
    except TypeError as error:
        return type(error)


@pytest.mark.parametrize("formats", [("jpg", "png"), ("png",), "jpg", "", [".jpg"], {"jpg"}])
def test_validate_filename_answers_as_keras_does(tmp_path, formats):
    (tmp_path / "A.JPG").touch()
    (tmp_path / "folder.jpg").mkdir()
    for name in ("A.JPG", "a.jpg", "folder.jpg", "none.png"):
        path = str(tmp_path / name)
        one, other = (answer_of(module.validate_filename, path, formats) for module in (ours, KERAS))
        assert one == other
