# SPDX-License-Identifier: MIT
"""Files and objects of other libraries: the error says what they are, and what takes them."""

import gzip
import io
import re
import tarfile
import zipfile

import numpy as np
import pytest
from making import error_of, jpeg, same, same_batches

FILES = {
    "x.parquet": (b"PAR1" + bytes(600), "a Parquet file (table() takes it"),
    "x.feather": (b"ARROW1\0\0" + bytes(600), "a Feather file (table() takes it"),
    "x.h5": (b"\x89HDF\r\n\x1a\n" + bytes(600), "an HDF5 file (arrays(h5py.File(path)[name])"),
    "x.tfrecord": (bytes(range(200)), "a TFRecord file (stream(tf.data.TFRecordDataset"),
    "x.bin.gz": (gzip.compress(b"a,b\nc,d\n"), "a gzip file (csv(), words()"),
    "x.tar.gz": (gzip.compress(bytes(1024)), "a tar archive (images() and tar() take plain ones"),
    "x.bin.zst": (b"\x28\xb5\x2f\xfd" + bytes(20), "a zstd file (csv(), words()"),
    "x.pkl": (b"\x80\x05\x95abc", "a pickle"),
    "x.json": (b'{"a": 1}', "JSON (stream(path, decode=json.loads)"),
    "x.txt": (b"two words", "text (words() and lines() take it"),
    "x.jpg": (jpeg(), "a JPEG image (images() takes it)"),
    "x": (bytes(range(1, 200)), "found something else"),
}


def write_tar(path):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("empty"), io.BytesIO())


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")


@pytest.mark.parametrize("name", [*FILES, "x.tar", "x.xlsx", "x.pt"])
def test_files_of_other_formats(api, tmp_path, name):
    path = tmp_path / name
    if name in FILES:
        content, way = FILES[name]
        path.write_bytes(content)
    else:
        (write_tar if name == "x.tar" else write_zip)(path)
        way = {"x.tar": "a tar archive", "x.xlsx": "an Excel file", "x.pt": "a file of PyTorch"}[name]
    for call in (api.arrays, lambda path: api.windows(path, length=1), lambda path: api.series([path])):
        error = error_of(call, path)
        assert isinstance(error, api.FormatError)
        assert way in str(error)
    if name not in ("x", "x.jpg", "x.txt", "x.json", "x.tfrecord", "x.xlsx", "x.pt"):
        assert way in str(error_of(api.csv, path)) or name in ("x.tar.gz", "x.bin.gz", "x.bin.zst")
    if name not in ("x", "x.jpg"):
        assert way in str(error_of(api.tokens, path))
    if name == "x.parquet":
        assert "a Parquet file" in str(error_of(api.images, path))
    if name not in ("x", "x.txt", "x.json"):  # no tokens, whatever the type
        assert way in str(error_of(api.tokens, path, "uint8"))
    if name not in (
        "x",
        "x.jpg",
        "x.txt",
        "x.json",
        "x.pkl",
        "x.bin.gz",
        "x.bin.zst",
    ):  # no text, no table
        readers = (api.words, api.lines, api.vocabulary, api.image_table, lambda path: next(iter(api.stream(path, 2))))
        for call in readers:
            error = error_of(call, path)
            assert isinstance(error, api.FormatError) and way in str(error), call


DOORS = {
    "npy": lambda api, path: api.npy(path),
    "npz": lambda api, path: api.npz(path),
    "idx": lambda api, path: api.idx(path),
    "raw": lambda api, path: api.raw(path, "uint16", -1),
    "tokens": lambda api, path: api.tokens(path, "uint8"),
    "csv": lambda api, path: api.csv(path),
    "words": lambda api, path: api.words(path),
    "lines": lambda api, path: api.lines(path),
    "vocabulary": lambda api, path: api.vocabulary(path),
    "text_generator": lambda api, path: next(api.text_generator(path, 2)),
    "stream": lambda api, path: next(iter(api.stream(path, 2))),
    "Vocabulary.load": lambda api, path: api.Vocabulary.load(path),
    "image_table": lambda api, path: api.image_table(path),
    "table": lambda api, path: api.table(path),
    "tar": lambda api, path: api.tar(path),
    "arrays": lambda api, path: api.arrays(path),
    "series": lambda api, path: api.series([path]),
    "decode": lambda api, path: api.decode(path),
    "images": lambda api, path: list(api.images([path], None, size=4)),
}
TAR = bytes(257) + b"ustar\00000" + bytes(247)
CONTENTS = {
    "a .npy array (npy() and arrays() take it)": (
        b"\x93NUMPY\1\0v\0{" + bytes(100),
        {"npy", "arrays", "series", "tokens"},
    ),
    "a zip archive (npz() and arrays() take it": (b"PK\3\4" + bytes(100), {"npz", "arrays", "series", "raw", "tokens"}),
    "a Parquet file (table() takes it": (b"PAR1" + bytes(100), {"table", "raw", "tokens"}),
    "an HDF5 file (arrays(h5py.File(path)[name])": (b"\x89HDF\r\n\x1a\n" + bytes(100), set()),
    "an SQLite database (pandas.read_sql": (b"SQLite format 3\0" + bytes(100), set()),
    "a tar archive (images() and tar() take": (TAR, {"tar", "raw", "tokens"}),
    "a PNG image (images() takes it)": (b"\x89PNG\r\n\x1a\n" + bytes(100), {"images", "decode", "raw", "tokens"}),
    "GIF (images() takes those that Pillow reads)": (b"GIF89a" + bytes(100), {"images", "decode", "raw", "tokens"}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("title", CONTENTS)
def test_every_door_names_a_file_of_another_format_by_its_content(api, tmp_path, title, door):
    """Without an extension: the first bytes tell. Four bytes are too few to tell bare numbers from a format."""
    content, takes = CONTENTS[title]
    if door in takes:
        return
    if door == "table":
        pytest.importorskip("pyarrow")
    path = tmp_path / "x"
    path.write_bytes(content)
    error = error_of(DOORS[door], api, path)
    assert isinstance(error, api.DecodeError if door in ("decode", "images") else api.FormatError), error
    assert f"found {title}" in str(error)
    assert error.path == str(path)


def test_a_damaged_file_of_the_format_itself_keeps_its_own_error(api, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 5, 1, 2])))
    assert "ends early: expected 13 bytes, found 10" in str(error_of(api.idx, path))
    np.save(tmp_path / "x.npy", np.arange(9.0))
    for door, name, expected in ((api.npy, "x.npy", "array ends early"), (api.npz, "x.npz", "a.npy|zip|archive")):
        np.savez(tmp_path / "x.npz", a=np.arange(99.0))
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[:-30])
        error = error_of(door, tmp_path / name)
        assert re.search(expected, str(error)) and "another format" not in str(error)
    (tmp_path / "x.npy").write_bytes(b"")
    assert "another format" not in str(error_of(api.npy, tmp_path / "x.npy"))


def test_numbers_that_begin_like_a_format_are_numbers(api, tmp_path):
    """Also with an offset, which skips a header."""
    path = tmp_path / "x"
    path.write_bytes(b"PK\3\4" + bytes(4))
    assert api.raw(path, "<u2", -1)[0] == 80 + 256 * 75
    np.save(tmp_path / "x.npy", np.arange(5, dtype="u1"))
    size = (tmp_path / "x.npy").stat().st_size
    assert api.raw(tmp_path / "x.npy", "uint8", -1, offset=size - 5)[:].tolist() == [0, 1, 2, 3, 4]
    path.rename(tmp_path / "x.zip")
    assert "found a zip archive" in str(error_of(api.raw, tmp_path / "x.zip", "uint16", -1))
    assert api.raw(tmp_path / "x.zip", "uint8", -1)[:2].tolist() == [80, 75]  # the bytes of any file


def test_text_may_hold_null_bytes(api, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"PAR1 \0 PK")
    assert isinstance(error_of(lambda: list(api.words(path, 9))), api.FormatError)
    path.write_bytes(b"PAR1 PK")  # without a null byte it is text
    assert list(api.words(path, 9)) == [["PAR1", "PK"]]
    path.write_bytes(b"a \0 b")
    assert list(api.words(path, 9)) == [["a", "\0", "b"]]
    path.write_text("PAR1 x", encoding="utf-16")
    assert list(api.words(path, 9, encoding="utf-16")) == [["PAR1", "x"]]


def test_the_core_names_contents_as_python_does(tmp_path):
    """The tables are in `source/foreign.py` and `csrc/codecs/registry.cpp`."""
    from fastbatch import _core
    from fastbatch.source.foreign import FORMATS, IMAGES, OURS, content_name

    heads = [bytes(one.at) + begin for one in (*FORMATS, *OURS) for begin in one.begins]
    heads += [bytes(at) + begin for at, begin, _ in IMAGES]
    heads += [b"", b" <html>", b"<?xml", b"<1", b"\1\2\3\4\5", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBP"]
    for head in heads:
        for end in (b"", bytes(300)):
            name = _core.name_format(head + end)
            assert content_name(head + end).partition(" (")[0] == name
            assert not name.startswith("the bytes") or head[:2] in (b"<1", b"\1\2") or (head, end) == (b"", bytes(300))


def test_a_table_of_images_in_another_encoding(api, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"file,class\n\xe9.jpg,1\n")
    error = error_of(api.image_table, path)
    assert isinstance(error, api.FormatError)
    assert str(error) == f"{path}: not a table: expected text in UTF-8, found the byte 0xe9"


def test_extensions_do_not_decide_about_arrays(api, tmp_path):
    x = np.arange(6.0)
    for name in ("x.pt", "x.txt", "x.gz", "x.db"):
        with open(tmp_path / name, "wb") as file:
            np.save(file, x)
        same(next(iter(api.arrays(tmp_path / name))), x)
        with open(tmp_path / name, "wb") as file:
            np.savez(file, x=x)
        same(next(iter(api.arrays(tmp_path / name)))["x"], x)


@pytest.mark.parametrize("url", ["nosuchstore://bucket/x.csv", "no-such.store://x"])
def test_urls(api, url):
    """Of stores that are not known; for the others: test_stores.py, test_store_formats.py."""
    pytest.importorskip("fsspec")
    for call in (api.arrays, api.csv, api.words, api.lines, api.decode, api.npz, api.idx):
        error = error_of(call, url)
        assert isinstance(error, OSError)
        assert "No store of this kind" in str(error)
        assert error.filename == url


def objects(api):
    scipy = pytest.importorskip("scipy.sparse")
    return {
        "csr_array; sparse.toarray() gives": scipy.csr_array(np.eye(3)),
        "csr_matrix; sparse.toarray() gives": scipy.csr_matrix(np.eye(3)),
        "generator; stream(x) makes batches": (i for i in range(3)),
        "map; stream(x) makes batches": map(str, [1]),
        "range; np.arange": range(3),
        "set; a set has no order": {1, 2},
        "memoryview; np.frombuffer": memoryview(b"abc"),
        "BytesIO; stream(": io.BytesIO(),
        "SampleLoader; it is a loader already": api.arrays(np.zeros(3)),
        "NoneType": None,
    }


def test_objects_of_other_kinds(api):
    for way, thing in objects(api).items():
        error = error_of(api.arrays, thing)
        assert isinstance(error, TypeError)
        assert f"expected an array, a path or a source, found {way}" in str(error)


def test_data_sets_of_torch(api):
    torch = pytest.importorskip("torch")
    dataset = torch.utils.data.TensorDataset(torch.arange(4.0), torch.arange(4))
    assert "found TensorDataset; arrays(*dataset.tensors) takes its tensors" in str(error_of(api.arrays, dataset))
    assert next(iter(api.arrays(*dataset.tensors)))[1].tolist() == [0, 1, 2, 3]
    assert "found DataLoader; arrays() takes" in str(error_of(api.arrays, torch.utils.data.DataLoader(dataset)))


def test_tables_with_dates(api, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"when": pandas.date_range("2020-01-01", periods=3), "n": [1, 2, 3], "who": list("abc")})
    message = (
        r"expected numbers, found columns when \(datetime64.*\), who \(.*\); frame\[\[name, ...\]\] takes the others"
    )
    with pytest.raises(TypeError, match=message):
        api.arrays(frame)
    frame.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(api.FormatError, match=r"column 'when': a date, not a number \(dates= reads it\)"):
        api.csv(tmp_path / "x.csv")
    assert api.csv(tmp_path / "x.csv", columns=["n"]).shape == (3, 1)


@pytest.mark.parametrize("options", [{"horizon": 1}, {"horizon": 3, "target_length": 2}, {"target_length": 2}])
def test_a_series_forecasts_itself(api, write, options):
    x = np.arange(40.0, dtype="f4").reshape(20, 2)
    expected = list(api.windows(x, x, length=4, batch_size=5, **options))
    path = write("a,b\n" + "".join(f"{a},{b}\n" for a, b in x))
    for data in (x, path, api.csv(path)):
        same_batches(api.windows(data, length=4, batch_size=5, **options), expected)
    both = {"u": x, "v": x[:, 0]}
    same_batches(api.windows(both, length=4, **options), api.windows(both, both, length=4, **options))
    many = api.series([x, x[:9]])
    same_batches(api.windows(many, length=4, **options), api.windows(many, many, length=4, **options))
    scaled = {"scale": 2, **options}
    same_batches(api.windows(x, length=4, **scaled), api.windows(x, x, length=4, **scaled))
    assert isinstance(next(iter(api.windows(x, length=4, horizon=np.int64(0)))), np.ndarray)
    same_batches(api.windows(x, length=4, copy=False, **options), api.windows(x, x, length=4, copy=False, **options))


def test_a_pattern_for_series(api, tmp_path):
    for i, name in enumerate("bac"):
        np.save(tmp_path / f"{name}.npy", np.full((3, 1), i))
    assert api.series(str(tmp_path / "*.npy"))[:][:, 0].tolist() == [1, 1, 1, 0, 0, 0, 2, 2, 2]
    assert isinstance(error_of(api.series, str(tmp_path / "*.csv")), FileNotFoundError)
    assert isinstance(error_of(api.series, str(tmp_path / "a.npy")), TypeError)


def test_names_and_first_bytes_that_mean_nothing(api, tmp_path):
    """Numbers may begin like a file of another format, and texts may have their extensions."""
    numbers = np.frombuffer(b"PAR1" + bytes(60), "u2")
    numbers.tofile(tmp_path / "train.bin")
    assert api.tokens(tmp_path / "train.bin", "u2", context=4).n_samples == 7
    (tmp_path / "news.pt").write_text("bom dia\n")
    (tmp_path / "wide.pt").write_text("bom dia\n", encoding="utf-16")
    assert list(api.words(str(tmp_path / "news.pt"))) == [["bom", "dia"]]
    assert list(api.words(str(tmp_path / "wide.pt"), encoding="utf-16")) == [["bom", "dia"]]
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(8), mtime=0)[:24].ljust(24, b"\0"))
    assert len(list(api.stream(str(tmp_path / "x.gz"), 2, records=2, encoding=None))) > 0  # bytes are bytes


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n", b"GRIB\0\0\0\1", b"BUFR"], ids=["HDF5", "GRIB", "BUFR"])
def test_formats_that_pillow_knows_and_cannot_decode(api, content):
    """They have no pixels: the resize then complained of an image without a size."""
    content += bytes(100)
    for call in (
        lambda: api.decode(content),
        lambda: next(iter(api.images(api.encoded([content]), [0], size=8))),
        lambda: next(iter(api.images(api.encoded([content]), [0], size=8, exact=True))),
    ):
        error = error_of(call)
        assert isinstance(error, api.DecodeError) and "not an image: expected JPEG, PNG, WebP" in str(error)
    assert "without a decoder" in api.probe(api.encoded([content]))["error"][0]
