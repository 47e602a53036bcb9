# SPDX-License-Identifier: MIT
"""All formats from stores: the batches, and the states, are those of the same local files."""

import io
import json
import os
import sys
import tarfile
import time

import numpy as np
import pytest
from making import same

pytest.importorskip("obstore", reason="the extra `stores` is not installed")

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"), pytest.mark.timeout(120)]


def write_tar(path, photos, first):
    with tarfile.open(path, "w") as archive:
        for i, photo in enumerate(photos):
            archive.add(photo, f"{first + i:04}.jpg")
            info = tarfile.TarInfo(f"{first + i:04}.cls")
            info.size = 1
            archive.addfile(info, io.BytesIO(str(i % 3).encode()))


@pytest.fixture
def www(web):
    """The folder of a web server, with a file of every format, and its address."""
    folder, rng = web.folder, np.random.default_rng(3)
    x = rng.random((60, 3)).astype(np.float32)
    np.savez(folder / "x.npz", x=x, y=np.arange(60))
    np.savez_compressed(folder / "packed.npz", x=x)
    np.savetxt(folder / "x.csv", x, delimiter=",", header="a,b,c", comments="")
    (folder / "x.idx").write_bytes(b"\0\0\x08\2\0\0\0\4\0\0\0\3" + bytes(range(12)))
    header = b'{"x":{"dtype":"F32","shape":[60,3],"data_offsets":[0,720]}}'
    (folder / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + x.tobytes())
    records = np.zeros(20, [("x", "f4", 3), ("y", "i8")])
    records["y"] = np.arange(20)
    np.save(folder / "records.npy", records)
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text("".join(f"{name}{i} b{i % 7}\n" for i in range(300)))
    photos = sorted((folder / "photos").rglob("*.jpg"))
    for i in range(2):
        write_tar(folder / f"{i}.tar", photos[i::2], 100 * i)
    listed = "".join(f"photos/{path.relative_to(folder / 'photos')},{path.parent.name}\n" for path in photos)
    (folder / "labels.csv").write_text("path,label\n" + listed)
    return web


def both(api, www, make):
    """Return a loader of the objects, and one of the files; `make` takes a function of a name."""
    return make(lambda name: f"{www.url}/{name}"), make(lambda name: str(www.folder / name))


LOADERS = {
    "npz": lambda api, at: api.arrays(at("x.npz"), batch_size=7, shuffle=True),
    "compressed npz": lambda api, at: api.arrays(api.npz(at("packed.npz"), "x"), batch_size=7),
    "CSV": lambda api, at: api.windows(api.csv(at("x.csv")), length=5, batch_size=7, shuffle=True),
    "CSV by its name": lambda api, at: api.arrays(at("x.csv"), batch_size=7),
    "a mixture": lambda api, at: api.mix(
        {
            api.arrays(at("y.npy"), batch_size=7, shuffle=True, seed=1): 0.5,
            api.arrays(np.arange(300) + 5000, batch_size=7): 0.3,
            api.arrays(api.raw(at("train.bin"), "i8", -1), batch_size=7, shuffle="block"): 0.2,
        },
        batch_size=50,
    ),
    "one after another": lambda api, at: api.concat(
        api.arrays(at("y.npy"), batch_size=7), api.arrays(at("y.npy"), batch_size=7, shuffle=True), batch_size=64
    ),
    "side by side": lambda api, at: api.zip(
        api.arrays(at("y.npy"), shuffle=True), api.arrays(at("x.npy"), shuffle=True), batch_size=100
    ),
    "packs": lambda api, at: api.pack(
        api.raw(at("train.bin"), "u2", -1), context=2048, lengths=[700, 1300] * 2500, batch_size=256, shuffle=True
    ),
    "weighted": lambda api, at: api.arrays(at("y.npy"), weights=np.arange(1000), batch_size=64, samples_per_epoch=500),
    "a part": lambda api, at: api.arrays(at("x.npy"), at("y.npy"), batch_size=64).split(0.3)[1].shard(1, 2),
    "safetensors": lambda api, at: api.arrays(at("x.safetensors"), batch_size=7, shuffle=True),
    "IDX": lambda api, at: api.arrays(at("x.idx"), batch_size=3),
    "records": lambda api, at: api.arrays(at("records.npy"), batch_size=3, shuffle=True),
    "words": lambda api, at: api.words(at("a.txt"), 9),
    "lines of two": lambda api, at: api.lines([at("a.txt"), at("b.txt")], 5, shuffle="line", seed=3),
    "tar": lambda api, at: api.tar([at("0.tar"), at("1.tar")], batch_size=2, shuffle=True),
    "images in tar": lambda api, at: api.images([at("0.tar"), at("1.tar")], size=16, batch_size=5, shuffle=True),
}


@pytest.mark.behavior
@pytest.mark.parametrize("name", LOADERS)
def test_batches_and_states_are_those_of_files(api, www, name):
    loader, local = both(api, www, lambda at: LOADERS[name](api, at))
    assert loader.state_dict()["dataset"] == local.state_dict()["dataset"]
    assert loader.n_samples == local.n_samples if hasattr(local, "n_samples") else True
    for _ in range(2):
        batches, expected = list(loader), list(local)
        assert len(batches) == len(expected) > 1
        same(batches, expected)
    iterator = iter(local)
    next(iterator)
    state = json.loads(json.dumps(local.state_dict()))
    loader.load_state_dict(state)
    same(list(loader), list(iterator))


@pytest.mark.behavior
def test_tables(api, www):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    table = arrow.table({"x": np.arange(100.0), "word": [f"w{i % 7}" for i in range(100)]})
    parquet.write_table(table, www.folder / "0.parquet", row_group_size=10)
    parquet.write_table(table, www.folder / "1.parquet", row_group_size=10)
    feather.write_feather(table, www.folder / "x.feather")
    for options in ({"batch_size": 9}, {"batch_size": 9, "shuffle": "block", "memory_bytes": 4000, "window": 3}):
        loader, local = both(api, www, lambda at, o=options: api.table([at("0.parquet"), at("1.parquet")], **o))
        assert loader.state_dict()["dataset"] == local.state_dict()["dataset"]
        same(list(loader), list(local))
    loader, local = both(api, www, lambda at: api.table(at("x.feather"), batch_size=9))
    same(list(loader), list(local))


@pytest.mark.behavior
def test_row_groups_are_read_by_ranges(api, www, tmp_path):
    """Those of the columns that are wanted, and no copy is made; an object that is replaced is an error."""
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    large = {f"x{i}": rng.random(20_000) for i in range(8)}
    table = arrow.table({**large, "y": np.arange(20_000), "word": [f"w{i % 7}" for i in range(20_000)]})
    for i in range(2):
        parquet.write_table(table, www.folder / f"wide{i}.parquet", row_group_size=1000)
    options = {"batch_size": 100, "shuffle": "block", "memory_bytes": 100_000, "window": 3, "seed": 2}
    options |= {"columns": ["x1", "word"], "targets": "y"}

    def url_at(name):
        return f"{www.url}/{name}"

    def local_at(name):
        return str(www.folder / name)

    def make(at):
        return api.table([at("wide0.parquet"), at("wide1.parquet")], **options)

    before = www.faults.n_bytes
    loader, local = make(url_at), make(local_at)
    assert loader.state_dict()["dataset"] == local.state_dict()["dataset"]
    same(list(loader), list(local))
    size = sum((www.folder / f"wide{i}.parquet").stat().st_size for i in range(2))
    assert www.faults.n_bytes - before < size / 2
    assert copies(tmp_path) == []
    www.faults.bad = lambda path: "403" if "wide1" in path else None
    with pytest.raises(PermissionError) as caught:
        make(url_at)
    assert caught.value.filename == f"{www.url}/wide1.parquet"
    www.faults.bad = lambda path: None
    other = {**options, "columns": ["x2"]}
    loader = api.table([url_at("wide0.parquet"), url_at("wide1.parquet")], **other)
    parquet.write_table(table.slice(1), www.folder / "wide1.parquet", row_group_size=1000)
    with pytest.raises(api.FormatError, match=r"wide1\.parquet: .*object changed while in use"):
        list(loader)
    www.faults.bad = lambda path: None
    with pytest.raises(TypeError, match=r"expected Parquet files.*found .*/x\.csv"):
        api.table(url_at("x.csv"), batch_size=9, memory_bytes=4000)


@pytest.mark.behavior
def test_images_of_row_groups_are_read_by_ranges(api, www, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    photos = [path.read_bytes() for path in sorted((www.folder / "photos").rglob("*.jpg"))]
    columns = {"image": photos * 10, "label": [i % 3 for i in range(120)], "other": ["x" * 5000] * 120}
    parquet.write_table(arrow.table(columns), www.folder / "photos.parquet", row_group_size=8)
    options = {"size": 16, "batch_size": 7, "shuffle": "block", "memory_bytes": 100_000, "window": 2, "exact": True}
    loader, local = both(api, www, lambda at: api.images(at("photos.parquet"), **options))
    assert loader.state_dict()["dataset"] == local.state_dict()["dataset"]
    for _ in range(2):
        same(list(loader), list(local))
    assert copies(tmp_path) == []


@pytest.mark.behavior
def test_a_stream_and_a_vocabulary(api, www):
    with api.stream(f"{www.url}/a.txt", 7) as batches, api.stream(str(www.folder / "a.txt"), 7) as expected:
        same(list(batches), list(expected))
    api.Vocabulary(["the", "fox"]).save(www.folder / "words.txt")
    assert api.Vocabulary.load(f"{www.url}/words.txt").words == ("the", "fox")
    with pytest.raises(ValueError, match="expected a file of this machine"):
        api.Vocabulary(["the"]).save(f"{www.url}/words.txt")


@pytest.mark.behavior
def test_a_table_of_images(api, www):
    paths, labels = api.image_table(f"{www.url}/labels.csv", path_column="path", label_column="label")
    assert paths[0].startswith(f"{www.url}/photos/")
    local = api.image_table(www.folder / "labels.csv", path_column="path", label_column="label")
    assert labels == local[1]
    options = {"size": 16, "batch_size": 5}
    same(list(api.images(paths, labels, **options)), list(api.images(*local, **options)))


@pytest.mark.behavior
def test_patterns_and_braces(api, bucket):
    words = [word for batch in api.words("s3://bucket/text/*.txt", 4) for word in batch]
    assert words == ["a", "1", "2", "3"] * 5 + ["b", "1", "2", "3"] * 5 + ["c", "1", "2", "3"] * 5
    words = [word for batch in api.words("s3://bucket/text/{c,a}.txt", 4) for word in batch]
    assert words == ["c", "1", "2", "3"] * 5 + ["a", "1", "2", "3"] * 5
    with pytest.raises(FileNotFoundError, match=r"No such object.*text/z.txt"):
        api.words("s3://bucket/text/{a,z}.txt", 4)
    with pytest.raises(FileNotFoundError, match="No object fits the pattern"):
        api.words("s3://bucket/text/*.text", 4)


def copies(tmp_path):
    return sorted(path for path in (tmp_path / "copies").rglob("*") if path.is_file())


@pytest.mark.behavior
@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://bucket/text/", "s3://bucket/data/"])
def test_a_bucket_or_a_folder_is_no_empty_file(api, bucket, url):
    readers = (lambda one: list(api.words(one)), api.csv, lambda one: list(api.stream(one)), api.vocabulary)
    for read in (*readers, lambda one: api.tokens(one, "uint16", context=2), lambda one: api.raw(one, "u1", -1)):
        with pytest.raises(IsADirectoryError) as caught:
            read(url)
        assert caught.value.filename == url


def test_a_copy_serves_until_its_object_changes(api, www, reader, tmp_path, monkeypatch):
    from fastbatch.source.remote import copies as module

    def again():
        monkeypatch.setattr(module, "_seen", {})
        reader()
        return [word for batch in api.words(f"{www.url}/a.txt", 1000) for word in batch]

    first = again()
    before = www.faults.n_bytes
    assert again() == first
    assert www.faults.n_bytes == before
    (www.folder / "a.txt").write_text("new text\n")
    assert again() == ["new", "text"]
    copy = next(path for path in copies(tmp_path) if path.name == "a.txt")
    copy.write_text("old text\n")  # by hand
    assert again() == ["new", "text"]
    copy.unlink()
    assert again() == ["new", "text"]
    assert sorted(path.name for path in copies(tmp_path)) == [".a.txt.copied", "a.txt"]


@pytest.mark.behavior
def test_copies_that_nobody_used_for_long_are_deleted(api, www, tmp_path):
    """When another object is copied: with their seals, and so is what a killed process left."""
    api.words(f"{www.url}/a.txt", 1000)
    seal, copy = copies(tmp_path)
    half = copy.with_name(".unfinished-x")
    half.write_bytes(b"x")

    def left_of(half_age_s, seal_age_s):
        for path, age in ((half, half_age_s), (seal, seal_age_s)):
            os.utime(path, (time.time() - age,) * 2)
        (www.folder / "b.txt").write_text(f"{half_age_s}\n")  # another object each time
        list(api.words(f"{www.url}/b.txt", 1000))
        return [path.exists() for path in (half, seal, copy)]

    month = 30 * 24 * 3600
    assert left_of(3000, month - 100) == [True, True, True]
    assert left_of(4000, month - 100) == [False, True, True]
    half.write_bytes(b"x")
    assert left_of(0, month + 100) == [True, False, False]


@pytest.mark.behavior
def test_an_object_of_a_long_name(api, www):
    name = "x" * 240 + ".txt"  # with a seal beside it, it would be too long for a file
    (www.folder / name).write_text("some words\n")
    assert list(api.words(f"{www.url}/{name}", 2)) == [["some", "words"]]


@pytest.mark.behavior
def test_broken_files_are_named(api, www):
    (www.folder / "broken.csv").write_text("a,b\n1,2\n3\n")
    (www.folder / "broken.tar").write_bytes(b"x" * 5000)
    with pytest.raises(api.FormatError, match=r"broken\.csv.*row 3"):
        api.csv(f"{www.url}/broken.csv")
    with pytest.raises(api.FormatError, match=r"broken\.tar"):
        api.tar(f"{www.url}/broken.tar")


def test_a_copy_that_cannot_be_written(www, monkeypatch, tmp_path):
    import fastbatch as fb

    (tmp_path / "copies").write_text("a file in its place")
    with pytest.raises(OSError, match="copies") as caught:
        fb.words(f"{www.url}/a.txt", 4)
    assert isinstance(caught.value, FileExistsError | NotADirectoryError)


@pytest.mark.behavior
def test_members_of_an_archive_are_read_block_by_block(api, www, tmp_path):
    """Also after the list was taken from the cache; the order is that of the local files, on any number of threads."""
    rng = np.random.default_rng(1)
    photos = sorted((www.folder / "photos").rglob("*.jpg"))
    with tarfile.open(www.folder / "large.tar", "w") as archive:
        for i in range(600):
            archive.add(photos[i % len(photos)], f"{i:04}.jpg")
            for end, content in (("cls", str(i % 3).encode()), ("bin", rng.bytes(20_000))):
                info = tarfile.TarInfo(f"{i:04}.{end}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    options = {"size": 16, "batch_size": 50, "shuffle": True, "seed": 2}
    local = list(api.images(str(www.folder / "large.tar"), **options))
    before = www.faults.n_bytes
    same(list(api.images(f"{www.url}/large.tar", **options)), local)
    size = (www.folder / "large.tar").stat().st_size
    assert size > 12 << 20
    assert www.faults.n_bytes - before <= size
    same(list(api.images(f"{www.url}/large.tar", threads=3, **options)), local)
    assert bool(copies(tmp_path)) == (api.__name__ == "fastbatch.pure")


def test_the_list_of_an_archive_is_remembered(www, reader, monkeypatch, tmp_path):
    import fastbatch as fb

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    with tarfile.open(www.folder / "many.tar", "w") as archive:
        for i in range(1500):
            info = tarfile.TarInfo(f"{i:04}.cls")
            info.size = 4000
            archive.addfile(info, io.BytesIO(b"7".rjust(4000)))
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", "0")

    def requests():
        reader()
        before = www.faults.n_requests
        fb.tar(f"{www.url}/many.tar", batch_size=5)
        return www.faults.n_requests - before

    assert requests() > 2
    assert requests() <= 2
    www.folder.joinpath("many.tar").write_bytes(www.folder.joinpath("0.tar").read_bytes())
    assert set(next(iter(fb.tar(f"{www.url}/many.tar", batch_size=2)))) == {"__key__", "jpg", "cls"}


@pytest.mark.behavior
def test_bad_archives(api, www):
    import gzip

    (www.folder / "x.tar.gz").write_bytes(gzip.compress((www.folder / "0.tar").read_bytes()))
    content = (www.folder / "0.tar").read_bytes()
    (www.folder / "cut.tar").write_bytes(content[: len(content) // 2])
    with pytest.raises(api.FormatError, match=r"x\.tar\.gz.*compressed archive"):
        api.tar(f"{www.url}/x.tar.gz")
    with pytest.raises(api.FormatError, match=r"cut\.tar"):
        api.images(f"{www.url}/cut.tar", size=8)
    with pytest.raises(FileNotFoundError, match=r"none\.tar"):
        api.tar([f"{www.url}/0.tar", f"{www.url}/none.tar"])
    if api.__name__ == "fastbatch":
        with pytest.raises(ValueError, match="all archives in stores, or all on this machine, found 1 in stores"):
            api.tar([f"{www.url}/0.tar", str(www.folder / "1.tar")])


def test_an_archive_that_is_replaced_is_an_error(www, monkeypatch):
    import pickle

    import fastbatch as fb

    loader = fb.images(f"{www.url}/0.tar", size=8, batch_size=2)
    pickled = pickle.dumps(loader)
    same(list(pickle.loads(pickled)), list(loader))
    (www.folder / "0.tar").write_bytes((www.folder / "1.tar").read_bytes())
    with pytest.raises(fb.FormatError, match=r"0\.tar: .*object changed while in use"):
        pickle.loads(pickled)


def test_bad_rows_of_files_are_skipped_in_a_process_that_reads_stores(www, tmp_path):
    """The first batch's blocks are listed by what loads row groups ahead: its errors are those of the batch."""
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    import fastbatch as fb

    assert len(fb.npy(f"{www.url}/y.npy")) == 1000
    table = arrow.table({"x": [0.0, 1.0, 2.0, None, 4.0, 5.0, 6.0]})
    parquet.write_table(table, tmp_path / "nulls.parquet", row_group_size=2, write_statistics=False)
    loader = fb.table(tmp_path / "nulls.parquet", memory_bytes=1 << 24, on_error="skip", batch_size=5)
    assert [batch["x"].tolist() for batch in loader] == [[0.0, 1.0, 4.0], [5.0, 6.0]]
