# SPDX-License-Identifier: MIT
"""CSV files as arrays: pyarrow's and Python's parser give the same numbers and the same errors."""

import os
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from making import error_of, joined, same, same_batches

import fastbatch
from fastbatch import pure
from fastbatch.native.backend import NativeBackend
from fastbatch.pure.backend import PureBackend
from fastbatch.source.csv import lines as csv_lines
from fastbatch.source.csv import rows as csv_rows

BACKENDS = {fastbatch: NativeBackend, pure: PureBackend}

pytest.importorskip("pyarrow")


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

    monkeypatch.setattr(csv_lines, "LONGEST_ROW", 1000)
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
