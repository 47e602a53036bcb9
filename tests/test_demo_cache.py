# SPDX-License-Identifier: MIT
"""The demo's cache: a folder that is complete or absent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastbatch.demo import cache


def test_cache_is_complete_or_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def is_complete(folder: Path) -> bool:
        return (folder / "a").is_file() and (folder / "b").is_file()

    def stop_halfway(folder: Path) -> None:
        (folder / "a").write_text("half")
        raise KeyboardInterrupt

    def make(folder: Path) -> None:
        (folder / "a").write_text("whole")
        (folder / "b").write_text("whole")

    with pytest.raises(KeyboardInterrupt):
        cache.complete_folder("data", stop_halfway, is_complete)
    assert list((tmp_path / "fastbatch").iterdir()) == []
    folder = cache.complete_folder("data", make, is_complete)
    assert folder == tmp_path / "fastbatch" / "data"
    assert cache.complete_folder("data", stop_halfway, is_complete) == folder  # found, not created again
    (folder / "b").unlink()
    cache.complete_folder("data", make, is_complete)
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    assert [path.name for path in folder.parent.iterdir()] == ["data"]


def test_cache_removes_what_a_killed_process_left(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    old, new = (tmp_path / "fastbatch" / f".unfinished-{age}" for age in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    cache.complete_folder("data", lambda folder: None, lambda folder: folder.name == "data" and folder.exists())
    assert not old.exists()
    assert new.exists()  # may belong to a running process


def test_processes_that_make_the_same_folder_do_not_disturb_each_other(tmp_path):
    """Each adds its folder, or takes that of another one, and reads all of it."""
    code = (
        "import sys, time\n"
        "from fastbatch.demo import cache\n"
        "is_complete = lambda folder: (folder / '49').is_file()\n"
        "def make(folder):\n"
        "    for i in range(50): (folder / str(i)).write_text('x')\n"
        "for i in range(40):\n"
        "    folder = cache.complete_folder(f'data{i}', make, is_complete)\n"
        "    for _ in range(5): assert [(folder / str(i)).read_text() for i in range(50)] == ['x'] * 50\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(list((tmp_path / "fastbatch").iterdir())) == 40


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG convention")
def test_cache_folder_follows_the_convention(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.cache_folder() == Path("/home/someone/.cache/fastbatch")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_folder() == Path("/home/someone/.cache/fastbatch")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/caches")
    assert cache.cache_folder() == Path("/var/tmp/caches/fastbatch")
