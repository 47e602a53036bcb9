# SPDX-License-Identifier: MIT
"""CSV files as arrays: pyarrow's and Python's parser give the same numbers and the same errors."""

import os
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from making import error_of, joined, same, same_batches

import fastbatch
from fastbatch import pure
from fastbatch.native.backend import NativeBackend
from fastbatch.pure.backend import PureBackend
from fastbatch.source.csv import rows as csv_rows

BACKENDS = {fastbatch: NativeBackend, pure: PureBackend}

pytest.importorskip("pyarrow")


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def one(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
        return path

    return one


def test_a_table(api, write):
    table = api.csv(write("time,price,size\n1,2.5,3\n4,-5e-1,6\n"))
    assert table.column_names == ("time", "price", "size")
    assert (len(table), table.shape, table.dtype) == (2, (2, 3), np.float32)
    same(np.asarray(table), np.array([[1, 2.5, 3], [4, -0.5, 6]], np.float32))
    same(table[1], np.array([4, -0.5, 6], np.float32))
    assert table.column("price").tolist() == [2.5, -0.5]
    with pytest.raises(KeyError, match="expected one of time, price, size, found 'cost'"):
        table.column("cost")
    assert "shape=(2, 3), columns=time, price, size" in repr(table)
    assert np.asarray(table, dtype="f8").dtype == np.float64


def test_windows_of_a_file(api, write):
    rows = np.random.default_rng(0).random((50, 3)).round(3)
    lines = "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    path = write("a,b,c\n" + lines)
    expected = list(api.windows(rows.astype("f4"), length=7, batch_size=8, shuffle=True))
    for data in (path, str(path), api.csv(path)):
        for x, y in zip(api.windows(data, length=7, batch_size=8, shuffle=True), expected, strict=True):
            same(x, y)
    table = api.csv(path, columns=["c", 0])
    same(joined(api.arrays(table, table.column("c"), batch_size=50))[0], rows[:, [2, 0]].astype("f4"))
    assert np.allclose(api.statistics(path).mean, rows.mean(0), atol=1e-6)
    tabs = write(lines.replace(",", "\t"), "data.TSV")
    assert api.series([tabs, path]).shape == (100, 3)


def test_loaders_of_a_file_can_be_pickled(api, write, tmp_path):
    path = write("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(30)))
    for options in ({}, {"cache": tmp_path}):
        loader = api.windows(api.csv(path, columns=["b"], **options), length=4, batch_size=8)
        same_batches(pickle.loads(pickle.dumps(loader)), loader)


FILES = {
    "carriage returns": "a,b\r\n1,2\r\n3,4\r\n",
    "lone carriage returns": "a,b\r1,2\r3,4",
    "no last newline": "1,2\n3,4",
    "mark": "\ufeffa,b\n1,2\n3,4\n",
    "empty lines": "\n\na,b\n\n1,2\n\n3,4\n\n",
    "quotes": '"a ""b""",c\n"1",2\n3,"4"\n',
    "quoted newline in the header": '"a\nb",c\n1,2\n3,4\n',
    "spaces": "a, b\n 1 ,\t2\n3 , 4\n",
    "signs": "a,b\n+1,+2.0\n+3,4\n",
    "names twice": "a,a\n1,2\n3,4\n",
    "numbers alone": "1,2\n3,4\n",
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_many_kinds(api, write, name):
    same(np.asarray(api.csv(write(FILES[name]))), np.array([[1, 2], [3, 4]], np.float32))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u2", "i8", "u8"])
def test_both_parsers_agree(write, dtype):
    rng = random.Random(dtype)
    spellings = ["{}", " {}", "{} ", '"{}"'] + ["{}.25", "{}e2", "-{}.", ".{}e-3", "{}e300"] * dtype.startswith("f")
    cells = [rng.choice(spellings).format(rng.randrange(100)) for _ in range(9000)]
    cells[17] = "0x1f" if dtype[0] in "iu" else "inf"
    lines = "\n".join(",".join(cells[i : i + 3]) for i in range(0, 9000, 3))
    path = write(lines)
    tables = [np.asarray(api.csv(path, dtype=dtype, header=False)) for api in (fastbatch, pure)]
    same(*tables)
    assert tables[0].shape == (3000, 3)


@pytest.mark.parametrize("cell", ["", "NA", "N/A", "NaN", "nan", "null", "NULL", '""', " "])
def test_missing_numbers(api, write, cell):
    path = write(f"a,b\n1,{cell}\n3,4\n")
    same(np.asarray(api.csv(path)), np.array([[1, np.nan], [3, 4]], np.float32))
    same(np.asarray(api.csv(path, missing=-1)), np.array([[1, -1], [3, 4]], np.float32))
    same(np.asarray(api.csv(path, missing=7, dtype="i4")), np.array([[1, 7], [3, 4]], np.int32))
    for options in ({"missing": "error"}, {"dtype": "i4"}):
        with pytest.raises(api.FormatError, match="data.csv: row 2, column 'b': no number: expected a number of type"):
            api.csv(path, **options)


@pytest.mark.parametrize(
    "content, options, message",
    [
        ("", {}, "not a table: expected rows of numbers, found an empty file"),
        ("\n\n", {}, "found an empty file"),
        ("a,b\n", {}, "no rows: expected numbers, found a header alone"),
        ("a,b\n1,2\n3\n", {}, "row 3: another number of cells: expected 2, found 1"),
        ("a,b\n1,2\n\n3,4,5\n", {}, "row 4: another number of cells: expected 2, found 3"),
        ("a,b\n1,2\n3,x4\n", {}, "row 3, column 'b': not a number: expected a number of type float32, found 'x4'"),
        ("1,2\n3,1_000\n", {}, "row 2, column '1': not a number: .* found '1_000'"),
        ("a,b\n1,2\n3,\u0664\n", {}, "row 3, column 'b': not a number"),
        ('a,b\n1,2\n3,"4\n5"\n6,7\n', {}, r"row 3, column 'b': not a number: .* found '4\\n5'"),
        ("a,b\n1,2\n3,\x00\n", {}, "row 3"),
        ("a,b\n1,2\n3,\udcff\n", {}, "row 3, column 'b': not a number"),
        ("a,b\n1,2\n3," + "9" * 100 + "x\n", {}, "found '9{40}...'"),
        ("1\n300\n", {"dtype": "u1"}, "row 2, column '0': too large a number: expected 0 to 255, found 300"),
        ("1\n2.5\n", {"dtype": "i4"}, "row 2, column '0': not a number: .* int32, found '2.5'"),
        ('a,b\n1,"2\n', {}, "row 2"),
        ("a;b\n1;2\n", {}, "row 2, column 'a;b': not a number .delimiter=';' perhaps.: .* found '1;2'"),
        ("a\tb\n1\t2\n", {"delimiter": ","}, r"row 2, column .*: not a number \(delimiter='.t' perhaps\)"),
    ],
)
def test_bad_files(write, content, options, message):
    path = write(content)
    errors = []
    for api in (fastbatch, pure):
        with pytest.raises(api.FormatError, match=f"data.csv: {message}" if message[0] in "nr" else message) as caught:
            api.csv(path, **options)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


def test_a_bad_cell_far_down(write, monkeypatch):
    from fastbatch.source.csv import arrow as csv_arrow

    monkeypatch.setattr(csv_arrow, "SEGMENT_BYTES", 4096)
    lines = [f"{i},{i + 1}" for i in range(5000)]
    lines[4000] = "+1,5"  # valid for Python's parser only
    same(*(np.asarray(api.csv(write("\n".join(lines)), dtype="i8")) for api in (fastbatch, pure)))
    lines[4500] = "1,?"
    for api in (fastbatch, pure):
        with pytest.raises(api.FormatError, match="row 4501, column '1': not a number"):
            api.csv(write("\n".join(lines)), dtype="i8")


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_quoted_lines_across_segments(write, monkeypatch, size, newline):
    from fastbatch.source.csv import arrow as csv_arrow

    monkeypatch.setattr(csv_arrow, "SEGMENT_BYTES", size)
    words = ["x", '"a,b"', f'"one{newline}2,two"', '"""5"" , 6"', f'"{newline}"', '""']
    text = "n,text" + newline + newline.join(f"{i},{words[i % len(words)]}" for i in range(60))
    path = write(text)
    tables = [np.asarray(api.csv(path, columns=["n"])) for api in (fastbatch, pure)]
    same(tables[0], np.arange(60, dtype=np.float32)[:, None])
    same(*tables)


@pytest.mark.parametrize("header", ["", "a,b\n"])
def test_a_line_without_end(api, write, monkeypatch, header):
    from fastbatch.source.csv import arrow as csv_arrow

    monkeypatch.setattr(csv_rows, "LONGEST_ROW", 1000)
    monkeypatch.setattr(csv_arrow, "LONGEST_ROW", 1000)
    monkeypatch.setattr(csv_arrow, "SEGMENT_BYTES", 100)
    path = write(header + "\0" * 5000)
    with pytest.raises(api.FormatError, match="row [12]: not CSV: expected a shorter line, found 1000 char"):
        api.csv(path)


def test_a_quote_that_is_never_closed(write):
    rows = "".join(f"{i},{i}\n" for i in range(300_000))  # a search line by line would take minutes
    with pytest.raises(fastbatch.FormatError, match="row 2: not CSV: field larger than field limit"):
        fastbatch.csv(write('a,b\n1,"2\n' + rows))


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"columns": ["c"]}, ValueError, "columns: expected one of 'a', 'b', 'a', found no column 'c'"),
        ({"columns": ["a"]}, ValueError, "found 2 columns called 'a'"),
        ({"columns": [3]}, ValueError, "expected numbers below 3, found 3"),
        ({"columns": []}, ValueError, "at least one"),
        ({"columns": "ab"}, TypeError, "expected a list"),
        ({"columns": ["a"], "header": False}, ValueError, "since there is no header"),
        ({"dtype": "S3"}, TypeError, "dtype: expected a float or integer type"),
        ({"dtype": "?"}, TypeError, "dtype: expected a float or integer type"),
        ({"header": "yes"}, ValueError, "header: expected 'infer'"),
        ({"delimiter": "ab"}, ValueError, "delimiter: expected one ASCII character"),
        ({"missing": "skip"}, ValueError, "missing: expected 'nan', 'error' or a number"),
        ({"missing": 0.5, "dtype": "i4"}, ValueError, "missing: expected a number of type int32"),
        ({"threads": 0}, ValueError, "threads: expected 1"),
    ],
)
def test_bad_options(api, write, options, error, message):
    with pytest.raises(error, match=message):
        api.csv(write("a,b,a\n1,2,3\n"), **options)


def test_a_file_that_is_not_there(api, tmp_path):
    assert error_of(api.csv, tmp_path / "none.csv").filename.endswith("none.csv")
    assert isinstance(error_of(api.windows, tmp_path / "none.csv", length=1), FileNotFoundError)


def test_a_file_that_changes_while_it_is_read(api, write, monkeypatch):
    path = write("a\n" + "1\n" * 100)

    def shrink(_, *arguments):
        os.truncate(path, 50)
        return csv_rows.plain_blocks(*arguments)

    monkeypatch.setattr(BACKENDS[api], "csv_blocks", shrink)
    with pytest.raises(api.FormatError, match="data.csv: file changed while it was read"):
        api.csv(path)


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


NAN_SPELLINGS = ["-nan", "+nan", "NAN", "Nan", "nan(ind)", "-nan(ind)", "NaN(123)", "<NA>", "#N/A", "None", "1.#QNAN"]


@pytest.mark.parametrize("cell", NAN_SPELLINGS)
def test_every_spelling_of_nan_is_missing(api, write, cell):
    path = write(f"a,b\n1,{cell}\n3, {cell} \n")
    same(np.asarray(api.csv(path)), np.array([[1, np.nan], [3, np.nan]], np.float32))
    same(np.asarray(api.csv(path, missing=-1)), np.array([[1, -1], [3, -1]], np.float32))
    with pytest.raises(api.FormatError, match="data.csv: row 2, column 'b': no number"):
        api.csv(path, missing="error")
    rest = "".join(f"{i},{i}\n" for i in range(5000))
    assert api.csv(write(f"a,b\n{rest}1,{cell}\n"), missing=7)[5000].tolist() == [1, 7]


def test_an_integer_that_is_missing_stays_exact(api, write):
    wanted = 2**53 + 1
    table = api.csv(write('a\n1\n""\n'), dtype="i8", missing=wanted)
    assert np.asarray(table).ravel().tolist() == [1, wanted]
    assert api.csv(write("a\n1\nNA\n"), dtype="u8", missing=2**64 - 1)[1].tolist() == [2**64 - 1]
    for wrong in (2**63, 1.5, float("nan"), "7"):
        assert isinstance(error_of(api.csv, write("a\n1\n"), dtype="i8", missing=wrong), ValueError)


def frames():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    floats, ints = rng.random((4, 3)).round(4), rng.integers(0, 100, (4, 3))
    for values in (floats, ints):
        for columns in (None, ["a", "b", "c"], [2019, 2020, 2021], [2010, 2015, 2100], ["1", "b", "2"], ["", "x", "y"]):
            yield pandas.DataFrame(values, columns=columns)


@pytest.mark.parametrize("index", [False, True])
def test_files_of_pandas(api, tmp_path, index):
    """Also where the names are numbers, or the first one is empty."""
    for i, frame in enumerate(frames()):
        path = tmp_path / f"{index}{i}.csv"
        frame.to_csv(path, index=index)
        table = api.csv(path, dtype="f8")
        names = ("",) * index + tuple(map(str, frame.columns))
        assert table.column_names == names
        np.testing.assert_array_equal(np.asarray(table)[:, int(index) :], frame.to_numpy())


HEADERS = {
    "infer": {
        "1,2\n3,4\n": None,
        "1,2\n1,2\n": None,
        "5\n1\n": None,
        "0\n1\n": None,
        "0,1\n": None,
        "2020,2019\n1,2\n": None,
        "1.5,2.5\n3,4\n": None,
        ",2.5,3\n1,2,3\n": None,
        "NA,2\n1,2\n": None,
        "0,0\n0.5,0.5\n": None,
        "-1,2\n0.5,0.5\n": None,
        "1,a\n3,4\n": ("1", "a"),
        "0,1\n3,4\n": ("0", "1"),
        ",5,7\n3,4,5\n": ("", "5", "7"),
        "1999,2000\n3,4\n": ("1999", "2000"),
    },
    0: {"1,2\n3,4\n": ("1", "2"), "\n\na,b\n3,4\n": ("a", "b")},
    1: {"# x\n\na,b\n3,4\n": ("a", "b"), '"x\ny"\na,b\n3,4\n': ("a", "b")},
    None: {"0,1\n3,4\n": None, ",1\n3,4\n": None},
    ("x", "y"): {"0,1\n3,4\n": ("x", "y")},
}


@pytest.mark.parametrize("header", HEADERS)
def test_headers(api, write, header):
    for content, names in HEADERS[header].items():
        given = list(header) if isinstance(header, tuple) else header
        table = api.csv(write(content), header=given)
        n_rows = len([line for line in content.splitlines() if line and line[0] not in '#"xy'])
        has_line = names is not None and not isinstance(header, tuple)
        assert table.column_names == (names or tuple(map(str, range(table.shape[1]))))
        assert len(table) == n_rows - has_line, content


def test_headers_that_cannot_be(api, write):
    path = write("10,20\n0.5,1.5\n")
    message = "row 1: names or numbers: expected header=0 if they are names, header=None if they are numbers, found"
    with pytest.raises(api.FormatError, match=message):
        api.csv(path)
    assert len(api.csv(path, header=0)) == 1
    assert len(api.csv(path, header=None)) == 2
    assert "expected 2 names, one for each column, found 1" in str(error_of(api.csv, path, header=["a"]))
    assert "expected a header in row 5" in str(error_of(api.csv, path, header=5))
    for wrong in ("yes", -1, 1.5, [], [0, 1], {}):
        assert isinstance(error_of(api.csv, path, header=wrong), (ValueError, TypeError))


cells = st.one_of(
    st.sampled_from(["", " ", "NA", "null", "nan", "-nan", "inf", "-Infinity", "+inf", "1e", "1e5", "1.e5", ".5", "."]),
    st.sampled_from(["-.5e-3", "0x1f", "0X1F", "-0x1", "1_0", "1,5", "+1", "--1", "007", "-0", "1d5", "0b1", "1e400"]),
    st.sampled_from(["9223372036854775807", "9007199254740993", "255", "256", "-129", "1.0", 'a"b', "1e-400"]),
    st.sampled_from(["1\n2", "\t3", "\u00e9", "1\r"]),
    st.integers(-(2**64), 2**64).map(str),
    st.floats().map(repr),
    st.text("0123456789.eE+-naifNAINF() \t\"'x_#", max_size=8),
)


def outcome(api, path, options):
    """Return the names and the numbers of a file, or the error."""
    try:
        table = api.csv(path, **options)
    except ValueError as error:
        return type(error), str(error)
    return table.column_names, np.asarray(table).tobytes()


@settings(max_examples=300)
@given(
    st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=5),
    st.sampled_from(["f4", "f8", "i8", "u1", "u8"]),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["nan", "error", 7]),
    st.sampled_from(["infer", None, 0]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@example([["1", "0X1F"]], "i8", ",", "nan", None, "\n", False)
def test_one_grammar(tmp_path, rows, dtype, delimiter, missing, header, newline, quoted):
    """The two parsers give the same numbers for any cells, or the same error."""

    def written(cell):
        if quoted or any(one in cell for one in ('"', "\n", "\r", delimiter)):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    path = tmp_path / "fuzz.csv"
    path.write_bytes((newline.join(delimiter.join(map(written, row)) for row in rows) + newline).encode())
    options = {"dtype": dtype, "delimiter": delimiter, "missing": missing, "header": header}
    assert outcome(fastbatch, path, options) == outcome(pure, path, options)


def test_pandas_is_not_imported(write):
    code = "import sys, fastbatch; print(fastbatch.csv(sys.argv[1])[1].tolist(), 'pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(write("1,2\n3,\n"))], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[3.0, nan] False\n"


def test_without_pyarrow(write, monkeypatch):
    monkeypatch.delitem(sys.modules, "fastbatch.source.csv.arrow", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    same(np.asarray(fastbatch.csv(write("a,b\n1,2\n"))), np.array([[1, 2]], np.float32))
