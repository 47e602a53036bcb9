# SPDX-License-Identifier: MIT
"""The grammar of cells and headers of CSV files (docs/csv.md): the two parsers are fuzzed against each other."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from making import error_of, same

import fastbatch
from fastbatch import pure

pytest.importorskip("pyarrow")


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


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
def test_bit_patterns_at_the_ends_of_a_type(api, write, dtype):
    """Hexadecimal cells are the bits of a number of the type, as for NumPy's view of unsigned ones."""
    bits = 8 * np.dtype(dtype).itemsize
    patterns = [0, 1, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits - 1]
    expected = np.array(patterns, f"u{bits // 8}").view(dtype)
    path = write("a\n" + "".join(f"{pattern:#x}\n" for pattern in patterns))
    assert np.asarray(api.csv(path, dtype=dtype)[:]).ravel().tolist() == expected.tolist()
    assert isinstance(error_of(api.csv, write(f"a\n{2**bits:#x}\n"), dtype=dtype), api.FormatError)


@pytest.mark.parametrize(
    ("content", "row", "options"),
    [
        ('x,c\n1,"b\n2,a\n3,a\n', 2, {"categories": ["c"]}),
        ('x,c\n1,"b\n2,a\n3,a', 2, {"columns": ["x"]}),
        ('x,c\n1,2\n3,"4', 3, {}),
        ('x,c\n1,2\n3,"', 3, {}),
        ('x,c\n1,2\n3,4\n5,"', 4, {"missing": 0}),
        ('x,c\n\n1,"b # no comment\n', 3, {"columns": ["x"], "comment": "#"}),
        ("x,c\n" + "1,2\n" * 1_200_000 + '3,"4', 1_200_002, {}),
    ],
    ids=["category", "column", "number", "empty", "missing", "comment", "second segment"],
)
def test_quotes_that_are_not_closed(api, write, content, row, options):
    path = write(content)
    with pytest.raises(api.FormatError, match=rf"data.csv: row {row}: quotes are not closed: .* end of the file"):
        api.csv(path, **options)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_text_that_its_encoding_cannot_hold(api, write, encoding):
    content = "a,b\n1,2\n3,4".encode(encoding)
    assert api.csv(write(content), encoding=encoding)[:].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(api.FormatError, match=f"data.csv: not a table: .*expected text in {encoding}"):
        api.csv(write(content[:-1]), encoding=encoding)
    with pytest.raises(api.FormatError, match="data.csv: not a table"):
        api.csv(write(b"a,b\n1,2\n3"), encoding="utf-16")
