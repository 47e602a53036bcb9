# SPDX-License-Identifier: MIT
"""Buffers are leased, reused and counted; a data set is identified by its fingerprint."""

import numpy as np
import pytest
from making import make_photos

import fastbatch
from fastbatch.batch.column import files_identity


def fingerprint(loader):
    return loader.state_dict()["dataset"]


def test_buffers_are_recycled():
    loader = fastbatch.arrays(np.zeros((1000, 64)), batch_size=50, threads=1, prefetch=2)
    places = {batch.ctypes.data for batch in loader.repeat(20)}
    assert len(places) <= 2 + 2  # prefetched, in use, and one more during the loop's assignment


def test_kept_batches_have_places_of_their_own():
    loader = fastbatch.arrays(np.zeros((1000, 64)), batch_size=50, prefetch=2)
    kept = list(loader.repeat(3))
    assert len({batch.ctypes.data for batch in kept}) == len(kept) == 60


def test_keeping_labels_does_not_keep_images():
    images = np.zeros((1000, 64))
    loader = fastbatch.arrays(images, np.arange(1000), batch_size=50, threads=1, prefetch=2)
    labels, places = [], set()
    for x, y in loader.repeat(5):
        labels.append(y)
        places.add(x.ctypes.data)
    assert len(places) <= 4
    assert len({y.ctypes.data for y in labels}) == 100


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1024,), (512, 1024)])
def test_buffers_are_aligned(shape):
    for batch in fastbatch.arrays(np.zeros((10, *shape), np.uint8), batch_size=3):
        assert batch.ctypes.data % 64 == 0
        assert batch.flags.aligned
        assert batch.flags.c_contiguous


def test_the_fingerprint_is_the_data(api):
    x = np.arange(1000.0).reshape(100, 10)
    same = fingerprint(api.arrays(x))
    assert fingerprint(api.arrays(x.copy(), batch_size=5, shuffle=True, seed=3)) == same
    assert fingerprint(api.arrays(x.astype(">f8"))) == same
    assert fingerprint(api.arrays(np.asfortranarray(x))) == same
    assert fingerprint(api.arrays(x[:99])) != same
    assert fingerprint(api.arrays(x.astype("f4"))) != same
    assert fingerprint(api.arrays(x, x)) != same
    assert fingerprint(api.arrays(x + 1)) != same


def test_the_fingerprint_of_a_file_is_that_of_its_array(api, tmp_path):
    x = np.arange(1000.0).reshape(100, 10)
    np.save(tmp_path / "x.npy", x)
    assert fingerprint(api.arrays(tmp_path / "x.npy")) == fingerprint(api.arrays(x))


def test_the_fingerprint_of_images_is_their_names(api, tmp_path):
    one = make_photos(tmp_path / "one")
    two = make_photos(tmp_path / "two")
    assert fingerprint(api.images(one)) == fingerprint(api.images(two))
    (two / "cat" / "0.jpg").rename(two / "cat" / "00.jpg")
    assert fingerprint(api.images(one)) != fingerprint(api.images(two))


def test_names_count_from_the_common_folder():
    assert files_identity([b"/a/b/1.jpg", b"/a/c/2.jpg"]) == files_identity([b"/x/y/b/1.jpg", b"/x/y/c/2.jpg"])
    assert files_identity([b"/a/b/1.jpg", b"/a/c/2.jpg"]) != files_identity([b"/a/b/1.jpg", b"/a/d/2.jpg"])
    assert files_identity([b"a1.jpg", b"a2.jpg"]) != files_identity([b"1.jpg", b"2.jpg"])
    assert files_identity([]) == files_identity([])
