# SPDX-License-Identifier: MIT
"""Arrays in files and in memory: every element type, format and layout, on both implementations."""

import gzip
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from making import same, same_batches

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

NUMBERS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
LONG = ["g", "G"]
OTHERS = ["S5", "U3", "V6", "M8[ns]", "m8[25s]"]
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
ODD_NAMES = [b"two words", b"line\nbreak", b"caf\xe9", b"\xff\xfe.npy", "\u96ea.npz".encode()]


def numbers(dtype, shape=(7, 3, 2)):
    """Return an array of `dtype` whose elements differ."""
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind in "SU":
        return np.array([str(i) for i in range(n)]).astype(dtype).reshape(shape)
    if dtype.kind == "V":
        return np.random.default_rng(0).integers(0, 256, n * dtype.itemsize, dtype=np.uint8).view(dtype).reshape(shape)
    if dtype.kind in "mM":
        return np.arange(n).astype("i8").astype(dtype).reshape(shape)
    steps = np.arange(n) * (1 - 2j if dtype.kind == "c" else 1)
    return (steps % 2 if dtype.kind == "b" else steps).astype(dtype).reshape(shape)


def orders(dtype):
    """Return a type in both byte orders, or in the only one it has."""
    dtype = np.dtype(dtype)
    return [dtype] if dtype.byteorder == "|" else [dtype.newbyteorder("<"), dtype.newbyteorder(">")]


def served(api, leaf, **options):
    """Return all samples of a loader in order, as one array."""
    batches = list(api.arrays(leaf, batch_size=3, **options))
    return np.concatenate(batches)


def agree(leaf, expected):
    """Assert that both implementations return exactly `expected`, in native byte order, also shuffled."""
    expected = np.ascontiguousarray(expected, expected.dtype.newbyteorder("="))
    for api in (fastbatch, pure):
        got = served(api, leaf)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        if expected.dtype.char in "gG":  # 10 of 16 bytes are used; the others are undefined
            assert np.array_equal(got, expected)
        else:
            assert got.tobytes() == expected.tobytes()
    if expected.dtype.char not in "gG":
        same_batches(
            fastbatch.arrays(leaf, batch_size=3, shuffle=True, seed=2),
            pure.arrays(leaf, batch_size=3, shuffle=True, seed=2),
        )


def write_npy(path, array, version=(1, 0)):
    with Path(path).open("wb") as file:
        np.lib.format.write_array(file, array, version=version)
    return path


def write_idx(path, array, code):
    head = bytes([0, 0, code, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + np.ascontiguousarray(array, IDX_TYPES[code]).tobytes())
    return path


# ---- .npy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", NUMBERS + LONG + OTHERS)
def test_npy_of_every_type_and_order(tmp_path, dtype):
    for i, order in enumerate(orders(dtype)):
        for fortran in (False, True):
            array = np.asarray(numbers(dtype).astype(order), order="F" if fortran else "C")
            agree(write_npy(tmp_path / f"{i}{fortran}", array), array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 2, 3, 4), (1, 7), (0,), (0, 3), (4, 0), (4, 0, 2)])
def test_npy_versions_and_shapes(tmp_path, version, shape):
    array = numbers("i4", shape)
    path = write_npy(tmp_path / "a", array, version)
    if shape[0]:
        agree(path, array)
    for api in (fastbatch, pure):
        assert api.npy(path).shape == shape
        if not shape[0]:
            with pytest.raises(ValueError, match="expected at least one sample, found arrays without rows"):
                api.arrays(path)
            continue
        loader = api.arrays(path, batch_size=2)
        assert [len(batch) for batch in loader] == [2] * (shape[0] // 2) + [1] * (shape[0] % 2)
        assert loader.n_samples == shape[0]


def test_npy_as_python_2_wrote_it(api, tmp_path):
    text = b"{'descr': '<i4', 'fortran_order': False, 'shape': (3L, 2L), }".ljust(117) + b"\n"
    path = tmp_path / "old"
    path.write_bytes(b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + numbers("<i4", (3, 2)).tobytes())
    assert np.array_equal(served(api, path), numbers("i4", (3, 2)))


def test_npz_with_a_name_that_is_not_utf8(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3))
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content.replace(b"x.npy", b"\xff.npy"))
    with pytest.raises(fastbatch.FormatError, match=r"a.npz: bad zip directory: expected names in UTF-8"):
        fastbatch.npz(tmp_path / "a.npz")


# ---- .npz, raw, IDX ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, save):
    members = {"x": numbers("f4", (9, 4)), "y": numbers(">i8", (9,)), "f": np.asfortranarray(numbers("u2", (9, 3)))}
    path = tmp_path / "all.npz"
    save(path, **members)
    for api in (fastbatch, pure):
        opened = api.npz(path)
        assert list(opened) == list(members)
        for name, array in members.items():
            assert np.array_equal(opened[name], array)
            assert np.array_equal(api.npz(path, name), array)
            assert np.array_equal(api.npz(path, name + ".npy"), array)
            assert opened[name].dtype == array.dtype
            assert not np.asarray(opened[name]).flags.writeable
        with pytest.raises(KeyError, match=r"all\.npz: expected member 'z', found x, y, f"):
            api.npz(path, "z")
        batch = next(iter(api.arrays(path)))
        assert list(batch) == list(members)
        assert (batch["y"].dtype, len(batch["y"])) == (np.dtype("i8"), 9)
    same_batches(fastbatch.arrays(path, batch_size=2, shuffle=True), pure.arrays(path, batch_size=2, shuffle=True))
    agree(fastbatch.npz(path, "y"), members["y"])


@pytest.mark.parametrize("dtype", ["u1", ">f4", "<i8", "S3", "M8[s]"])
def test_raw(tmp_path, dtype):
    array = numbers(dtype, (11, 3))
    path = tmp_path / "raw.bin"
    path.write_bytes(b"head!" + array.tobytes() + b"")
    for api in (fastbatch, pure):
        agree(api.raw(path, dtype, (-1, 3), offset=5), array)
        agree(api.raw(path, dtype, [4, 3], offset=5), array[:4])
        agree(api.raw(path, dtype, np.int64(6), offset=np.int64(5)), array.ravel()[:6])
        assert len(api.raw(path, "u1", -1)) == 5 + array.nbytes
        assert len(api.raw(path, "u1", -1, offset=5 + array.nbytes)) == 0


@pytest.mark.parametrize("code", IDX_TYPES)
def test_idx(tmp_path, code):
    array = numbers(IDX_TYPES[code], (6, 4, 3))
    plain = write_idx(tmp_path / "plain", array, code)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for path in (plain, packed):
        agree(path, array)
        for api in (fastbatch, pure):
            assert np.array_equal(api.idx(path), array)
            assert api.idx(path).dtype == np.dtype(IDX_TYPES[code])


def test_content_decides_and_not_the_name(api, tmp_path):
    array = numbers("i4", (5, 2))
    np.savez(tmp_path / "z.npz", a=array)
    kinds = {
        "npy": write_npy(tmp_path / "a", array).read_bytes(),
        "npz": (tmp_path / "z.npz").read_bytes(),
        "idx": write_idx(tmp_path / "i", array, 0x0C).read_bytes(),
    }
    kinds["idx.gz"] = gzip.compress(kinds["idx"])
    for name in ("data", "data.txt", "data.npy", "data.npz", "data.idx", "data.jpg"):
        for kind, content in kinds.items():
            (tmp_path / name).write_bytes(content)
            batch = next(iter(api.arrays(tmp_path / name)))
            assert np.array_equal(batch["a"] if kind == "npz" else batch, array)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are not text")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_and_any_kind_of_path(api, tmp_path, name):
    array = numbers("i4", (5, 2))
    path = tmp_path / os.fsdecode(name)
    write_npy(path, array)
    for given in (path, str(path), os.fsencode(path)):
        assert np.array_equal(served(api, given), array)
        assert np.array_equal(api.npy(given), array)
        assert len(api.raw(given, "u1", -1)) == path.stat().st_size


# ---- sources ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["npy", "npz", "npz deflated", "raw", "idx", "idx.gz"])
def source_of(request, tmp_path):
    """Return a function that makes the source of (6, 4) int32 numbers, in each format."""
    array = numbers(">i4", (6, 4))
    idx = write_idx(tmp_path / "i", array, 0x0C)
    (tmp_path / "gz").write_bytes(gzip.compress(idx.read_bytes()))
    (tmp_path / "raw").write_bytes(array.tobytes())
    np.savez(tmp_path / "s.npz", a=array)
    np.savez_compressed(tmp_path / "d.npz", a=array)
    return {
        "npy": lambda api: api.npy(write_npy(tmp_path / "a", array)),
        "npz": lambda api: api.npz(tmp_path / "s.npz", "a"),
        "npz deflated": lambda api: api.npz(tmp_path / "d.npz")["a"],
        "raw": lambda api: api.raw(tmp_path / "raw", ">i4", (6, 4)),
        "idx": lambda api: api.idx(idx),
        "idx.gz": lambda api: api.idx(tmp_path / "gz"),
    }[request.param]


def test_sources_index_like_arrays(api, source_of):
    array = numbers(">i4", (6, 4))
    source = source_of(api)
    assert (source.shape, source.dtype, len(source)) == (array.shape, array.dtype, 6)
    for index in (0, -1, slice(1, 5, 2), (2, 3), (slice(None), 1), [3, 0, 3], np.array([True, False] * 3), Ellipsis):
        assert np.array_equal(source[index], array[index])
    assert isinstance(source[2, 3], np.integer)
    for beyond in (6, -7):
        with pytest.raises(IndexError):
            source[beyond]
    assert np.asarray(source).dtype == array.dtype
    assert np.asarray(source, dtype="f8").tolist() == array.tolist()
    assert np.array(source).flags.writeable


def test_sources_are_read_only(api, source_of):
    source = source_of(api)
    for view in (source[0], source[1:3], np.asarray(source)):
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True


def test_views_outlive_their_source(api, source_of):
    source = source_of(api)
    row, part = source[1], source[2:, ::2]
    loader = api.arrays(source, batch_size=6)
    del source
    assert row.tolist() == [4, 5, 6, 7]
    assert np.array_equal(part, numbers("i4", (6, 4))[2:, ::2])
    assert next(iter(loader)).tolist() == numbers("i4", (6, 4)).tolist()


def test_an_empty_source_is_read_only_too(api, tmp_path):
    source = api.npy(write_npy(tmp_path / "a", np.empty((0, 3))))
    assert source.shape == (0, 3)
    assert not np.asarray(source).flags.writeable


def test_a_slice_of_a_source_and_a_source_of_the_other_implementation(tmp_path):
    array = numbers("f8", (20, 3))
    path = write_npy(tmp_path / "a", array)
    for api in (fastbatch, pure):
        agree(api.npy(path), array)
        agree(api.npy(path)[5:15:3], array[5:15:3])


# ---- in memory -----------------------------------------------------------------------------------------------------

BASE = np.arange(12 * 6 * 4, dtype="i4").reshape(12, 6, 4)


@pytest.mark.parametrize(
    "array",
    [
        BASE[::2],
        BASE[:, ::2],
        BASE[:, :, ::3],
        BASE[::-1],
        BASE[::-3, ::-1, ::-2],
        BASE.transpose(2, 1, 0),
        BASE.transpose(1, 0, 2)[::-1],
        np.asfortranarray(BASE),
        BASE.astype(">i4"),
        BASE.astype(">i4")[::-1, :, 1::2],
        BASE[..., None],
        BASE[:, 2, 1],
        BASE[::-2, 0, 0],
        np.broadcast_to(np.arange(4.0), (5, 4)),
        np.broadcast_to(np.arange(5.0)[:, None], (5, 4)),
        np.broadcast_to(np.float32(3), (7,)),
        np.broadcast_to(np.int16(3), (7, 2, 2)),
        np.empty((5, 0), "f4"),
        np.empty((5, 3, 0), ">i2"),
        np.lib.stride_tricks.sliding_window_view(np.arange(20), 5),
        np.zeros((4, *[1] * 30), "u1"),
        BASE.view("V16")[:, ::2],
        np.frombuffer(b"\0" + BASE.tobytes(), "<i4", offset=1).reshape(BASE.shape),
        numbers("U4")[::-1, :, ::-1],
        numbers(">M8[ms]")[:, ::2],
        numbers(">c16")[:, ::2],
        numbers("?")[:, ::-1],
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}{array.strides}" if array.ndim < 9 else "many dimensions",
)
def test_arrays_in_memory(array):
    agree(array, array)


def test_read_only_arrays_and_memmaps(tmp_path):
    frozen = BASE.copy()
    frozen.flags.writeable = False
    agree(frozen, BASE)
    path = tmp_path / "a.npy"
    np.save(path, BASE)
    for mode in ("r", "c", "r+"):
        agree(np.load(path, mmap_mode=mode), BASE)
    agree(np.memmap(path, "u1", "r"), np.frombuffer(path.read_bytes(), "u1"))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("align", [False, True])
def test_records_are_copied_as_they_are(order, align):
    dtype = np.dtype([("id", order + "i4"), ("name", "S3"), ("place", order + "f8", (2,))], align=align)
    records = np.zeros(9, dtype)
    records["id"] = range(9)
    records["name"] = [b"abc"[: i % 4] for i in range(9)]
    records["place"] = np.arange(18).reshape(9, 2) / 7
    for array in (records, records[::-2], records[:8].reshape(2, 4)[:, ::2]):
        for api in (fastbatch, pure):
            got = next(iter(api.arrays(array)))
            assert got.dtype == dtype
            assert np.array_equal(got, array)


def test_rows_larger_than_a_chunk_of_work():
    array = np.random.default_rng(0).integers(0, 255, (5, 700_001), dtype=np.uint8)
    agree(array, array)
    agree(array[:, ::-1], array[:, ::-1])


def test_lists_of_numbers_are_arrays(api):
    assert served(api, [3, 1, 2]).tolist() == [3, 1, 2]
    assert served(api, [True, False]).dtype == bool


def test_the_array_is_kept_alive_and_not_copied(api):
    array = np.zeros((100, 4))
    loader = api.arrays(array, batch_size=100)
    array[:] = 5
    del array
    assert next(iter(loader)).sum() == 2000


# ---- large ---------------------------------------------------------------------------------------------------------


def test_a_billion_rows_and_more_than_four_gigabytes(tmp_path):
    n = 1_200_000_000
    path = tmp_path / "sparse.npy"
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (n, 4)})
    path.write_bytes(head.getvalue())
    try:
        os.truncate(path, len(head.getvalue()) + 4 * n)
    except OSError as error:
        pytest.skip(f"the file system has no room for a sparse file: {error}")
    options = {"shuffle": True, "seed": 3, "batch_size": 64}
    ours, theirs = fastbatch.arrays(path, **options), pure.arrays(path, **options)
    assert ours.n_samples == theirs.n_samples == n
    assert len(ours) == len(theirs) == n // 64
    order = pure.plan.Order(n, (), True, 1, 1, seed=3, epoch=0)
    places = order.at(range(3 * 64)).tolist()
    assert max(places) > 2**30  # beyond 4 GiB
    rows = np.memmap(path, "u1", "r+", len(head.getvalue()), (n, 4))
    for i in places:
        rows[i] = np.array([i], "<u4").view("u1")
    rows.flush()
    ours, theirs = fastbatch.arrays(path, **options), pure.arrays(path, **options)  # opened after the file was written
    batches = [(a, b) for _, a, b in zip(range(3), ours, theirs, strict=False)]
    for our, their in batches:
        same(our, their)
    assert np.concatenate([our for our, _ in batches]).view("<u4").ravel().tolist() == places
