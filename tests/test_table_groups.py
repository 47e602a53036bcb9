# SPDX-License-Identifier: MIT
"""Parquet files that are read row group by row group: bad input first; equal to the table in memory; order, resume."""

import itertools
import json
import os
import pickle

import numpy as np
import pytest
from making import same, same_batches

import fastbatch as fb
from fastbatch import pure
from fastbatch.source.arrow import parquet_files

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

N = 500
SIZES = (64, 37, 100)  # rows in the row groups of each file
MUCH = 1 << 24


def columns(start: int, n: int):
    """Return rows `start` to `start + n` of the table."""
    rng = np.random.default_rng(start)
    number = np.arange(start, start + n)
    return {
        "id": pa.array(number),
        "x": pa.array(rng.normal(size=n).astype(np.float32)),
        "flag": pa.array(number % 3 == 0),
        "vector": pa.array(list(rng.normal(size=(n, 4))), pa.list_(pa.float64(), 4)),
        "list": pa.array([[i, i + 1, i + 2] for i in number], pa.list_(pa.int32())),
        "ragged": pa.array([[i] * (i % 4) for i in number.tolist()], pa.list_(pa.int64())),
        "text": pa.array([f"row {i}" for i in number]),
        "kind": pa.array([f"kind {(i // 40) % 7}" for i in number]).dictionary_encode(),
        "time": pa.array(number.astype("M8[us]")),
    }


@pytest.fixture
def files(tmp_path):
    """Three files of 500 rows in row groups of different sizes; returns their pattern."""
    ends = np.linspace(0, N, len(SIZES) + 1).astype(int)
    for i, (size, (start, end)) in enumerate(zip(SIZES, itertools.pairwise(ends.tolist()), strict=True)):
        parquet.write_table(pa.table(columns(start, end - start)), tmp_path / f"{i}.parquet", row_group_size=size)
    return str(tmp_path / "*.parquet")


# ---- bad input -------------------------------------------------------------------------------------------------------


def test_too_little_memory_is_refused_before_anything_is_read(api, files, tmp_path):
    with pytest.raises(ValueError, match=r"memory_bytes: expected at least \d+ bytes, for 2 row groups.*found 100"):
        api.table(files, ["x"], memory_bytes=100)
    bomb = tmp_path / "bomb.parquet"  # 32 MB of zeros in a few KB
    parquet.write_table(pa.table({"x": np.zeros(1 << 22)}), bomb, row_group_size=1 << 22)
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(ValueError, match=r"memory_bytes: expected at least 67108864 bytes.*found 1048576"):
        api.table(bomb, memory_bytes=1 << 20)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shuffle": True}, "shuffle: expected False or 'block' with memory_bytes, found True"),
        ({"weights": np.ones(N)}, "weights, balance: expected none with memory_bytes"),
        ({"targets": "kind", "balance": "classes"}, "weights, balance: expected none"),
        ({"window": 10**6}, r"window: expected at most \d+ row groups with this memory_bytes, found 1000000"),
        ({"columns": ["no"]}, "columns: expected one of the columns id, x, .*found 'no'"),
        ({"targets": "no"}, "targets: expected one of the columns id, x, .*found 'no'"),
        ({"missing": {"no": 1}}, "missing: expected names of columns .*found 'no'"),
        ({"memory_bytes": 0}, "memory_bytes: expected"),
        ({"columns": []}, "columns: expected at least one, found none"),
    ],
)
def test_options_that_row_groups_refuse(api, files, options, message):
    with pytest.raises(ValueError, match=message):
        api.table(files, **{"memory_bytes": MUCH, **options})


def test_other_data_than_parquet_is_refused(api, tmp_path):
    with pytest.raises(TypeError, match="memory_bytes: expected Parquet files"):
        api.table(pa.table({"x": [1]}), memory_bytes=MUCH)
    path = tmp_path / "x.feather"
    pa.ipc.new_file(str(path), pa.schema([("x", pa.int64())])).close()
    with pytest.raises(TypeError, match="memory_bytes: expected Parquet files, .*found .*x.feather"):
        api.table(path, memory_bytes=MUCH)
    empty = tmp_path / "empty.parquet"
    parquet.write_table(pa.table({"x": pa.array([], pa.int64())}), empty)
    with pytest.raises(ValueError, match="data: expected at least one row, found none"):
        api.table(empty, memory_bytes=MUCH)


def test_a_schema_that_changes_between_files_names_the_file(api, tmp_path):
    parquet.write_table(pa.table({"x": [1.0]}), tmp_path / "a.parquet")
    parquet.write_table(pa.table({"x": [1]}), tmp_path / "b.parquet")
    with pytest.raises(fb.FormatError, match=r"b.parquet: other columns.*expected x double, found x int64"):
        api.table(str(tmp_path / "*.parquet"), memory_bytes=MUCH)


@pytest.mark.parametrize("with_statistics", [True, False])
def test_a_null_names_file_column_and_row(api, tmp_path, with_statistics):
    path = tmp_path / "nulls.parquet"
    table = pa.table({"x": [0.0, 1.0, 2.0, 3.0, None, 5.0], "s": ["a", "b", "c", "d", "e", None]})
    parquet.write_table(table, path, row_group_size=3, write_statistics=with_statistics)

    def use(names):
        list(api.table(path, names, memory_bytes=MUCH, batch_size=2))

    with pytest.raises(
        fb.FormatError, match=r"nulls.parquet: row group 1: column 'x': row 1: expected a value, found null"
    ):
        use(["x"])
    with pytest.raises(fb.FormatError, match=r"nulls.parquet: row group 1: column 's': row 2: expected a value"):
        use(["s"])
    batch = next(iter(api.table(path, memory_bytes=MUCH, missing={"x": -1.0, "s": ""})))
    assert (batch["x"].tolist(), batch["s"]) == ([0.0, 1.0, 2.0, 3.0, -1.0, 5.0], ["a", "b", "c", "d", "e", ""])


def test_cut_and_damaged_files_are_named(api, files, tmp_path):
    path = tmp_path / "0.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    with pytest.raises(fb.FormatError, match=r"0.parquet: a Parquet file that pyarrow cannot read"):
        api.table(files, memory_bytes=MUCH)
    middle = bytearray(content)
    middle[len(content) // 3 : len(content) // 3 + 200] = bytes(200)
    path.write_bytes(middle)
    with pytest.raises(fb.FormatError, match=r"0.parquet"):
        for _ in api.table(files, ["vector", "text", "list"], memory_bytes=MUCH):
            pass


@pytest.mark.parametrize("names", [["x"], ["text"]])
def test_a_file_that_changes_in_mid_epoch_is_named(api, files, tmp_path, names):
    small = 4_000
    for change in ("replace", "write"):
        loader = api.table(files, names, memory_bytes=small, batch_size=10, prefetch=1, threads=1)
        run = iter(loader)
        next(run)
        path = tmp_path / "2.parquet"
        content = path.read_bytes()
        if change == "replace":
            (tmp_path / "new").write_bytes(content)
            os.replace(tmp_path / "new", path)
        else:
            path.write_bytes(content[:-1] + b"!")
        with pytest.raises(fb.FormatError, match=r"2.parquet: file changed while in use"):
            for _ in run:
                pass
        with pytest.raises(fb.FormatError, match=r"2.parquet: file changed while in use"):
            list(loader)
        path.unlink()
        with pytest.raises(FileNotFoundError, match=r"2.parquet"):
            list(loader)
        path.write_bytes(content)


def test_lists_of_another_length_in_a_later_group_are_an_error(api, tmp_path):
    path = tmp_path / "lists.parquet"
    lists = [[1, 2]] * 4 + [[1, 2, 3]] * 4
    parquet.write_table(pa.table({"v": pa.array(lists, pa.list_(pa.int32()))}), path, row_group_size=4)
    message = (
        r"lists.parquet: row group 1: column 'v': expected int32 \(2,\), as in the first row group, found int32 \(3,\)"
    )
    with pytest.raises(fb.FormatError, match=message):
        list(api.table(path, memory_bytes=MUCH))


# ---- equal to the table in memory ------------------------------------------------------------------------------------


def test_batches_are_those_of_the_table_in_memory(api, files):
    for threads in (1, 3):
        found = api.table(files, memory_bytes=MUCH, batch_size=33, targets="kind", threads=threads)
        whole = api.table(files, batch_size=33, targets="kind")
        same_batches(found, whole)
        assert found.class_names == whole.class_names
        assert found.column_names == whole.column_names


def test_both_implementations_give_the_same(files):
    options = {"memory_bytes": 40_000, "shuffle": "block", "seed": 3, "batch_size": 7, "targets": ["x", "text"]}
    one, other = fb.table(files, **options), pure.table(files, **options)
    for _ in range(2):
        same_batches(one, other)
    assert one.state_dict() == other.state_dict()


def test_texts_and_lists_that_unpack_to_more_than_their_footer_says(api, tmp_path):
    """A value that is repeated lies in the file, and counts in its footer, once."""
    path = tmp_path / "a.parquet"
    for column in (pa.array(["x" * 10_000] * 1000), pa.array([[7] * 20_000] * 300, pa.list_(pa.int64()))):
        parquet.write_table(pa.table({"s": column}), path, dictionary_pagesize_limit=1 << 20)
        assert path.stat().st_size < 100_000
        with pytest.raises(
            fb.FormatError, match=r"a.parquet: row group 0: unpacks to more .* expected \d+ bytes, found"
        ):
            list(api.table(str(path), memory_bytes=10**6))


def test_text_that_is_not_utf8(api, tmp_path):
    path = tmp_path / "a.parquet"
    options = {"row_group_size": 3, "use_dictionary": False, "compression": "NONE", "store_schema": False}
    parquet.write_table(pa.table({"name": [f"text {i}" for i in range(9)]}), path, **options)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"text 4", b"tex\xff 4"))
    place = "row group 1: column 'name': expected text in UTF-8, found the byte 0xff"
    for memory, message in (
        ({}, "sample 4: column 'name': "),
        ({"memory_bytes": MUCH}, f"a.parquet: sample 4: {place}"),
    ):
        loader = api.table(str(path), batch_size=4, **memory)
        with pytest.raises(fb.DecodeError, match=message):
            list(loader)
    path.write_bytes(content.replace(b"name", b"na\xffe"))
    for memory in ({}, {"memory_bytes": MUCH}):
        with pytest.raises(fb.FormatError, match=r"a.parquet: a Parquet file that pyarrow cannot read: 'utf-8' codec"):
            api.table(str(path), **memory)


def test_damaged_footers(api, tmp_path):
    """Some contradict themselves, for which pyarrow ends the process when it is asked for their column chunks."""
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"a": np.arange(4.0), "s": ["x", "y", "x", "z"]}), path)
    content = path.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    options = {"batch_size": 4, "memory_bytes": MUCH}
    expected = list(api.table(str(path), **options))
    n_errors = 0
    for at in range(len(content) - 8 - size, len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            found = list(api.table(str(path), **options))
        except (fb.FormatError, TypeError, ValueError) as error:
            assert str(path) in str(error)
            n_errors += 1
        else:
            assert [len(batch) for batch in found] == [len(batch) for batch in expected]
    assert n_errors > size / 4


def test_names_with_dots(api, tmp_path):
    path = tmp_path / "dots.parquet"
    parquet.write_table(pa.table({"a.b": [1, 2, 3], "a": [4.0, 5.0, 6.0]}), path, row_group_size=2)
    batch = next(iter(api.table(path, memory_bytes=MUCH)))
    assert (batch["a.b"].tolist(), batch["a"].tolist()) == ([1, 2, 3], [4.0, 5.0, 6.0])


def test_a_column_may_be_feature_and_target(api, files):
    x, y = next(iter(api.table(files, ["id"], targets="id", dtype="float32", memory_bytes=MUCH)))
    assert (x["id"].dtype, y.dtype) == (np.float32, np.int64)


def test_shuffled_rows_come_once_and_window_by_window(api, files):
    loader = api.table(files, ["id", "text"], memory_bytes=MUCH, window=2, shuffle="block", seed=1, batch_size=16)
    rows = []
    for batch in loader:
        rows += batch["id"].tolist()
        assert batch["text"] == [f"row {i}" for i in batch["id"].tolist()]
    assert sorted(rows) == list(range(N))
    ends = loader.plan.blocks.ends.tolist()
    groups = np.searchsorted(ends, rows, "right")
    sizes = np.diff([0, *ends])
    begin = 0
    while begin < N:  # a window has the rows of two whole groups, mixed
        window = list(dict.fromkeys(groups[begin:].tolist()))[:2]
        n = int(sizes[window].sum())
        assert set(groups[begin : begin + n].tolist()) == set(window)
        assert (np.diff(groups[begin : begin + n]) != 0).sum() > 2 or len(window) == 1
        begin += n
    assert [batch["id"].tolist() for batch in loader] != [rows[i : i + 16] for i in range(0, N, 16)]


def test_resume_shards_split_and_pickle(api, files):
    loader = api.table(files, ["id", "text"], memory_bytes=30_000, shuffle="block", batch_size=16)
    whole = list(loader)
    loader.set_epoch(0)
    run = iter(loader)
    next(run), next(run)
    other = pickle.loads(pickle.dumps(loader))
    other.load_state_dict(json.loads(json.dumps(loader.state_dict())))
    same_batches(other, whole[2:])
    ids = [
        batch["id"]
        for rank in range(3)
        for batch in api.table(files, ["id"], memory_bytes=MUCH).shard(rank, 3, tail="uneven")
    ]
    assert sorted(np.concatenate(ids)) == list(range(N))
    train, validation = loader.split(0.2)
    assert sorted(np.concatenate([b["id"] for b in train])) == list(range(400))
    assert np.concatenate([b["id"] for b in validation]).tolist() == list(range(400, N))
    with pytest.raises(ValueError, match="split: expected shuffle=False"):
        loader.split(0.2, shuffle=True)
    with pytest.raises(ValueError, match="select: expected samples in memory"):
        loader.select([1, 2])
    more = api.table(files, ["id", "text"], memory_bytes=MUCH, shuffle="block", batch_size=16)
    with pytest.raises(fb.StateError):  # another window, hence another order
        more.load_state_dict(loader.state_dict())


def test_the_index_of_each_row(api, files):
    loader = api.table(files, ["id"], targets="text", memory_bytes=MUCH, shuffle="block", with_index=True)
    for x, y, index in loader:
        same(x["id"], index)
        assert y == [f"row {i}" for i in index.tolist()]


def test_each_group_is_read_once_in_an_epoch(api, files, monkeypatch):
    read = []
    original = parquet_files.ParquetFiles.read

    def counted(self, k, names):
        read.append(k)
        return original(self, k, names)

    loader = api.table(files, ["x", "id"], memory_bytes=8_000, shuffle="block", seed=5, batch_size=8, threads=2)
    assert loader.plan.window >= 2
    monkeypatch.setattr(parquet_files.ParquetFiles, "read", counted)
    assert sum(len(batch["id"]) for batch in loader) == N
    assert sorted(read) == list(range(len(loader.plan.blocks.ends)))


def test_a_bad_group_is_skipped_row_by_row(api, tmp_path):
    path = tmp_path / "nulls.parquet"
    table = pa.table({"x": [0.0, 1.0, 2.0, None, 4.0, 5.0, 6.0]})
    parquet.write_table(table, path, row_group_size=2, write_statistics=False)
    loader = api.table(path, memory_bytes=MUCH, on_error="skip", batch_size=3)
    assert [batch["x"].tolist() for batch in loader] == [[0.0, 1.0], [4.0, 5.0], [6.0]]
    assert len(loader.report()) == 2


def test_a_forked_child_reads_on(api, files):
    loader = api.table(files, ["x", "text"], memory_bytes=MUCH, batch_size=50)
    run = iter(loader)
    next(run)
    whole = list(api.table(files, ["x", "text"], batch_size=50))
    child = os.fork()
    if child == 0:
        try:
            rest = list(run)
            os._exit(
                0
                if len(rest) == 9 and all(same(a["x"], b["x"]) is None for a, b in zip(rest, whole[1:], strict=True))
                else 1
            )
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(list(run)) == 9
