# SPDX-License-Identifier: MIT
"""The options of a stream, checked."""

from __future__ import annotations

import io
import numbers
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastbatch.checks import MAX_SEED, flag, shown, whole
from fastbatch.errors import SIGNALS, name_of, signal_error

from .stream_records import check_records

MAX_RECORDS = 2**31


@dataclass(frozen=True)
class StreamOptions:
    """Options for splitting a stream into records and batches, checked. Immutable."""

    batch_size: int
    records: Any
    decode: Callable[[Any], Any] | None
    max_wait_s: float | None
    follow: bool
    shuffle_buffer: int
    seed: int
    prefetch: int
    encoding: str | None
    errors: str

    def decoded(self, record: Any) -> Any:
        """Return the sample of a record.

        Raises:
            RuntimeError: A StopIteration or GeneratorExit of `decode`.
        """
        if self.decode is None:
            return record
        try:
            return self.decode(record)
        except SIGNALS as error:
            raise signal_error(error, name_of(self.decode)) from error


def is_bytes(source: Any) -> bool:
    """Return whether a source consists of bytes to be split into records: a path or a file object."""
    return isinstance(source, str | bytes | os.PathLike | io.IOBase) or hasattr(source, "readinto")


def make_options(source: Any, **given: Any) -> StreamOptions:
    """Return the checked options."""
    if not is_bytes(source):
        if not isinstance(source, Iterable):
            hint = ": take its makefile('rb')" if hasattr(source, "makefile") else ""
            raise TypeError(f"expected an iterable, a path or a file object, found {type(source).__name__}{hint}")
        if given["records"] != "line" or given["follow"]:
            raise ValueError("records, follow: only valid for files; an iterable's items are records")
    if isinstance(source, io.TextIOBase):
        for option, wrong in (("records", given["records"] != "line"), ("encoding", given["encoding"] is None)):
            if wrong:
                found = f"{option}={given[option]!r:.40}"
                raise ValueError(f"a file opened as text gives lines: open it in binary mode for {found}")
    if given["follow"] and not isinstance(source, str | bytes | os.PathLike):
        raise ValueError(f"follow: expected a path, found {type(source).__name__}")
    if given["decode"] is not None and not callable(given["decode"]):
        raise TypeError(f"decode: expected a function, found {type(given['decode']).__name__}")
    wait = given["max_wait_s"]
    if wait is not None and not (isinstance(wait, numbers.Real) and 0 <= float(wait) < float("inf")):
        raise ValueError(f"max_wait_s: expected a number from 0 on, found {shown(given['max_wait_s'])}")
    return StreamOptions(
        whole("batch_size", given["batch_size"], 1, MAX_RECORDS),
        check_records(given["records"], given["encoding"], given["errors"]),
        given["decode"],
        None if wait is None else float(wait),
        flag("follow", given["follow"]),
        whole("shuffle_buffer", given["shuffle_buffer"], 0, MAX_RECORDS),
        whole("seed", given["seed"], 0, MAX_SEED),
        whole("prefetch", given["prefetch"], 1, 65536),
        given["encoding"],
        given["errors"],
    )
