# SPDX-License-Identifier: MIT
"""Images and samples in tar archives: the same as from files, labels, masks, order, and archives that change."""

import gc
import io
import json
import os
import pickle

import numpy as np
import pytest
from making import same, same_batches
from making_tar import jpeg, samples, write_tar

import fastbatch as fb
from fastbatch import pure

SIZE = {"size": 24, "batch_size": 3, "dtype": "uint8"}


@pytest.fixture
def shards(tmp_path):
    """Two archives with 10 samples in all, and the pattern that names them."""
    write_tar(tmp_path / "0.tar", samples(6), "gnu")
    write_tar(tmp_path / "1.tar", samples(4, first=6), "ustar")
    return str(tmp_path / "{0..1}.tar")


@pytest.fixture
def files(tmp_path):
    """The same images as files."""
    (tmp_path / "files").mkdir()
    paths = [tmp_path / f"files/photo{i}.jpg" for i in range(10)]
    for i, path in enumerate(paths):
        path.write_bytes(jpeg(i))
    return paths


@pytest.mark.parametrize("crop", ["none", "random_resized"])
def test_images_of_archives_are_those_of_files(api, shards, files, crop):
    options = {**SIZE, "crop": crop, "shuffle": True, "seed": 5, "flip": True}
    labels = [i % 3 for i in range(10)]
    same_batches(api.images(shards, **options), api.images(files, labels, **options))


def test_both_implementations_give_the_same(shards):
    options = {**SIZE, "exact": True, "shuffle": True, "crop": "random_resized"}
    same_batches(fb.images(shards, **options), pure.images(shards, **options))
    same_batches(fb.tar(shards, shuffle=True, batch_size=3), pure.tar(shards, shuffle=True, batch_size=3))


def test_resume_shards_and_split(api, shards):
    for loader in (api.images(shards, shuffle=True, **SIZE), api.tar(shards, shuffle=True, batch_size=3)):
        whole = list(loader)
        loader.set_epoch(0)
        iterator = iter(loader)
        next(iterator)
        state = json.loads(json.dumps(loader.state_dict()))
        other = pickle.loads(pickle.dumps(loader))
        other.load_state_dict(state)
        same_batches(other, whole[1:])
        parts = [batch for rank in range(2) for batch in loader.shard(rank, 2)]
        assert sum(len(part["cls"] if isinstance(part, dict) else part[1]) for part in parts) == 10
        train, validation = loader.split(0.2)
        assert (train.n_samples, validation.n_samples) == (8, 2)


def test_a_state_knows_its_archives(api, tmp_path):
    one = write_tar(tmp_path / "a.tar", samples(4))
    other = write_tar(tmp_path / "b.tar", samples(4, first=1))
    for make in (api.tar, lambda path: api.images(path, size=8)):
        with pytest.raises(fb.StateError):
            make(other).load_state_dict(make(one).state_dict())


# ---- labels and masks ------------------------------------------------------------------------------------------------


def write_labelled(path, n=4):
    members = []
    for i in range(n):
        name = ["cat", "dog"][i % 2]
        about = json.dumps({"label": i, "meta": {"name": name}}).encode()
        mask = jpeg(i, kind="PNG", mode="L")
        members += [(f"{name}/{i}.jpg", jpeg(i)), (f"{name}/{i}.json", about), (f"{name}/{i}.txt", name.encode())]
        members += [(f"{name}/{i}.seg.png", mask)]
    return write_tar(path, members)


@pytest.mark.parametrize(
    ("labels", "expected", "names"),
    [
        (".json:label", [0, 1, 2, 3], None),
        (".json:meta.name", [0, 1, 0, 1], ("cat", "dog")),
        (".txt", [0, 1, 0, 1], ("cat", "dog")),
        (lambda sample: sample.key.split("/")[0], [0, 1, 0, 1], ("cat", "dog")),
        (lambda sample: json.loads(sample["json"])["label"] + 1, [1, 2, 3, 4], None),
        ([7, 8, 9, 10], [7, 8, 9, 10], None),
    ],
)
def test_labels(api, tmp_path, labels, expected, names):
    loader = api.images(write_labelled(tmp_path / "a.tar"), labels, size=8)
    assert loader.class_names == names
    assert next(iter(loader))[1].tolist() == expected


def test_without_class_members_there_are_no_labels(api, tmp_path):
    path = write_labelled(tmp_path / "a.tar")
    assert next(iter(api.images(path, size=8))).shape == (4, 3, 8, 8)
    assert next(iter(api.images(path, labels=None, size=8))).shape == (4, 3, 8, 8)


def test_masks(api, tmp_path):
    path = write_labelled(tmp_path / "a.tar")
    masks = [jpeg(i, kind="PNG", mode="L") for i in range(4)]
    files = fb.encoded([jpeg(i) for i in range(4)])
    options = {"size": 16, "crop": "random", "resize": 20, "flip": True, "labels": None}
    same_batches(api.images(path, masks=".seg.png", **options), api.images(files, masks=fb.encoded(masks), **options))
    with pytest.raises(ValueError, match=r"masks: expected the extension of members, such as '.seg.png', found 'seg"):
        api.images(path, masks="seg.png")
    with pytest.raises(fb.FormatError, match=r"a.tar: cat/0: sample lacks a member: expected .png, found .jpg, .json"):
        api.images(path, masks=".png")


BAD_LABELS = {
    ".cls": (fb.FormatError, r"a.tar: cat/0: sample lacks a member: expected .cls, found .jpg, .json, .txt, .seg.png"),
    ".json:none": (fb.FormatError, r"a.tar: cat/0.json: no label: expected a field 'none', found"),
    ".txt:x": (fb.FormatError, r"a.tar: cat/0.txt: not JSON"),
    ".jpg": (fb.FormatError, r"a.tar: cat/0.jpg: not a label: expected UTF-8 text, found b"),
    "json": (
        ValueError,
        "labels: expected 'infer', an extension such as '.cls' or '.json:label', or labels, found 'json'",
    ),
    ".json:": (ValueError, "labels: expected 'infer', an extension"),
}


@pytest.mark.parametrize("labels", BAD_LABELS)
def test_labels_that_are_not_there(api, tmp_path, labels):
    error, message = BAD_LABELS[labels]
    with pytest.raises(error, match=message):
        api.images(write_labelled(tmp_path / "a.tar"), labels)


def test_names_of_classes_and_numbers(api, tmp_path):
    names = [("a.jpg", jpeg(0)), ("a.cls", b"owl\n"), ("b.jpg", jpeg(1)), ("b.cls", b"12")]
    assert api.images(write_tar(tmp_path / "a.tar", names), size=8).class_names == ("12", "owl")
    numbers = [("a.jpg", jpeg(0)), ("a.cls", b" 7\n"), ("b.jpg", jpeg(1)), ("b.cls", b"-1")]
    assert next(iter(api.images(write_tar(tmp_path / "b.tar", numbers), size=8)))[1].tolist() == [7, -1]


def test_which_members_are_images(api, tmp_path):
    both = write_tar(tmp_path / "a.tar", [("a.jpg", jpeg(0)), ("a.png", jpeg(1, kind="PNG"))])
    with pytest.raises(
        ValueError, match="column: expected the extension of the images, since .*a.tar: a has jpg and png"
    ):
        api.images(both)
    options = {"size": 16, "exact": True, "labels": None}
    for column, content in (("jpg", jpeg(0)), (".png", jpeg(1, kind="PNG"))):
        same_batches(api.images(both, column=column, **options), api.images(fb.encoded([content]), **options))
    mixed = [
        ("a.jpg", jpeg(0)),
        ("README", b"?"),
        ("about.txt", b"?"),
        ("__meta__/x.jpg", b"?"),
        ("b.png", jpeg(1, kind="PNG")),
    ]
    path = write_tar(tmp_path / "b.tar", mixed)
    encoded = fb.encoded([jpeg(0), jpeg(1, kind="PNG")])
    same_batches(api.images(path, **options), api.images(encoded, **options))
    with pytest.raises(ValueError, match="b.tar: expected members that are .gif, found .jpg, .txt, .png"):
        api.images(path, column="gif")
    lost = write_tar(tmp_path / "c.tar", [("a.jpg", jpeg(0)), ("a.cls", b"1"), ("b.cls", b"1")])
    with pytest.raises(fb.FormatError, match=r"c.tar: b: sample lacks a member: expected .jpg, found .cls"):
        api.images(lost)
    for options in ({"root": "."}, {"column": 3}):
        with pytest.raises((ValueError, TypeError), match=next(iter(options))):
            api.images(lost, **options)
    with pytest.raises(ValueError, match="column: only valid with"):
        api.images([tmp_path / "x.jpg"], column="jpg")


def test_probe(api, shards):
    assert api.probe(shards)["width"].tolist() == [50] * 10


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_errors_name_the_member(api, tmp_path):
    members = samples(4)
    members[2] = (members[2][0], members[2][1][:200])
    path = write_tar(tmp_path / "a.tar", members)
    with pytest.raises(fb.DecodeError, match=r"a.tar: photo1.jpg: sample 1: JPEG ends early"):
        list(api.images(path, **SIZE))
    loader = api.images(path, on_error="skip", **SIZE)
    assert sum(len(y) for _, y in loader) == 3
    assert [bad.path for bad in loader.report()] == [f"{path}: photo1.jpg"]


def replace_in_place(path, content):
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))


def replace_by_another(path, content):
    other = path.with_suffix(".new")
    other.write_bytes(content)
    os.replace(other, path)


@pytest.mark.parametrize("change", [replace_in_place, replace_by_another])
def test_an_archive_that_changes_in_mid_epoch_is_an_error(api, tmp_path, change):
    path = write_tar(tmp_path / "a.tar", samples(40))
    for make in (
        lambda: api.images(path, size=16, batch_size=1, prefetch=1, threads=1),
        lambda: api.tar(path, batch_size=1),
    ):
        write_tar(path, samples(40))
        iterator = iter(make())
        next(iterator)
        change(path, write_tar(tmp_path / "other.tar", samples(40, first=1)).read_bytes())
        with pytest.raises(fb.FormatError, match="a.tar.*file changed while in use: expected it as it was") as caught:
            list(iterator)
        assert str(path) in caught.value.path
    loader = api.images(path, size=16)
    list(loader)
    change(path, write_tar(tmp_path / "other.tar", samples(40, first=2)).read_bytes())
    with pytest.raises(fb.FormatError, match="a.tar: file changed while in use"):
        iter(loader).__next__()


def test_a_deleted_archive(api, tmp_path):
    path = write_tar(tmp_path / "a.tar", samples(3))
    loader = api.images(path, size=16)
    path.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        list(loader)
    assert caught.value.filename == str(path)


# ---- dicts -----------------------------------------------------------------------------------------------------------


def npy(array) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def test_dicts_of_extensions(api, tmp_path):
    members = []
    for i in range(3):
        members += [(f"{i}.jpg", b"jpg%d" % i), (f"{i}.CLS", b"%d" % i), (f"{i}.txt", b"text %d" % i)]
        members += [(f"{i}.json", b'{"a": %d}' % i), (f"{i}.x.npy", npy(np.full(2, i, np.float32)))]
    path = write_tar(tmp_path / "a.tar", members)
    batch = next(iter(api.tar(path)))
    assert list(batch) == ["__key__", "jpg", "cls", "txt", "json", "x.npy"]
    assert batch["__key__"] == ["0", "1", "2"]
    assert batch["jpg"] == [b"jpg0", b"jpg1", b"jpg2"]
    same(batch["cls"], np.arange(3))
    assert batch["txt"] == ["text 0", "text 1", "text 2"]
    assert batch["json"] == [{"a": 0}, {"a": 1}, {"a": 2}]
    same(batch["x.npy"], np.repeat(np.arange(3, dtype=np.float32), 2).reshape(3, 2))
    batch = next(iter(api.tar(path, ["cls", ".txt"], decode={"txt": len})))
    same(batch["txt"], np.array([6, 6, 6]))
    assert next(iter(api.tar(path, ["cls"], decode=False)))["cls"] == [b"0", b"1", b"2"]
    lengths = next(iter(api.tar(path, ["txt"]).map(lambda sample: len(sample["txt"]), each="sample")))
    assert lengths.tolist() == [6, 6, 6]


def test_the_index_of_each_sample(api, shards):
    loader = api.tar(shards, ["cls"], shuffle=True, batch_size=5, with_index=True)
    names = [key for batch in api.tar(shards, ["cls"]) for key in batch["__key__"]]
    found = []
    for batch, index in loader:
        assert batch["__key__"] == [names[i] for i in index.tolist()]
        found += index.tolist()
    assert sorted(found) == list(range(len(names)))


def test_bad_dicts(api, tmp_path):
    path = write_tar(tmp_path / "a.tar", [("a.cls", b"1"), ("b.cls", b"one"), ("c.txt", b"")])
    with pytest.raises(fb.DecodeError, match=r"a.tar: b.cls: sample 1: ValueError: invalid literal"):
        next(iter(api.tar(path, batch_size=2)))
    with pytest.raises(fb.FormatError, match=r"a.tar: c: sample lacks a member: expected .cls, found .txt"):
        list(api.tar(path, batch_size=1, decode=False).skip(2))
    for options, message in (
        ({"columns": ["png"]}, r"columns: expected extensions of members \(cls, txt\), found 'png'"),
        ({"decode": {"png": len}}, "decode: expected extensions of members"),
        ({"decode": "yes"}, "decode: expected True, False or a dict"),
        ({"decode": {"txt": 3}}, "decode: expected True, False or a dict"),
        ({"on_error": "skip"}, "on_error: expected 'raise' with tar"),
        ({"balance": "classes"}, "balance='classes': give the labels"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            api.tar(path, **options)
    with pytest.raises(ValueError, match="expected members such as 0001.jpg, found none"):
        api.tar(write_tar(tmp_path / "b.tar", [("README", b"")]))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_the_same(api, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    for shard in range(2):
        with webdataset.TarWriter(str(tmp_path / f"{shard}.tar")) as writer:
            for i in range(3):
                about = {"number": i, "name": "ü" * 80}
                writer.write(
                    {"__key__": f"{'d' * 60}/{shard}/{i}", "cls": i, "json": about, "txt": "ß", "bin": b"\0" * i}
                )
    pattern = str(tmp_path / "{0..1}.tar")
    expected = list(webdataset.WebDataset(pattern, shardshuffle=False).decode())
    gc.collect()  # webdataset leaves its files to the collector
    batch = next(iter(api.tar(pattern)))
    assert batch["__key__"] == [one["__key__"] for one in expected]
    for extension in ("cls", "json", "txt", "bin"):
        assert list(batch[extension]) == [one[extension] for one in expected]
