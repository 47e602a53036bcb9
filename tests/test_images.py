# SPDX-License-Identifier: MIT
"""Image folders: files, labels and pixels, against plain Pillow and NumPy."""

import os
import sys

import numpy as np
import pytest
from making import same_batches
from PIL import Image
from pillow_oracle import resized

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def opened(path):
    with Image.open(path) as image:
        return image.convert("RGB")


def files_of(photos):
    return sorted(photos.glob("*/*.jpg"))


def agree(*arguments, **options):
    """Return the batches after asserting that both implementations give the same ones, twice, with any threads."""
    options["exact"] = True
    expected = pure.images(*arguments, batch_size=5, **options)
    epochs = [list(expected) for _ in range(2)]
    for threads in (1, 3):
        loader = fastbatch.images(*arguments, batch_size=5, threads=threads, **options)
        assert loader.class_names == expected.class_names
        for epoch in epochs:
            same_batches(loader, epoch)
    return epochs[0]


# ---- pixels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [(32, 32), (17, 90), (200, 9), (1, 1), 64])
def test_pixels_are_pillows(photos, name, size):
    height, width = size if isinstance(size, tuple) else (size, size)
    wanted = [resized(opened(path), (width, height), Image.Resampling[name.upper()]) for path in files_of(photos)]
    got = agree(photos, None, size=size, filter=name, dtype="uint8", layout="NHWC")
    assert np.array_equal(np.concatenate(got), np.stack(wanted))


@pytest.mark.parametrize(
    "size, resize", [((24, 32), 40), (20, 20), (20, None), ((11, 30), None), ((30, 11), 33), (64, 65)]
)
def test_center_crop_is_torchvisions(photos, size, resize):
    height, width = size if isinstance(size, tuple) else (size, size)
    side = resize or max(height, width)
    wanted = []
    for path in files_of(photos):
        image = opened(path)
        w, h = image.size
        w, h = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
        left, top = round((w - width) / 2), round((h - height) / 2)
        wanted.append(resized(image, (w, h), Image.Resampling.BICUBIC).crop((left, top, left + width, top + height)))
    options = {"size": size, "crop": "center", "resize": resize, "filter": "bicubic"}
    got = agree(photos, None, dtype="uint8", layout="NHWC", **options)
    assert np.array_equal(np.concatenate(got), np.stack(wanted))


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32", "float64"])
@pytest.mark.parametrize(
    "numbers",
    [{}, {"scale": 2}, {"mean": MEAN, "std": STD}, {"mean": 0.5, "std": 0.5}, {"scale": (1, 2, 3)}, {"std": [4, 5, 6]}],
    ids=lambda numbers: "-".join(numbers) or "plain",
)
def test_numbers(photos, layout, dtype, numbers):
    pixels = np.stack(
        [np.asarray(resized(opened(path), (20, 30), Image.Resampling.BILINEAR)) for path in files_of(photos)]
    )
    got = np.concatenate(agree(photos, None, size=(30, 20), dtype=dtype, layout=layout, **numbers))
    assert got.dtype == dtype
    got = got if layout == "NHWC" else got.transpose(0, 2, 3, 1)
    default = 1 / 255 if np.dtype(dtype).kind == "f" else 1
    scale, mean, std = (np.asarray(numbers.get(*pair), "f8") for pair in [("scale", default), ("mean", 0), ("std", 1)])
    wanted = (pixels * scale - mean) / std
    if np.dtype(dtype).kind == "f":
        assert np.allclose(
            got, wanted, rtol=2e-3 if dtype == "float16" else 1e-5, atol=1e-3 if dtype == "float16" else 1e-5
        )
    else:
        limits = np.iinfo(dtype)
        assert np.all(np.abs(got - np.clip(np.trunc(wanted), limits.min, limits.max)) <= 1)


@pytest.mark.parametrize(
    "kind", ["grey", "progressive", "CMYK", "4:2:0", "4:2:2", "optimized", "quality 100", "restarts"]
)
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16), (123, 77)])
def test_kinds_of_jpeg(tmp_path, kind, size):
    path = tmp_path / "image.jpg"
    noise = np.random.default_rng(1).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    image = Image.fromarray(noise, "RGBA").convert("RGB").resize(size, Image.Resampling.BICUBIC)
    options = {
        "progressive": {"progressive": True},
        "4:2:0": {"subsampling": 2},
        "4:2:2": {"subsampling": 1},
        "optimized": {"optimize": True},
        "quality 100": {"quality": 100, "subsampling": 0},
        "restarts": {"restart_marker_rows": 1},
    }.get(kind, {})
    image.convert({"grey": "L", "CMYK": "CMYK"}.get(kind, "RGB")).save(path, "JPEG", **options)
    got = agree([path], size=(size[1], size[0]), dtype="uint8", layout="NHWC")
    assert np.array_equal(got[0][0], opened(path))


def test_flip_is_half_of_the_images_drawn_anew_each_epoch(photos):
    plain = np.concatenate(agree(photos, None, size=16))
    agree(photos, flip=True, size=16, seed=3, shuffle=True)
    for api in (fastbatch, pure):
        loader = api.images(photos, None, flip=True, size=16, seed=3, exact=True)
        flipped = []
        for epoch in range(12):
            images = np.concatenate(list(loader))
            mirrored = np.array(
                [np.array_equal(image, other[..., ::-1]) for image, other in zip(images, plain, strict=True)]
            )
            assert all(m or np.array_equal(i, p) for m, i, p in zip(mirrored, images, plain, strict=True))
            draws = [
                np.random.Generator(np.random.Philox(key=[3, epoch], counter=[0, i, 0, 0])).random() < 0.5
                for i in range(len(images))
            ]
            assert mirrored.tolist() == draws
            flipped.append(mirrored)
        assert 0.35 < np.mean(flipped) < 0.65
        assert len({tuple(row) for row in flipped}) > 10


# ---- files and labels ------------------------------------------------------------------------------------------------


def test_folders_are_classes(api, photos):
    loader = api.images(photos, size=8, batch_size=5)
    assert loader.class_names == ("cat", "dog", "owl")
    assert loader.n_samples == 12
    batches = list(loader)
    assert all(x.shape[1:] == (3, 8, 8) and x.dtype == np.float32 for x, _ in batches)
    y = np.concatenate([y for _, y in batches])
    assert (y.dtype, y.tolist()) == (np.dtype("i8"), [0] * 4 + [1] * 4 + [2] * 4)
    assert min(x.min() for x, _ in batches) >= 0
    assert 0.5 < max(x.max() for x, _ in batches) <= 1


def test_images_and_labels_stay_together_when_shuffled(api, photos):
    alone = dict(enumerate(np.concatenate(list(api.images(photos, None, size=8)))))
    loader = api.images(photos, list(range(12)), size=8, shuffle=True, batch_size=5)
    seen = []
    for x, y in loader:
        assert all(np.array_equal(image, alone[i]) for image, i in zip(x, y.tolist(), strict=True))
        seen += y.tolist()
    assert sorted(seen) == list(range(12)) != seen


def test_given_labels(api, photos):
    files = files_of(photos)
    for labels, dtype in [
        ([5] * 12, "i8"),
        (np.arange(12, dtype="u1"), "i8"),
        (np.arange(12) > 3, "i8"),
        (np.linspace(0, 1, 12), "f8"),
        (np.ones((12, 4), "f4"), "f4"),
    ]:
        _, y = next(iter(api.images(files, labels, size=4)))
        assert y.dtype == np.dtype(dtype)
        assert y.tolist() == np.asarray(labels).astype(dtype).tolist()


def test_lists_of_paths(api, photos):
    files = files_of(photos)
    expected = np.concatenate(list(api.images(photos, None, size=8)))
    as_bytes = [os.fsencode(path) for path in files]
    for paths in (files, list(map(str, files)), as_bytes, tuple(files), iter(files), np.array([str(p) for p in files])):
        loader = api.images(paths, size=8, batch_size=12)
        assert loader.class_names is None
        assert np.array_equal(next(iter(loader)), expected)
    assert np.array_equal(next(iter(api.images(files[::-1], size=8, batch_size=12))), expected[::-1])
    twice = next(iter(api.images([files[0], files[0]], size=8)))
    assert np.array_equal(twice[0], twice[1])
    with pytest.raises(ValueError, match="images: expected at least one"):
        api.images([], size=8)


def test_which_files_are_taken(api, tmp_path):
    def put(name):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name, "JPEG")

    taken = [
        "b/1.jpg",
        "b/2.JPG",
        "b/3.JpEg",
        "b/4.jpe",
        "b/5.jfif",
        "b/a.PNG",
        "b/b.tif",
        "b/c.webp",
        "b/deep.png/8.gif",
        "b/in/6.jpg",
        "b/in/deep/7.jpg",
        "c/8.jpg",
        "a-/9.jpg",
    ]
    for name in [
        *taken,
        ".hidden/1.jpg",
        "b/.hidden.jpg",
        "b/.hidden/1.jpg",
        "above.jpg",
        "b/image.txt",
        "b/jpg",
        "b/x.jpg.zip",
    ]:
        put(name)
    (tmp_path / "empty").mkdir()
    loader = api.images(tmp_path, size=4)
    assert loader.class_names == ("a-", "b", "c", "empty")
    _, y = next(iter(loader))
    assert y.tolist() == [0, *[1] * 11, 2]
    assert api.images(tmp_path, None, size=4).n_samples == 14
    (tmp_path / "d").symlink_to(tmp_path / "c", target_is_directory=True)
    (tmp_path / "c/loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "c/link.jpg").symlink_to(tmp_path / "above.jpg")
    loader = api.images(tmp_path, size=4)
    assert loader.class_names == ("a-", "b", "c", "d", "empty")
    assert next(iter(loader))[1].tolist() == [0, *[1] * 11, 2, 2, 3, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are not text")
def test_names_that_are_not_text(tmp_path):
    names = [b"two words", b"line\nbreak", b"caf\xe9", b"\xff", "\u96ea".encode()]
    for name in names:
        folder = tmp_path / os.fsdecode(name)
        folder.mkdir()
        for other in names:
            Image.new("RGB", (9, 9), (other[0], 1, 2)).save(folder / os.fsdecode(other + b".jpg"), "JPEG")
    agree(tmp_path, size=4)
    agree(os.fsencode(tmp_path), size=4)
    broken = tmp_path / "caf\udce9" / "\udcff.jpg"
    broken.write_bytes(b"")
    for api in (fastbatch, pure):
        assert api.images(tmp_path, size=4).class_names == tuple(map(os.fsdecode, sorted(names)))
        with pytest.raises(api.DecodeError) as caught:
            list(api.images([broken], size=4))
        assert caught.value.path == str(broken)
        assert str(broken) in str(caught.value)


def test_the_rest_of_a_loader(photos):
    options = {"size": 12, "batch_size": 3, "shuffle": True, "seed": 8, "flip": True, "exact": True}
    ours, theirs = fastbatch.images(photos, **options), pure.images(photos, **options)
    assert "12 samples of float32 (3, 12, 12), int64 ()" in repr(ours)
    for rank in range(3):
        same_batches(ours.shard(rank, 3), theirs.shard(rank, 3))
    for one, two in zip(ours.split(0.25), theirs.split(0.25), strict=True):
        same_batches(one, two)
        assert one.class_names == ("cat", "dog", "owl")
    next(iter(ours))
    assert ours.state_dict()["position"] == 3
    theirs.load_state_dict(ours.state_dict())
    next(iter(theirs))


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"size": 0}, ValueError, "size: expected 1 to 65535, found 0"),
        ({"size": (3, -1)}, ValueError, "size: expected 1 to 65535, found -1"),
        ({"size": 2.5}, TypeError, "size: expected an integer, found 2.5"),
        ({"size": (1, 2, 3)}, ValueError, r"size: expected \(height, width\), .* found \(1, 2, 3\)"),
        ({"size": "big"}, ValueError, "size: expected .* found .big."),
        ({"size": 10**6}, ValueError, "size"),
        ({"crop": "center", "size": 30, "resize": 20}, ValueError, "resize: expected 30 to 65535, found 20"),
        ({"resize": 300}, ValueError, "resize: only valid with crop='center' and crop='random'"),
        ({"filter": "cubic"}, ValueError, "filter: expected one of nearest, .*, found 'cubic'"),
        ({"layout": "HWC"}, ValueError, "layout: expected NHWC or NCHW, found 'HWC'"),
        ({"layout": None}, ValueError, "layout: expected NHWC or NCHW, found None"),
        ({"dtype": "c8"}, TypeError, "complex64 can be copied but not converted"),
        ({"dtype": "O"}, TypeError, "object"),
        ({"std": (1, 1, 0)}, ValueError, "std: expected numbers other than 0"),
        ({"mean": (1, 2)}, ValueError, "mean: expected one number, or one for each of 3 channels, found"),
        ({"mean": float("nan")}, ValueError, "mean: expected finite numbers"),
    ],
)
def test_bad_options(api, photos, options, error, message):
    with pytest.raises(error, match=message):
        api.images(photos, **options)


@pytest.mark.parametrize("size", [(6, 8), (6, 4), (3, 8), (12, 16)])
def test_transparent_images_are_as_pillow_resizes_them(api, tmp_path, size):
    """Colours are weighted by alpha, but for a copy: those below a low alpha stay."""
    stored = np.random.default_rng(1).integers(0, 256, (6, 8, 4), np.uint8)
    stored[::2, :, 3] = 1
    Image.fromarray(stored).save(tmp_path / "a.png")
    (made,) = api.images([tmp_path / "a.png"], size=size, color="rgba", crop="none", layout="NHWC", dtype="uint8")
    wanted = resized(Image.fromarray(stored), size[::-1], Image.Resampling.BILINEAR)
    assert np.array_equal(made[0], np.asarray(wanted))
    assert size != (6, 8) or np.array_equal(made[0], stored)
