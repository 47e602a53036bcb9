# SPDX-License-Identifier: MIT
"""Names of caches and identities of data: each part counts by itself.

The order of a state is in `test_state_order.py`.
"""

import dataclasses
import os

import numpy as np
import pytest
from making import error_of

from fastbatch.batch.column import bytes_identity, digest_of, files_identity
from fastbatch.plan.sampling import Draw
from fastbatch.source.csv.cache import kept_path
from fastbatch.source.csv.dialect import Dialect
from fastbatch.source.csv.options import CsvOptions, make_csv_options
from fastbatch.source.folder_index import Content, _join, _parse
from fastbatch.source.identity import Identity, identity_of

# ---- the cache of CSV files -----------------------------------------------------------------------------------------

OTHER_OPTIONS = {
    "columns": ("a",),
    "dtype": np.dtype("f8"),
    "header": 0,
    "delimiter": ";",
    "missing": "error",
    "encoding": "latin-1",
}
OTHER_DIALECTS = {
    "decimal": ",",
    "thousands": "'",
    "comment": "#",
    "skip_rows": 1,
    "na_values": ("-",),
    "trailing_delimiter": True,
    "dates": (("a", "D"),),
    "categories": (("a", None),),
}
FREE_OPTIONS = {"threads": 3}
ANY = Identity(1, 2, 3, 4, 5)


def test_every_option_of_csv_is_tried():
    fields = {field.name for field in dataclasses.fields(CsvOptions)}
    assert fields == OTHER_OPTIONS.keys() | FREE_OPTIONS.keys() | {"dialect"}
    assert {field.name for field in dataclasses.fields(Dialect)} == OTHER_DIALECTS.keys()


@pytest.mark.parametrize("field", OTHER_OPTIONS)
def test_each_option_names_another_cache(tmp_path, field):
    options = make_csv_options("x.csv")
    other = dataclasses.replace(options, **{field: OTHER_OPTIONS[field]})
    assert kept_path(tmp_path, "x.csv", ANY, options) != kept_path(tmp_path, "x.csv", ANY, other)


@pytest.mark.parametrize("field", OTHER_DIALECTS)
def test_each_option_of_the_dialect_names_another_cache(tmp_path, field):
    options = make_csv_options("x.csv")
    dialect = dataclasses.replace(options.dialect, **{field: OTHER_DIALECTS[field]})
    other = dataclasses.replace(options, dialect=dialect)
    assert kept_path(tmp_path, "x.csv", ANY, options) != kept_path(tmp_path, "x.csv", ANY, other)


@pytest.mark.parametrize(
    "two",
    [
        ({"dates": {"a": "D"}}, {"dates": {"a": "s"}}),
        ({"categories": {"a": ["x", "y"]}}, {"categories": {"a": ["y", "x"]}}),
        ({"categories": {"a": ["x", "y"]}}, {"categories": ["a"]}),
        ({"categories": {0: ["x"]}}, {"categories": {"0": ["x"]}}),
    ],
    ids=str,
)
def test_what_an_option_of_the_dialect_holds_names_the_cache(tmp_path, two):
    one, other = (make_csv_options("x.csv", dtype="f8", **options) for options in two)
    assert kept_path(tmp_path, "x.csv", ANY, one) != kept_path(tmp_path, "x.csv", ANY, other)


def test_threads_name_the_same_cache(tmp_path):
    options = make_csv_options("x.csv")
    assert kept_path(tmp_path, "x.csv", ANY, options) == kept_path(
        tmp_path, "x.csv", ANY, dataclasses.replace(options, **FREE_OPTIONS)
    )


@pytest.mark.parametrize("field", Identity._fields)
def test_each_part_of_the_identity_names_another_cache(tmp_path, field):
    options = make_csv_options("x.csv")
    other = ANY._replace(**{field: 77})
    assert kept_path(tmp_path, "x.csv", ANY, options) != kept_path(tmp_path, "x.csv", other, options)


def test_each_path_names_another_cache(tmp_path):
    options = make_csv_options("x.csv")
    paths = [tmp_path / "a" / "x.csv", tmp_path / "b" / "x.csv", tmp_path / "a" / "y.csv"]
    assert len({kept_path(tmp_path, str(path), ANY, options) for path in paths}) == 3
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    linked = kept_path(tmp_path, str(tmp_path / "link" / "x.csv"), ANY, options)
    assert linked == kept_path(tmp_path, str(paths[0]), ANY, options)  # the same file by another way


@pytest.mark.parametrize(
    "options",
    [
        {"columns": ["b"]},
        {"columns": ["b", "a"]},
        {"dtype": "f8"},
        {"dtype": "i4"},
        {"header": None},
        {"header": ["x", "y"]},
        {"header": 1},
        {"delimiter": ";"},
        {"missing": 7},
        {"encoding": "utf-16"},
        {"na_values": ["1", "3"]},
        {"skip_rows": 1},
        {"thousands": "'"},
        {"categories": ["a"]},
    ],
    ids=str,
)
def test_a_cache_gives_what_parsing_gives(api, tmp_path, options):
    """One cache for all: what was kept with other options is never returned."""
    path, cache = tmp_path / "x.csv", tmp_path / "cache"
    path.write_text("1,2\n3,4\n5,6\n" if "header" in options else "a,b\n1,2\n3,4\n")
    for first, then in (({}, options), (options, {})):
        if cache.exists():
            for kept in cache.iterdir():
                kept.unlink()
        results = []
        for given in (first, then):
            try:
                wanted = np.asarray(api.csv(path, **given)).copy()
            except (ValueError, KeyError) as error:
                with pytest.raises(type(error)):
                    api.csv(path, cache=cache, **given)
                continue
            for _ in range(2):
                got = api.csv(path, cache=cache, **given)
                assert got.dtype == wanted.dtype
                assert np.array_equal(np.asarray(got), wanted, equal_nan=True)
            results.append(wanted)
        assert results


# ---- the index of folders -------------------------------------------------------------------------------------------

TITLE = [b"/data/photos", b"jpg,png"]
LISTING = {b"": ((ANY, 3), Content([b"1.jpg"], [b"a"], [b"l"]))}


@pytest.mark.parametrize(
    "title", [[b"/data/photo", b"jpg,png"], [b"/data/photos", b"jpg"], [b"/data/photos", b"png,jpg"]]
)
def test_each_part_of_the_title_of_an_index_counts(title):
    assert _parse(_join(TITLE, LISTING), TITLE) == LISTING
    assert isinstance(error_of(_parse, _join(TITLE, LISTING), title), ValueError)


@pytest.mark.parametrize("field", [*Identity._fields, "links"])
def test_an_index_keeps_each_part_of_a_stamp(field):
    stamp = (ANY, 77) if field == "links" else (ANY._replace(**{field: 77}), 3)
    other = {b"": (stamp, LISTING[b""][1])}
    read = _parse(_join(TITLE, other), TITLE)
    assert read == other
    assert read != LISTING


@pytest.mark.parametrize("kind", ["files", "folders", "links"])
def test_an_index_keeps_the_kinds_of_names_apart(kind):
    content = dataclasses.replace(LISTING[b""][1], **{kind: [b"p", b"q"]})
    index = {b"": ((ANY, 3), content)}
    assert _parse(_join(TITLE, index), TITLE) == index


# ---- the identity of a file -----------------------------------------------------------------------------------------


class Status:
    """What `os.stat` returns, with different numbers."""

    def __init__(self, real, **changed):
        for name in dir(real):
            if name.startswith("st_"):
                setattr(self, name, changed.get(name, getattr(real, name)))


STATUS = {"st_size": 1, "st_mtime_ns": 1, "st_ctime_ns": 1, "st_ino": 1, "st_dev": 1}


@pytest.mark.parametrize("field", STATUS)
def test_each_field_of_the_status_is_a_part_of_the_identity(tmp_path, field):
    (tmp_path / "a").write_text("abc")
    real = os.stat(tmp_path / "a")
    same, other = Status(real), Status(real, **{field: getattr(real, field) + 1})
    assert identity_of(same) == identity_of(real)
    assert identity_of(other) != identity_of(real)


# ---- weights --------------------------------------------------------------------------------------------------------

WEIGHTS = np.array([1.0, 2.0, 3.0])
DRAWS = {
    "weights": Draw(np.array([1.0, 3.0, 2.0]), True, 5),
    "one weight": Draw(np.nextafter(WEIGHTS, [1, 2, 9]), True, 5),
    "number of weights": Draw(np.array([1.0, 2.0, 3.0, 0.0]), True, 5),
    "replacement": Draw(WEIGHTS, False, 5),
    "number of draws": Draw(WEIGHTS, True, 6),
    "no number of draws": Draw(WEIGHTS, True, None),
}


@pytest.mark.parametrize("part", DRAWS)
def test_each_part_of_a_draw_counts(part):
    assert DRAWS[part].identity() != Draw(WEIGHTS, True, 5).identity()
    assert Draw(WEIGHTS.copy(), True, 5).identity() == Draw(WEIGHTS, True, 5).identity()


# ---- the data of a state --------------------------------------------------------------------------------------------

DATA = {
    "shape": lambda: np.zeros((60, 4), np.float32),
    "length": lambda: np.zeros((61, 3), np.float32),
    "type": lambda: np.zeros((60, 3), np.float64),
    "a value": lambda: np.r_[np.zeros((59, 3)), [[0, 0, 1]]].astype(np.float32),
}


@pytest.mark.parametrize("part", DATA)
def test_a_state_of_other_data_is_refused(api, part):
    state = api.arrays(np.zeros((60, 3), np.float32), batch_size=4).state_dict()
    other = api.arrays(DATA[part](), batch_size=4)
    with pytest.raises(api.StateError):
        other.load_state_dict(state)


def test_a_state_of_another_type_of_the_same_bytes_is_refused(api):
    state = api.arrays(np.zeros((60, 3), np.float32), batch_size=4).state_dict()
    with pytest.raises(api.StateError):
        api.arrays(np.zeros((60, 3), np.int32), batch_size=4).load_state_dict(state)
    swapped = np.zeros((60, 3), np.dtype(np.float32).newbyteorder())
    api.arrays(swapped, batch_size=4).load_state_dict(state)  # the order of bytes in memory is no property of the data


def test_where_a_name_or_a_sample_ends_counts():
    """Names and samples that differ only in where one ends and the next begins."""
    assert files_identity([b"/d/a", b"/d/bc"]) != files_identity([b"/d/ab", b"/d/c"])
    assert files_identity([b"/d/a", b"/d/bc"]) == files_identity([b"/elsewhere/a", b"/elsewhere/bc"])
    assert digest_of([b"a", b"bc"]) != digest_of([b"ab", b"c"])
    assert digest_of([b"a", b""]) != digest_of([b"", b"a"])


def test_each_size_of_samples_in_memory_counts():
    """Of many samples the bytes of some are compared, and the sizes of all."""
    blob = np.zeros(1000, np.uint8)
    offsets = np.arange(0, 1001, 10)
    moved = offsets.copy()
    moved[2] += 1  # between two samples whose bytes are not compared
    assert bytes_identity(blob, moved)[0] == bytes_identity(blob, offsets)[0] == 100
    assert bytes_identity(blob, moved) != bytes_identity(blob, offsets)


@pytest.mark.parametrize(
    "content", ["line 1\n" * 50, "line 0\n" * 49, "line 0\n" * 50 + "x"], ids=["text", "shorter", "longer"]
)
def test_a_state_of_another_text_is_refused(api, tmp_path, content):
    (tmp_path / "a.txt").write_text("line 0\n" * 50)
    (tmp_path / "b.txt").write_text(content)
    state = api.lines(tmp_path / "a.txt", batch_size=4).state_dict()
    with pytest.raises(api.StateError):
        api.lines(tmp_path / "b.txt", batch_size=4).load_state_dict(state)
    with pytest.raises(api.StateError):
        api.words(tmp_path / "a.txt", batch_size=4).load_state_dict(state)
    with pytest.raises(api.StateError):
        api.lines([tmp_path / "a.txt"] * 2, batch_size=4).load_state_dict(state)
