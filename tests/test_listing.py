# SPDX-License-Identifier: MIT
"""Listing folders: the index changes the speed, never the result."""

import importlib
import os
import shutil

import pytest
from making import error_of
from PIL import Image

from fastbatch import _core, pure
from fastbatch.source import folder_index
from fastbatch.source.cache_folder import cache_folder
from fastbatch.source.image_folder import EXTENSIONS, list_images, scan_folder
from fastbatch.source.index_file import digest

LONG_AGO = 1_500_000_000


def native_scan(path):
    return _core.list_folder(path, list(EXTENSIONS))


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """A cache folder for this test, which also caches small folders."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delenv("FASTBATCH_INDEX_CACHE", raising=False)
    monkeypatch.setattr(folder_index, "FEWEST_NAMES", 1)
    monkeypatch.setattr(folder_index, "COARSEST_NS", -(10**9))  # no test can set `ctime` back
    return cache_folder() / "folders"


@pytest.fixture(params=[native_scan, scan_folder], ids=["native", "python"])
def scan(request):
    """Each function that lists one folder, with a record of its calls."""

    def counted(path):
        counted.folders.append(path)
        return request.param(path)

    counted.folders = []
    return counted


@pytest.fixture
def tree(tmp_path):
    """Three classes, one with nested folders, all with old time stamps."""
    root = tmp_path / "tree"
    for name in ["a/1.jpg", "a/2.PNG", "b/x/3.webp", "b/x/y/4.jpeg", "b/5.tif", "c/6.gif", "c/notes.txt"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    settle(root)
    return root


def settle(root, seconds=LONG_AGO):
    """Set old modification times on all folders."""
    for folder, _, _ in os.walk(root):
        os.utime(folder, (seconds, seconds))


def found(root, scan, infer=True, **options):
    files = list_images(root, infer, scan=scan, **options)
    names = [os.fsdecode(os.path.relpath(path, os.fsencode(root))) for path in files.paths]
    return names, files.labels.tolist() if infer else None, files.class_names


EXPECTED = ["a/1.jpg", "a/2.PNG", "b/5.tif", "b/x/3.webp", "b/x/y/4.jpeg", "c/6.gif"]


@pytest.mark.behavior
def test_the_second_time_no_folder_is_listed(tree, scan, caches):
    first = found(tree, scan)
    assert first == (EXPECTED, [0, 0, 1, 1, 1, 2], ("a", "b", "c"))
    assert len(scan.folders) == 6
    assert len(list(caches.iterdir())) == 1
    scan.folders.clear()
    assert found(tree, scan) == first
    assert found(str(tree) + "/", scan) == first
    assert found(tree, scan, infer=False) == (EXPECTED, None, None)
    assert scan.folders == []
    link = tree.parent / "link"
    link.symlink_to(tree, target_is_directory=True)
    assert found(link, scan) == first  # one index per folder, whichever path is used
    assert scan.folders == []
    assert not [path for path in tree.rglob("*") if "fastbatch" in path.name]  # nothing is written beside the data


@pytest.mark.behavior
def test_a_changed_folder_is_listed_again_and_only_that(tree, scan):
    found(tree, scan)
    for change, names in (
        (lambda: (tree / "b/x/0.bmp").touch(), [*EXPECTED[:3], "b/x/0.bmp", *EXPECTED[3:]]),
        (lambda: (tree / "b/x/0.bmp").unlink(), EXPECTED),
        (lambda: (tree / "c/6.gif").rename(tree / "c/7.gif"), [*EXPECTED[:5], "c/7.gif"]),
    ):
        scan.folders.clear()
        change()
        assert found(tree, scan)[0] == names
        assert len(scan.folders) == 1
        settle(tree, LONG_AGO + len(names) + sum(map(len, names)))
        found(tree, scan)
    scan.folders.clear()
    shutil.rmtree(tree / "b/x")
    (tree / "d").mkdir()
    (tree / "d/8.jpg").touch()
    names, labels, classes = found(tree, scan)
    assert names == ["a/1.jpg", "a/2.PNG", "b/5.tif", "c/7.gif", "d/8.jpg"]
    assert (labels, classes) == ([0, 0, 1, 2, 3], ("a", "b", "c", "d"))
    assert len(scan.folders) == 3  # the root, b, d


def test_a_folder_that_another_one_took_the_place_of(tree, scan):
    """The same times and name, other content: the inode differs."""
    found(tree, scan)
    other = tree.parent / "other"
    other.mkdir()
    (other / "9.jpg").touch()
    os.utime(other, (LONG_AGO, LONG_AGO))
    (tree / "a").rename(tree.parent / "old")
    other.rename(tree / "a")
    os.utime(tree, (LONG_AGO, LONG_AGO))
    assert found(tree, scan)[0][:2] == ["a/9.jpg", "b/5.tif"]


@pytest.mark.behavior
def test_what_changed_just_now_is_not_remembered(tree, scan, monkeypatch, caches):
    """A second change within the grain of the clock would leave the same time stamp."""
    monkeypatch.setattr(folder_index, "COARSEST_NS", 2_000_000_000)
    (tree / "c/7.jpg").touch()
    now = os.stat(tree / "c").st_mtime_ns
    assert found(tree, scan)[0] == [*EXPECTED, "c/7.jpg"]
    assert not caches.exists()
    (tree / "c/8.jpg").touch()
    os.utime(tree / "c", ns=(now, now))
    assert found(tree, scan)[0] == [*EXPECTED, "c/7.jpg", "c/8.jpg"]


def test_links_to_folders_are_classes_as_long_as_they_lead_to_one(tree, scan):
    elsewhere = tree.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "9.jpg").touch()
    (tree / "d").symlink_to(elsewhere, target_is_directory=True)
    (tree / "dangling").symlink_to("nowhere")
    settle(tree)
    settle(elsewhere)
    for _ in range(2):
        assert found(tree, scan)[2] == ("a", "b", "c", "d")
    (elsewhere / "10.jpg").touch()
    assert found(tree, scan)[0][-2:] == ["d/10.jpg", "d/9.jpg"]
    shutil.rmtree(elsewhere)
    assert found(tree, scan)[2] == ("a", "b", "c")


@pytest.mark.behavior
def test_a_spoilt_index_is_listed_again(tree, scan, caches):
    first = found(tree, scan)
    (index,) = caches.iterdir()
    whole = index.read_bytes()
    for spoilt in (b"", whole[:-1], whole[:60], b"x" * len(whole), whole.replace(b"1.jpg", b"0.jpg")):
        index.write_bytes(spoilt)
        scan.folders.clear()
        assert found(tree, scan) == first
        assert len(scan.folders) == 6
        assert index.read_bytes() == whole  # and repaired
    index.unlink()
    index.mkdir()  # can be neither read nor replaced
    assert found(tree, scan) == first
    assert not [path for path in caches.iterdir() if path != index]


@pytest.mark.behavior
def test_it_may_be_turned_off_or_impossible(tree, scan, caches, monkeypatch):
    first = found(tree, scan, index_cache=False)
    monkeypatch.setenv("FASTBATCH_INDEX_CACHE", "0")
    assert found(tree, scan) == first
    assert not caches.exists()
    monkeypatch.delenv("FASTBATCH_INDEX_CACHE")
    caches.parent.parent.mkdir(parents=True)
    caches.parent.touch()  # a file in place of the folder
    assert found(tree, scan) == first
    caches.parent.unlink()
    monkeypatch.setattr(folder_index, "FEWEST_NAMES", 7)
    assert found(tree, scan) == first
    assert not caches.exists()  # too small to be cached


def test_old_indices_go(tree, scan, caches):
    caches.mkdir(parents=True)
    for name, age in (("old", 0), ("young", LONG_AGO * 2)):
        (caches / name).touch()
        os.utime(caches / name, (age, age))
    found(tree, scan)
    assert sorted(path.name for path in caches.iterdir())[-1] == "young"
    assert len(list(caches.iterdir())) == 2


def test_both_list_a_folder_alike(tmp_path):
    for name in [b"a.jpg", b"B.JPG", b"caf\xe9.png", b"new\nline.gif", b".hidden.jpg", b"jpg", b"x.jpg.txt", b"dot."]:
        (tmp_path / os.fsdecode(name)).touch()
    for name in ["folder.jpg", "folder", ".git"]:
        (tmp_path / name).mkdir()
    for name, target in (("link.jpg", "a.jpg"), ("link", "folder"), ("link.txt", "nowhere"), ("to.png", "folder")):
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "fifo.jpg")
    path = os.fsencode(tmp_path)
    files, folders, links = scan_folder(path)
    assert native_scan(path) == (files, folders, links)
    assert files == [b"B.JPG", b"a.jpg", b"caf\xe9.png", b"fifo.jpg", b"link.jpg", b"new\nline.gif", b"to.png"]
    assert (folders, links) == ([b"folder", b"folder.jpg"], [b"link", b"link.txt"])
    for missing in (path + b"/nothing", path + b"/a.jpg"):
        errors = [error_of(one, missing) for one in (scan_folder, native_scan)]
        assert type(errors[0]) is type(errors[1])
        assert [os.fsencode(error.filename) for error in errors] == [missing, missing]


def test_the_loaders_list_with_their_own(api, tree, monkeypatch, caches):
    implementation = importlib.import_module(api.__name__)
    loader = implementation.images(tree, None, size=4)
    assert loader.n_samples == 6
    assert caches.exists()
    shutil.rmtree(caches)
    implementation.images(tree, None, size=4, index_cache=False)
    assert not caches.exists()
    assert pure.images(tree, size=4).class_names == ("a", "b", "c")
    with pytest.raises(FileNotFoundError) as caught:
        implementation.images(tree / "nothing")
    assert caught.value.filename == str(tree / "nothing")


@pytest.mark.behavior
def test_equal_times_do_not_hide_a_change(tree, scan):
    """Archives whose folder entries have the same time, unpacked over each other; and a folder unpacked again."""
    found(tree, scan)
    (tree / "a/3.jpg").touch()
    settle(tree)
    assert found(tree, scan)[0] == [*EXPECTED[:2], "a/3.jpg", *EXPECTED[2:]]
    shutil.rmtree(tree / "a")
    (tree / "a").mkdir()
    (tree / "a/4.jpg").touch()
    settle(tree)
    assert found(tree, scan)[0] == ["a/4.jpg", *EXPECTED[2:]]


def test_the_number_of_links_tells_a_new_folder(tree, scan, monkeypatch):
    """Where the identity of a folder does not move, as on some file systems."""
    real, first = folder_index.identity_of, {}
    monkeypatch.setattr(folder_index, "identity_of", lambda status: first.setdefault(status.st_ino, real(status)))
    assert found(tree, scan)[2] == ("a", "b", "c")
    (tree / "d").mkdir()
    (tree / "d/1.jpg").touch()
    if os.stat(tree).st_nlink == 2 + 3:
        pytest.skip("folders are no links here")
    assert found(tree, scan)[2] == ("a", "b", "c", "d")


def test_without_times_of_change_nothing_is_remembered(tree, scan, caches, monkeypatch):
    monkeypatch.setattr(folder_index.Identity, "has_change_time", property(lambda identity: False))
    for _ in range(2):
        assert found(tree, scan)[0] == EXPECTED
    assert not caches.exists()


def forge(caches, replace):
    """Rewrite the index of a folder, with the right digest."""
    (index,) = caches.iterdir()
    before = index.read_bytes()[len(folder_index.HEADER) + 16 :]
    text = replace(before)
    assert text != before
    index.write_bytes(folder_index.HEADER + digest(text) + text)


@pytest.mark.parametrize("name", ["/etc/1.jpg", "../1.jpg", "..", ".", "", "x/../../1.jpg", ".1.jpg"])
def test_a_forged_index_cannot_leave_its_folder(tree, scan, caches, name):
    first = found(tree, scan)
    for old in (b"\x002.PNG\0", b"\0x\0", b"\0y\0", b"\0a\0"):
        forge(caches, lambda text, old=old: text.replace(old, b"\0" + name.encode() + b"\0"))
        assert found(tree, scan) == first


def test_a_forged_index_cannot_loop(tree, scan, caches):
    first = found(tree, scan)
    (tree / "b/x/y/loop").symlink_to(tree)
    found(tree, scan)
    forge(caches, lambda text: text.replace(b"1\x000\x001\x004.jpeg", b"1\x001\x000\x004.jpeg"))
    assert found(tree, scan) == first
    forge(caches, lambda text: text.replace(b"\x002\x000\x000\x001.jpg", b"\0-9\x000\x000\x001.jpg"))
    assert found(tree, scan) == first


def test_an_index_that_is_no_file(tree, scan, caches):
    first = found(tree, scan)
    (index,) = caches.iterdir()
    index.unlink()
    os.mkfifo(index)
    assert found(tree, scan) == first


def test_images_of_a_plug_in_of_pillow(api, tmp_path, monkeypatch):
    """HEIC and others are images once the program has registered who reads them; masks and archives are the same."""
    root = tmp_path / "photos"
    root.mkdir()
    Image.new("RGB", (8, 8), "red").save(root / "a.png")
    os.rename(root / "a.png", root / "a.HEIC")
    Image.new("L", (8, 8), 3).save(root / "b.png")
    assert len(api.images(root, None).paths) == 1
    monkeypatch.setitem(Image.EXTENSION, ".heic", "HEIF")
    loader = api.images(root, None, size=4)
    assert [os.path.basename(path) for path in loader.paths] == ["a.HEIC", "b.png"]
    assert next(iter(loader)).shape == (2, 3, 4, 4)
    (tmp_path / "masks").mkdir()
    for name in ("a.heic", "b.heic"):
        shutil.copy(root / "b.png", tmp_path / "masks" / name)
    assert next(iter(api.images(root, None, masks=tmp_path / "masks", size=4)))[1].max() == 3
