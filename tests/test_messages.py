# SPDX-License-Identifier: MIT
"""Messages: short whatever the user gave, and with the name of the file in every error of the operating system."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from making import error_of, jpeg

SOURCE = Path(__file__).resolve().parents[1] / "src/fastbatch"
LONG = "x" * 200_000
MANY = {str(i): i for i in range(100_000)}
X = np.zeros((4, 4, 4, 3), "u1")
SHORT = 1000  # characters

CALLS = {
    "random bytes as paths": lambda api: api.images([os.urandom(200_000)], [0]),
    "bytes without zeros": lambda api: api.images([b"\x81" * 200_000], [0]),
    "an image as a path": lambda api: api.images([jpeg()], [0]),
    "labels": lambda api: api.images(["a"], MANY),
    "a label": lambda api: api.images(["a"], [LONG], class_names=["b"]),
    "class_names": lambda api: api.images(["a"], [0], class_names=MANY.values()),
    "a class": lambda api: api.images(".", class_names=[LONG]),
    "label_mode": lambda api: api.images(["a"], [0], label_mode=LONG),
    "masks": lambda api: api.images(["a"], [0], masks=[LONG]),
    "boxes": lambda api: api.images(["a"], [0], boxes=[np.full((1000, 4), np.nan)]),
    "size": lambda api: api.images(["a"], [0], size=list(MANY)),
    "mean": lambda api: api.images(["a"], [0], mean=list(range(100_000))),
    "augment": lambda api: api.Augment(fill=LONG),
    "data": lambda api: api.arrays(LONG),
    "dtype": lambda api: api.arrays(X, dtype=LONG),
    "layout": lambda api: api.arrays(X, layout=LONG),
    "scale": lambda api: api.arrays(X, scale=list(range(100_000))),
    "a file": lambda api: api.npy(LONG),
    "csv": lambda api: api.csv(LONG),
    "header": lambda api: api.csv("a", header=MANY),
    "delimiter": lambda api: api.csv("a", delimiter=LONG),
    "missing": lambda api: api.csv("a", missing=LONG),
    "image_table": lambda api: api.image_table(LONG),
    "decode": lambda api: api.decode(LONG),
    "mode": lambda api: api.decode(b"", mode=LONG),
    "box": lambda api: api.resize(X[0], 4, box=list(range(100_000))),
    "tokens": lambda api: api.tokens(LONG),
    "targets": lambda api: api.tokens(np.arange(9), targets=LONG),
    "normalize": lambda api: api.windows(np.zeros(9), length=2, normalize=LONG),
    "short": lambda api: api.windows(np.zeros(9), length=2, short=LONG),
    "words": lambda api: api.words(LONG),
    "vocabulary": lambda api: api.Vocabulary.load(LONG),
    "stream": lambda api: api.stream(LONG, 2),
    "series": lambda api: api.series(LONG),
}


@pytest.mark.parametrize("name", CALLS)
def test_messages_are_short(api, name):
    assert len(str(error_of(CALLS[name], api))) < SHORT


def test_no_message_has_the_whole_of_what_was_given():
    """In these folders, what a message says it found goes through `checks.shown`."""
    whole = re.compile(r"(found|Received:) \{[^{}]*![rsa]")
    for folder in ("api", "batch", "decode", "keras", "native", "pure", "source"):
        for path in (SOURCE / folder).rglob("*.py"):
            assert not whole.search(path.read_text(encoding="utf-8")), path


def test_a_hint_for_images_in_memory(api):
    assert "; encoded([...]) takes images in memory" in str(error_of(api.images, [jpeg()], [0]))


UNREADABLE = "/proc/self/mem"  # a regular file whose first byte cannot be read
READERS = {
    "decode": lambda api, path: api.decode(path),
    "images": lambda api, path: next(iter(api.images([path], [0], size=4))),
    "npy": lambda api, path: api.npy(path),
    "npz": lambda api, path: api.npz(path),
    "idx": lambda api, path: api.idx(path),
    "arrays": lambda api, path: api.arrays(path),
    "csv": lambda api, path: api.csv(path),
    "image_table": lambda api, path: api.image_table(path),
    "vocabulary": lambda api, path: api.Vocabulary.load(path),
    "words": lambda api, path: next(iter(api.words(path))),
    "text": lambda api, path: next(api.text_generator(path, 2)),
    "counts": lambda api, path: api.vocabulary(path),
}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize("name", READERS)
def test_errors_of_reading_name_the_file(api, name, tmp_path):
    for path in (UNREADABLE, str(tmp_path), str(tmp_path / "none")):
        error = error_of(READERS[name], api, path)
        if isinstance(error, OSError):
            assert error.filename == path
        else:
            assert path in str(error)  # a FormatError


def test_home(api, tmp_path, monkeypatch):
    """A first `~` is the user's home wherever a path is taken."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "p/a").mkdir(parents=True)
    (tmp_path / "p/a/1.jpg").write_bytes(jpeg())
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "x.npz", x=X)
    np.arange(100, dtype="u2").tofile(tmp_path / "t.bin")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    (tmp_path / "labels.csv").write_text("name,label\na/1.jpg,0\n")
    (tmp_path / "w.txt").write_text("one two\n")
    for path in ("~/x.npy", b"~/x.npy", Path("~/x.npy")):
        assert api.arrays(path).n_samples == 4
    assert api.npy("~/x.npy").shape == api.npz("~/x.npz", "x").shape == api.raw("~/x.npy", "u1", X.shape, 128).shape
    assert api.csv("~/x.csv", cache="~/cache").shape == (1, 2)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert api.arrays("~/x.csv").n_samples == api.series(["~/x.csv"]).shape[0] == 1
    assert api.tokens("~/t.bin", "u2", context=4).n_samples == 24
    assert api.images("~/p").n_samples == api.images(["~/p/a/1.jpg"], [0]).n_samples == 1
    assert api.images(["a/1.jpg"], [0], root="~/p", masks="~/p", size=4).n_samples == 1
    assert api.image_table("~/labels.csv", root="~/p")[0] == [str(tmp_path / "p/a/1.jpg")]
    assert api.decode("~/p/a/1.jpg").ndim == 3
    assert api.probe("~/p")["width"].tolist() == api.probe(["~/p/a/1.jpg"])["width"].tolist() == [64]
    assert [name for names in api.ImageDataLoader("~/p", 1) for name in names] == ["a/1.jpg"]
    for path in ("~/w.txt", "~/*.txt"):
        assert list(api.words(path, 2)) == [["one", "two"]]
    assert list(api.text_generator("~/w.txt", 2)) == [["one", "two"]]
    assert [list(batch) for batch in api.stream("~/w.txt", 1)] == [["one two\n"]]
    api.Vocabulary(["one"]).save("~/v.txt")
    assert api.Vocabulary.load("~/v.txt").words == api.vocabulary("~/v.txt").words == ("one",)
