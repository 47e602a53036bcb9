# SPDX-License-Identifier: MIT
"""`loader.preview()`: the samples are the loader's, its position stays, and every kind of data is shown."""

import base64
import io

import numpy as np
import pytest
from kinds import LOADERS, OTHERS, Folder
from PIL import Image

SERIES = np.cumsum(np.ones((60, 2)), axis=0).astype(np.float32)


def kinds_of(preview):
    return [part.kind for part in preview._parts]


def size_of(file):
    with Image.open(file) as image:
        return image.size


def test_wrong_arguments(api):
    loader = api.arrays(SERIES, batch_size=8)
    for n in (0, -1, 257):
        with pytest.raises(ValueError, match="^n: expected .* found"):
            loader.preview(n)
    with pytest.raises(ValueError, match=r"expected a name that ends in \.png, \.svg, \.pdf, \.html, found 'a\.jpg'"):
        loader.preview(2).save("a.jpg")


def test_a_stream_is_not_read(api):
    with pytest.raises(TypeError, match="a stream cannot be copied"):
        api.stream(range(10), 2).preview()


def test_no_batches(api):
    with pytest.raises(ValueError, match="preview: the loader has no batches"):
        api.arrays(SERIES, batch_size=8).take(0).preview()


@pytest.mark.parametrize("name", {**LOADERS, "folder": OTHERS["folder"], "decoded folder": OTHERS["decoded folder"]})
def test_every_kind_of_loader_is_shown(name, api, tmp_path):
    loader = {**LOADERS, **OTHERS}[name](api, Folder(tmp_path))
    before = loader.state_dict()
    preview = loader.preview(3)
    assert loader.state_dict() == before
    assert preview.n >= 1
    text = repr(preview).splitlines()
    assert len(text) == 2 + preview.n
    assert "<table" in preview._repr_html_() or "<img" in preview._repr_html_()


def test_the_samples_are_those_of_the_next_epoch(api):
    loader = api.arrays(SERIES, np.arange(60), batch_size=8, shuffle=True, seed=4)
    list(loader)
    preview = loader.preview(20)
    batches = list(loader)
    x, y = (np.concatenate([batch[i] for batch in batches]) for i in range(2))
    assert np.array_equal(preview.batch[0], x[:20])
    assert np.array_equal(preview.batch[1], y[:20])
    assert preview.n == 20


def test_an_epoch_may_be_shorter(api):
    preview = api.arrays(SERIES, batch_size=8).preview(100)
    assert isinstance(preview, api.Preview)
    assert preview.n == 60


def test_structures(api):
    preview = api.arrays({"x": SERIES, "y": [np.arange(60), SERIES[:, 0]]}, batch_size=8).preview(2)
    assert [part.name for part in preview._parts] == ["x", "y[0]", "y[1]"]
    assert preview.batch["y"][0].tolist() == [0, 1]


def test_images_before_and_after(api, photos):
    loader = api.images(photos, size=24, flip=True, batch_size=4, shuffle=True, seed=2)
    preview = loader.preview(6)
    assert kinds_of(preview) == ["images", "labels"]
    after, labels = preview.batch
    before, same_labels = preview.before
    assert np.array_equal(labels, same_labels)
    for one, other in zip(after, before, strict=True):
        assert np.array_equal(one, other) or np.array_equal(one, other[:, :, ::-1])
    assert not np.array_equal(after, before)
    assert api.images(photos, size=24, batch_size=4).preview(2).before is None
    names = [line.split()[-1] for line in repr(preview).splitlines()[2:]]
    assert set(names) <= set(loader.class_names)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dtype": "uint8"},
        {"layout": "NHWC"},
        {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
        {"color": "grayscale"},
        {"scale": 1.0, "dtype": "float16"},
    ],
)
def test_pixels_are_those_of_the_files(options, api, tmp_path):
    """Scale, mean and layout are undone for the eye."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    (tmp_path / "a").mkdir()
    Image.fromarray(pixels).save(tmp_path / "a" / "1.png")
    preview = api.images(tmp_path, size=16, exact=True, batch_size=1, **options).preview(1)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))[..., None] if options.get("color") else pixels
    found = preview._parts[0].values[0]
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_boxes_points_and_masks(api, tmp_path):
    for i in range(3):
        Image.new("RGB", (40, 30), (10 * i, 0, 0)).save(tmp_path / f"{i}.png")
        Image.new("L", (40, 30), i).save(tmp_path / f"{i}_mask.png")
    files = [str(tmp_path / f"{i}.png") for i in range(3)]
    masks = [str(tmp_path / f"{i}_mask.png") for i in range(3)]
    loader = api.images(
        files,
        None,
        masks=masks,
        boxes=[[[1, 2, 20, 22]], None, [[0, 0, 9, 9], [1, 1, 3, 3]]],
        keypoints=[[[5, 5]]] * 3,
        size=20,
        batch_size=2,
    )
    preview = loader.preview(3)
    assert kinds_of(preview) == ["images", "masks", "boxes", "points"]
    pytest.importorskip("matplotlib")
    preview.save(tmp_path / "p.png")
    assert size_of(tmp_path / "p.png")[0] > 200


def test_windows_tokens_and_text(api, tmp_path, write):
    assert kinds_of(api.windows(SERIES, np.arange(60), length=10, batch_size=4).preview(2)) == ["series", "labels"]
    assert kinds_of(api.tokens(np.arange(100), context=8, batch_size=4).preview(2)) == ["tokens", "tokens"]
    text = write("one <b>two</b> three\nfour\n", "a.txt")
    words = api.words(text, 2)
    assert kinds_of(words.preview(3)) == ["text"]
    assert words.preview(3).batch == ["one", "<b>two</b>", "three"]
    assert "&lt;b&gt;two" in words.preview(3)._repr_html_()


def test_what_is_written(api, tmp_path, photos):
    pytest.importorskip("matplotlib")
    preview = api.images(photos, size=24, flip=True, batch_size=4).preview(5)
    for suffix, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".html", b"<!doctype html>")):
        preview.save(tmp_path / f"p{suffix}")
        assert (tmp_path / f"p{suffix}").read_bytes().startswith(magic)
    page = (tmp_path / "p.html").read_text()
    inside = base64.b64decode(page.partition("base64,")[2].partition('"')[0])
    width, height = size_of(io.BytesIO(inside))
    assert width > height / 3
    assert "http" not in page.replace(page.partition("base64,")[2].partition('"')[0], "")


def test_tables_are_drawn(api, tmp_path):
    pytest.importorskip("matplotlib")
    api.tokens(np.arange(100), context=8, batch_size=4).preview(3).save(tmp_path / "t.png")
    assert size_of(tmp_path / "t.png")[0] > 100
