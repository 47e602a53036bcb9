# SPDX-License-Identifier: MIT
"""Masks, boxes and keypoints are transformed like their images: tested by marks in the images and by Pillow's steps."""

import numpy as np
import pytest
from making import same, same_batches
from PIL import Image, ImageOps

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

SIZES = [(64, 48), (48, 64), (50, 50), (90, 40), (33, 71), (40, 24)]  # width, height
WAYS = {
    "stretch": {},
    "center": {"crop": "center", "resize": 40},
    "random": {"crop": "random", "resize": 40},
    "window": {"crop": "random"},
    "resized": {"crop": "random_resized", "crop_scale": (0.3, 1)},
    "pad": {"crop": "pad"},
}
FLIPS = [{}, {"flip": True, "vertical_flip": True}]
IDENTITY = [[1, 0, 0], [0, 1, 0]]


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Return (folder, boxes): black JPEGs, each with one bright block at a different position."""
    root = tmp_path_factory.mktemp("marked")
    boxes = []
    for i, (width, height) in enumerate(SIZES):
        pixels = np.zeros((height, width, 3), np.uint8)
        x, y = 4 + 3 * i, 12 - i
        pixels[y : y + 8, x : x + 10] = 255
        image = Image.fromarray(pixels)
        exif = image.getexif()
        exif[0x0112] = i + 2  # a different orientation for each
        image.save(root / f"{i}.jpg", quality=100, subsampling=0, exif=exif)
        boxes.append(np.array([[x, y, x + 10, y + 8, i]], dtype=np.float64))
    return root, boxes


def agree(root, **options):
    """Return the batches of both implementations after asserting that they are equal for any threads, in each epoch."""
    options = {"size": (36, 32), "batch_size": 4, "exact": True, "seed": 5, **options}
    slow = pure.images(root, None, **options)
    epochs = [list(slow), list(slow)]
    for threads in (1, 3):
        fast = fastbatch.images(root, None, threads=threads, **options)
        for epoch in epochs:
            same_batches(fast, epoch)
    return epochs[0]


@pytest.mark.parametrize("exif", ["ignore", "apply"])
@pytest.mark.parametrize("flips", FLIPS, ids=["plain", "flips"])
@pytest.mark.parametrize("way", WAYS)
def test_a_box_stays_around_its_block(marked, way, flips, exif):
    root, boxes = marked
    options = {"layout": "NHWC", "dtype": "uint8", "exif": exif, **WAYS[way], **flips}
    n = 0
    for batch in agree(root, boxes=boxes, **options):
        for pixels, moved in zip(*batch, strict=True):
            x0, y0, x1, y1, kept = moved[0]
            assert (kept, moved.dtype, moved.shape) == (n, "f4", (1, 5))
            bright = np.argwhere(pixels[..., 0] > 127)
            n += 1
            if not len(bright):  # the block was cropped away
                assert x1 - x0 < 2 or y1 - y0 < 2
                continue
            top, left = bright.min(axis=0)
            bottom, right = bright.max(axis=0) + 1
            assert np.allclose([left, top, right, bottom], [x0, y0, x1, y1], atol=1.1)
    assert n == len(SIZES)


@pytest.mark.parametrize("way", WAYS)
def test_an_image_as_its_own_mask(masked, way):
    """With nearest-neighbour resampling, an image and an identical mask have equal pixels after any transformation."""
    augment = fastbatch.Augment(rotation=30, zoom=0.3, shift=0.1, shear=10, order=0, fill="constant", fill_value=7)
    same = {"color": "grayscale", "filter": "nearest", "dtype": "uint8", "pad_value": 7, "mask_pad_value": 7}
    more = {"flip": True, "vertical_flip": True, "augment": augment, **WAYS[way]}
    for images, masks in agree(masked / "masks", masks=masked / "masks", **same, **more):
        assert np.array_equal(images[:, 0], masks)
        assert len(np.unique(masks)) > 20


@pytest.mark.parametrize("way", ["stretch", "resized"])
def test_a_box_is_around_its_block_when_that_is_rotated(marked, way):
    root, boxes = marked
    augment = fastbatch.Augment(rotation=40, zoom=0.2, shift=0.1, shear=10, fill="constant")
    options = {"layout": "NHWC", "dtype": "uint8", "augment": augment, "flip": True, **WAYS[way]}
    corners = [[[x, y] for x in one[0, [0, 2]] for y in one[0, [1, 3]]] for one in boxes]
    seen = 0
    for batch in agree(root, boxes=boxes, keypoints=corners, **options):
        for pixels, moved, points in zip(*batch, strict=True):
            x0, y0, x1, y1, _ = moved[0]
            bright = np.argwhere(pixels[..., 0] > 100)
            if len(bright) < 20:  # mostly cropped away
                continue
            seen += 1
            assert np.all(bright.min(axis=0) + 1 >= [y0 - 0.6, x0 - 0.6])
            assert np.all(bright.max(axis=0) <= [y1 + 0.6, x1 + 0.6])
            size = np.abs(bright.max(axis=0) + 1 - bright.min(axis=0) - [y1 - y0, x1 - x0])
            assert np.all(size < 4.5)  # dim corners are missed, and the box encloses all corners
            around = [*np.clip(points.min(axis=0), 0, [32, 36]), *np.clip(points.max(axis=0), 0, [32, 36])]
            assert np.allclose(around, [x0, y0, x1, y1], atol=1e-4)
            inside = (points > 1).all(axis=1) & (points < [31, 35]).all(axis=1)
            if inside.all():
                middle = points.mean(axis=0)
                assert np.allclose(bright.mean(axis=0) + 0.5, middle[::-1], atol=0.5)
    assert seen >= 2


def test_points_and_boxes_of_a_plain_resize(marked):
    """In edge coordinates, the corners of the image become the corners of the slot."""
    root, _ = marked
    corners = [np.array([[0, 0, 7], [w, h, 8], [w / 2, h / 4, 9], [-w, 2 * h, 10]]) for w, h in SIZES]
    boxes = [[[-5, -5, w / 2, h + 9], [w, h, w + 3, h + 3]] for w, h in SIZES]
    for _, moved_boxes, points in agree(root, boxes=boxes, keypoints=corners):
        for one in points:
            assert one.tolist() == [[0, 0, 7], [32, 36, 8], [16, 9, 9], [-32, 72, 10]]
        for one in moved_boxes:
            assert one.tolist() == [[0, 0, 16, 36], [32, 36, 32, 36]]
    for _, moved_boxes in agree(root, boxes=boxes, min_box_area=0):
        assert all(one.tolist() == [[0, 0, 16, 36]] for one in moved_boxes)
    for _, moved_boxes in agree(root, boxes=boxes, min_box_area=16 * 36):
        assert all(one.shape == (0, 4) for one in moved_boxes)


def first_box(sample):
    x, boxes = sample
    return x, boxes[0] if len(boxes) else np.zeros(4, np.float32), len(boxes)


def test_functions_of_a_sample_get_its_boxes(api, marked):
    root, _ = marked
    boxes = [np.full((n, 4), n) for n in (3, 0, 1, 0, 0, 5)]
    loader = api.images(root, None, boxes=boxes, size=16, batch_size=4)
    plain, padded = list(loader), list(loader.map(first_box, each="sample"))
    for (x, found), (same_x, first, counts) in zip(plain, padded, strict=True):
        same(same_x, x)
        assert counts.tolist() == [len(one) for one in found]
        assert first.tolist() == [one[0].tolist() if len(one) else [0] * 4 for one in found]
    with pytest.raises(ValueError, match=r"expected one shape, as after padding, found \(3, 4\) and \(0, 4\)"):
        next(iter(loader.map(lambda sample: sample, each="sample")))


def test_any_number_of_boxes_for_each_image(marked):
    root, _ = marked
    rng = np.random.default_rng(0)
    boxes = [rng.uniform(0, 20, (n, 4)) for n in (3, 0, 1, 0, 0, 5)]
    boxes[3] = None
    wanted = [0 if sample is None else len(sample) for sample in boxes]
    for options in ({}, {"shuffle": True}, {"crop": "random_resized"}):
        for batch in agree(root, boxes=boxes, **options):
            assert sorted(map(len, batch[1])) == sorted(map(len, batch[1]))
    counts = [len(one) for batch in agree(root, boxes=boxes) for one in batch[1]]
    assert counts == wanted
    plain = [len(one) for batch in agree(root, boxes=boxes, min_box_area=0) for one in batch[1]]
    assert plain == wanted
    none = [one.shape for batch in agree(root, boxes=[None] * 6, keypoints=[[]] * 6) for one in (*batch[1], *batch[2])]
    assert none == [(0, 4)] * 4 + [(0, 2)] * 4 + [(0, 4)] * 2 + [(0, 2)] * 2


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """Images and masks of the same sizes, in two folders with the same names."""
    root = tmp_path_factory.mktemp("masked")
    rng = np.random.default_rng(3)
    (root / "images/a").mkdir(parents=True)
    (root / "masks/a").mkdir(parents=True)
    for i, (width, height) in enumerate(SIZES):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = Image.fromarray(pixels)
        exif = image.getexif()
        exif[0x0112] = i + 2
        image.save(root / f"images/a/{i}.jpg", quality=95, exif=exif)
        Image.fromarray(pixels[..., 0]).save(root / f"masks/a/{i}.jpeg", quality=95)
    return root


def expected_masks(root, way, exif, fill, seed=5):
    """The same steps by Pillow and NumPy, with the crops that both implementations report."""
    from fastbatch.decode.conversion import Field
    from fastbatch.decode.image_options import make_image_options
    from fastbatch.pure.geometry import draw_flips, plan_crop

    options = make_image_options((36, 32), Field(None, "u1", layout="NHWC"), **WAYS[way], flip=True, vertical_flip=True)
    for i in range(len(SIZES)):
        with Image.open(root / f"masks/a/{i}.jpeg") as mask, Image.open(root / f"images/a/{i}.jpg") as image:
            if exif == "apply":
                mask.getexif()[0x0112] = image.getexif()[0x0112]
                mask = ImageOps.exif_transpose(mask)
            plan = plan_crop(mask.size[::-1], options, seed, 0, i)
            top, left, h, w = plan.source
            mask = mask.crop((left, top, left + w, top + h)).resize(plan.scaled[::-1], Image.Resampling.NEAREST)
        y, x, h, w = plan.wanted
        slot = np.full((36, 32), fill, np.uint8)
        slot[plan.top : plan.top + h, plan.left : plan.left + w] = np.asarray(mask)[y : y + h, x : x + w]
        horizontal, vertical = draw_flips(options, seed, 0, i)
        yield slot[:: -1 if vertical else 1, :: -1 if horizontal else 1]


@pytest.mark.parametrize("exif", ["ignore", "apply"])
@pytest.mark.parametrize("way", WAYS)
def test_masks_go_the_way_of_their_images(masked, way, exif):
    options = {"flip": True, "vertical_flip": True, "exif": exif, **WAYS[way]}
    batches = agree(masked / "images", masks=masked / "masks", mask_pad_value=9, **options)
    got = np.concatenate([masks for _, masks in batches])
    assert got.dtype == np.uint8
    assert np.array_equal(got, np.stack(list(expected_masks(masked, way, exif, 9))))
    lists = [str(masked / f"masks/a/{i}.jpeg") for i in range(len(SIZES))]
    same_batches(
        fastbatch.images(
            masked / "images",
            None,
            masks=lists,
            mask_pad_value=9,
            size=(36, 32),
            batch_size=4,
            exact=True,
            seed=5,
            **options,
        ),
        batches,
    )


@pytest.mark.parametrize("kind", ["P", "L", "1", "P of 4 bits", "L of 2 bits"])
def test_kinds_of_masks(tmp_path, kind):
    """The indices in a PNG, whatever its palette."""
    rng = np.random.default_rng(1)
    most = {"1": 2, "P of 4 bits": 16, "L of 2 bits": 4}.get(kind, 256)
    numbers = [rng.integers(0, most, (30 + i, 20), dtype=np.uint8) for i in range(5)]
    for i, pixels in enumerate(numbers):
        Image.new("RGB", pixels.shape[::-1]).save(tmp_path / f"{i}.jpg")
        mask = Image.fromarray(pixels * (85 if kind == "L of 2 bits" else 1))
        if kind == "1":
            mask = Image.fromarray(pixels > 0)
        elif kind.startswith("P"):
            mask.putpalette(rng.integers(0, 256, 3 * most, dtype=np.uint8).tobytes())
        mask.save(tmp_path / f"{i}.png", bits=int(kind[5]) if "bits" in kind else 8)
    files, masks = ([tmp_path / f"{i}.{end}" for i in range(5)] for end in ("jpg", "png"))
    for (_, got), wanted in zip(
        agree(files, masks=masks, size=(30, 20), crop="random", batch_size=1), numbers, strict=True
    ):
        scale = 85 if kind == "L of 2 bits" else 1
        rows = [bytes(row * scale) for row in wanted]
        assert bytes(got[0, 0]) in rows  # an unscaled window of 30 rows
        start = rows.index(bytes(got[0, 0]))
        assert [bytes(row) for row in got[0]] == rows[start : start + 30]


def test_all_at_once_in_order(api, masked):
    loader = api.images(
        masked / "images",
        masks=masked / "masks",
        mask_dtype="int64",
        boxes=[[[0, 0, 1, 1]]] * 6,
        keypoints=[[[1, 1]]] * 6,
        size=8,
        batch_size=6,
        shuffle=True,
    )
    x, y, masks, boxes, points = next(iter(loader))
    assert (x.shape, y.shape, masks.shape, masks.dtype) == ((6, 3, 8, 8), (6,), (6, 8, 8), "i8")
    assert [one.shape for one in boxes] == [(1, 4)] * 6
    assert [one.shape for one in points] == [(1, 2)] * 6
    state = loader.state_dict()
    loader.load_state_dict(state)


def test_masks_with_a_suffix(api, masked, tmp_path):
    files = sorted((masked / "masks").glob("*/*"))
    (tmp_path / "suffixed/a").mkdir(parents=True)
    for file in files:
        (tmp_path / "suffixed/a" / f"{file.stem}_mask{file.suffix}").write_bytes(file.read_bytes())
    options = {"labels": None, "size": 8}
    expected = api.images(masked / "images", masks=masked / "masks", **options)
    same_batches(api.images(masked / "images", masks=tmp_path / "suffixed", **options), expected)


def test_masks_that_do_not_fit(api, masked, tmp_path):
    images = masked / "images"
    folder = tmp_path / "masks/a"
    folder.mkdir(parents=True)
    with pytest.raises(ValueError, match=r"masks: expected one for a/0.jpg in .*masks, found none"):
        api.images(images, None, masks=tmp_path / "masks")
    for i in range(len(SIZES)):
        Image.new("L", (9, 9)).save(folder / f"{i}.jpeg")
    Image.new("L", (9, 9)).save(folder / "0.png")
    with pytest.raises(ValueError, match=r"masks: expected one for a/0.jpg in .*masks, found 0.jpeg and 0.png"):
        api.images(images, None, masks=tmp_path / "masks")
    (folder / "0.png").unlink()
    loader = api.images(images, None, masks=tmp_path / "masks", size=8)
    message = "a/0.jpeg: sample 0: mask of another size than its image: expected 64 x 48, found 9 x 9"
    with pytest.raises(api.DecodeError, match=message):
        list(loader)
    Image.new("RGB", (64, 48)).save(folder / "0.jpeg")
    message = "a/0.jpeg: sample 0: not a mask: expected a palette or grayscale image, found mode RGB"
    with pytest.raises(api.DecodeError, match=message):
        list(loader)
    (folder / "0.jpeg").write_bytes(b"")
    with pytest.raises(api.DecodeError, match="a/0.jpeg: sample 0: not an image.* an empty file"):
        list(loader)
    (folder / "0.jpeg").unlink()
    with pytest.raises(FileNotFoundError, match="a/0.jpeg"):
        list(loader)
    with pytest.raises(ValueError, match="masks: expected one for each of 6 files, found 1"):
        api.images(images, None, masks=[folder / "1.jpeg"])
    with pytest.raises(ValueError, match="masks: a folder of masks goes with a folder of images"):
        api.images(sorted(images.glob("*/*")), masks=folder)
    files = [f"a/{i}.jpg" for i in range(6)]
    assert api.images(files, None, root=images, masks=masked / "masks").n_samples == 6


def test_a_bad_image_is_named_before_its_mask(api, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"<html>")
    for options in ({"boxes": [[[0, 0, 1, 1]]]}, {"masks": [tmp_path / "bad.jpg"]}):
        with pytest.raises(api.DecodeError, match="bad.jpg: sample 0: not an image"):
            list(api.images([tmp_path / "bad.jpg"], **options))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"boxes": [[[0, 0, 1, 1]]]}, "boxes: expected rows for each of 6 files, found 1"),
        ({"boxes": [[[0, 0, 1]]] * 6}, r"boxes: sample 0: expected shape \(n, 4 or more\), found \(1, 3\)"),
        ({"boxes": [[[0] * 5], [[0] * 4]] * 3}, r"boxes: sample 1: expected shape \(n, 5\), found \(1, 4\)"),
        ({"boxes": [[0, 0, 1, 1]] * 6}, r"boxes: sample 0: expected shape \(n, 4 or more\), found \(4,\)"),
        ({"boxes": [[[0, 0, 1, "x"]]] * 6}, "boxes: sample 0: could not convert"),
        ({"boxes": [[[0, 0, 1, float("nan")]]] * 6}, "boxes: sample 0: expected finite coordinates, found"),
        ({"keypoints": [[[1]]] * 6}, r"keypoints: sample 0: expected shape \(n, 2 or more\), found \(1, 1\)"),
        ({"min_box_area": 3}, "min_box_area: there are no boxes"),
        ({"keypoints": [None] * 6, "transform": abs}, "transform: boxes and keypoints differ in shape"),
    ],
)
def test_bad_options(api, marked, options, message):
    with pytest.raises(ValueError, match=message):
        api.images(marked[0], None, **options)
