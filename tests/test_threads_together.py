# SPDX-License-Identifier: MIT
"""Threads that use one loader of any kind at a time: also on a core with ThreadSanitizer, `./dev sanitize thread`."""

import contextlib
import copy
import threading

import pytest
from kinds import LOADERS, Folder
from making import same

import fastbatch

pytestmark = pytest.mark.behavior
IMAGES = {"size": 8, "batch_size": 3, "shuffle": True, "seed": 3, "threads": 2}


def skipping(api, at):
    """Images of which some are bad."""
    files = sorted(at.photos.rglob("*.jpg"))
    files[1].write_bytes(files[1].read_bytes()[:200])
    files[4].write_bytes(b"")
    return api.images(at.photos, crop="random", on_error="skip", **IMAGES)


KINDS = {**LOADERS, "images with bad ones": skipping}


@pytest.fixture(params=KINDS)
def make(api, tmp_path, request):
    """Returns a function that makes a loader, of every kind that has epochs."""
    return lambda: KINDS[request.param](api, Folder(tmp_path))


def together(*functions):
    """Run functions in a thread each, and return their errors."""
    errors, start = [], threading.Barrier(len(functions))

    def run(function):
        start.wait()
        try:
            function()
        except Exception as error:  # also of assertions
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_threads_share_an_epoch_while_others_look_at_it(make):
    expected = list(make())
    loader = make()
    iterator, got, done = iter(loader), [], threading.Event()

    def read():
        got.extend(iterator)
        done.set()

    def look():
        while not done.is_set():
            loader.stats()
            loader.report()
            loader.state_dict()
            repr(loader)

    def read_another():
        for batch, wanted in zip(other, expected, strict=True):
            same(batch, wanted)

    other = copy.copy(loader)
    other.set_epoch(0)
    assert together(read, read, look, read_another) == []
    assert len(got) == len(expected)
    for batch in got:  # each once
        expected.pop(next(i for i, one in enumerate(expected) if is_same(one, batch)))
    loader.close()


def is_same(one, other):
    try:
        same(one, other)
    except (AssertionError, ValueError):
        return False
    return True


def test_a_loader_closed_by_another_thread_ends(make):
    loader = make()
    begun = threading.Event()

    def read():
        for _ in loader.repeat():
            begun.set()

    def close():
        begun.wait()
        loader.close()

    errors = together(read, close)
    assert [type(error) for error in errors] in ([], [fastbatch.ClosedError])


def test_batches_dropped_by_another_thread_come_back(make):
    loader = make()
    queue = []

    def read():
        for _ in range(2):
            queue.extend(loader)

    def drop():
        while reading.is_alive():
            with contextlib.suppress(IndexError):  # empty: the other one was faster
                queue.pop()

    reading = threading.Thread(target=read)
    reading.start()
    assert together(drop, drop) == []
    reading.join()
    queue.clear()
    assert len(list(loader)) > 0
