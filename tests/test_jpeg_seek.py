# SPDX-License-Identifier: MIT
"""The seek index of JPEGs, in loaders: the same batches with it and without, and files that change are read anew."""

import os

import numpy as np
import pytest
from making import same_batches
from test_jpeg_own import photograph

import fastbatch

N = 12
CROP = {"size": 40, "crop": "random_resized", "flip": True, "batch_size": 5, "shuffle": True, "seed": 3}


@pytest.fixture(scope="module")
def files():
    return [photograph(150 + 7 * i, 300 - 11 * i, seed=i, quality=70 + 2 * i, subsampling=i % 3) for i in range(N)]


def epochs(loader, n=3):
    return [batch for _ in range(n) for batch in loader]


def test_a_wrong_size_is_refused(api, files):
    for wrong in (-1, 1.5, "64", None, [1], 2**63, np.nan):
        with pytest.raises((TypeError, ValueError), match=r"^seek_index_bytes: expected "):
            api.images(api.encoded(files), seek_index_bytes=wrong)


def test_the_oracle_ignores_it(files):
    pure = fastbatch.pure
    with_index, without = (pure.images(pure.encoded(files), seek_index_bytes=n, **CROP) for n in (1 << 20, 0))
    same_batches(with_index, without)
    assert with_index.stats()["jpeg_indexed"] == 0


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "options", [{}, {"crop": "center"}, {"size": 16, "color": "grayscale"}, {"exact": True}], ids=str
)
def test_batches_do_not_depend_on_it(files, threads, options):
    indexed = fastbatch.images(fastbatch.encoded(files), threads=threads, **{**CROP, **options})
    plain = fastbatch.images(fastbatch.encoded(files), threads=threads, seek_index_bytes=0, **{**CROP, **options})
    same_batches(epochs(indexed), epochs(plain))
    assert plain.stats()["jpeg_indexed"] == 0
    assert plain.stats()["jpeg_library"] == indexed.stats()["jpeg_library"] == 0
    used = indexed.stats()["jpeg_indexed"]
    assert used == 0 if options.get("exact") else N < used <= 2 * N


def test_a_small_index_keeps_some(files):
    loader = fastbatch.images(fastbatch.encoded(files), seek_index_bytes=5000, **{**CROP, "crop": "center"})
    plain = fastbatch.images(fastbatch.encoded(files), seek_index_bytes=0, **{**CROP, "crop": "center"})
    same_batches(epochs(loader, 4), epochs(plain, 4))
    assert 0 < loader.stats()["jpeg_indexed"] <= 3 * N // 2


def test_copies_and_parts_share_it(files):
    loader = fastbatch.images(fastbatch.encoded(files), **{**CROP, "crop": "center"})
    list(loader)
    assert loader.stats()["jpeg_indexed"] == 0
    part = loader.take(2)
    list(part)
    assert 0 < part.stats()["jpeg_indexed"] <= 10


def test_files_that_changed_are_read_anew(tmp_path, files):
    """In place and by a new file, of the same length, with the times of before."""
    changed = [photograph(150, 300, seed=90 + i, quality=80, subsampling=0) for i in range(6)]
    length = max(map(len, changed))
    changed = [file + bytes(length - len(file)) for file in changed]  # data behind the end are ignored
    path = tmp_path / "photograph.jpg"
    options = {"size": 40, "crop": "center", "resize": 60, "dtype": "uint8"}
    path.write_bytes(changed[0])
    times = os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns
    loader = fastbatch.images([path], **options)
    for i, file in enumerate(changed):
        if i % 2:
            with path.open("r+b") as out:
                out.write(file)
        else:
            path.unlink()
            path.write_bytes(file)
        os.utime(path, ns=times)
        expected = next(iter(fastbatch.images(fastbatch.encoded([file]), **options)))
        for _ in range(2):
            np.testing.assert_array_equal(next(iter(loader)), expected)
    assert loader.stats()["jpeg_indexed"] == len(changed)
    assert loader.stats()["jpeg_library"] == 0


def test_a_damaged_file_is_what_it_is_without(files):
    damaged = []
    for i, file in enumerate(files):
        content = bytearray(file)
        content[len(content) * 2 // 3 + i] ^= 0x55
        damaged.append(bytes(content))
    options = {**CROP, "on_error": "skip"}
    indexed = fastbatch.images(fastbatch.encoded(damaged), **options)
    plain = fastbatch.images(fastbatch.encoded(damaged), seek_index_bytes=0, **options)
    same_batches(epochs(indexed), epochs(plain))
    assert indexed.stats()["bad_samples"] == plain.stats()["bad_samples"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_the_same(files):
    loader = fastbatch.images(fastbatch.encoded(files), threads=2, **CROP)
    expected = epochs(fastbatch.images(fastbatch.encoded(files), seek_index_bytes=0, **CROP), 4)
    same_batches(epochs(loader, 2), expected[: len(expected) // 2])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            same_batches(epochs(loader, 2), expected[len(expected) // 2 :])
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    same_batches(epochs(loader, 2), expected[len(expected) // 2 :])
