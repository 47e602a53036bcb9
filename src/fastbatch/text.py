# SPDX-License-Identifier: MIT
"""Words and lines of text files: the functions, written once; `fastbatch` and `fastbatch.pure` differ in who reads."""

from __future__ import annotations

import codecs
import glob
import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from .errors import ClosedError
from .plan import MAX_SEED, MAX_WORLD_SIZE, whole
from .structure import is_path
from .text_loader import TextLoader
from .text_plan import Place, TextImplementation, TextPlan

ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "ascii": "ascii", "iso8859-1": "latin-1"}
HANDLERS = ("strict", "ignore", "replace", "surrogateescape", "backslashreplace")
SHUFFLES: dict[bool | str, bool | str] = {False: False, True: "line", "line": "line", "block": "block"}
OUTPUTS = ("str",)
MAX_BATCH_SIZE = 2**63 - 1


@dataclass(frozen=True)
class TextSurface:
    """Makes loaders over one implementation."""

    implementation: TextImplementation

    def text_generator(
        self,
        filepath: Any,
        batch_size: int,
        *,
        encoding: str = "utf-8",
        errors: str = "strict",
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
    ) -> Generator[list[str], None, None]:
        """Return a generator of lists of `batch_size` words of a text file; the last list may be shorter.

        Words are what `str.split()` finds, across the ends of lines. It can be read once; `words` can be read again.

        Args:
            filepath: A regular file. It is opened, and errors are raised, when the first batch is asked for.
            encoding, errors: As for `open`. utf-8, ascii and latin-1 with the usual handlers are decoded natively, all
                else by Python.
            drop_last: Leave a short last list out.
            shard: `(rank, world_size)`: every world_size-th list, from rank on.

        Raises:
            ValueError: `batch_size` below 1, and other options out of range.
            OSError: By `next()`, what `open` says.
            EncodingError: By `next()`, for bytes that are not in the encoding, after the whole lists before them. It is
                a UnicodeDecodeError too.
        """
        if not is_path(filepath):
            raise TypeError(f"filepath: expected a path, found {type(filepath).__name__}")
        path = os.fsencode(filepath)
        plan = _make_plan("word", (path,), batch_size, encoding, errors, drop_last=drop_last, shard=shard)
        return _generate(self.implementation, plan)

    def words(
        self,
        paths: Any,
        batch_size: int = 1024,
        *,
        encoding: str = "utf-8",
        errors: str = "strict",
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
        prefetch_bytes: int | None = None,
        **hidden: Any,
    ) -> TextLoader:
        """Return a loader over the words of text files, in batches of `batch_size`.

        Args:
            paths: One path or several; a `str` with `*`, `?` or `[` that is no file is a pattern, whose files come in
                sorted order, `**` also those of sub-folders. A word ends with its file.
            encoding, errors, drop_last: As for `text_generator`.
            shard: `(rank, world_size)`: every world_size-th batch, from rank on. All ranks together give every word
                once; the first ranks may have one batch more. Each rank reads and searches all of the text.
            prefetch_bytes: Text that is read and searched ahead; None is 512 KiB.

        Raises:
            ValueError: No paths, options out of range.
            OSError: A file that is not there; by `next()`, one that cannot be read.
            EncodingError, FormatError: By `next()`: bytes that are not in the encoding, a file that became shorter.
        """
        options: dict[str, Any] = {"drop_last": drop_last, "shard": shard}
        plan = _make_plan(
            "word", expand(paths), batch_size, encoding, errors, prefetch_bytes=prefetch_bytes, **options, **hidden
        )
        return TextLoader(self.implementation, plan)

    def lines(
        self,
        paths: Any,
        batch_size: int = 1024,
        *,
        keepends: bool = True,
        encoding: str = "utf-8",
        errors: str = "strict",
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
        prefetch_bytes: int | None = None,
        **hidden: Any,
    ) -> TextLoader:
        r"""Return a loader over the lines of text files, as `open` gives them, in batches of `batch_size`.

        Args:
            paths, encoding, errors, drop_last, ...: As for `words`.
            keepends: Keep the newline, which is `\n` also where the file has `\r\n` or `\r`; False leaves it out.
        """
        options: dict[str, Any] = {"drop_last": drop_last, "shard": shard}
        options["keepends"] = bool(keepends)
        plan = _make_plan(
            "line", expand(paths), batch_size, encoding, errors, prefetch_bytes=prefetch_bytes, **options, **hidden
        )
        return TextLoader(self.implementation, plan)


def expand(paths: Any) -> tuple[bytes, ...]:
    """Return the files that a path, a pattern, or several of them name.

    Raises:
        FileNotFoundError, IsADirectoryError: For what is no file, or a pattern that fits none.
    """
    if is_path(paths):
        paths = [paths]
    elif not isinstance(paths, Iterable):
        raise TypeError(f"paths: expected a path or several, found {type(paths).__name__}")
    found: list[bytes] = []
    for path in paths:
        if not is_path(path):
            raise TypeError(f"paths: expected paths, found {type(path).__name__}")
        name = os.fsencode(path)
        if isinstance(path, str) and glob.has_magic(path) and not os.path.exists(name):
            files = sorted(file for file in glob.glob(name, recursive=True) if not os.path.isdir(file))
            if not files:
                raise FileNotFoundError(2, "No file fits the pattern", path)
            found += files
            continue
        os.stat(name)
        if os.path.isdir(name):
            raise IsADirectoryError(21, os.strerror(21), os.fsdecode(name))
        found.append(name)
    if not found:
        raise ValueError("paths: expected at least one, found none")
    return tuple(found)


def _make_plan(
    item: Literal["word", "line"],
    paths: tuple[bytes, ...],
    batch_size: Any,
    encoding: str,
    errors: str,
    *,
    keepends: bool = True,
    shuffle: bool | str = False,
    seed: Any = 0,
    drop_last: bool = False,
    shard: tuple[int, int] | None = None,
    prefetch_bytes: Any = None,
    _read_size: Any = None,
) -> TextPlan:
    if not isinstance(shuffle, (bool, str)) or shuffle not in SHUFFLES:
        raise ValueError(f"shuffle: expected False, 'line' or 'block', found {shuffle!r}")
    rank, world_size = 0, 1
    if shard is not None:
        try:
            rank, world_size = shard
        except (TypeError, ValueError):
            raise TypeError(f"shard: expected (rank, world_size), found {shard!r}") from None
    world_size = whole("world_size", world_size, 1, MAX_WORLD_SIZE)
    read_size = whole("_read_size", _read_size or TextPlan.read_size, 1, 2**30)
    ahead = TextPlan.prefetch_bytes if prefetch_bytes is None else whole("prefetch_bytes", prefetch_bytes, 1, 2**40)
    return TextPlan(
        paths=paths,
        item=item,
        batch_size=whole("batch_size", batch_size, 1, MAX_BATCH_SIZE),
        encoding=_encoding(encoding),
        errors=_handler(errors),
        keepends=keepends,
        shuffle=SHUFFLES[shuffle],
        seed=whole("seed", seed, 0, MAX_SEED),
        drop_last=bool(drop_last),
        rank=whole("rank", rank, 0, world_size - 1),
        world_size=world_size,
        read_size=read_size,
        prefetch_bytes=ahead,
    )


def _encoding(encoding: str) -> str:
    if not isinstance(encoding, str):
        raise TypeError(f"encoding: expected a name, found {encoding!r}")
    info = codecs.lookup(encoding)  # LookupError for an unknown one, as open() raises it
    if not getattr(info, "_is_text_encoding", True):
        raise LookupError(f"{encoding!r} is not a text encoding")
    return ENCODINGS.get(info.name, info.name)


def _handler(errors: str) -> str:
    if not isinstance(errors, str):
        raise TypeError(f"errors: expected a name, found {errors!r}")
    codecs.lookup_error(errors)  # LookupError for an unknown one
    return errors


def is_decoded_natively(plan: TextPlan) -> bool:
    """Return whether bytes of the file are what positions count; else Python decodes, and they count UTF-8."""
    return plan.encoding in ENCODINGS.values() and plan.errors in HANDLERS


def _generate(implementation: TextImplementation, plan: TextPlan) -> Generator[list[str], None, None]:
    place, items, pid = Place(), 0, os.getpid()
    run = implementation.start(plan, 0, place)
    try:
        while found := run.next():
            _, batch, unit, byte, items = found
            yield batch
            if os.getpid() != pid:  # a forked child has no threads yet
                place, pid = Place(place.items + items, unit, byte), os.getpid()
                run = implementation.start(plan, 0, place)
        if found is False:
            raise ClosedError("the generator was closed")
    finally:
        run.close()
