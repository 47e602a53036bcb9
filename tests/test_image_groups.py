# SPDX-License-Identifier: MIT
"""Images in Parquet files that are larger than memory: `images(memory_bytes=)`."""

import io
import pathlib
import pickle

import numpy as np
import pytest
from making import error_of, same_batches
from making_tar import jpeg
from PIL import Image

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError, FormatError, StateError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
feather = pytest.importorskip("pyarrow.feather")

pytestmark = pytest.mark.behavior

N, GROUP = 46, 6
IMAGES = [jpeg(i, (20 + i % 3, 30)) for i in range(N)]
LABELS = [i % 3 for i in range(N)]
MEMORY = 200_000
OPTIONS = {"size": 16, "batch_size": 4, "exact": True}
BLOCKS = {**OPTIONS, "memory_bytes": MEMORY, "shuffle": "block", "seed": 2, "crop": "random_resized", "flip": True}


def mask(i):
    pixels = np.random.default_rng(i).integers(0, 256, (20 + i % 3, 30), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def rows(first=0, last=N):
    whole = {"image": IMAGES, "label": LABELS, "mask": [mask(i) for i in range(N)]}
    return pa.table({name: column[first:last] for name, column in whole.items()})


@pytest.fixture
def files(tmp_path):
    """Return a pattern of two files with several row groups each."""
    parquet.write_table(rows(0, 20), tmp_path / "0.parquet", row_group_size=GROUP)
    parquet.write_table(rows(20), tmp_path / "1.parquet", row_group_size=GROUP, use_dictionary=False)
    return str(tmp_path / "*.parquet")


def test_in_order_the_images_are_those_in_memory(api, files):
    expected = list(api.images(files, column="image", **OPTIONS))
    for options in ({}, {"threads": 3, "prefetch": 5}):
        loader = api.images(files, column="image", memory_bytes=MEMORY, **OPTIONS, **options)
        for _ in range(2):
            same_batches(loader, expected)


def test_a_shuffle_by_row_groups(files):
    oracle = pure.images(files, column="image", masks="mask", mask_dtype="int32", with_index=True, **BLOCKS)
    expected = [*oracle, *oracle]
    for threads in (1, 3):
        loader = fastbatch.images(
            files, column="image", masks="mask", mask_dtype="int32", with_index=True, threads=threads, **BLOCKS
        )
        same_batches([*loader, *loader], expected)
    epochs = [
        np.concatenate([batch[-1] for batch in part]) for part in (expected[: len(oracle)], expected[len(oracle) :])
    ]
    for order in epochs:
        assert sorted(order.tolist()) == list(range(N))
    assert epochs[0].tolist() != epochs[1].tolist()
    labels = np.concatenate([batch[1] for batch in expected[: len(oracle)]])
    assert labels.tolist() == [LABELS[i] for i in epochs[0].tolist()]


def test_states_shards_and_copies(api, files):
    loader = api.images(files, column="image", **BLOCKS)
    expected = list(loader)
    iterator = iter(loader)
    loader.set_epoch(0)
    iterator = iter(loader)
    same_batches([next(iterator) for _ in range(5)], expected[:5])
    state = loader.state_dict()
    again = pickle.loads(pickle.dumps(api.images(files, column="image", **BLOCKS)))
    again.load_state_dict(state)
    same_batches(again, expected[5:])
    other = api.images(files, column="image", **{**BLOCKS, "window": 1})
    assert isinstance(error_of(other.load_state_dict, state), StateError)
    parts = [api.images(files, column="image", shard=(rank, 2), with_index=True, **BLOCKS) for rank in range(2)]
    assert sorted(int(i) for part in parts for batch in part for i in batch[-1]) == list(range(N))


def test_row_groups_are_read_once_an_epoch_and_few_are_kept(files, monkeypatch):
    """The order reads the groups of one window after another."""
    from fastbatch.source.arrow.image_groups import ImageReader

    read = []
    own = ImageReader.__call__
    monkeypatch.setattr(ImageReader, "__call__", lambda self, k: (read.append(k), own(self, k))[1])
    loader = pure.images(files, column="image", **BLOCKS)
    n_groups = len(loader.plan.blocks.ends)
    read.clear()
    list(loader)
    assert n_groups == 9
    assert {0, *read} == set(range(n_groups))  # the first one was read when the loader was made
    assert len(read) <= n_groups + 2
    sizes = [
        sum(field.nbytes for field in own(loader._recipe.columns[0].samples.chunks.read, k)) for k in range(n_groups)
    ]
    assert loader.plan.window * max(sizes) <= MEMORY / 2 * 1.1
    fast = fastbatch.images(files, column="image", threads=2, **BLOCKS)
    read.clear()
    list(fast)
    assert read == []  # the core reads such pages itself


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["NONE", "SNAPPY", "GZIP", "ZSTD"])
def test_pages_of_all_kinds(tmp_path, monkeypatch, codec, version):
    """The core reads stored pages and those of Snappy, pyarrow all others. Both read the same."""
    from fastbatch.source.arrow.image_groups import ImageReader

    path = str(tmp_path / "a.parquet")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    structs = pa.array([{"bytes": image, "path": "x" * i} for i, image in enumerate(IMAGES)], kind)
    required = pa.field("image", pa.binary(), nullable=False)
    tables = [
        rows(),
        pa.table({"image": structs}),
        pa.table({"image": pa.array(IMAGES, pa.large_binary())}),
        pa.table({"image": IMAGES[:3] * 15 + IMAGES[:1]}),
        pa.table([pa.array(IMAGES, pa.binary())], schema=pa.schema([required])),
    ]
    read = []
    own = ImageReader.__call__
    monkeypatch.setattr(ImageReader, "__call__", lambda self, k: (read.append(k), own(self, k))[1])
    for table in tables:
        for dictionary in (True, False):
            sizes = {"row_group_size": 20, "data_page_size": 3000, "dictionary_pagesize_limit": 4000}
            parquet.write_table(
                table, path, use_dictionary=dictionary, compression=codec, data_page_version=version, **sizes
            )
            options = {"column": "image", "labels": None, **OPTIONS}
            loader = fastbatch.images(path, memory_bytes=10**6, threads=2, **options)
            read.clear()
            same_batches(loader, list(pure.images(path, **options)))
            assert (read == []) == (codec in ("NONE", "SNAPPY"))


def test_damage_has_the_message_of_pyarrow(files):
    """The core does not judge what it cannot read."""
    path = pathlib.Path(files.replace("*", "1"))
    content = path.read_bytes()
    chunk = parquet.read_metadata(path).row_group(1).column(0)
    begin, n = chunk.data_page_offset, chunk.total_compressed_size
    random = np.random.default_rng(0)
    n_errors = 0
    for at in [*range(begin, begin + 40), *(begin + random.integers(0, n, 20)).tolist()]:
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x5A]) + content[at + 1 :])
        options = {"column": "image", "memory_bytes": MEMORY, **OPTIONS}
        found = [_outcome(one, files, options) for one in (fastbatch, pure)]
        assert found[0] == found[1]
        n_errors += isinstance(found[0], str)
    assert n_errors > 10


def _outcome(api, files, options):
    """Return the message of the error, without the sample that met it first, or all pixels."""
    try:
        return [batch[0].tobytes() for batch in api.images(files, **options)]
    except FormatError as error:
        return error.message
    except DecodeError as error:
        return f"{error.path}: {error.sample}"


def test_names_of_bad_images(api, tmp_path):
    table = rows()
    broken = [*IMAGES[:25], IMAGES[25][:300], *IMAGES[26:]]
    table = table.set_column(0, "image", pa.array(broken, pa.binary()))
    parquet.write_table(table.slice(0, 10), tmp_path / "0.parquet", row_group_size=4)
    parquet.write_table(table.slice(10), tmp_path / "1.parquet", row_group_size=4)
    options = {"column": "image", "memory_bytes": MEMORY, **OPTIONS}
    error = error_of(list, api.images(str(tmp_path / "*.parquet"), **options))
    assert (type(error), error.sample) == (DecodeError, 25)
    assert str(error).startswith(f"{tmp_path / '1.parquet'}: row 15: sample 25: JPEG ends early")
    loader = api.images(str(tmp_path / "*.parquet"), on_error="skip", **options)
    assert sum(len(y) for _, y in loader) == N - 1
    assert [one.sample for one in loader.report()] == [25]


def test_a_file_that_changes(api, files):
    loader = api.images(files, column="image", **BLOCKS)
    path = pathlib.Path(files.replace("*", "1"))
    list(loader)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    error = error_of(list, loader)
    assert isinstance(error, FormatError)
    assert "1.parquet" in str(error)


def test_structs_of_datasets(api, tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": image, "path": f"{i}.jpg"} for i, image in enumerate(IMAGES)], kind)
    parquet.write_table(pa.table({"image": images, "label": LABELS}), tmp_path / "a.parquet", row_group_size=GROUP)
    options = {"column": "image", **OPTIONS}
    expected = api.images(str(tmp_path / "a.parquet"), **options)
    same_batches(api.images(str(tmp_path / "a.parquet"), memory_bytes=MEMORY, **options), expected)
    alone = pa.array([{"bytes": None, "path": f"{i}.jpg"} for i in range(N)], kind)
    parquet.write_table(pa.table({"image": alone}), tmp_path / "b.parquet")
    error = error_of(api.images, str(tmp_path / "b.parquet"), memory_bytes=MEMORY, **options)
    assert isinstance(error, TypeError)
    assert "column: expected bytes in column 'image' with memory_bytes, found paths alone" in str(error)


def test_a_row_group_that_unpacks_to_more_than_its_footer_says(api, tmp_path):
    """A value that is repeated lies in the file, and counts in its footer, once."""
    one = np.random.default_rng(0).bytes(100_000)
    parquet.write_table(
        pa.table({"image": [one] * 20_000}), tmp_path / "bomb.parquet", dictionary_pagesize_limit=1 << 20
    )
    assert (tmp_path / "bomb.parquet").stat().st_size < 300_000
    error = error_of(api.images, str(tmp_path / "bomb.parquet"), column="image", memory_bytes=10**6, size=8)
    assert isinstance(error, FormatError)
    assert "bomb.parquet: row group 0: unpacks to more than its footer says: expected 500000 bytes, found" in str(error)


WRONG = [
    ({"shuffle": True}, ValueError, "shuffle: expected False or 'block' with memory_bytes, found True"),
    ({"balance": "classes"}, ValueError, "weights, balance: expected none with memory_bytes"),
    ({"memory_bytes": 0}, ValueError, "memory_bytes: expected"),
    ({"memory_bytes": "1 GB"}, TypeError, "memory_bytes"),
    ({"memory_bytes": 1000}, ValueError, r"memory_bytes: expected at least \d+ bytes, for 2 row groups"),
    ({"window": 1000, "shuffle": "block"}, ValueError, "window: expected at most"),
    ({"column": "label"}, TypeError, "column: expected bytes in column 'label', found int64"),
    ({"column": "picture"}, ValueError, "column: expected one of the columns image, label, mask, found 'picture'"),
]


@pytest.mark.parametrize(("options", "kind", "message"), WRONG, ids=str)
def test_wrong_options(api, files, options, kind, message):
    with pytest.raises(kind, match=message):
        api.images(files, **{"column": "image", "memory_bytes": MEMORY, **OPTIONS, **options})


def test_other_data(api, photos, tmp_path):
    for data in (photos, [str(photos / "cat/0.jpg")], api.encoded(IMAGES)):
        with pytest.raises(ValueError, match="memory_bytes: only valid with Parquet files"):
            api.images(data, memory_bytes=MEMORY)
    with pytest.raises(TypeError, match="memory_bytes: expected Parquet files, found"):
        api.images(rows(), column="image", memory_bytes=MEMORY)
    feather.write_feather(rows(), tmp_path / "a.feather")
    with pytest.raises(TypeError, match="memory_bytes: expected Parquet files, whose row groups are read one by one"):
        api.images(str(tmp_path / "a.feather"), column="image", memory_bytes=MEMORY)
    nulls = rows().set_column(0, "image", pa.array([*IMAGES[:8], None, *IMAGES[9:]], pa.binary()))
    parquet.write_table(nulls, tmp_path / "nulls.parquet", row_group_size=GROUP)
    loader = api.images(str(tmp_path / "nulls.parquet"), column="image", memory_bytes=MEMORY, **OPTIONS)
    error = error_of(list, loader)
    assert isinstance(error, FormatError)
    assert "row group 1: column: column 'image': row 2: expected an image, found null" in str(error)
    parquet.write_table(rows(0, 0), tmp_path / "none.parquet")
    with pytest.raises(ValueError, match="expected images in column 'image', found no rows"):
        api.images(str(tmp_path / "none.parquet"), column="image", memory_bytes=MEMORY)
