# SPDX-License-Identifier: MIT
"""The garbage collector runs in any thread, with any lock held: a finalizer neither joins itself nor waits for ever."""

import subprocess
import sys

import pytest
from PIL import Image


def run(code, *arguments):
    """Run Python code in a new interpreter, without automatic collections, and return what it printed."""
    code = "import gc, sys, threading, time\ngc.disable()\n" + code
    command = [sys.executable, "-W", "ignore", "-X", "faulthandler", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


CYCLE = """
class Owner:
    pass

def in_a_cycle(make):
    owner = Owner()
    owner.itself = owner
    owner.loader = make()
    owner.iterator = iter(owner.loader)
    return owner
"""

IN_A_WORKER = """
from PIL import Image

dropped, collected = threading.Event(), threading.Event()
original = Image.open

def open_image(*arguments, **options):  # called by a thread of the core, which has no codec for GIF
    if threading.current_thread() is not threading.main_thread() and not collected.is_set():
        dropped.wait(30)
        gc.collect()
        collected.set()
    return original(*arguments, **options)

Image.open = open_image
owner = make_owner()
del owner
dropped.set()
assert collected.wait(30)
print(count())
"""

LOADER = """
import fastbatch as fb

def make():
    return fb.images(sys.argv[1:], None, size=8, batch_size=2, threads=2)

def make_owner():
    return in_a_cycle(make)

def count():
    return sum(len(x) for x in make())
"""

# What `fastbatch.torch` decodes images with.
DRAWN = """
import numpy as np
from fastbatch.native.drawn import DrawnImages

paths = [name.encode() for name in sys.argv[1:]]
n = len(paths)
geometry = np.tile(np.array([20, 30, 0, 0, 20, 30, 8, 8, 0, 0, 8, 8, *[0] * 8], np.int64), (n, 1))

def make():
    return DrawnImages(
        arrays=(), channels=3, height=8, width=8, table=None, planes=False, filter="bilinear", exact=True,
        pad_value=[0, 0, 0], threads=2, prefetch=2,
    )

class Owner:
    pass

def make_owner():
    owner = Owner()
    owner.itself = owner
    owner.images = make()
    owner.batch = owner.images.start(geometry, np.arange(n), paths)
    return owner

def count():
    images = make()
    return len(images.start(geometry, np.arange(n), paths).result())
"""


@pytest.mark.parametrize("kind", [CYCLE + LOADER, DRAWN], ids=["loader", "drawn"])
def test_a_loader_that_is_collected_in_its_own_thread(tmp_path, kind):
    """It was the end of the process: a thread that joins itself."""
    files = [tmp_path / f"{i}.gif" for i in range(40)]
    for file in files:
        Image.new("P", (20, 30)).save(file)
    assert run(kind + IN_A_WORKER, *files) == "40\n"


# The loader of the first batch is replaced by a larger one, and lives as long as its batch.
REPLACED = """
from PIL import Image

entered, dropped, collected = threading.Event(), threading.Event(), threading.Event()
original = Image.open

def open_image(*arguments, **options):
    if threading.current_thread() is not threading.main_thread() and not entered.is_set():
        entered.set()  # in a worker of the first loader: there is no other yet
        dropped.wait(30)
        gc.collect()
        collected.set()
    return original(*arguments, **options)

Image.open = open_image
images = make()
owner = Owner()
owner.itself = owner
owner.batch = images.start(geometry[:1], np.arange(1), paths[:1])
assert entered.wait(30)
larger = images.start(geometry, np.arange(n), paths)
del owner
dropped.set()
assert collected.wait(30)
print(len(larger.result()))
"""


def gifs(folder):
    files = [folder / f"{i}.gif" for i in range(8)]
    for file in files:
        Image.new("P", (20, 30)).save(file)
    return files


def test_a_replaced_loader_that_is_collected_in_its_own_thread(tmp_path):
    """Its destructor joined the thread in which it ran, which was the end of the process."""
    assert run(DRAWN + REPLACED, *gifs(tmp_path)) == "8\n"


AT_EXIT = """
import os
from PIL import Image

entered = threading.Event()
original = Image.open

def open_image(*arguments, **options):
    if threading.current_thread() is not threading.main_thread() and not entered.is_set():
        entered.set()
        time.sleep(0.5)  # a slow image
        found = original(*arguments, **options)
        os.write(1, b"opened")
        return found
    return original(*arguments, **options)

Image.open = open_image
images = make()
batch = images.start(geometry[:1], np.arange(1), paths[:1])
assert entered.wait(30)
larger = images.start(geometry, np.arange(n), paths)
"""


def test_a_replaced_loader_is_closed_before_the_interpreter_ends(tmp_path):
    assert run(DRAWN + AT_EXIT, *gifs(tmp_path)) == "opened"


WITH_LOCKS = """
import io
import fastbatch as fb
from fastbatch import pure

api = fb if sys.argv[1] == "fastbatch" else pure

def numbers():
    yield from range(10**6)

class Squares(api.DataGenerator):
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        return index

kinds = {
    "restartable": lambda: api.restartable(numbers, prefetch=2),
    "stream": lambda: api.stream(numbers(), 2),
    "bytes": lambda: api.stream(io.BytesIO(b"x\\n" * 10**6), 2),
    "DataGenerator": lambda: Squares(threads=2),
    "arrays": lambda: api.arrays(list(range(1000)), batch_size=2),
}
owner = in_a_cycle(kinds[sys.argv[2]])
next(owner.iterator)
del owner
# As in a thread that has begun to start, or to end. The names are those of CPython's `threading`.
names = ("_active_limbo_lock", "_shutdown_locks_lock")
locks = [getattr(threading, name) for name in names if hasattr(threading, name)]
assert locks
for lock in locks:
    lock.acquire()
gc.collect()
for lock in locks:
    lock.release()
print("alive")
"""


@pytest.mark.parametrize("kind", ["restartable", "stream", "bytes", "DataGenerator", "arrays"])
@pytest.mark.parametrize("package", ["fastbatch", "pure"])
def test_a_finalizer_takes_no_lock_of_threading(package, kind):
    """`restartable` joined its thread here, and `join` takes a lock that a starting thread holds."""
    assert run(CYCLE + WITH_LOCKS, package, kind) == "alive\n"
