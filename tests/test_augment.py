# SPDX-License-Identifier: MIT
"""Augmentation: against the definitions, native against pure, alone and in a loader."""

import colorsys

import numpy as np
import pytest

import fastbatch as fb
from fastbatch import pure
from fastbatch.native.options import core_augmentation
from fastbatch.pure.augment import affine_matrix
from fastbatch.pure.augment import augment as pure_augment

pytestmark = pytest.mark.behavior

OPERATIONS = {
    "rotation": {"rotation": 40},
    "shear": {"shear": (10, 30), "fill": "reflect"},
    "zoom": {"zoom": 0.3, "fill": "constant", "fill_value": 77},
    "shift": {"shift": (0.2, 0.6), "fill": "wrap", "order": 0},
    "channel_shift": {"channel_shift": 60},
    "brightness": {"brightness": 0.6},
    "contrast": {"contrast": (0.2, 2)},
    "saturation": {"saturation": (0, 3)},
    "hue": {"hue": 0.5},
    "erase": {"erase": 0.9, "erase_value": 55},
    "noise": {"erase": 1, "erase_value": "random", "erase_scale": (0.1, 0.3)},
    "standardize": {"standardize": True},
}
TOGETHER = {name: value for options in OPERATIONS.values() for name, value in options.items()}
COLORS = ["channel_shift", "brightness", "contrast", "saturation", "hue", "standardize"]


def picture(height=37, width=52, channels=3, seed=0):
    """Return an image with smooth, grey, noisy and constant parts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.stack([(x * (c + 2) + y * 3) % 256 for c in range(channels)], 2).astype("u1")
    image[: height // 4] = image[: height // 4, :, :1]
    image[height // 2 :, : width // 3] = rng.integers(0, 256, image[height // 2 :, : width // 3].shape)
    image[-2:] = 255
    return image


def native(image, augment, seed=1, epoch=2, index=3):
    return core_augmentation(augment).apply(image, seed, epoch, index)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", [*OPERATIONS, "together"])
def test_native_and_pure_change_the_same(name, channels):
    augment = fb.Augment(**OPERATIONS.get(name, TOGETHER))
    for index in range(6):
        for shape in [(37, 52), (1, 1), (16, 3)]:
            image = picture(*shape, channels, index)
            got, wanted = native(image, augment, 7, 5, index), pure_augment(image, augment, 7, 5, index)
            assert got.dtype == wanted.dtype == np.float32
            assert np.array_equal(got, wanted), np.abs(got - wanted).max()
            colors = min(channels, 3)
            assert channels < 4 or name not in COLORS or np.array_equal(got[..., colors:], image[..., colors:])


def draw(operation, seed=1, epoch=2, index=3, n=1):
    stream = np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, index, 0, operation]))
    return stream.random(n)


def test_colors_by_their_definitions():
    """torchvision's documented formulas, implemented differently."""
    image = picture()
    x = image.astype(float)
    grey = x @ [0.2989, 0.587, 0.114]
    spread = {"brightness": 4, "contrast": 5, "saturation": 6}
    others = {"brightness": 0.0, "contrast": grey.mean(), "saturation": grey[..., None]}
    for name, operation in spread.items():
        factor = 0.3 + (1.9 - 0.3) * draw(operation)[0]
        wanted = np.clip(factor * x + (1 - factor) * others[name], 0, 255)
        assert np.abs(native(image, fb.Augment(**{name: (0.3, 1.9)})) - wanted).max() < 1e-3
    shift = -50 + 90 * draw(8)[0]
    assert (
        np.abs(native(image, fb.Augment(channel_shift=(-50, 40))) - np.clip(x + shift, x.min(), x.max())).max() < 1e-3
    )

    turn = -0.4 + 0.8 * draw(7)[0]
    turned = native(image, fb.Augment(hue=0.4))
    for pixel, got in zip(image.reshape(-1, 3)[::7], turned.reshape(-1, 3)[::7], strict=True):
        h, s, v = colorsys.rgb_to_hsv(*(pixel / 255))
        assert np.abs(np.array(colorsys.hsv_to_rgb((h + turn) % 1, s, v)) * 255 - got).max() < 0.01

    flat = np.full((4, 5, 3), 9, "u1")
    assert np.array_equal(native(flat, fb.Augment(standardize=True)), np.zeros((4, 5, 3)))
    standard = native(image, fb.Augment(standardize=True))
    assert abs(standard.mean()) < 1e-5
    assert abs(standard.std() - 1) < 1e-5


def test_affine_draws_and_centre():
    augment = fb.Augment(rotation=(90, 90))
    image = picture(20, 20)
    assert np.abs(native(image, augment) - np.rot90(image)).max() < 1e-4
    half = fb.Augment(zoom=(0.5, 0.5), order=0)
    assert np.array_equal(native(image, half), np.repeat(np.repeat(image[5:15, 5:15], 2, 0), 2, 1))
    rows, columns = -0.5 + draw(3, n=3)[1:]
    moved = fb.Augment(shift=0.5, fill="constant", order=0)
    matrix, offset = core_augmentation(moved).affine_matrix(20, 20, 1, 2, 3)
    assert matrix == [1, 0, 0, 1]
    assert np.allclose(offset, [20 * rows, 20 * columns])
    everything = fb.Augment(rotation=30, shear=20, zoom=0.4, shift=0.3)
    for index in range(50):
        stream = np.random.Generator(np.random.Philox(key=[1, 2], counter=[0, index, 0, 3]))
        matrix, offset = affine_matrix(everything, 31, 48, stream)
        found = core_augmentation(everything).affine_matrix(31, 48, 1, 2, index)
        assert found == (matrix.ravel().tolist(), offset.tolist())


def test_keras_composes_the_affine_alike():
    """Rotation, shear and zoom about the centre of a square image, as in Keras's apply_affine_transform."""
    for index in range(5):
        drawn = draw(3, index=index, n=6)
        theta, shear = np.deg2rad(-25 + 50 * drawn[0]), np.deg2rad(-15 + 30 * drawn[3])
        zoom_y, zoom_x = 0.7 + 0.6 * drawn[4], 0.7 + 0.6 * drawn[5]
        turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
        lean = np.array([[1, -np.sin(shear)], [0, np.cos(shear)]])
        columns_first = turn @ lean @ np.diag([zoom_x, zoom_y])
        wanted = columns_first[::-1, ::-1]
        augment = fb.Augment(rotation=25, shear=15, zoom=0.3)
        matrix, offset = core_augmentation(augment).affine_matrix(40, 40, 1, 2, index)
        assert np.allclose(np.reshape(matrix, (2, 2)), wanted)
        assert np.allclose(wanted @ [19.5, 19.5] + offset, 19.5)


def test_erasing():
    image = picture(60, 80)
    erased, areas = 0, []
    for index in range(300):
        got = native(image, fb.Augment(erase=0.4, erase_value=(1, 2, 3)), index=index)
        gone = (got == [1, 2, 3]).all(2)
        if not np.array_equal(got, image):
            erased += 1
            rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
            assert gone[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
            areas.append(gone.mean())
        assert np.array_equal(got[~gone], image[~gone])
    assert 0.33 < erased / 300 < 0.47
    assert 0.015 < min(areas) < 0.06
    assert 0.25 < max(areas) < 0.34
    noise = native(image, fb.Augment(erase=1, erase_value="random", erase_scale=(0.3, 0.3), erase_ratio=(1, 1)))
    changed = noise[(noise != image).any(2)]
    assert 100 < changed.mean() < 155
    assert len(np.unique(changed)) > 200


# ---- in a loader -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype, layout", [("float32", "NCHW"), ("float32", "NHWC"), ("uint8", "NHWC"), ("int16", "NCHW")]
)
@pytest.mark.parametrize("color", ["rgb", "rgba", "grayscale"])
def test_images_are_augmented(photos, dtype, layout, color):
    augment = fb.Augment(**{name: value for name, value in TOGETHER.items() if name != "standardize"})
    options = {"size": (24, 20), "flip": True, "shuffle": True, "seed": 4, "exact": True, "color": color}
    options |= {"dtype": dtype, "layout": layout, "augment": augment}
    for threads in (1, 3):
        ours, theirs = fb.images(photos, **options, threads=threads), pure.images(photos, **options)
        for _ in range(2):
            for (x, y), (a, b) in zip(ours, theirs, strict=True):
                assert x.dtype == a.dtype == dtype
                assert np.array_equal(x, a)
                assert np.array_equal(y, b)


def test_numbers_after_augmentation(photos):
    options = {"size": 16, "layout": "NHWC", "augment": fb.Augment(brightness=(2, 2)), "exact": True}
    plain = next(iter(fb.images(photos, None, size=16, layout="NHWC", dtype="uint8", exact=True))).astype("f4")
    bright = np.minimum(2 * plain, 255)
    for api in (fb, pure):
        assert np.allclose(next(iter(api.images(photos, None, **options))), bright / 255, atol=1e-6)
        assert np.array_equal(next(iter(api.images(photos, None, dtype="uint8", **options))), bright)
        normal = next(iter(api.images(photos, None, mean=0.5, std=0.25, **options)))
        assert np.allclose(normal, (bright / 255 - 0.5) / 0.25, atol=1e-5)
        options_ = {**options, "augment": fb.Augment(standardize=True)}
        for image in next(iter(api.images(photos, None, **options_))):
            assert abs(image.mean()) < 1e-4
            assert abs(image.std() - 1) < 1e-3
    half = {**options, "augment": fb.Augment(brightness=(0.5, 0.5))}
    assert np.array_equal(next(iter(fb.images(photos, None, dtype="uint8", **half))), np.rint(plain / 2))


def test_one_more_operation_changes_no_other_draw(photos):
    """Each operation has its own random stream: adding a rotation does not change the colours or the crop."""
    options = {"size": 16, "layout": "NHWC", "crop": "random_resized", "exact": True, "seed": 3}
    colors = {"brightness": 0.5, "contrast": 0.5}
    still = next(iter(fb.images(photos, None, augment=fb.Augment(**colors), **options)))
    turned = next(iter(fb.images(photos, None, augment=fb.Augment(**colors, rotation=(360, 360)), **options)))
    assert np.abs(still - turned).max() < 1e-4


def test_nothing_asked_is_nothing_done(api, photos):
    plain = list(api.images(photos, size=16, dtype="uint8"))
    same = list(api.images(photos, size=16, dtype="uint8", augment=fb.Augment()))
    assert all(np.array_equal(x, a) for (x, _), (a, _) in zip(plain, same, strict=True))


def test_augment_is_a_value():
    assert fb.Augment(rotation=5) == fb.Augment(rotation=5) != fb.Augment(rotation=6)
    assert hash(fb.Augment(zoom=(0.5, 1.5))) == hash(fb.Augment(zoom=(0.5, 1.5)))
    assert fb.Augment(brightness=3).ranges["brightness"] == (0, 4)
    assert pure.Augment is fb.Augment


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rotation": float("nan")}, "rotation: expected a number in .*, found nan"),
        ({"rotation": float("inf")}, "rotation: expected a number in .*, found inf"),
        ({"rotation": -5}, "rotation: expected a number in 0..1e.06, found -5"),
        ({"rotation": (5, 1)}, "rotation: expected lowest <= highest, found .5, 1."),
        ({"rotation": "fast"}, "rotation: expected .lowest, highest., found 'fast'"),
        ({"rotation": None}, "rotation: expected a number, found None"),
        ({"shear": (1, 2, 3)}, "shear: expected .lowest, highest., found"),
        ({"zoom": 1}, "zoom: expected a number below 1, or .lowest, highest., found 1"),
        ({"zoom": (0, 1)}, "zoom: expected a number in 1e-06..1e.06, found 0"),
        ({"shift": (1, 2, 3)}, "shift: expected one number, or .rows, columns., found"),
        ({"shift": -0.1}, "shift: expected a number in"),
        ({"order": 3}, "order: expected 0 or 1, found 3"),
        ({"fill": "mirror"}, "fill: expected one of nearest, constant, reflect, wrap, found 'mirror'"),
        ({"fill_value": 256}, "fill_value: expected a number in 0..255, found 256"),
        ({"brightness": -1}, "brightness: expected a number in"),
        ({"contrast": (-1, 1)}, "contrast: expected a number in"),
        ({"hue": 0.6}, "hue: expected a number in 0..0.5, found 0.6"),
        ({"erase": 1.5}, "erase: expected a number in 0..1, found 1.5"),
        ({"erase_scale": (0.5, 2)}, "erase_scale: expected a number in 0..1, found 2"),
        ({"erase_ratio": 1}, "erase_ratio: expected .lowest, highest., found 1"),
        ({"erase_ratio": (0, 1)}, "erase_ratio: expected a number in 1e-06..1e.06, found 0"),
        ({"erase_value": "noise"}, "erase_value: expected numbers in 0..255 or 'random', found 'noise'"),
        ({"erase_value": ()}, "erase_value: expected one number, or one for each channel, found none"),
    ],
)
def test_bad_augmentations(options, message):
    with pytest.raises(ValueError, match=message):
        fb.Augment(**options)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"augment": "rotate"}, TypeError, "augment: expected an Augment, found str"),
        ({"augment": fb.Augment(erase=1, erase_value=(1, 2))}, ValueError, "erase_value: .* each of 3 channels"),
        ({"augment": fb.Augment(standardize=True), "mean": 0.5}, ValueError, "standardize: expected no scale, mean"),
        (
            {"augment": fb.Augment(standardize=True), "dtype": "u1"},
            ValueError,
            "standardize: expected a batch of floats",
        ),
    ],
)
def test_augmentations_that_do_not_fit(api, photos, options, error, message):
    with pytest.raises(error, match=message):
        api.images(photos, **options)


def test_erasing_is_torchvisions_by_default():
    """The defaults in the signature of its `RandomErasing`: scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0."""
    augment = fb.Augment(erase=0.5)
    assert (augment.erase_scale, augment.erase_ratio, augment.erase_value) == ((0.02, 0.33), (0.3, 3.3), 0)
