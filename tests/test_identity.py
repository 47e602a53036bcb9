# SPDX-License-Identifier: MIT
"""Files that are rewritten while they are mapped: an error that names the file, and no mixture of rows."""

import os
import pickle

import numpy as np
import pytest
from making import error_of
from making_tar import samples, write_tar

from fastbatch import FormatError
from fastbatch.source import identity

N = 3000


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(4.0 * N, dtype="f4").reshape(N, 4))
    return path


def rewrite(path, keep_times=True, at=-16):
    """Write other values into a file: same size, same inode, and the same modification time if wanted."""
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(at, 2)
        file.write(bytes(16))
    if keep_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_the_identity_has(path):
    before = identity.settled_identity(str(path))
    assert before.has_change_time
    assert identity.settled_identity(str(path)) == before
    rewrite(path)
    assert identity.settled_identity(str(path)) != before
    whole_seconds = before._replace(ctime=before.ctime // 10**9 * 10**9)
    assert not whole_seconds.has_change_time


MAKERS = {
    "arrays": lambda api, path: api.arrays(path, batch_size=500),
    "shuffled": lambda api, path: api.arrays(api.npy(path), batch_size=500, shuffle=True),
    "concat": lambda api, path: api.arrays((api.npy(path), path), concat=-1),
    "windows": lambda api, path: api.windows(path, length=5, batch_size=100),
    "windows of pieces": lambda api, path: api.windows(path, length=5, lengths=[N // 2, N // 2], batch_size=100),
    "series": lambda api, path: api.windows(api.series([path, path]), length=5, batch_size=100),
    "raw": lambda api, path: api.arrays(api.raw(path, "f4", (-1, 4), 128), batch_size=500),
    "tokens": lambda api, path: api.tokens(api.raw(path, "u2", -1, 128), context=100),
}


@pytest.mark.parametrize("keep_times", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_a_file_rewritten_between_two_epochs(api, path, name, keep_times):
    loader = MAKERS[name](api, path)
    list(loader)
    rewrite(path, keep_times)
    error = error_of(iter, loader)
    assert isinstance(error, FormatError)
    assert str(error).startswith(f"{path}: file changed while in use: expected {os.path.getsize(path)} bytes last")


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_rewritten_in_the_middle_of_an_epoch(api, path, name):
    """The pass does not end as if nothing had happened; what came before may be old or new."""
    loader = MAKERS[name](api, path)
    iterator = iter(loader)
    next(iterator)
    rewrite(path)
    with pytest.raises(FormatError, match="x.npy: file changed while in use"):
        list(iterator)
    assert list(iterator) == []
    assert isinstance(error_of(iter, loader), FormatError)


def _write_hdf5(path):
    with pytest.importorskip("h5py").File(path, "w") as file:
        file.create_dataset("x", data=np.zeros((N, 4)), chunks=(100, 4))


def _hdf5(path):
    return pytest.importorskip("h5py").File(path)["x"]


def _write_parquet(path):
    arrow = pytest.importorskip("pyarrow")
    columns = {"x": np.arange(N), "text": [f"text {i}" for i in range(N)]}
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), path, row_group_size=100)


def _table(api, path, column):
    return api.table(path, [column], memory_bytes=20_000, batch_size=100)


# name -> what writes a file, and a loader over it
OTHER_FILES = {
    "members of an archive": (lambda path: write_tar(path, samples(40)), lambda api, path: api.tar(path, batch_size=4)),
    "images of an archive": (
        lambda path: write_tar(path, samples(40)),
        lambda api, path: api.images(path, size=8, batch_size=4),
    ),
    "row groups of numbers": (_write_parquet, lambda api, path: _table(api, path, "x")),
    "row groups of text": (_write_parquet, lambda api, path: _table(api, path, "text")),
    "chunks of HDF5": (_write_hdf5, lambda api, path: api.arrays(_hdf5(path), batch_size=100)),
}


@pytest.mark.parametrize("name", OTHER_FILES)
@pytest.mark.parametrize("in_mid_epoch", [False, True])
def test_files_of_other_formats_that_are_rewritten_with_their_times(api, tmp_path, name, in_mid_epoch):
    """What was read stays in memory, and the modification time is as before: the end of each epoch looks."""
    write, make = OTHER_FILES[name]
    path = tmp_path / "data.tar"
    write(path)
    loader = make(api, path)
    batches = iter(loader)
    for _ in range(1 if in_mid_epoch else len(loader)):
        next(batches)
    rewrite(path, at=-4_000)
    with pytest.raises(FormatError, match=r"data.tar: (photo\d+.jpg: sample \d+: )?file changed while in use"):
        list(batches if in_mid_epoch else loader)


def test_a_file_rewritten_before_the_first_epoch(api, path):
    loader = api.arrays(path)
    np.save(path, np.zeros((N, 4), "f4"))
    assert isinstance(error_of(iter, loader), FormatError)
    np.testing.assert_array_equal(next(iter(api.arrays(path))), 0)


def test_reads_outside_of_epochs_notice_that_a_file_was_rewritten(api, path, tmp_path):
    labels = tmp_path / "labels.npy"
    np.save(labels, np.arange(N) % 3)
    source, classes = api.npy(path), api.npy(labels)
    parts = api.series([source, source])
    dataset = api.TimeSeriesDataset(path, labels, seq_length=5)
    reads = {
        "statistics": lambda: api.statistics(source),
        "statistics of a series": lambda: api.statistics(parts, stop=2 * N),
        "item": lambda: dataset[7],
        "weights": lambda: api.arrays(np.arange(N), weights=classes),
        "classes": lambda: api.class_weight(classes),
        "groups": lambda: api.arrays(np.arange(N)).split(0.5, groups=classes),
        "selection": lambda: api.arrays(np.arange(N)).select(classes),
        "balance": lambda: api.arrays(np.arange(N), balance=classes),
    }
    for read in reads.values():
        read()
    rewrite(path)
    rewrite(labels)
    for name, read in reads.items():
        error = error_of(read)
        assert isinstance(error, FormatError) and "file changed while in use" in str(error), (name, error)


def test_changes_that_leave_the_content(api, path):
    """Permissions, other names, a file put in the place: the mapping has the rows that it had."""
    loader = api.arrays(path, batch_size=N)
    expected = next(iter(loader))
    os.chmod(path, 0o600)
    np.testing.assert_array_equal(next(iter(loader)), expected)
    os.link(path, path.with_name("other.npy"))
    np.testing.assert_array_equal(next(iter(loader)), expected)
    np.save(path.with_name("new.npy"), np.zeros((N, 4), "f4"))
    os.replace(path.with_name("new.npy"), path)
    np.testing.assert_array_equal(next(iter(loader)), expected)
    path.unlink()
    np.testing.assert_array_equal(next(iter(loader)), expected)


@pytest.mark.parametrize("shape", [(N, 4), (N + 1, 4), (N, 5)])
def test_a_pickle_of_a_file_that_is_another_one_now(path, shape):
    import fastbatch

    pickled = pickle.dumps(fastbatch.arrays(path))
    np.save(path, np.zeros(shape, "f4"))  # the same inode
    assert isinstance(error_of(pickle.loads, pickled), FormatError)
    pickled = pickle.dumps(fastbatch.npy(path))
    np.save(path.with_name("new.npy"), np.zeros((7, 4), "f4"))
    os.replace(path.with_name("new.npy"), path)
    with pytest.raises(FormatError, match=r"x.npy: another array than when it was pickled: .* found float32 \(7, 4\)"):
        pickle.loads(pickled)


def test_a_loader_pickled_on_another_machine(path):
    """Neither inode nor times are those of the copy: the shape decides."""
    import fastbatch

    pickled = pickle.dumps(fastbatch.arrays(path, batch_size=N))
    content = path.read_bytes()
    path.rename(path.with_name("old.npy"))
    path.write_bytes(content)
    np.testing.assert_array_equal(next(iter(pickle.loads(pickled)))[-1], np.arange(4.0 * N - 4, 4 * N))


@pytest.mark.parametrize("item", ["words", "lines"])
@pytest.mark.parametrize("shuffle", [False, "line", "block"])
def test_text_that_is_rewritten_between_two_epochs_is_read_anew(api, tmp_path, item, shuffle):
    path = tmp_path / "a.txt"
    path.write_text("alpha\nbeta\ngamma\n" * 300)
    loader = getattr(api, item)(path, 16, shuffle=shuffle, seed=1)
    assert len(loader) == 57
    assert {text.strip() for batch in loader for text in batch} == {"alpha", "beta", "gamma"}
    with open(path, "r+") as file:  # the same inode, other lines
        file.write("aa\nlongerword\nx\n" * 200)
        file.truncate()
    again = list(loader)
    assert {text.strip() for batch in again for text in batch} == {"aa", "longerword", "x"}
    assert len(again) == len(loader) == 38


@pytest.mark.parametrize("shuffle", [False, "line"])
def test_text_that_is_rewritten_in_mid_epoch_is_an_error(api, tmp_path, shuffle):
    path = tmp_path / "a.txt"
    path.write_text("alpha beta\n" * 300)
    loader = api.words(path, 16, shuffle=shuffle, seed=1)
    iterator = iter(loader)
    next(iterator)
    path.write_text("gamma zeta\n" * 300)
    with pytest.raises(FormatError, match="a.txt: file (changed|became shorter) while"):
        list(iterator)
