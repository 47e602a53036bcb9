# SPDX-License-Identifier: MIT
"""Bounds and details that planted faults (`mutate.py`) passed through unnoticed."""

import io

import numpy as np
import pytest
from making import error_of, ids
from PIL import Image, ImageOps

from fastbatch.source.formats import names_of_columns


def test_samples_of_text_are_numbered_one_by_one(api, tmp_path):
    (tmp_path / "a.txt").write_text("a b c d e f g")
    words = api.words(tmp_path / "a.txt", 3)
    positions = words.map(lambda word, info: info.position, each="sample")
    assert [batch.tolist() for batch in positions] == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "é", 3])
def test_delimiters_that_cannot_be(api, tmp_path, delimiter):
    (tmp_path / "a.csv").write_text("1,2\n")
    error = error_of(api.csv, tmp_path / "a.csv", delimiter=delimiter)
    assert isinstance(error, (ValueError, TypeError))
    assert "delimiter" in str(error)


def test_the_first_value_that_is_out_of_range(api, tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    assert len(api.csv(tmp_path / "a.csv", header=None, threads=1024)) == 2
    assert "threads: expected" in str(error_of(api.csv, tmp_path / "a.csv", threads=1025))
    assert ids(api.arrays(np.arange(5), batch_size=2).skip(0)) == [0, 1, 2, 3, 4]
    assert ids(api.arrays(np.arange(5), batch_size=2).take(0)) == []


def test_a_function_that_finds_records_is_told_of_the_end(api):
    calls = []

    def find(content, is_end):
        calls.append((bytes(content), is_end))
        whole = content.split(b";")
        if is_end:
            return [bytes(part) for part in whole if part], len(content)
        return [bytes(part) for part in whole[:-1]], len(content) - len(whole[-1])

    stream = api.stream(io.BytesIO(b"a;bb;ccc"), 2, records=find)
    assert [record for batch in stream for record in batch] == [b"a", b"bb", b"ccc"]
    assert [is_end for _, is_end in calls][-1] is True


@pytest.mark.parametrize("errors", ["strict", "ignore", "replace"])
def test_a_stream_keeps_what_its_text_file_does_with_wrong_bytes(api, tmp_path, errors):
    (tmp_path / "a.txt").write_bytes(b"a\xffb\nc\n")
    with open(tmp_path / "a.txt", encoding="utf-8", errors=errors) as file:
        stream = api.stream(file, 5)
        if errors == "strict":
            assert isinstance(error_of(list, stream), UnicodeDecodeError)
        else:
            assert list(stream) == [[{"ignore": "ab\n", "replace": "a\ufffdb\n"}[errors], "c\n"]]


@pytest.mark.filterwarnings("ignore:.* images are decoded by Pillow")
@pytest.mark.parametrize("exif", ["ignore", "apply"])
@pytest.mark.parametrize("name", ["a.tif", "a.avif"])
@pytest.mark.parametrize("orientation", range(10))
def test_orientations_of_formats_that_go_through_pillow(api, tmp_path, orientation, name, exif):
    """Pillow turns TIFF files itself, once: neither pixels nor boxes are turned a second time."""
    pytest.importorskip("PIL.AvifImagePlugin") if name == "a.avif" else None
    path = tmp_path / name
    image = Image.fromarray(np.random.default_rng(orientation).integers(0, 255, (24, 40, 3), dtype=np.uint8))
    tags = image.getexif()
    tags[0x0112] = orientation
    image.save(path, exif=tags)
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image) if exif == "apply" else image
        wanted = np.asarray(upright.convert("RGB"))
        is_stored = image.format != "TIFF" and exif == "apply"
        size = (image.width, image.height)
    assert np.array_equal(api.decode(path, exif=exif), wanted)
    box = [[[0, 0, size[0], size[1]], [0, 0, 10, 5]]]
    loader = api.images(
        [path], None, boxes=box, size=wanted.shape[:2], exif=exif, exact=True, dtype="uint8", layout="NHWC"
    )
    (x,), (boxes,) = next(iter(loader))
    assert np.array_equal(x, wanted)
    assert boxes[0].tolist() == [0, 0, wanted.shape[1], wanted.shape[0]]
    corner = np.zeros((size[1], size[0], 1), np.uint8)
    corner[:5, :10] = 1
    if is_stored:
        turned = Image.fromarray(corner[..., 0])
        turned.getexif()[0x0112] = orientation
        corner = np.asarray(ImageOps.exif_transpose(turned))
    rows, columns = np.nonzero(corner.reshape(wanted.shape[:2]))
    assert boxes[1].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_views_count_the_time_of_slicing(api):
    loader = api.windows(np.zeros((50, 2)), length=5, copy=False, batch_size=2)
    n = len(list(loader))
    stats = loader.stats()
    assert (n, stats["batches"], stats["samples"], stats["bytes"]) == (23, 23, 46, 46 * 5 * 2 * 8)
    assert 0 < stats["wait_s"] <= stats["elapsed_s"]


@pytest.mark.parametrize("protocol", ["__array__", "__arrow_c_stream__", "other"])
def test_columns_are_named_by_tables_of_any_library(protocol):
    """Polars and DuckDB have the protocol of Arrow; `columns` of an object without either is something else."""
    table = type("Table", (), {protocol: lambda self: None, "columns": ["a", 2]})()
    assert names_of_columns(table) == (None if protocol == "other" else ("a", "2"))


def test_samples_of_a_batch_may_have_their_keys_in_another_order_at_any_depth(api):
    samples = [({"a": 1, "b": {"c": 2, "d": 3}}, 0), ({"b": {"d": 30, "c": 20}, "a": 10}, 1)]
    x, y = next(api.stream(samples, 2))
    assert [x["a"].tolist(), x["b"]["c"].tolist(), x["b"]["d"].tolist(), y.tolist()] == [
        [1, 10],
        [2, 20],
        [3, 30],
        [0, 1],
    ]
