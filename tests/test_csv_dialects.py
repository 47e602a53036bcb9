# SPDX-License-Identifier: MIT
"""CSV files that are not plain tables of numbers: marks, comments, dates, categories, on both parsers."""

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import error_of, same

import fastbatch
from fastbatch import pure
from fastbatch.source.csv import arrow as csv_arrow

pytest.importorskip("pyarrow")

NAN = float("nan")


def refuse(*_):
    raise AssertionError("read again by Python's parser")


@pytest.fixture(params=["fastbatch", "pure", "pyarrow alone"])
def read(request, monkeypatch):
    """Return a function like `csv`; the last one must not fall back to Python's parser."""
    if request.param == "pure":
        return pure.csv
    if request.param == "pyarrow alone":
        monkeypatch.setattr(csv_arrow, "plain_blocks", refuse)
    return fastbatch.csv


def outcome(api, path, **options):
    try:
        return np.asarray(api.csv(path, **options)).tolist()
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


# ---- bad input ------------------------------------------------------------------------------------------------------

BAD = [
    ("a;b\n1;2.5\n", {"decimal": ","}, "row 2, column 'b': not a number.*found '2.5'"),
    ("a;b\n1;1.23\n", {"decimal": ",", "thousands": "."}, "row 2, column 'b': not a number.*found '1.23'"),
    ("a;b\n1;1234.567\n", {"decimal": ",", "thousands": "."}, "row 2, column 'b': not a number"),
    ("a,b\n1,2_00\n", {"thousands": "_"}, "row 2, column 'b': not a number"),
    ("a,b\n1,2\n3,4,5\n", {"trailing_delimiter": True}, "row 2: another number of cells: expected 3, found 2"),
    ("a,b\n1,2,\n3,4,5\n", {"trailing_delimiter": True}, "row 3: text after the last delimiter: .* found '5'"),
    ("x\ny\na,b\n1,2\n3,x\n", {"skip_rows": 2}, "row 5, column 'b': not a number"),
    ("a,b\n#\n1,2 # note\n3,x # y\n", {"comment": "#"}, "row 4, column 'b': not a number.*found 'x'"),
    ("a,b\n1,2\n", {"skip_rows": 2}, "an empty file"),
    ("#a\n#b\n", {"comment": "#"}, "an empty file"),
    ("a,t\n1,2020-02-30\n", {"dates": ["t"], "dtype": "f8"}, "row 2, column 't': not a date.*found '2020-02-30'"),
    ("a,t\n1,2020-02-01 25:00\n", {"dates": ["t"], "dtype": "f8"}, "row 2, column 't': not a date"),
    ("a,t\n1,01.02.2020\n", {"dates": ["t"], "dtype": "f8"}, "row 2, column 't': not a date"),
    ("a,t\n1,2020-02-01T00:00:00+02:00\n", {"dates": ["t"], "dtype": "f8"}, "row 2, column 't': not a date"),
    ("a,t\n1,2020-02-01 01:00\n", {"dates": {"t": "D"}}, "row 2, column 't': a date with a fraction"),
    ("a,t\n1,2020-02-01 01:00:00.5\n", {"dates": ["t"], "dtype": "i8"}, "a date with a fraction.*whole number of s"),
    ("a,t\n1,2020-02-01\n", {"dates": {"t": "D"}, "dtype": "i1"}, "row 2, column 't': too large a number"),
    ("a,c\n1,red\n", {"categories": {"c": ["blue"]}}, "row 2, column 'c': an unknown category: expected one of 'blue'"),
    ("a,c\n1,\n", {"categories": ["c"], "missing": "error"}, "row 2, column 'c': no number"),
]


@pytest.mark.parametrize(("content", "options", "message"), BAD, ids=str)
def test_bad_files(api, write, content, options, message):
    if ";" in content:
        options = {"delimiter": ";", **options}
    with pytest.raises(api.FormatError, match=f"data.csv: .*{message}"):
        api.csv(write(content), **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"decimal": ";"}, ValueError, "decimal: expected '.' or ',', found ';'"),
        ({"decimal": ",", "delimiter": ","}, ValueError, "expected different characters, found delimiter=','"),
        ({"thousands": "."}, ValueError, "expected different characters, found delimiter=',', decimal='.', thousands"),
        ({"thousands": "x"}, ValueError, "thousands: expected one of"),
        ({"comment": "##"}, ValueError, "comment: expected one ASCII character"),
        ({"comment": "1"}, ValueError, "comment: expected one ASCII character"),
        ({"comment": '"'}, ValueError, "comment: expected one ASCII character"),
        ({"skip_rows": -1}, ValueError, "skip_rows: expected 0 to"),
        ({"skip_rows": "1"}, TypeError, "skip_rows: expected an integer"),
        ({"na_values": [1.5]}, TypeError, "na_values: expected words"),
        ({"trailing_delimiter": 1}, TypeError, "trailing_delimiter: expected True or False"),
        ({"dates": ["a"]}, ValueError, "dates: expected dtype float64 or int64"),
        ({"dates": {"a": "h"}}, ValueError, "dates: expected one of the units D, s, ms, us, found 'h'"),
        ({"dates": {"a": "D"}, "dtype": "f2"}, ValueError, "dates: expected dtype float32 or another"),
        ({"dates": {"z": "D"}}, ValueError, "dates: expected one of 'a', 'b', found no column 'z'"),
        ({"dates": {9: "D"}}, ValueError, "dates: expected numbers below 2, found 9"),
        ({"categories": ["a", "z"]}, ValueError, "categories: expected one of 'a', 'b', found no column 'z'"),
        ({"categories": {"a": ["x", "x"]}}, ValueError, "categories: 'a': expected different names"),
        ({"categories": {"a": []}}, TypeError, "categories: 'a': expected names"),
        ({"categories": ["a"], "dates": {"a": "D"}}, ValueError, "expected different columns, found 'a' twice"),
    ],
    ids=str,
)
def test_bad_options(api, write, options, error, message):
    found = error_of(api.csv, write("a,b\n1,2\n"), **options)
    assert type(found) is error
    assert message in str(found)


def test_codes_that_a_type_does_not_hold(api, write):
    rows = "".join(f"c{i}\n" for i in range(200))
    with pytest.raises(ValueError, match="categories: 'a': int8 does not hold 200 codes"):
        api.csv(write("a\n" + rows), categories=["a"], dtype="i1")
    assert len(api.csv(write("a\n" + rows), categories=["a"], dtype="u1")) == 200


# ---- each option ----------------------------------------------------------------------------------------------------

GOOD = {
    "decimal": ("a;b\n1,5;-,5\n1e3;2\n", {"decimal": ","}, [[1.5, -0.5], [1000, 2]]),
    "thousands": ("a,b\n1'234.5,12\n-1'234'567,1234\n", {"thousands": "'"}, [[1234.5, 12], [-1234567, 1234]]),
    "both": ("a;b\n1.234,5;7\n", {"decimal": ",", "thousands": "."}, [[1234.5, 7]]),
    "quoted": ('a,b\n"1,234",2\n', {"thousands": ","}, None),
    "comment": ("# x, y\na,b # z\n\n1,2\n  # 3,4\n5,6#7\n", {"comment": "#"}, [[1, 2], [5, 6]]),
    "no header": ("#x\n1,2\n#y\n3,4\n", {"comment": "#"}, [[1, 2], [3, 4]]),
    "skip": ('made by "me\n\na,b\n1,2\n', {"skip_rows": 2}, [[1, 2]]),
    "skip, no header": ("x y z\n1,2\n3,4\n", {"skip_rows": 1}, [[1, 2], [3, 4]]),
    "na": ("a,b\n-999,x\n-,3\n", {"na_values": [-999, "x", "-"]}, [[NAN, NAN], [NAN, 3]]),
    "na in the first row": ("-,2\n3,4\n", {"na_values": "-"}, [[NAN, 2], [3, 4]]),
    "trailing": ("a,b,\n1,2,\n3,4,\n", {"trailing_delimiter": True}, [[1, 2], [3, 4]]),
    "header without": ("a,b\n1,2,\n3,4,\n", {"trailing_delimiter": True}, [[1, 2], [3, 4]]),
    "trailing, no header": ("1,2,\n3,4,NA\n", {"trailing_delimiter": True}, [[1, 2], [3, 4]]),
    "columns": ("a,b,c\nx,2,\ny,4,\n", {"columns": ["b"]}, [[2], [4]]),
    "days": ("t,x\n2020-01-01,1\n1969-12-31,2\n", {"dates": {"t": "D"}}, [[18262, 1], [-1, 2]]),
    "days by number": ("2020-01-01,1\n,2\n", {"dates": {0: "D"}}, [[18262, 1], [NAN, 2]]),
    "categories": ("c,x\nred,1\nblue,2\nred,3\n", {"categories": ["c"]}, [[1, 1], [0, 2], [1, 3]]),
    "categories by number": ("red,1\nblue,2\n,3\n", {"categories": [0]}, [[1, 1], [0, 2], [NAN, 3]]),
    "given categories": ("c,x\nM,1\nS,2\n", {"categories": {"c": ["S", "M"]}}, [[1, 1], [0, 2]]),
    "blanks": ("c,x\n red\t,1\nred,2\n", {"categories": ["c"]}, [[0, 1], [0, 2]]),
}


@pytest.mark.parametrize("name", GOOD)
def test_each_option(read, write, name):
    content, options, wanted = GOOD[name]
    if wanted is None:
        options, wanted = {**options, "delimiter": ";"}, [[1234, 2]]
        content = content.replace('",', '";').replace("a,b", "a;b")
    delimiter = {"delimiter": ";"} if ";" in content else {}
    for newline in ("\n", "\r\n"):
        table = read(write(content.replace("\n", newline)), **{**delimiter, **options})
        same(np.asarray(table), np.array(wanted, np.float32))


def test_decimal_commas_bring_the_semicolon(read, write):
    assert read(write("a;b\n1,5;2\n"), decimal=",")[0].tolist() == [1.5, 2]


TIMES = [
    "2020-01-01",
    "2020-01-01 00:00",
    "1999-12-31T23:59:59",
    "2024-02-29 12:34:56.789012",
    "1969-12-31T23:59:59.5Z",
]


@pytest.mark.parametrize(("unit", "length"), [("s", 1), ("ms", 1e-3), ("us", 1e-6)])
def test_times(read, write, unit, length):
    epoch = datetime.datetime(1970, 1, 1)
    wanted = [
        (datetime.datetime.fromisoformat(one.rstrip("Z")) - epoch) / datetime.timedelta(seconds=length) for one in TIMES
    ]
    table = read(write("t\n" + "\n".join(TIMES) + "\n"), dates={"t": unit}, dtype="f8")
    np.testing.assert_allclose(np.asarray(table)[:, 0], wanted, rtol=0, atol=1e-6 / length * 0.6)
    whole = read(write("t\n" + "\n".join(TIMES[:3]) + "\n"), dates={"t": unit}, dtype="i8")
    assert np.asarray(whole)[:, 0].tolist() == [round(one) for one in wanted[:3]]


def test_names_of_categories(api, write):
    table = api.csv(
        write("c,x,d\nred,1,b\nblue,2,a\n"), columns=["d", "x", "c"], categories={"c": None, "d": ["a", "b"]}
    )
    assert table.categories == {"c": ("blue", "red"), "d": ("a", "b")}
    assert table[0].tolist() == [1, 1, 1]


def test_a_cache_keeps_the_names_of_categories(api, write, tmp_path):
    path = write("c,x\nred,1\nblue,2\n")
    for _ in range(2):
        table = api.csv(path, categories=["c"], cache=tmp_path / "cache")
        assert table.categories == {"c": ("blue", "red")}
        assert table[:].tolist() == [[1, 1], [0, 2]]


def test_comments_and_quotes(api, write):
    """A comment character inside quotes is text; quotes inside a comment are not counted."""
    path = write('a,c\n1,"#red" # "\n2,"x\n#y"\n# "\n3,"#red"\n')
    table = api.csv(path, comment="#", categories=["c"])
    assert table.categories == {"c": ("#red", "x\n#y")}
    assert table[:].tolist() == [[1, 0], [2, 1], [3, 0]]


def test_many_rows(monkeypatch, write):
    """Several segments, none of which is read again by Python's parser."""
    monkeypatch.setattr(csv_arrow, "SEGMENT_BYTES", 5000)
    monkeypatch.setattr(csv_arrow, "plain_blocks", refuse)
    rows = "".join(f"2020-01-{i % 28 + 1:02};{i // 1000}.{i % 1000:03},5;c{i % 3};\n# {i}\n" for i in range(1000, 9000))
    options = {"decimal": ",", "thousands": ".", "comment": "#", "skip_rows": 3, "trailing_delimiter": True}
    options |= {"dates": {"t": "D"}, "categories": {"c": ["c0", "c1", "c2"]}, "dtype": "f8"}
    table = fastbatch.csv(write("x\n\ny\nt;v;c\n" + rows), **options)
    i = np.arange(1000, 9000)
    same(np.asarray(table), np.stack([18262.0 + i % 28, i + 0.5, i % 3], axis=1))


# ---- the two parsers against each other -----------------------------------------------------------------------------

CELLS = [
    "1",
    "-2,5",
    "1.234,5",
    "1.23",
    "",
    "-",
    "NA",
    " 7 ",
    '"3"',
    "x",
    "red",
    "#c",
    "2020-01-01",
    "2020-13-01",
    "inf",
]
OPTIONS = {
    "decimal": [".", ","],
    "thousands": [None, ".", "'"],
    "comment": [None, "#"],
    "skip_rows": [0, 1],
    "na_values": [(), ("-", "x")],
    "trailing_delimiter": [False, True],
    "dates": [(), {1: "D"}],
    "categories": [(), [0]],
    "missing": ["nan", -1, "error"],
    "header": ["infer", None, 0],
    "dtype": ["f8", "i8", "f4"],
}


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(st.sampled_from(CELLS), min_size=2, max_size=3), min_size=1, max_size=5),
    options=st.fixed_dictionaries({name: st.sampled_from(values) for name, values in OPTIONS.items()}),
)
def test_both_parsers_agree(tmp_path_factory, rows, options):
    path = tmp_path_factory.mktemp("fuzz") / "data.csv"
    path.write_text("\n".join(";".join(row) for row in rows) + "\n")
    slow, fast = (outcome(api, path, delimiter=";", **options) for api in (pure, fastbatch))
    if isinstance(slow, str) or isinstance(fast, str):
        assert slow == fast
    else:
        np.testing.assert_array_equal(slow, fast)
