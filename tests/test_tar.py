# SPDX-License-Identifier: MIT
"""Tar archives: the members as the standard library lists them, broken archives, and the cache of the lists."""

import io
import os
import re
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import same_batches
from making_tar import END, FORMATS, header, member, pax, samples, write_tar

import fastbatch as fb
from fastbatch import pure
from fastbatch.native.backend import NativeBackend
from fastbatch.pure.backend import PureBackend
from fastbatch.source.identity import opened_file
from fastbatch.source.patterns import files_of
from fastbatch.source.tar import index
from fastbatch.source.tar.archive import open_archive
from fastbatch.source.tar.paths import names_archives

BACKENDS = (NativeBackend(), PureBackend())


def listed(path):
    """Return the members as both implementations list them."""
    one, other = (backend.tar_members(str(path)) for backend in BACKENDS)
    assert one.names == other.names
    assert one.offsets.tolist() == other.offsets.tolist()
    assert one.sizes.tolist() == other.sizes.tolist()
    return list(zip(one.names, one.offsets.tolist(), one.sizes.tolist(), strict=True))


def refused(path):
    """Return the error of both implementations, which must be the same."""
    messages = set()
    for backend in BACKENDS:
        with pytest.raises(fb.FormatError) as caught:
            backend.tar_members(str(path))
        messages.add(str(caught.value))
        error = caught.value
    assert len(messages) == 1
    assert error.path == str(path)
    return error


NAMES = [
    "a.jpg",
    "cats/" * 19 + "b.jpg",
    "d" * 140 + "/" + "e" * 99,
    "long/" * 80 + "c.jpg",
    "ü/ß.png",
    "/abs.jpg",
    "../up.jpg",
]


@pytest.mark.parametrize("kind", FORMATS)
def test_members_are_those_of_the_standard_library(tmp_path, kind):
    names = [name for name in NAMES if kind != "ustar" or len(name.encode()) <= 255]
    contents = [b"x" * (i * 300) for i in range(len(names))]
    path = write_tar(tmp_path / "a.tar", zip(names, contents, strict=True), kind)
    with tarfile.open(path) as archive:
        expected = [(m.name.encode(), m.offset_data, m.size) for m in archive.getmembers()]
    assert listed(path) == expected
    assert [name.decode() for name, _, _ in listed(path)] == names
    data = path.read_bytes()
    assert [data[offset : offset + size] for _, offset, size in listed(path)] == contents
    assert sorted(os.listdir(tmp_path)) == ["a.tar"]  # nothing was extracted


def test_folders_links_and_devices(tmp_path, write):
    archive = b"".join(
        [
            header(b"cats/", kind=b"5"),
            header(b"old/", kind=b"\0"),
            member(b"cats/a.jpg", b"abc"),
            header(b"soft", kind=b"2", link=b"cats/a.jpg"),
            header(b"cats/b.jpg", kind=b"1", link=b"cats/a.jpg"),
            header(b"fifo", kind=b"6"),
            header(b"label", kind=b"V"),
            member(b"cats/empty", b""),
        ]
    )
    path = write(archive + END, "a.tar")
    assert listed(path) == [(b"cats/a.jpg", 1536, 3), (b"cats/b.jpg", 1536, 3), (b"cats/empty", 4608, 0)]


def test_numbers_in_binary_and_with_spaces(write):
    binary = b"\x80" + (3).to_bytes(11, "big")
    path = write(header(b"a", binary) + b"abc".ljust(512, b"\0") + header(b"b", b"         0 \0") + END, "a.tar")
    assert listed(path) == [(b"a", 512, 3), (b"b", 1536, 0)]


def test_pax_size_and_names(write):
    archive = (
        pax((b"path", "ü.jpg".encode()), (b"size", b"3"), (b"comment", b"a=b\nc"))
        + header(b"x", 0)
        + b"abc".ljust(512, b"\0")
    )
    path = write(pax((b"comment", b"1"), kind=b"g") + archive + END, "a.tar")
    assert listed(path) == [("ü.jpg".encode(), 2560, 3)]


BROKEN = {
    "empty": (b"", "byte 0: tar archive ends early: expected a header of 512 bytes, found 0 bytes"),
    "no tar": (b"x" * 600, "not a tar archive: expected the checksum 60736, found no number"),
    "checksum": (
        member(b"a", b"") + header(b"b", sum_shift=1) + END,
        "byte 512: broken tar header: expected the checksum",
    ),
    "no size": (header(b"a", b"12x45678901\0") + END, "expected the size of a member, found no number"),
    "negative": (header(b"a", b"\xff" * 12) + END, "expected the size of a member, found no number"),
    "huge": (header(b"a", b"\x80" + b"\xff" * 11) + END, "expected the size of a member, found no number"),
    "longer": (header(b"a", 2000) + bytes(512), "byte 0: tar archive ends early: expected 2000 bytes of a, found 512"),
    "no end": (
        member(b"a", b"abc"),
        "byte 1024: tar archive ends early: expected a block of zeros at its end, found 0",
    ),
    "half a header": (member(b"a", b"abc") + bytes(100), "byte 1024: tar archive ends early: expected a header"),
    "joined by cat": ((member(b"a", b"abc") + END) * 2, "byte 2048: data after the end of the tar archive: expected"),
    "sparse": (member(b"a", b"abc", kind=b"S") + END, "sparse member: expected one that is stored whole .*, found a"),
    "sparse pax": (pax((b"GNU.sparse.major", b"1")) + END, "sparse member: .*, found a PAX header"),
    "volume": (member(b"a", b"abc", kind=b"M") + END, "expected an archive of one volume, found a"),
    "type": (member(b"a", b"abc", kind=b"Z") + END, "unknown type of member: .*, found type 90"),
    "no name": (member(b"", b"abc") + END, "expected the name of a member, found none"),
    "null byte": (pax((b"path", b"a\0b")) + member(b"c", b"") + END, "found a null byte in it"),
    "hard link": (header(b"b", kind=b"1", link=b"a") + END, "hard link b: expected a member before it, found a"),
    "pax length": (member(b"p", b"99 path=a\n", kind=b"x") + END, "broken PAX header"),
    "pax size": (pax((b"size", b"-1")) + header() + END, "broken PAX header: expected the size of a member"),
    "pax global": (pax((b"path", b"a"), kind=b"g") + header() + END, "expected none with a name or a size, found path"),
    "bomb": (
        header(b"a", 1 << 30, kind=b"L") + END,
        "tar header too large: expected at most 1048576 bytes, found 1073741824",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives(write, name):
    content, message = BROKEN[name]
    assert re.search(message, str(refused(write(content, "broken.tar"))))


def test_an_archive_cut_anywhere_is_refused(write):
    whole = member(b"a.jpg", b"abc") + pax((b"path", b"b" * 200)) + member(b"b", bytes(700)) + END
    for size in range(0, len(whole) - len(END) + 1, 128):
        refused(write(whole[:size], "cut.tar"))
    assert len(listed(write(whole[: -len(END) + 512], "cut.tar"))) == 2


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=3))
def test_both_implementations_agree_on_any_bytes(tmp_path_factory, changes):
    content = bytearray(
        pax((b"path", b"b" * 120), (b"size", b"5"))
        + member(b"b", b"12345")
        + header(b"c", kind=b"1", link=b"b" * 120)
        + END
    )
    for at, value in changes:
        content[at % len(content)] = value
    path = tmp_path_factory.mktemp("any") / "a.tar"
    path.write_bytes(content)

    def result(backend):
        try:
            members = backend.tar_members(str(path))
        except fb.FormatError as error:
            return str(error)
        return members.names, members.offsets.tolist(), members.sizes.tolist()

    assert result(BACKENDS[0]) == result(BACKENDS[1])


@pytest.mark.parametrize("begin", [b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"])
def test_compressed_archives_are_refused(api, write, begin):
    path = write(begin + bytes(600), "a.tar.gz")
    with pytest.raises(fb.FormatError, match=r"a.tar.gz: compressed archive: expected a plain .tar.*un"):
        api.images(path)
    with pytest.raises(fb.FormatError, match="compressed archive"):
        api.tar(path)


def test_duplicate_members(api, tmp_path):
    path = write_tar(tmp_path / "a.tar", [("a.jpg", b"1"), ("b.jpg", b"2"), ("a.JPG", b"3")])
    with pytest.raises(
        fb.FormatError, match="duplicate member: expected each name once, found 'a.JPG' again"
    ) as caught:
        api.tar(path)
    assert caught.value.offset == 2560


def test_names_of_archives(tmp_path):
    for name in ("s/00.tar", "s/01.tar", "s/02.tar", "{odd}.tar"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(END)
    root = str(tmp_path)

    def found(given):
        return [os.path.relpath(path, root) for path in files_of("paths", given)]

    assert found(f"{root}/s/*.tar") == ["s/00.tar", "s/01.tar", "s/02.tar"]
    assert found(f"{root}/s/{{01..02}}.tar") == ["s/01.tar", "s/02.tar"]
    assert found(f"{root}/s/0{{2,0}}.tar") == ["s/02.tar", "s/00.tar"]
    assert found([f"{root}/s/00.tar", tmp_path / "{odd}.tar"]) == ["s/00.tar", "{odd}.tar"]
    with pytest.raises(FileNotFoundError, match="No file fits the pattern"):
        files_of("paths", f"{root}/none/*.tar")
    with pytest.raises(ValueError, match="ascending order"):
        files_of("paths", "{9..1}.tar")
    for wrong in (3, [], None):
        with pytest.raises(TypeError, match="paths"):
            files_of("paths", wrong)
    (tmp_path / "folder.tar").mkdir()
    assert not names_archives(tmp_path / "folder.tar")
    assert names_archives("a.TAR")
    assert not names_archives(["a.tar", "b.jpg"])


# ---- the cache -------------------------------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "FEWEST_MEMBERS", 1)
    monkeypatch.setattr(index, "COARSEST_NS", -(10**9))  # no test can set `ctime` back
    return write_tar(tmp_path / "a.tar", samples(3))


class Counting(NativeBackend):
    """Counts the archives that are read."""

    def __init__(self):
        self.n_read = 0

    def tar_members(self, path):
        self.n_read += 1
        return super().tar_members(path)


def test_the_list_of_an_archive_is_cached(cached):
    backend = Counting()
    first = open_archive(backend, cached)
    again = open_archive(backend, cached)
    assert backend.n_read == 1
    assert again.keys == first.keys
    assert again.identity() == first.identity()
    assert [path.name for path in (cached.parent / "cache/fastbatch").iterdir()] == ["archives"]
    open_archive(backend, cached, index_cache=False)
    assert backend.n_read == 2


def test_an_archive_that_changed_is_listed_again(cached):
    backend = Counting()
    open_archive(backend, cached)
    write_tar(cached, samples(4))
    assert len(open_archive(backend, cached)) == 4
    assert backend.n_read == 2


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: data[:50] + b"x" + data[51:]]
)
def test_a_damaged_list_is_ignored(cached, damage):
    backend = Counting()
    open_archive(backend, cached)
    (file,) = (cached.parent / "cache/fastbatch/archives").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert len(open_archive(backend, cached)) == 3
    assert backend.n_read == 2


@pytest.mark.parametrize("value", [3, 2**63, 2**64 - 1], ids=["one too many", "negative", "as of a missing member"])
@pytest.mark.parametrize("part", ["samples", "kinds", "offsets", "sizes"])
def test_a_forged_list_is_ignored(api, cached, part, value):
    """Its digest is right, and its numbers lead out of the archive."""
    before = list(api.tar(cached))
    archive = opened_file(cached)
    members = index.list_archives(Counting(), [str(cached)], cached=False)[0][1]
    numbers = getattr(members, part).copy()
    numbers.view(np.uint64)[-1] = cached.stat().st_size if value == 3 and part in ("offsets", "sizes") else value
    index.remember(archive, members._replace(**{part: numbers}))
    (file,) = (cached.parent / "cache/fastbatch/archives").iterdir()
    forged = file.read_bytes()
    same_batches(api.tar(cached), before)
    assert file.read_bytes() != forged


def test_an_archive_that_has_just_changed_is_not_remembered(cached, monkeypatch):
    monkeypatch.setattr(index, "COARSEST_NS", 2_000_000_000)
    backend = Counting()
    open_archive(backend, cached)
    open_archive(backend, cached)
    assert backend.n_read == 2


def test_the_cache_can_be_disabled(cached, monkeypatch):
    monkeypatch.setenv("FASTBATCH_INDEX_CACHE", "0")
    backend = Counting()
    open_archive(backend, cached)
    assert not (cached.parent / "cache").exists()


def test_many_archives_in_threads(tmp_path):
    paths = [write_tar(tmp_path / f"{i:02}.tar", [(f"{i}-{j}.txt", b"%d" % j) for j in range(3)]) for i in range(20)]
    for module in (fb, pure):
        keys = [key for batch in module.tar(paths, batch_size=7) for key in batch["__key__"]]
        assert keys == [f"{i}-{j}" for i in range(20) for j in range(3)]


def test_reads_of_the_standard_library_itself(tmp_path):
    """A folder added by tarfile, as `tar cf` does it."""
    (tmp_path / "f/cats").mkdir(parents=True)
    (tmp_path / "f/cats/a.txt").write_bytes(b"cat")
    os.link(tmp_path / "f/cats/a.txt", tmp_path / "f/cats/b.txt")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(tmp_path / "f", "f")
    path = tmp_path / "f.tar"
    path.write_bytes(out.getvalue())
    batch = next(iter(fb.tar(path)))
    assert sorted(zip(batch["__key__"], batch["txt"], strict=True)) == [("f/cats/a", "cat"), ("f/cats/b", "cat")]
