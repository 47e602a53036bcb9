# SPDX-License-Identifier: MIT
"""Chunked data sets of HDF5: damaged and hostile ones first; equal to h5py for every filter and any shape of chunks."""

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
from making import same, same_batches

import fastbatch as fb
from fastbatch import pure
from fastbatch.source import hdf5

h5py = pytest.importorskip("h5py")

N = 103
X = np.random.default_rng(0).integers(0, 40, (N, 6, 5)).astype(np.float32)
FILTERS = {
    "plain": {},
    "gzip": {"compression": "gzip"},
    "gzip_shuffle": {"compression": "gzip", "shuffle": True},
    "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf", "shuffle": True},
    "lzf_alone": {"compression": "lzf"},
    "fletcher32": {"fletcher32": True},
    "scaleoffset": {"scaleoffset": 3},  # which the core does not know: h5py reads it
}
TILES = {"rows": (16, 6, 5), "row": (1, 6, 5), "tiles": (10, 4, 2), "wide": (7, 6, 3), "larger": (50, 6, 5)}


@pytest.fixture
def create(tmp_path):
    """Return a function that writes a file of data sets and returns it, opened for reading."""
    opened = []

    def one(write, **options):
        path = tmp_path / f"{len(opened)}.h5"
        with h5py.File(path, "w", **options) as file:
            write(file)
        opened.append(h5py.File(path, "r"))
        return opened[-1]

    yield one
    for file in opened:
        file.close()


def gzipped(file, name="x", data=X, chunks=(16, 6, 5), **options):
    return file.create_dataset(name, data=data, chunks=chunks, **{"compression": "gzip", **options})


# ---- bad input -------------------------------------------------------------------------------------------------------


def patched(file, name, k, change):
    """Change the bytes of chunk `k` of a data set in its file; return the path."""
    chunk = file[name].id.get_chunk_info(k)
    path = file.filename
    file.close()
    with open(path, "r+b") as raw:
        raw.seek(chunk.byte_offset)
        content = bytearray(raw.read(chunk.size))
        change(content)
        raw.seek(chunk.byte_offset)
        raw.write(content)
    return path


@pytest.mark.parametrize("name", ["gzip", "all", "lzf", "fletcher32"])
def test_a_damaged_chunk_is_an_error_that_names_the_file(api, create, name):
    file = create(lambda file: gzipped(file, **{"compression": None, **FILTERS[name]}))

    def spoil(content):
        content[len(content) // 2] ^= 0x55
        content[len(content) // 2 + 1] ^= 0xAA
        content[-1] ^= 0xFF
        if name == "lzf":
            content[:] = bytes([255] * len(content))

    path = patched(file, "x", 3, spoil)
    loader = api.arrays(h5py.File(path, "r")["x"], batch_size=16)
    run = iter(loader)
    same(next(run), X[:16])
    with pytest.raises(fb.DecodeError, match=r"0.h5: .*(damaged chunk|chunk of another size)"):
        list(run)
    skipping = api.arrays(h5py.File(path, "r")["x"], batch_size=16, on_error="skip", with_index=True)
    rows = np.concatenate([index for _, index in skipping])
    assert rows.tolist() == [i for i in range(N) if not 48 <= i < 64]


def test_an_index_that_cannot_be_listed(create, monkeypatch):
    """h5py raises RuntimeError for a damaged one; its own reading then says what is damaged, or finds the chunk."""

    def fail(_):
        raise RuntimeError("bad coordinate offset")

    monkeypatch.setattr(hdf5, "_stored", fail)
    file = create(gzipped)
    same(np.concatenate(list(fb.arrays(file["x"], batch_size=16))), X)


def test_chunks_that_need_too_much_memory_are_refused(api, create, monkeypatch):
    bomb = create(
        lambda file: file.create_dataset("x", (1 << 20, 1024), "f8", chunks=(1 << 16, 1024), compression="gzip")
    )
    with pytest.raises(TypeError, match=r"rows are stored together, expected at most 268435456 bytes, found 536870912"):
        api.arrays(bomb["x"])
    monkeypatch.setattr(hdf5, "MEMORY_BYTES", 16 * 6 * 5 * 4 - 1)
    with pytest.raises(TypeError, match=r"rows are stored together"):
        api.arrays(create(gzipped)["x"])


def test_a_file_that_ends_early(api, create):
    file = create(gzipped)
    data, path = file["x"], file.filename
    loader = api.arrays(data, batch_size=16, prefetch=1, threads=1)
    run = iter(loader)
    next(run)
    last = data.id.get_chunk_info(6)
    file.close()
    os.truncate(path, last.byte_offset + last.size // 2)
    with pytest.raises(fb.FormatError, match=r"0.h5: file (changed|became shorter) while in use"):
        list(run)
    with pytest.raises(fb.FormatError, match=r"0.h5: file (changed|became shorter) while in use"):
        list(loader)


def test_a_file_that_is_written_to_in_mid_epoch(api, create, monkeypatch):
    monkeypatch.setattr(hdf5, "MEMORY_BYTES", 16 * 6 * 5 * 4)  # one chunk is kept
    file = create(gzipped)
    loader = api.arrays(file["x"], batch_size=16, prefetch=1, threads=1)
    run = iter(loader)
    next(run)
    path = file.filename
    file.close()
    with h5py.File(path, "r+") as changed:
        changed["x"][:] = X + 1
    with pytest.raises(fb.FormatError, match=r"0.h5: file changed while in use"):
        list(run)


@pytest.mark.parametrize("call", ["windows", "concat", "tokens"])
def test_what_is_not_made_of_chunks_is_refused_and_not_read_whole(api, create, call):
    data = create(lambda file: gzipped(file, data=np.arange(40, dtype=np.int32), chunks=(8,)))["x"]
    calls = {
        "windows": lambda: api.windows(data, length=2),
        "concat": lambda: api.arrays((data, data), concat=-1),
        "tokens": lambda: api.tokens(data, context=4),
    }
    with pytest.raises(TypeError, match=r"of rows that are stored in chunks|h5py data set"):
        calls[call]()


def test_a_filter_that_h5py_lacks(api, create, monkeypatch):
    data = create(gzipped)["x"]
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    with pytest.raises(TypeError, match=r"this h5py lacks the filter 1 \(deflate\)"):
        api.arrays(data)


# ---- equal to h5py ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("tile", TILES)
def test_rows_are_those_of_h5py(api, create, name, tile):
    data = create(lambda file: file.create_dataset("x", data=X, chunks=TILES[tile], **FILTERS[name]))["x"]
    want = data[:]
    same(np.concatenate(list(api.arrays(data, batch_size=9))), want)
    for rows, index in api.arrays(data, batch_size=10, shuffle=True, seed=1, with_index=True, threads=2):
        same(rows, want[index])


@pytest.mark.parametrize("dtype", ["u1", "bool", "<i2", ">i2", ">f8", "f2", "c8", "S5", "<u8"])
def test_types(api, create, dtype):
    values = np.arange(60).reshape(30, 2).astype(dtype)
    data = create(lambda file: gzipped(file, data=values, chunks=(7, 1), shuffle=True))["x"]
    same_batches(api.arrays(data, batch_size=8, shuffle=True), api.arrays(values, batch_size=8, shuffle=True))


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "float64"},
        {"dtype": "float16", "scale": 0.5, "mean": 1.0},
        {"layout": "NHWC->NCHW"},
        {"shuffle": "block", "block_size": 16, "window": 2},
        {"weights": np.arange(N)},
        {"shard": (1, 3)},
    ],
)
def test_options_of_arrays(api, create, options):
    x = X[:, :, :, None].repeat(3, axis=3)
    data = create(lambda file: gzipped(file, data=x, chunks=(16, 6, 5, 3)))["x"]
    same_batches(api.arrays(data, X, batch_size=8, **options), api.arrays(x, X, batch_size=8, **options))


def test_chunks_that_were_never_written_have_the_fill_value(api, create):
    def write(file):
        file.create_dataset("x", (50, 4), "i4", chunks=(8, 3), fillvalue=7, compression="lzf")[20:30] = 1

    data = create(write)["x"]
    same(np.concatenate(list(api.arrays(data))), data[:])


def test_chunks_whose_filters_were_left_out(api, create):
    """HDF5 stores a chunk as it is where a filter did not make it smaller: its mask tells."""

    def write(file):
        data = file.create_dataset("x", (4, 8), "<i4", chunks=(1, 8), compression="gzip", shuffle=True)
        plain = np.arange(8, dtype="<i4")
        for k, mask in enumerate((0b11, 0b10, 0b01)):
            content = plain.view("u1").reshape(8, 4).T.tobytes() if mask == 0b10 else plain.tobytes()
            if mask == 0b01:
                import zlib

                content = zlib.compress(content)
            data.id.write_direct_chunk((k, 0), content, mask)

    data = create(write)["x"]
    assert data[:3].tolist() == [list(range(8))] * 3
    same(np.concatenate(list(api.arrays(data))), data[:])


@pytest.mark.parametrize("change", [{"filters": ()}, {"offsets": None}])
def test_the_core_reads_only_what_it_reads_as_h5py_does(create, monkeypatch, change):
    data = create(lambda file: gzipped(file, compression=None, shuffle=True))["x"]
    original = hdf5.DatasetReader.tiles

    def other(self):
        tiles = original(self)
        if "offsets" in change:  # the last chunk is another one
            offsets = tiles.offsets.copy()
            offsets[-1] = offsets[0]
            return replace(tiles, offsets=offsets)
        return replace(tiles, **change)

    monkeypatch.setattr(hdf5.DatasetReader, "tiles", other)
    same(np.concatenate(list(fb.arrays(data))), X)


def test_a_file_with_a_user_block(api, create):
    data = create(gzipped, userblock_size=512)["x"]
    same(np.concatenate(list(api.arrays(data))), X)


def test_resume_pickle_and_closed_files(api, create):
    file = create(gzipped)
    loader = api.arrays(file["x"], np.arange(N), shuffle=True, batch_size=16)
    file.close()  # the loader opens it on its own
    whole = list(loader)
    loader.set_epoch(0)
    next(iter(loader))
    other = pickle.loads(pickle.dumps(loader))
    other.load_state_dict(loader.state_dict())
    same_batches(other, whole[1:])


def test_both_implementations_know_each_other_s_states(create):
    data = create(gzipped)["x"]
    assert fb.arrays(data).state_dict() == pure.arrays(data).state_dict() == fb.arrays(X).state_dict()


def test_a_series_and_statistics(api, create):
    data = create(lambda file: (gzipped(file, "a"), gzipped(file, "b", X + 1)))
    both = api.series([data["a"], data["b"]])
    same(np.concatenate(list(api.arrays(both, batch_size=50))), np.concatenate([X, X + 1]))


def test_labels_in_chunks(api, create):
    labels = np.arange(N) % 3
    data = create(lambda file: (gzipped(file), gzipped(file, "y", labels, (10,))))
    loader = api.arrays(data["x"], data["y"])
    same(loader.labels, labels)
    drawn = api.arrays(data["x"], data["y"], balance=labels, batch_size=300, samples_per_epoch=300)
    assert np.bincount(next(iter(drawn))[1]).min() > 70


def test_each_chunk_is_read_once_in_order(create, monkeypatch):
    data = create(lambda file: gzipped(file, scaleoffset=3, compression=None))["x"]
    read = []
    original = hdf5.DatasetReader.__call__

    def counted(self, k):
        read.append(k)
        return original(self, k)

    monkeypatch.setattr(hdf5.DatasetReader, "__call__", counted)
    loader = fb.arrays(data, batch_size=5, threads=3)
    assert sum(map(len, loader)) == N
    assert sorted(read) == list(range(7))
