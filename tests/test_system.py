# SPDX-License-Identifier: MIT
"""What POSIX and Windows do differently, on the system of this test; and what would happen on Windows."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastbatch import system
from fastbatch.generators import stream_bytes
from fastbatch.generators.stream_bytes import Blocking, open_bytes


def test_a_child_calls_what_was_registered():
    code = (
        "import os; from fastbatch.system import in_forked_child\n"
        "in_forked_child(lambda: os._exit(7))\n"
        "pid = os.fork() or os._exit(1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 7


def test_opening_never_waits_and_gives_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"a\r\n\x1ab")
    descriptor = os.open(tmp_path / "a", system.OPEN_FLAGS)
    try:
        assert os.read(descriptor, 10) == b"a\r\n\x1ab"
        assert not os.get_inheritable(descriptor)
    finally:
        os.close(descriptor)


def test_only_one_process_holds_the_lock_of_a_folder(tmp_path):
    code = (
        "import sys, pathlib; from fastbatch.system import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.readline()"
    )
    if sys.platform == "win32":
        pytest.skip("Windows has no such locks")
    import fcntl

    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout.readline() == "held\n"
        descriptor = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        other.stdin.write("\n")
        other.stdin.close()
        other.wait()
        with system.locked(tmp_path):
            pass
        os.close(descriptor)


def test_memory_at_its_peak_is_that_of_the_process():
    before = system.peak_memory_bytes()
    if before == 0:
        pytest.skip("unknown on this system")
    block = bytearray(os.urandom(1)) * (300 << 20)
    assert system.peak_memory_bytes() >= max(before, len(block))


def test_on_windows_nothing_is_polled_and_identities_are_cut(monkeypatch, tmp_path):
    """The other half of the module, run here: it needs two flags that only Windows has."""
    monkeypatch.setattr(sys, "platform", "win32")
    for flag in ("O_BINARY", "O_NOINHERIT"):
        monkeypatch.setattr(os, flag, 0, raising=False)
    spec = importlib.util.spec_from_file_location("windows", Path(system.__file__))
    windows = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(windows)
    monkeypatch.undo()
    assert windows.CAN_POLL is False
    assert windows.core_identity((1 << 100) + 5, (1 << 40) + 6) == (5, 6)
    windows.in_forked_child(lambda: pytest.fail("called"))
    with windows.locked(tmp_path):
        assert windows.peak_memory_bytes() == 0
    monkeypatch.setattr(stream_bytes, "CAN_POLL", False)
    (tmp_path / "a").write_bytes(b"abc")
    source = open_bytes(str(tmp_path / "a"), follow=False)
    assert isinstance(source, Blocking)
    assert [source.read(None), source.read(None)] == [b"abc", b""]
    source.close()
    with open(tmp_path / "a", "rb") as file:
        assert isinstance(open_bytes(file, follow=False), Blocking)


def test_the_core_takes_the_identity_of_a_file(tmp_path):
    status = os.stat(tmp_path)
    assert system.core_identity(status.st_ino, status.st_dev) == (status.st_ino, status.st_dev)
