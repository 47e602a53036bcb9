# SPDX-License-Identifier: MIT
"""What is read of Parquet footers, compared with pyarrow's reader: every type of column, codec and version."""

import datetime
import decimal

import numpy as np
import pytest

from fastbatch.source.arrow.footer import read_footer

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

N = 60
NUMBERS = np.arange(N)
COLUMNS = {
    **{name: pa.array(NUMBERS.astype(name)) for name in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")},
    **{name: pa.array(NUMBERS.astype(name)) for name in ("f2", "f4", "f8", "?", "M8[s]", "M8[ms]", "M8[us]", "M8[ns]")},
    "day": pa.array([datetime.date(2020, 1, 1 + i % 28) for i in range(N)]),
    "time": pa.array([datetime.time(i % 24) for i in range(N)]),
    "zone": pa.array(NUMBERS, pa.timestamp("us", "Europe/Berlin")),
    "decimal": pa.array([decimal.Decimal(i) / 4 for i in range(N)]),
    "text": pa.array([f"row {i % 7}" for i in range(N)]),
    "bytes": pa.array([bytes([i]) * i for i in range(N)], pa.large_binary()),
    "fixed": pa.array([bytes([i]) * 3 for i in range(N)], pa.binary(3)),
    "none": pa.nulls(N),
    "some": pa.array([None if i % 3 else i for i in range(N)], pa.int16()),
    "list": pa.array([[i] * (i % 3) for i in range(N)], pa.list_(pa.uint8())),
    "struct": pa.array([{"a": i, "b": {"c": str(i)}} for i in range(N)]),
    "map": pa.array([[(str(i), i)] for i in range(N)], pa.map_(pa.string(), pa.int8())),
    "kind": pa.array([f"kind {i % 3}" for i in range(N)]).dictionary_encode(),
}
PHYSICAL = ["BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"]
CODECS = {"UNCOMPRESSED": 0, "SNAPPY": 1, "GZIP": 2, "BROTLI": 4, "ZSTD": 6}


@pytest.mark.parametrize("page_index", [False, True])
@pytest.mark.parametrize("codec, version", [("none", "1.0"), ("snappy", "2.4"), ("gzip", "2.6"), ("zstd", "2.6")])
def test_footers_say_what_pyarrow_reads(tmp_path, codec, version, page_index):
    path = tmp_path / "a.parquet"
    names = [name for name in COLUMNS if name not in ("f2", "M8[ns]") or version == "2.6"]
    table = pa.table({name: COLUMNS[name] for name in names})
    options = {"sorting_columns": [parquet.SortingColumn(0)], "write_page_index": page_index}
    parquet.write_table(table, path, row_group_size=25, compression=codec, version=version, **options)
    with path.open("rb") as file:
        found = read_footer(file, str(path))
    expected = parquet.ParquetFile(path).metadata
    assert len(found) == expected.num_row_groups == 3
    for k, group in enumerate(found):
        assert len(group) == expected.num_columns
        for i, column in enumerate(group):
            one = expected.row_group(k).column(i)
            assert ".".join(column.path) == one.path_in_schema
            assert (PHYSICAL[column.type], column.codec) == (one.physical_type, CODECS[one.compression])
            assert (column.n_values, column.unpacked) == (one.num_values, one.total_uncompressed_size)
            assert (column.packed, column.data_page) == (one.total_compressed_size, one.data_page_offset)
            assert column.dictionary_page == (one.dictionary_page_offset or 0)
            assert column.begin == min(filter(None, (one.data_page_offset, one.dictionary_page_offset)))
            assert not column.is_elsewhere
            if one.is_stats_set and one.statistics.has_null_count:
                assert column.n_nulls == one.statistics.null_count
    assert sum(column.n_nulls for group in found for column in group if column.path == ("some",)) == 40
