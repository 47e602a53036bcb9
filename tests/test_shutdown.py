# SPDX-License-Identifier: MIT
"""Ctrl-C, forks, dropped loaders, interpreter exit: threads are joined, nothing hangs, nothing leaks."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import psutil
import pytest
from making import NewThreads, ids, same_batches, wait_until
from PIL import Image

import fastbatch

N = 1000
Y = np.arange(N)


def run(code, *arguments, **options):
    """Run Python code in a new interpreter and return the result."""
    command = [sys.executable, "-W", "error", "-X", "faulthandler", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def check(code, *arguments):
    done = run(code, *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_dropped_loaders_join_their_threads():
    threads = NewThreads()
    loaders = [fastbatch.arrays(Y, batch_size=8, threads=3) for _ in range(5)]
    iterators = [iter(loader) for loader in loaders]
    for iterator in iterators:
        next(iterator)
    assert len(threads) == 15
    del loaders, iterators, iterator
    gc.collect()
    wait_until(lambda: len(threads) == 0)


def test_an_iterator_keeps_its_loader_alive():
    iterator = iter(fastbatch.arrays(Y, batch_size=8))
    gc.collect()
    assert len(list(iterator)) == 125


def test_a_batch_outlives_its_loader():
    loader = fastbatch.arrays(Y, batch_size=8)
    batch = next(iter(loader))
    loader.close()
    del loader
    gc.collect()
    assert batch.tolist() == list(range(8))


def test_threads_start_with_the_first_iterator():
    threads = NewThreads()
    loader = fastbatch.arrays(Y, threads=4)
    assert len(threads) == 0
    next(iter(loader))
    assert len(threads) == 4
    loader.close()
    wait_until(lambda: len(threads) == 0)


def growth(turn):
    """Return the least growth of this process in a turn: what is left grows in each, other memory in some."""
    grown = []
    for _ in range(4):
        before = psutil.Process().memory_info().rss
        turn()
        grown.append(psutil.Process().memory_info().rss - before)
    return min(grown)


def test_abandoned_iterators_leave_nothing():
    loader = fastbatch.arrays(np.zeros((N, 256), np.float32), batch_size=64, threads=2)
    assert growth(lambda: [len(next(iter(loader))) for _ in range(4_000)]) < 1e6


def test_epochs_leave_nothing():
    loader = fastbatch.arrays(np.zeros((N, 256), np.float32), batch_size=64, threads=2)
    assert growth(lambda: [len(batch) for batch in loader.repeat(25)]) < 1e6


def test_an_exception_in_the_loop_ends_nothing_else():
    loader = fastbatch.arrays(Y, batch_size=8)
    with pytest.raises(RuntimeError, match="mine"):
        for _ in loader:
            raise RuntimeError("mine")
    assert len(ids(loader)) == N


@pytest.mark.parametrize(
    "ending",
    ["", "del loader", "sys.exit(0)", "raise SystemExit(0)", "keep = [loader, iterator]; keep.append(keep)"],
)
def test_the_interpreter_ends_in_mid_epoch(api, ending):
    check(
        f"import sys, numpy as np, {api.__name__} as fb\n"
        "loader = fb.arrays(np.zeros((100000, 100)), batch_size=8, threads=3)\n"
        "iterator = iter(loader)\n"
        "next(iterator)\n" + ending
    )


def test_the_interpreter_ends_while_another_thread_reads():
    check(
        "import threading, numpy as np, fastbatch as fb\n"
        "loader = fb.arrays(np.zeros((1000, 100)), batch_size=8, threads=3)\n"
        "started = threading.Event()\n"
        "def read():\n"
        "    try:\n"
        "        for _ in loader.repeat():\n"
        "            started.set()\n"
        "    except fb.ClosedError:\n"
        "        pass\n"
        "threading.Thread(target=read, daemon=True).start()\n"
        "started.wait()\n"
    )


READ = """
import signal, sys
import fastbatch as fb
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in jobs of the background
loader = fb.images([sys.argv[1]] * 64, size=8, batch_size=int(sys.argv[2]), threads=1)
iterator = loader.repeat()
try:
    print("reading", flush=True)
    for _ in iterator:
        pass
except KeyboardInterrupt:
    print("interrupted,", "some" if loader.stats()["batches"] else "no", "batches")
if sys.argv[2] == "1":
    print(len(list(loader)))
"""


def interrupt(path, batch_size):
    """Read endlessly in another process, send Ctrl-C, and return its output."""
    command = [sys.executable, "-c", READ, str(path), str(batch_size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "reading\n"
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=60)
        finally:
            process.kill()  # does nothing to one that has ended
    assert (process.returncode, errors) == (0, "")
    return out


def test_ctrl_c_leaves_a_loader_that_works(photos):
    assert interrupt(photos / "cat" / "0.jpg", 1).endswith("batches\n64\n")


def test_ctrl_c_while_next_waits(tmp_path):
    large = tmp_path / "large.jpg"
    Image.fromarray(np.zeros((6000, 6000), np.uint8)).save(large)  # 64 of them take a thread many seconds
    assert interrupt(large, 64) == "interrupted, no batches\n"


def in_fork(function):
    """Run `function` in a forked child and return whether it ended well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork with threads
        child = os.fork()
    if child == 0:
        try:
            function()
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(repr(error))
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def test_a_forked_child_has_working_loaders(api):
    loader = api.arrays(Y, batch_size=8, shuffle=True)
    expected = list(loader)
    loader.set_epoch(0)
    iterator = iter(loader)
    first = [next(iterator) for _ in range(5)]
    same_batches(first, expected[:5])

    def child():
        same_batches(iterator, expected[5:])  # the iterator continues
        assert len(ids(loader)) == N  # and so does the next epoch
        loader.close()

    assert in_fork(child)
    same_batches(iterator, expected[5:])  # the parent's iterator is unaffected


def test_forks_while_threads_work():
    loader = fastbatch.arrays(np.zeros((20_000, 100)), batch_size=16, threads=2)
    for _, _ in zip(loader, range(20), strict=False):
        assert in_fork(lambda: len(list(loader)))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_loaders_made_before_a_pool_of_processes():
    loader = fastbatch.arrays(Y, batch_size=8, threads=2)
    next(iter(loader))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(_sum_of, list(range(4))) == [sum(range(N))] * 4


def _sum_of(seed):
    return sum(ids(fastbatch.arrays(Y, shuffle=True, seed=seed)))


def test_waiting_releases_the_gil():
    loader = fastbatch.arrays(np.zeros((400, 100_000)), batch_size=100, threads=1, prefetch=1)
    counted = 0
    stop = threading.Event()

    def count():
        nonlocal counted
        while not stop.is_set():
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    for _ in loader:
        pass
    stop.set()
    thread.join()
    assert counted > 0


def test_affinity_is_respected():
    cpu = min(os.sched_getaffinity(0))
    assert (
        check(
            "import os, sys, numpy as np, fastbatch as fb\n"
            "os.sched_setaffinity(0, {int(sys.argv[1])})\n"
            "print(fb.arrays(np.zeros(3)).stats()['threads'])\n",
            str(cpu),
        )
        == "1\n"
    )


def test_unknown_instruction_sets_are_refused():
    done = run("import fastbatch", env={**os.environ, "FASTBATCH_SIMD": "mmx"})
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert "mmx" in done.stderr
    assert "scalar" in done.stderr


def test_the_import_brings_no_framework():
    loaded = check("import sys, fastbatch; print(*sys.modules)").split()
    assert not {"PIL", "torch", "tensorflow", "keras", "jax", "sklearn", "pandas", "matplotlib"} & set(loaded)


def test_signals_keep_their_handlers():
    check(
        "import signal, numpy as np, fastbatch as fb\n"
        "got = []\n"
        "signal.signal(signal.SIGUSR1, lambda *_: got.append(1))\n"
        "list(fb.arrays(np.zeros(100)))\n"
        "signal.raise_signal(signal.SIGUSR1)\n"
        "assert got == [1]\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
