# SPDX-License-Identifier: MIT
"""Relative paths, and a working directory that is changed while a loader is used."""

import os
import pickle

import numpy as np
import pytest
from PIL import Image

from fastbatch import FormatError


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders with images of the same names; the first is the working directory."""
    for name, level in (("a", 10), ("b", 200)):
        (tmp_path / name / "images").mkdir(parents=True)
        for i in range(4):
            Image.new("L", (4, 4), level).save(tmp_path / name / "images" / f"{i}.png")
    monkeypatch.chdir(tmp_path / "a")
    return tmp_path


def loader_of(api, kind, **options):
    paths = {"folder": "images", "list": [f"images/{i}.png" for i in range(4)], "pattern": "images/*.png"}[kind]
    return api.images(paths, None, size=4, dtype="uint8", color="grayscale", batch_size=2, **options)


def levels(batches):
    return [int(level) for batch in batches for level in np.asarray(batch)[:, 0, 0, 0]]


@pytest.mark.parametrize("kind", ["folder", "list", "pattern"])
def test_relative_paths_after_a_change_of_directory(api, folders, kind):
    loader = loader_of(api, kind)
    assert levels(loader) == [10] * 4
    os.chdir(folders / "b")
    with pytest.raises(FormatError, match=r"images/0\.png: the working directory was changed.*a, found .*b"):
        next(iter(loader))
    os.chdir(folders / "a")
    assert levels(loader) == [10] * 4


def test_a_change_within_an_epoch_is_an_error_at_its_end(api, folders):
    iterator = iter(loader_of(api, "folder"))
    next(iterator)
    os.chdir(folders / "b")
    with pytest.raises(FormatError, match="working directory was changed"):
        list(iterator)


def test_masks_have_relative_paths_too(api, folders):
    names = [f"images/{i}.png" for i in range(4)]
    loader = loader_of(api, "list", masks=names)
    absolute = api.images([str(folders / "a" / name) for name in names], None, masks=names, size=4)
    os.chdir(folders / "b")
    for one in (loader, absolute):
        with pytest.raises(FormatError, match="working directory was changed"):
            next(iter(one))


def test_absolute_paths_need_no_directory(api, folders):
    loader = api.images(str(folders / "a" / "images"), None, size=4, dtype="uint8", color="grayscale")
    os.chdir(folders / "b")
    assert levels(loader) == [10] * 4


def test_an_unpickled_loader_is_of_its_own_directory(api, folders):
    """As on another machine, where the same folder lies elsewhere."""
    content = pickle.dumps(loader_of(api, "list"))
    os.chdir(folders / "b")
    assert levels(pickle.loads(content)) == [200] * 4


@pytest.mark.parametrize("shuffle", [False, "line", "block"])
@pytest.mark.parametrize("function", ["words", "lines"])
def test_text_after_a_change_of_directory(api, folders, function, shuffle):
    for name in "ab":
        (folders / name / "t.txt").write_text(f"{name} {name * 3}\n" * 50)
    loader = getattr(api, function)("t.txt", 8, shuffle=shuffle)
    for derived in (loader, loader.skip(1), pickle.loads(pickle.dumps(loader))):
        assert {text[0] for batch in derived for text in batch} == {"a"}
    os.chdir(folders / "b")
    for derived in (loader, loader.skip(1)):
        with pytest.raises(FormatError, match=r"t\.txt: the working directory was changed"):
            next(iter(derived))
        with pytest.raises(FormatError, match=r"t\.txt: the working directory was changed"):
            len(derived)


@pytest.mark.parametrize("shuffle", ["line", "block"])
def test_a_text_file_that_is_replaced_in_mid_epoch_is_not_torn(api, tmp_path, shuffle):
    """The native loader goes on with the file that it has mapped, the pure one names the file."""
    (tmp_path / "t.txt").write_text("aaa aaa\n" * 500)
    (tmp_path / "new.txt").write_text("b" * 6000)
    iterator = iter(api.lines(tmp_path / "t.txt", 8, shuffle=shuffle, keepends=False))
    next(iterator)
    os.replace(tmp_path / "new.txt", tmp_path / "t.txt")
    if api.__name__ == "fastbatch":
        assert {line for batch in iterator for line in batch} == {"aaa aaa"}
    else:
        with pytest.raises(FormatError, match=r"t\.txt: file was replaced while in use"):
            list(iterator)
