# SPDX-License-Identifier: MIT
"""Missing files, empty files and folders: every function that opens one names it in its error, as text."""

import pytest

READERS = {
    "arrays": lambda api, path: api.arrays(path),
    "npy": lambda api, path: api.npy(path),
    "npz": lambda api, path: api.npz(path),
    "raw": lambda api, path: api.raw(path, "f4", (3,)),
    "idx": lambda api, path: api.idx(path),
    "series": lambda api, path: api.series([path]),
    "windows": lambda api, path: api.windows(path, length=3),
    "statistics": lambda api, path: api.statistics(path),
    "TimeSeriesDataset": lambda api, path: api.TimeSeriesDataset(path, path, 3),
    "tokens": lambda api, path: api.tokens(path, "uint16", 8),
    "csv": lambda api, path: api.csv(path),
    "images": lambda api, path: list(api.images([path], [0], size=8)),
    "image_generator": lambda api, path: next(api.image_generator([path], [0])),
    "words": lambda api, path: list(api.words(path)),
    "lines": lambda api, path: list(api.lines(path)),
    "text_generator": lambda api, path: list(api.text_generator(path, 3)),
    "vocabulary": lambda api, path: api.vocabulary(path),
    "Vocabulary": lambda api, path: api.Vocabulary.load(path),
    "stream": lambda api, path: list(api.stream(path)),
}
FOLLOWED = {"a followed stream": lambda api, path: next(api.stream(path, follow=True, max_wait_s=0.01))}
FOLDERS = {
    "a folder of images": lambda api, path: api.images(path, size=8),
    "ImageDataLoader": lambda api, path: api.ImageDataLoader(path, 3),
}
OPENERS = {**READERS, **FOLLOWED, **FOLDERS}

NOTHING_IN_IT = ("words", "lines", "text_generator", "stream")
EMPTY = {
    **dict.fromkeys(("npy", "idx", "raw"), "(header|array).* ends early|expected a header, found nothing"),
    "npz": "zip archive|not a .npz archive",
    "tokens": "too few tokens: expected at least 9, found 0",
    **dict.fromkeys(("images", "image_generator"), "sample 0: not an image: expected .*, found an empty file"),
    **dict.fromkeys(FOLDERS, "Not a directory"),
}


def test_missing_files(api, tmp_path, photos):
    path = tmp_path / "none" / "x.txt"
    for name, read in OPENERS.items():
        with pytest.raises(FileNotFoundError) as caught:
            read(api, path)
        assert caught.value.filename == str(path), name
        assert str(caught.value) == f"[Errno 2] No such file or directory: '{path}'"
    with pytest.raises(FileNotFoundError) as caught:
        api.images(photos, masks=tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none" / "cat")


def test_folders_in_place_of_files(api, tmp_path):
    for name, read in {**READERS, **FOLLOWED}.items():
        with pytest.raises(IsADirectoryError) as caught:
            read(api, tmp_path)
        assert caught.value.filename == str(tmp_path), name


def test_empty_files(api, tmp_path):
    path = tmp_path / "none.txt"
    path.touch()
    for name, read in {**READERS, **FOLDERS}.items():
        if name in NOTHING_IN_IT:
            assert read(api, path) == [], name
        elif name in ("vocabulary", "Vocabulary"):
            assert len(read(api, path)) == 0
        else:
            with pytest.raises((ValueError, OSError), match=EMPTY.get(name, "found an empty file")) as caught:
                read(api, path)
            assert str(path) in str(caught.value), name


def test_names_that_no_file_can_have(api, tmp_path):
    for name, read in OPENERS.items():
        with pytest.raises((ValueError, OSError), match="embedded null|Invalid argument"):
            pytest.fail(f"{name}: {read(api, str(tmp_path / 'a') + chr(0))}")


def test_patterns_that_fit_no_file(api, tmp_path):
    with pytest.raises(FileNotFoundError, match="No file fits the pattern") as caught:
        api.words(str(tmp_path / "*.txt"))
    assert caught.value.filename == str(tmp_path / "*.txt")
