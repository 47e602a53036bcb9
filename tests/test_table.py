# SPDX-License-Identifier: MIT
"""Tables of Arrow and of other libraries as batches: equal to what the library gives; types, nulls, broken files."""

import datetime
import itertools
import json
import pickle

import numpy as np
import pytest
from making import same, same_batches

import fastbatch as fb
from fastbatch import pure
from fastbatch.source.arrow import column as arrow_column

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

N = 23
RNG = np.random.default_rng(0)
COLUMNS = {
    "i8": RNG.integers(-9, 9, N).astype(np.int8),
    "u64": RNG.integers(0, 2**63, N).astype(np.uint64),
    "f4": RNG.normal(size=N).astype(np.float32),
    "f2": RNG.normal(size=N).astype(np.float16),
    "f8": RNG.normal(size=N),
    "flag": RNG.integers(0, 2, N).astype(bool),
}
WORDS = ["", "ü", "long " * 20, "tab\t"] * 6


def make(chunks: int = 3):
    """Return a table with all types, in several chunks."""
    lists = RNG.normal(size=(N, 2, 3)).astype(np.float32)
    arrays = {name: pa.array(values) for name, values in COLUMNS.items()}
    arrays["fixed"] = pa.array(list(lists[:, 0]), pa.list_(pa.float32(), 3))
    arrays["nested"] = pa.array(lists.tolist(), pa.list_(pa.list_(pa.float32(), 3), 2))
    arrays["equal"] = pa.array([[i, i + 1] for i in range(N)], pa.list_(pa.int32()))
    arrays["ragged"] = pa.array([[i] * (i % 3) for i in range(N)], pa.list_(pa.float32()))
    arrays["text"] = pa.array(WORDS[:N])
    arrays["bytes"] = pa.array([word.encode() + b"\0" for word in WORDS[:N]], pa.large_binary())
    arrays["kind"] = pa.array([["red", "green", "blue"][i % 3] for i in range(N)]).dictionary_encode()
    arrays["day"] = pa.array([datetime.date(2024, 1, 1 + i) for i in range(N)])
    arrays["time"] = pa.array([datetime.datetime(2024, 1, 1, i) for i in range(N)], pa.timestamp("us"))
    table = pa.table(arrays)
    ends = np.linspace(0, N, chunks + 1).astype(int)
    return pa.concat_tables([table.slice(a, b - a) for a, b in itertools.pairwise(ends)]), lists


@pytest.mark.parametrize("chunks", [1, 3, N])
def test_all_types(api, chunks):
    table, lists = make(chunks)
    batch = next(iter(api.table(table, batch_size=N)))
    assert list(batch) == table.column_names
    for name, values in COLUMNS.items():
        same(batch[name], values)
    same(batch["fixed"], lists[:, 0])
    same(batch["nested"], lists)
    same(batch["equal"], np.stack([np.arange(N), np.arange(1, N + 1)], 1).astype(np.int32))
    assert [row.tolist() for row in batch["ragged"]] == [[i] * (i % 3) for i in range(N)]
    assert {row.dtype for row in batch["ragged"]} == {np.dtype("f4")}
    assert list(batch["text"]) == WORDS[:N]
    assert list(batch["bytes"]) == table["bytes"].to_pylist()
    same(batch["kind"], np.arange(N) % 3)
    same(batch["day"], np.datetime64("2024-01-01", "D") + np.arange(N))
    same(batch["time"], (np.datetime64("2024-01-01", "us") + np.arange(N) * np.timedelta64(1, "h")).astype("M8[us]"))


def test_both_implementations_give_the_same():
    table, _ = make()
    options = {"shuffle": True, "seed": 3, "batch_size": 5, "targets": "kind"}
    same_batches(fb.table(table, **options), pure.table(table, **options))


def test_buffers_are_not_copied():
    table, _ = make(1)
    found = arrow_column.convert("f8", table.column("f8"))
    assert np.shares_memory(found.rows, table.column("f8").chunk(0).to_numpy())
    nested = arrow_column.convert("nested", table.column("nested"))
    assert np.shares_memory(nested.rows, table.column("nested").chunk(0).flatten().flatten().to_numpy())


def test_many_small_chunks_are_joined(monkeypatch):
    table, _ = make(N)
    assert isinstance(arrow_column.convert("f8", table.column("f8")).rows, np.ndarray)
    monkeypatch.setattr(arrow_column, "MOST_JOINED_BYTES", 8)
    assert len(arrow_column.convert("f8", table.column("f8")).rows.parts) == N


def test_columns_targets_and_types(api):
    table, _ = make()
    x, y = next(iter(api.table(table, ["f8", "flag", "text"], targets="kind", dtype="float32", batch_size=4)))
    assert list(x) == ["f8", "flag", "text"]
    assert (x["f8"].dtype, x["flag"].dtype, y.dtype) == (np.float32, np.float32, np.int64)
    loader = api.table(table, targets="kind")
    assert loader.class_names == ("red", "green", "blue")
    assert "kind" not in next(iter(loader))[0]
    x, y = next(iter(api.table(table, ["f4"], targets=["i8", "text"], batch_size=4)))
    assert list(y) == ["i8", "text"]
    same(y["i8"], COLUMNS["i8"][:4])
    drawn = api.table(table, ["f4"], targets="kind", balance="classes", seed=1, samples_per_epoch=300, batch_size=300)
    assert np.bincount(next(iter(drawn))[1]).min() > 70


def test_the_index_of_each_row(api):
    table, _ = make()
    for options in ({}, {"targets": "i8"}, {"targets": ["i8", "text"]}):
        loader = api.table(table, ["f8", "bytes"], shuffle=True, seed=1, batch_size=5, with_index=True, **options)
        for *parts, index in loader:
            same(parts[0]["f8"], COLUMNS["f8"][index])
            assert parts[0]["bytes"] == [table["bytes"][i].as_py() for i in index.tolist()]
            assert len(parts) == (2 if options else 1)
    _, held_out = api.table(table, ["f8"], with_index=True).split(4, shuffle=False)
    same(next(iter(held_out))[1], np.arange(4))


def test_resume_shards_split_and_pickle(api):
    table, _ = make()
    loader = api.table(table, ["f8", "text"], shuffle=True, batch_size=4)
    whole = list(loader)
    loader.set_epoch(0)
    next(iter(loader))
    other = pickle.loads(pickle.dumps(loader))
    other.load_state_dict(json.loads(json.dumps(loader.state_dict())))
    same_batches(other, whole[1:])
    assert sum(len(batch["text"]) for rank in range(3) for batch in loader.shard(rank, 3, tail="uneven")) == N
    train, validation = loader.split(0.2)
    assert (train.n_samples, validation.n_samples) == (19, 4)
    lengths = next(iter(loader.map(lambda row: len(row["text"]), each="sample")))
    assert lengths.tolist() == [len(word) for word in whole[0]["text"]]
    with pytest.raises(fb.StateError):
        api.table(table.slice(1), ["f8", "text"]).load_state_dict(loader.state_dict())
    words = table.set_column(table.column_names.index("text"), "text", pa.array(["x"] * N))
    with pytest.raises(fb.StateError):
        api.table(words, ["f8", "text"], shuffle=True).load_state_dict(loader.state_dict())


# ---- other libraries -------------------------------------------------------------------------------------------------


def test_tensors(api):
    tensors = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    data = pa.table({"x": pa.FixedShapeTensorArray.from_numpy_ndarray(tensors)})
    same(next(iter(api.table(data)))["x"], tensors)
    flat = pa.FixedShapeTensorArray.from_numpy_ndarray(tensors.reshape(4, 6))
    same(next(iter(api.table(pa.table({"x": flat}))))["x"], tensors.reshape(4, 6))


def test_pandas(api):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": COLUMNS["f4"], "b": [f"w{i}" for i in range(N)]}, index=range(100, 100 + N))
    frame["c"] = pandas.Categorical(["x", "y"] * 11 + ["x"])
    loader = api.table(frame, targets="c", batch_size=4)
    x, y = next(iter(loader))
    assert list(x) == ["a", "b"]  # the index is no column
    same(x["a"], COLUMNS["f4"][:4])
    assert x["b"] == ["w0", "w1", "w2", "w3"]
    assert (y.tolist(), loader.class_names) == ([0, 1, 0, 1], ("x", "y"))


class Exported:
    """A table of another library: it has the protocol of Arrow, and is no array."""

    def __init__(self, columns):
        self._table = pa.table(columns)
        self.columns = list(columns)

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def test_tables_of_other_libraries_as_arrays(api):
    numbers = {"a": np.arange(5, dtype="f4"), "b": np.arange(5, 10)}
    loader = api.arrays(Exported(numbers), Exported({"y": np.arange(5)}), batch_size=5)
    assert loader.column_names == ("a", "b")
    x, y = next(iter(loader))
    assert np.array_equal(x, np.column_stack(list(numbers.values())))
    assert np.array_equal(y, np.arange(5)[:, None])
    with pytest.raises(TypeError, match=r"expected columns of numbers, found t; table\(\) takes others"):
        api.arrays(Exported({**numbers, "t": list("abcde")}))
    batch = next(iter(api.table(Exported(numbers), batch_size=5)))
    assert np.array_equal(batch["b"], numbers["b"])


def test_polars(api):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": COLUMNS["f4"], "b": [f"w{i}" for i in range(N)], "l": [[i, 1] for i in range(N)]})
    batch = next(iter(api.table(frame, batch_size=N)))
    same(batch["a"], COLUMNS["f4"])
    assert batch["b"] == [f"w{i}" for i in range(N)]
    assert batch["l"].tolist() == [[i, 1] for i in range(N)]


def test_duckdb(api):
    duckdb = pytest.importorskip("duckdb")
    batch = next(iter(api.table(duckdb.sql("select range as n, range / 2.0 as half from range(5)"))))
    assert batch["n"].tolist() == [0, 1, 2, 3, 4]


def test_datasets(api):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "x": datasets.Value("float32"),
            "grid": datasets.Array2D((2, 3), "int32"),
            "label": datasets.ClassLabel(names=["no", "yes"]),
        }
    )
    rows = {"x": COLUMNS["f4"], "grid": np.arange(N * 6).reshape(N, 2, 3).tolist(), "label": np.arange(N) % 2}
    data = datasets.Dataset.from_dict(rows, features=features)
    loader = api.table(data, targets="label", batch_size=N)
    assert loader.class_names == ("no", "yes")
    x, y = next(iter(loader))
    same(x["grid"], np.arange(N * 6, dtype=np.int32).reshape(N, 2, 3))
    chosen = data.select([5, 2, 9])
    x, y = next(iter(api.table(chosen, targets="label")))
    same(x["x"], COLUMNS["f4"][[5, 2, 9]])
    assert y.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="at least one row"):
        api.table(data.select([]))


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    table, _ = make()
    table = table.drop_columns(["kind"])
    parquet.write_table(table.slice(0, 10), tmp_path / "0.parquet", row_group_size=3)
    parquet.write_table(table.slice(10), tmp_path / "1.parquet")
    return tmp_path, table


def test_parquet_files(api, files):
    root, table = files
    expected = list(api.table(table, batch_size=5))
    for data in (str(root / "*.parquet"), [root / "0.parquet", root / "1.parquet"]):
        same_batches(api.table(data, batch_size=5), expected)
    assert list(next(iter(api.table(root / "0.parquet", ["f8", "i8"])))) == ["f8", "i8"]


def test_feather_and_stream_files(api, tmp_path):
    table, _ = make()
    for name, new in (("a.feather", pa.ipc.new_file), ("b.arrow", pa.ipc.new_stream)):
        with pa.OSFile(str(tmp_path / name), "wb") as out, new(out, table.schema) as writer:
            writer.write_table(table)
        same_batches(api.table(tmp_path / name, ["f8", "text"]), api.table(table, ["f8", "text"]))


def test_broken_files(api, files):
    root, table = files
    data = (root / "0.parquet").read_bytes()
    for content in (data[:-100], data[:200], data[:500] + bytes(200) + data[700:], b"PAR1", b""):
        (root / "bad.parquet").write_bytes(content)
        with pytest.raises(
            fb.FormatError, match="bad.parquet: a (Parquet|Feather) file that pyarrow cannot read: "
        ) as caught:
            list(api.table(root / "bad.parquet"))
        assert caught.value.path == str(root / "bad.parquet")
    parquet.write_table(table.rename_columns([f"{name}_" for name in table.column_names]), root / "other.parquet")
    with pytest.raises(fb.FormatError, match="other.parquet: other columns than in the first file: expected i8 int8"):
        api.table([root / "0.parquet", root / "other.parquet"])
    with pytest.raises(FileNotFoundError, match="No file fits the pattern"):
        api.table(str(root / "none*.parquet"))
    with pytest.raises(FileNotFoundError, match="missing.parquet"):
        api.table(root / "missing.parquet")
    with pytest.raises(ValueError, match=r"0.parquet: expected columns among i8, .* found 'nix'"):
        api.table(root / "0.parquet", ["nix"])


# ---- nulls and wrong calls -------------------------------------------------------------------------------------------


def test_nulls(api):
    table = pa.table({"f": [1.0, None, 3.0], "i": pa.array([1, 2, None], pa.int16()), "t": ["a", None, "c"]})
    for name, row in (("f", 1), ("i", 2), ("t", 1)):
        with pytest.raises(ValueError, match=f"column '{name}': row {row}: expected a value, found null"):
            api.table(table, [name])
    same(next(iter(api.table(table, ["f"], missing="nan")))["f"], np.array([1.0, np.nan, 3.0]))
    batch = next(iter(api.table(table, missing={"f": 0, "i": -1, "t": "?"})))
    same(batch["f"], np.array([1.0, 0.0, 3.0]))
    same(batch["i"], np.array([1, 2, -1], np.int16))
    assert batch["t"] == ["a", "?", "c"]
    with pytest.raises(ValueError, match="missing: column 'i': expected a value of type int16, found 'nan'"):
        api.table(table, ["i"], missing="nan")
    with pytest.raises(ValueError, match="missing: column 'i': expected a value of type int16, found 100000"):
        api.table(table, ["i"], missing=100_000)
    with pytest.raises(ValueError, match=r"missing: expected names of columns"):
        api.table(table, ["f"], missing={"g": 0})
    lists = pa.table({"l": pa.array([[1, None], [2, 3]], pa.list_(pa.int8(), 2))})
    with pytest.raises(ValueError, match="column 'l': expected lists of numbers, found a null in a list"):
        api.table(lists)
    ragged = pa.table({"l": [[1, None], [2]]})
    with pytest.raises(ValueError, match="column 'l': expected lists of numbers, found a null in a list"):
        api.table(ragged)


def test_types_that_no_batch_holds(api):
    table = pa.table({"s": [{"a": 1}], "d": pa.array([1], pa.decimal128(5, 2)), "n": pa.nulls(1), "l": [["a"]]})
    for name, message in (("s", "struct.*table.flatten"), ("d", "decimal128"), ("n", "found null"), ("l", "list")):
        with pytest.raises((TypeError, ValueError), match=f"column '{name}': .*{message}"):
            api.table(table, [name])
    with pytest.raises(TypeError, match="column 'l': expected lists of one shape"):
        api.table(pa.table({"l": [[[1], [2, 3]]]}))


def test_wrong_calls(api):
    table, _ = make()
    for arguments, options, message in (
        ((table, ["nix"]), {}, "columns: expected one of the columns i8, .*, found 'nix'"),
        ((table,), {"targets": "nix"}, "targets: expected one of the columns"),
        ((table, []), {}, "columns: expected at least one, found none"),
        ((table.slice(0, 0),), {}, "data: expected at least one row"),
        ((table, "i8"), {}, "columns: expected names of columns, found 'i8'"),
        ((3,), {}, "expected a table, a Parquet file or a Dataset, found 3"),
        ((table["i8"],), {}, "expected a table with columns, found ChunkedArray"),
        ((table, ["i8"]), {"balance": "classes"}, "balance='classes': expected one column as targets="),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            api.table(*arguments, **options)


def test_without_pyarrow(api, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"tables need pyarrow: pip install fastbatch\[arrow\]"):
        api.table("a.parquet")


def test_arrays_and_windows_keep_the_names_of_columns(api, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0)})
    frame.to_csv(tmp_path / "x.csv", index=False)
    for data in (frame, pa.table(frame), api.csv(tmp_path / "x.csv")):
        assert api.arrays(data).column_names == ("a", "b")
        assert api.arrays(data, np.arange(9)).shard(0, 2).map(lambda x, y: (x, y)).column_names == ("a", "b")
        assert api.windows(data, length=3).column_names == ("a", "b")
        assert api.windows(data, length=3, horizon=1).split(0.2)[0].column_names == ("a", "b")
    assert api.arrays(np.zeros((3, 2))).column_names is None
    assert api.table(frame).column_names == ("a", "b")


def test_arrays_takes_tables_of_numbers(api):
    duckdb = pytest.importorskip("duckdb")
    datasets = pytest.importorskip("datasets")
    rows = np.stack([np.arange(5.0), np.arange(5.0) / 2], 1)
    for data in (
        duckdb.sql("select range::double as n, range / 2.0::double as half from range(5)"),
        datasets.Dataset.from_dict({"n": rows[:, 0], "half": rows[:, 1]}),
    ):
        loader = api.arrays(data)
        same(next(iter(loader)), rows)
        assert loader.column_names == ("n", "half")
    with pytest.raises(TypeError, match="expected columns of numbers, found t; table"):
        api.arrays(datasets.Dataset.from_dict({"n": [1], "t": ["a"]}))
