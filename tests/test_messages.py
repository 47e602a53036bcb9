# SPDX-License-Identifier: MIT
"""Messages: short whatever the user gave, and with the name of the file in every error of the operating system."""

import ast
import os
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


class Named:
    """No function."""

    def __repr__(self):
        return LONG


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
    "records": lambda api: api.stream(iter([1]), 2, records=LONG),
    "max_wait_s": lambda api: api.stream(iter([1]), 2, max_wait_s=LONG),
    "restartable": lambda api: api.restartable(Named()),
    "output": lambda api: api.words("a", output=LONG),
    "encoding": lambda api: api.text_generator("a", 1, encoding=LONG),
    "errors": lambda api: api.text_generator("a", 1, errors=list(MANY)),
    "vocabulary words": lambda api: api.Vocabulary([LONG + " "]),
    "a word twice": lambda api: api.Vocabulary([LONG, LONG]),
    "shuffle": lambda api: api.arrays(X, shuffle=LONG),
    "tail": lambda api: api.arrays(X, tail=LONG),
    "balance": lambda api: api.arrays(X, balance=LONG),
    "max_bad": lambda api: api.arrays(X, on_error="skip", max_bad=LONG),
    "on_error": lambda api: api.arrays(X, on_error=LONG),
    "select": lambda api: api.arrays(X).select([LONG]),
    "each": lambda api: api.arrays(X).map(len, each=LONG),
    "an option": lambda api: api.arrays(X, **{LONG: 1}),
    "an option of a method": lambda api: api.arrays(X).take(1, **{LONG: 1}),
}


@pytest.mark.parametrize("name", CALLS)
def test_messages_are_short(api, name):
    assert len(str(error_of(CALLS[name], api))) < SHORT


def _uncut(function):
    """Yield the parts of the texts in a function that show a value as a whole: by !r or !s, or by str() and repr()."""
    for node in ast.walk(function):
        if isinstance(node, ast.FormattedValue) and node.conversion != -1 and node.format_spec is None:
            yield ast.unparse(node.value)
        if not isinstance(node, ast.Raise):
            continue
        given = {
            one.arg
            for one in (*function.args.args, *function.args.kwonlyargs, *function.args.posonlyargs)
            if one.annotation is not None and ast.unparse(one.annotation) in ("Any", "object", "SupportsIndex")
        }
        for part in ast.walk(node):
            is_name = isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name)
            if is_name and part.value.id in given and part.format_spec is None:
                yield part.value.id
            if isinstance(part, ast.Call) and ast.unparse(part.func) in ("str", "repr"):
                yield ast.unparse(part)


SHOWN_WHOLE = {
    ("api/image_table.py", "path"),  # of a file that was opened
    ("keras/dataframe_iterator.py", "y_col"),  # in Keras's words
    ("keras/sequences.py", "dtype"),
    ("demo/run.py", "names[0]"),
    ("calls.py", "str(error)"),  # Python's own messages
    ("keras/image_utils.py", "str(error)"),
    ("text/python_text.py", "str(error)"),
    ("native/array_file.py", "path"),
    ("command/index.py", "str(error)"),  # our own messages
    ("command/loaders.py", "str(error)"),
    ("command/preview.py", "str(error)"),
    ("command/probe.py", "str(error)"),
    ("command/profile.py", "str(error)"),
    ("command/statistics.py", "str(error)"),
    ("command/verify.py", "str(error)"),
    ("command/preview.py", "made"),  # a loader's repr
    ("loader/slow.py", "loader"),
    ("decode/tiff.py", "str(error)"),  # tifffile's, cut
    ("doctor/beside/same.py", "k"),  # a key of a batch
    ("pure/deep_sample.py", "str(found)"),  # a number of channels
    ("source/arrow/image_groups.py", "str(error)"),  # our own, with the file in front
    ("source/csv/dialect.py", "mark"),  # one character
}
# What users ask for; attributes that do not exist, in the words of Python.
OWN_TEXTS = ("__repr__", "_order_shown", "__getattr__")


def test_no_message_has_the_whole_of_what_was_given():
    """What a message says of a user's value goes through `checks.shown`."""
    found = set()
    for path in set(SOURCE.rglob("*.py")) - set((SOURCE / "bench").rglob("*.py")):  # whose users give it no data
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name not in OWN_TEXTS:
                found |= {(path.relative_to(SOURCE).as_posix(), value) for value in _uncut(function)}
    assert found - SHOWN_WHOLE == set()


def test_a_hint_for_images_in_memory(api):
    assert "; encoded([...]) takes images in memory" in str(error_of(api.images, [jpeg()], [0]))


def streamed(api, path, mode):
    with open(path, mode) as file:
        return list(api.stream(file, 2))


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
    "stream": lambda api, path: list(api.stream(path, 2)),
    "stream follow": lambda api, path: next(iter(api.stream(path, 2, follow=True))),
    "stream of a file": lambda api, path: streamed(api, path, "rb"),
    "stream of text": lambda api, path: streamed(api, path, "r"),
    "lines in UTF-16": lambda api, path: next(iter(api.lines(path, encoding="utf-16"))),
    "shuffled": lambda api, path: next(iter(api.words(path, shuffle="line"))),
    "tokens": lambda api, path: api.tokens(path, "u2", context=2),
    "boundaries": lambda api, path: api.tokens(np.arange(9), context=2, boundaries=path),
    "raw": lambda api, path: api.raw(path, "u2", (2,)),
    "series": lambda api, path: api.series([path]),
    "windows": lambda api, path: api.windows(path, length=2),
    "statistics": lambda api, path: api.statistics(path),
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
