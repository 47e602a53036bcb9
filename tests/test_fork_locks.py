# SPDX-License-Identifier: MIT
"""A forked child finds no lock that a thread of its parent held."""

import os
import re
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

import fastbatch
from fastbatch import locks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def in_child_of_a_busy_process(work):
    """Fork while another thread holds all locks; return the child's exit status: 0 once `work` has returned."""
    held, done = threading.Event(), threading.Event()

    def hold():
        made = list(locks._locks)
        for lock in made:
            lock.acquire()
        held.set()
        done.wait()
        for lock in made:
            lock.release()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(10)  # a deadlock ends here
            work()
            status = 0
        finally:
            os._exit(status)
    done.set()
    holder.join()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_image_data_loader(api, photos):
    loader = api.ImageDataLoader(photos, 4)
    next(loader)
    assert in_child_of_a_busy_process(lambda: (next(loader), loader.reset(), next(loader), loader.report())) == 0


def test_report_and_stats(api, photos):
    loader = api.images(photos, size=8, on_error="skip", batch_size=2)
    iterator = iter(loader)
    next(iterator)
    assert in_child_of_a_busy_process(lambda: (loader.report(), loader.stats(), next(iterator))) == 0


def test_streams_refuse_and_close(api, tmp_path):
    (tmp_path / "a.txt").write_text("a\nb\n" * 100)
    stream = api.stream(tmp_path / "a.txt", 2)
    next(stream)

    def use():
        try:
            next(stream)
        except fastbatch.ClosedError:
            assert api is fastbatch
        stream.stats()
        stream.close()

    assert in_child_of_a_busy_process(use) == 0
    stream.close()


@pytest.mark.parametrize("kind", ["restartable", "words", "views"])
def test_other_loaders(api, tmp_path, kind):
    (tmp_path / "a.txt").write_text("a b c d " * 100)
    x = np.arange(100.0)
    loader = {
        "restartable": lambda: api.restartable(lambda: iter(range(9)), prefetch=2),
        "words": lambda: api.words(tmp_path / "a.txt", 5),
        "views": lambda: api.windows(x, length=5, copy=False, batch_size=5),
    }[kind]()
    iterator = iter(loader)
    next(iterator)
    assert in_child_of_a_busy_process(lambda: (next(iterator), loader.stats(), list(loader), loader.close())) == 0


def test_all_locks_are_renewed():
    package = Path(fastbatch.__file__).parent
    own = {package / "locks.py", package / "doctor/agent/output.py"}  # the agent imports nothing of the package
    texts = {path: path.read_text() for path in package.rglob("*.py") if path not in own}
    assert not [path for path, text in texts.items() if re.search(r"threading\.R?Lock\(", text)]


def test_a_thread_that_forks_keeps_its_locks():
    lock = locks.new_lock()
    with lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if lock._is_owned() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
