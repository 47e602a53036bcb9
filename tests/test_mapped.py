# SPDX-License-Identifier: MIT
"""Mapped files that are cut after they were opened, and many mapped files at once."""

import errno
import os
import pickle

import numpy as np
import pytest

import fastbatch as fb
from fastbatch import FormatError, pure

N = 100_000


@pytest.fixture(params=["fastbatch", "pure"])
def api(request):
    return fb if request.param == "fastbatch" else pure


def saved(folder, name, array):
    np.save(folder / f"{name}.npy", array)
    return folder / f"{name}.npy"


def cut(path):
    os.truncate(path, 4096)
    return path


# Each gets the api, a source of N numbers whose file is cut, and arrays of N rows.
READERS = {
    "balance": lambda api, y, x: api.arrays(x, balance=y),
    "balance by labels": lambda api, y, x: api.arrays(x, y, balance="classes"),
    "weights": lambda api, y, x: api.arrays(x, weights=y),
    "lengths": lambda api, y, x: api.windows(x, length=2, lengths=y),
    "boundaries": lambda api, y, x: api.tokens(x[:, 0], context=4, boundaries=y),
    "document_end": lambda api, y, x: api.tokens(y, context=4, document_end=1),
    "window": lambda api, y, x: api.TimeSeriesDataset(y, y, 3)[N - 5],
    "label of a window": lambda api, y, x: api.TimeSeriesDataset(x, y, 3)[N - 5],
    "windows one by one": lambda api, y, x: list(api.TimeSeriesDataset(y, x, 3)),
    "statistics": lambda api, y, x: api.statistics(y),
    "fingerprint": lambda api, y, x: api.arrays(y).state_dict(),
    "series": lambda api, y, x: list(api.series([x[:, 0], y])),
    "series by slice": lambda api, y, x: api.series([x[:, 0], y])[N + 10 : N + 2000],
    "labels": lambda api, y, x: api.images(["a.png"] * N, labels=y, size=8),
    "offsets": lambda api, y, x: api.encoded(b"x" * 10, offsets=y),
    "select": lambda api, y, x: api.arrays(x).select(y),
    "mean": lambda api, y, x: api.arrays(x, mean=y),
}


@pytest.mark.parametrize("reader", READERS)
def test_reading_a_mapped_file_that_was_cut_is_an_error(api, tmp_path, reader):
    path = saved(tmp_path, "y", np.zeros(N, "i8"))
    y = api.npy(path)
    cut(path)
    with pytest.raises(FormatError, match=r"y\.npy: file became shorter while in use: expected \d+ bytes, found 4096"):
        READERS[reader](api, y, np.zeros((N, 1), "i8"))


def test_elements_of_a_source(tmp_path):
    """Every layout of an array is copied as NumPy does."""
    whole = np.arange(2 * 3 * 4 * 5, dtype=">i4").reshape(2, 3, 4, 5)
    for k, array in enumerate([whole, np.asfortranarray(whole), whole[:0], np.array(7.5), np.array(["ab", "c"], "S3")]):
        source = fb.npy(saved(tmp_path, f"a{k}", array))
        read = source.read_elements()
        assert read.dtype == source.dtype
        assert np.array_equal(read, array)
        assert read.flags.writeable
        assert read.flags.c_contiguous
        assert np.array_equal(np.array(source), array)
    rows = fb.npy(tmp_path / "a1.npy").read_rows(1, 2)
    assert np.array_equal(rows, whole[1:2])
    assert np.array_equal(np.asarray(fb.npy(tmp_path / "a0.npy"), "f8"), whole.astype("f8"))


def test_a_converted_copy_of_a_source_that_was_cut(tmp_path):
    path = saved(tmp_path, "y", np.zeros(N, "i8"))
    source = fb.npy(path)
    cut(path)
    for read in (lambda: np.asarray(source, "f4"), lambda: np.array(source), lambda: np.array(source, "f4")):
        with pytest.raises(FormatError, match="became shorter"):
            read()


def test_views_of_a_mapping_are_read_through_the_guard(tmp_path):
    """A slice of a source is an array of NumPy, but its memory is still that of the file."""
    path = saved(tmp_path, "y", np.zeros((N, 2), "i8"))
    source = fb.npy(path)
    loaders = [fb.arrays(view) for view in (source[10:], source[:, 0], np.asarray(source)[::-1], source[:].view("u8"))]
    values = [next(iter(loader)) for loader in loaders]
    assert all(not value.any() for value in values)
    cut(path)
    for loader in loaders:
        with pytest.raises(FormatError, match=r"y\.npy: file became shorter"):
            list(loader)


def test_a_column_of_a_table_that_was_cut(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 50_000)
    table = fb.csv(path, cache=tmp_path / "cached")
    assert table.column("b")[-1] == 2
    cut(max((tmp_path / "cached").iterdir(), key=lambda file: file.stat().st_size))
    with pytest.raises(FormatError, match="became shorter"):
        table.column("b")
    with pytest.raises(FormatError, match="became shorter"):
        fb.arrays(np.zeros((50_000, 1)), weights=table)


def test_an_item_of_a_dataset_is_writable_and_a_dataset_of_arrays_gives_views(api, tmp_path):
    x, y = np.arange(20.0), np.arange(20)
    paths = [saved(tmp_path, "x", x), saved(tmp_path, "y", y)]
    window, label = api.TimeSeriesDataset(*paths, 4)[3]
    assert np.array_equal(window, x[3:7])
    assert label == 6
    assert window.flags.writeable
    assert np.shares_memory(api.TimeSeriesDataset(x, y, 4)[3][0], x)
    again = pickle.loads(pickle.dumps(api.TimeSeriesDataset(*paths, 4)))
    assert np.array_equal(again[-1][0], x[-4:])


@pytest.fixture
def few_descriptors():
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_more_mapped_files_than_descriptors(tmp_path, few_descriptors):
    paths = [saved(tmp_path, f"a{i}", np.full((8, 2), i, "f4")) for i in range(400)]
    windows = fb.windows(fb.series(paths), length=4)
    assert sum(len(batch) for batch in windows) == 2000
    whole = fb.arrays(tuple(fb.npy(path) for path in paths), batch_size=8)
    assert [array[0, 0] for array in next(iter(whole))] == list(range(400))
    os.truncate(paths[390], 150)
    with pytest.raises(FormatError, match=r"a390\.npy: file became shorter"):
        list(windows)


def test_pure_names_the_file_for_which_there_is_no_descriptor(tmp_path, few_descriptors):
    """NumPy's mappings need one each."""
    paths = [saved(tmp_path, f"a{i}", np.zeros(2)) for i in range(300)]
    with pytest.raises(OSError, match="open files") as caught:
        [pure.npy(path) for path in paths]  # keeps all of them
    assert caught.value.errno == errno.EMFILE
    assert caught.value.filename in map(str, paths)


def test_more_shuffled_text_files_than_descriptors(tmp_path, few_descriptors):
    for i in range(400):
        (tmp_path / f"{i:03}.txt").write_text(f"line {i}\n")
    loader = fb.lines(sorted(tmp_path.iterdir()), shuffle="line", batch_size=50)
    assert sorted(line.rstrip() for batch in loader for line in batch) == sorted(f"line {i}" for i in range(400))
