# SPDX-License-Identifier: MIT
"""Truncated images, filled as by Pillow with LOAD_TRUNCATED_IMAGES: what is missing keeps its initial value.

Pillow's flag is one for the whole process. While an image is filled here, an object takes its place that is true only
in the threads that fill; in all others it is what the flag was. A file that opens without the flag has the same pixels
with it, so that only files that are refused are read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fastbatch.errors import DecodeError
from fastbatch.locks import new_lock

T = TypeVar("T")


class _Flag:
    """In place of Pillow's flag while any thread fills.

    Threads: any. The lock guards `before` and `n_users`.
    """

    def __init__(self) -> None:
        self.thread = threading.local()
        self.lock = new_lock()
        self.before: Any = False
        self.n_users = 0

    def __bool__(self) -> bool:
        return is_filling() or bool(self.before)


_flag = _Flag()


def is_filling() -> bool:
    """Return whether this thread is inside `filled()`."""
    return getattr(_flag.thread, "fills", False)


@contextmanager
def filled() -> Iterator[None]:
    """Let Pillow fill truncated images in this thread."""
    from PIL import ImageFile

    module: Any = ImageFile
    with _flag.lock:
        if module.LOAD_TRUNCATED_IMAGES is not _flag:  # not in use, or set by the user meanwhile
            _flag.before = module.LOAD_TRUNCATED_IMAGES
            module.LOAD_TRUNCATED_IMAGES = _flag
        _flag.n_users += 1
    _flag.thread.fills = True
    try:
        yield
    finally:
        _flag.thread.fills = False
        with _flag.lock:
            _flag.n_users -= 1
            if _flag.n_users == 0 and module.LOAD_TRUNCATED_IMAGES is _flag:
                module.LOAD_TRUNCATED_IMAGES = _flag.before


def decoded(work: Callable[[], T], fills: bool) -> tuple[T, DecodeError | None]:
    """Return the result of `work`, which decodes an image with Pillow, and the error of an image that was filled.

    Raises:
        DecodeError: `work` raised it, and not `fills`, or it raised again.
    """
    try:
        return work(), None
    except DecodeError as error:
        if not fills:
            raise
        refused = error
    try:
        with filled():
            return work(), refused
    except DecodeError:
        raise refused from refused.__cause__
