# SPDX-License-Identifier: MIT
"""A worker thread keeps no object alive that owns its iterator."""

import gc
import io
import itertools
import os
import threading
import weakref

import pytest
from making import wait_until

OPEN = []  # files, closed at the end of a test


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("fastbatch")]


class Owner:
    """Keeps an iterator whose functions are its own methods."""

    def numbers(self):
        yield from itertools.count()

    def decode(self, record):
        return record

    def find(self, content, is_end):
        return [content], len(content)


def restartable(api, owner):
    return iter(api.restartable(owner.numbers, prefetch=2))


def stream_of_items(api, owner):
    return api.stream(owner.numbers(), 2, decode=owner.decode)


def stream_of_bytes(api, owner):
    return api.stream(io.BytesIO(b"x\n" * 100_000), 2, decode=owner.decode)


def stream_of_records(api, owner):
    return api.stream(io.BytesIO(b"x\n" * 1_000_000), 1, records=owner.find)


def stream_of_a_pipe(api, owner):
    reader, writer = os.pipe()
    os.write(writer, b"x\n" * 3)
    OPEN.append(os.fdopen(reader, "rb"))
    OPEN.append(os.fdopen(writer, "wb"))  # the reader waits
    return api.stream(OPEN[-2], 2, decode=owner.decode)


def mapped_stream(api, owner):
    return api.stream(owner.numbers(), 2).map(owner.decode).take(9)


KINDS = [restartable, stream_of_items, stream_of_bytes, stream_of_records, stream_of_a_pipe, mapped_stream]


@pytest.mark.parametrize("make", KINDS)
def test_an_owner_and_its_iterator_are_garbage_together(api, make):
    before = len(threads())
    owners = []
    for _ in range(10):
        owner = Owner()
        owner.iterator = make(api, owner)
        next(owner.iterator)
        owners.append(weakref.ref(owner))
    del owner

    def is_clean():
        gc.collect()
        return len(threads()) <= before and not any(reference() for reference in owners)

    wait_until(is_clean)
    while OPEN:
        OPEN.pop().close()
