# SPDX-License-Identifier: MIT
"""Files that cannot be written to their end: the old one stays, nothing is left, and the error names the file."""

import os
import resource
import signal

import pytest
from making import error_of

pytestmark = pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of the size of files")


@pytest.fixture
def full(monkeypatch):
    """Files of this process may have 64 KiB at most, as on a full disk, until `full()` is called."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("kind", ["vocabulary", "report"])
def test_what_was_saved_before_stays(api, tmp_path, full, kind):
    path = tmp_path / "saved.txt"
    if kind == "vocabulary":
        small, large = api.Vocabulary(["a", "b"]), api.Vocabulary([f"word{i:05}" for i in range(20_000)])
    else:
        small, large = (api.verify([tmp_path / f"{i}.jpg" for i in range(n)]) for n in (1, 2000))
    small.save(path)
    os.chmod(path, 0o640)
    before = path.read_bytes()
    error = error_of(large.save, path)
    assert isinstance(error, OSError) and error.filename == str(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["saved.txt"]
    full()
    large.save(path)
    assert len(path.read_bytes()) > 1 << 16 and path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["saved.txt"]
    if kind == "vocabulary":
        assert api.Vocabulary.load(path).words == large.words


def test_a_link_and_a_pipe_stay_what_they_are(api, tmp_path, pipe):
    (tmp_path / "link.txt").symlink_to("words.txt")
    api.Vocabulary(["a", "b"]).save(tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "words.txt").read_text() == "a\nb\n"
    reader, writer = pipe
    api.Vocabulary(["a", "b"]).save(f"/proc/self/fd/{writer.fileno()}")
    assert os.read(reader.fileno(), 100) == b"a\nb\n"


@pytest.mark.parametrize("kept", [False, True])
def test_a_table_that_finds_no_room(api, tmp_path, monkeypatch, full, kept):
    full()
    path, folder = tmp_path / "data.csv", tmp_path / "folder"
    path.write_text("a\n" + "1\n" * 50_000)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))
    error = error_of(api.csv, path, **({"cache": folder} if kept else {}))
    assert isinstance(error, OSError) and str(error.filename).startswith(str(folder)), error
    assert os.listdir(folder) == []
    full()
    assert len(api.csv(path, cache=folder)) == 50_000


def test_a_file_that_is_no_sample(api, tmp_path):
    with open(tmp_path / "huge.png", "wb") as file:
        file.truncate(1 << 40)
    error = error_of(list, api.images([tmp_path / "huge.png"], size=8))
    assert isinstance(error, OSError) and error.filename == str(tmp_path / "huge.png")
    loader = api.images([tmp_path / "huge.png"], size=8, on_error="skip")
    assert list(loader) == [] and [bad.sample for bad in loader.report()] == [0]
