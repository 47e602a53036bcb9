# SPDX-License-Identifier: MIT
"""Parsed CSV files that are kept or temporary: made again whenever they may be another one's, and never left behind."""

import os
import pickle

import numpy as np
import pytest
from making import error_of, same

import fastbatch
from fastbatch import pure
from fastbatch.native.backend import NativeBackend
from fastbatch.pure.backend import PureBackend

BACKENDS = {fastbatch: NativeBackend, pure: PureBackend}


def test_nothing_is_left_behind(api, write, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = api.csv(write("1,2\n3,4\n"))
    error_of(api.csv, write("1,2\n3,x\n", "bad.csv"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "data.csv"]
    assert table[1].tolist() == [3, 4]


def test_the_cache_knows_the_file(api, write, tmp_path, monkeypatch):
    path, cache = write("a,b\n1,2\n3,4\n"), tmp_path / "cache" / "deep"
    first = api.csv(path, cache=cache)
    assert [one.suffix for one in cache.iterdir()] == [".npy"]
    with monkeypatch.context() as patch:
        patch.setattr(BACKENDS[api], "csv_blocks", lambda *_: pytest.fail("parsed again"))
        again = api.csv(path, cache=cache)
    same(np.asarray(first), np.asarray(again))
    assert again.column_names == ("a", "b")
    assert api.csv(path, cache=cache, columns=["b"]).shape == (2, 1)
    write("a,b\n1,2\n3,4\n5,6\n")
    assert api.csv(path, cache=cache).shape == (3, 2)


def test_the_cache_is_not_deceived_by_equal_times(api, write, tmp_path):
    path, cache = write("a\n1\n2\n"), tmp_path / "cache"
    before = os.stat(path)
    assert np.asarray(api.csv(path, cache=cache)).ravel().tolist() == [1, 2]
    write("a\n3\n4\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert np.asarray(api.csv(path, cache=cache)).ravel().tolist() == [3, 4]


@pytest.mark.behavior
def test_a_spoilt_cache_is_made_again(api, write, tmp_path):
    path, cache = write("a\n" + "".join(f"{i}\n" for i in range(5000))), tmp_path / "cache"
    expected = np.asarray(api.csv(path, cache=cache)).copy()
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()

    def fifo():
        kept.unlink()
        os.mkfifo(kept)

    spoils = [
        lambda: os.truncate(kept, 5000),
        lambda: os.truncate(kept, len(whole) - 1),
        lambda: kept.write_bytes(b""),
        lambda: kept.write_bytes(whole[:4096] + bytes(len(whole) - 4096)),
        lambda: kept.write_bytes(bytes(len(whole))),
        lambda: kept.write_bytes(whole + b"x"),
        fifo,
    ]
    for spoil in spoils:
        spoil()
        same(np.asarray(api.csv(path, cache=cache)), expected)
        assert [one.read_bytes() for one in cache.iterdir()] == [whole]


def test_a_cache_that_lost_a_part_is_made_again(api, write, tmp_path):
    """The pages that its digest is made of stay as they are; its length does not."""
    path, cache = write("a\n" + "0\n" * 200_000), tmp_path / "cache"
    api.csv(path, cache=cache)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:300_000] + whole[304_096:])
    assert np.asarray(api.csv(path, cache=cache)).shape == (200_000, 1)
    assert kept.read_bytes() == whole


def test_a_cache_that_may_not_be_used(api, write, tmp_path, monkeypatch):
    path, cache = write("a\n1\n2\n"), tmp_path / "cache"
    expected = np.asarray(api.csv(path, cache=cache)).copy()
    (kept,) = cache.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o666 & ~umask()  # for all whom the umask allows, as other files

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    from fastbatch.source.csv import cache as csv_cache

    monkeypatch.setattr(csv_cache, "open_regular", refuse)
    with monkeypatch.context() as patch:
        patch.setattr(csv_cache.secrets, "token_hex", refuse)
        kept.unlink()
        same(np.asarray(api.csv(path, cache=cache)), expected)
    assert list(cache.iterdir()) == []


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.behavior
def test_what_killed_processes_left_is_deleted(api, write, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    for folder in ("tmp", "cache"):
        (tmp_path / folder).mkdir()
        for name, age in (("old", 1), ("new", 2**31)):
            (tmp_path / folder / f".fastbatch-{name}.npy").touch()
            os.utime(tmp_path / folder / f".fastbatch-{name}.npy", (age, age))
        (tmp_path / folder / "other.npy").touch()
        os.utime(tmp_path / folder / "other.npy", (1, 1))
    path = write("a\n1\n")
    api.csv(path)
    api.csv(path, cache=tmp_path / "cache")
    assert sorted(one.name for one in (tmp_path / "tmp").iterdir()) == [".fastbatch-new.npy", "other.npy"]
    assert len(list((tmp_path / "cache").iterdir())) == 3


@pytest.mark.behavior
def test_an_interrupted_parse_leaves_nothing(api, write, tmp_path):
    cache = tmp_path / "cache"
    error_of(api.csv, write("a\n1\nx\n"), cache=cache)
    assert list(cache.iterdir()) == []


def test_a_pickled_table_whose_file_changed(write):
    path = write("a\n1\n2\n")
    pickled = pickle.dumps(fastbatch.csv(path))
    write("a\n3\n4\n")
    assert isinstance(error_of(pickle.loads, pickled), fastbatch.FormatError)


@pytest.mark.behavior
def test_a_pipe_is_refused(api, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for call in (api.csv, api.arrays, lambda path: api.image_table(path), lambda path: api.Vocabulary.load(path)):
        error = error_of(call, tmp_path / "pipe.csv")
        assert isinstance(error, OSError)
        assert error.filename == str(tmp_path / "pipe.csv")
