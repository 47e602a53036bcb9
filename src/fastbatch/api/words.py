# SPDX-License-Identifier: MIT
"""Words and lines of text files: the functions, written once; `fastbatch` and `fastbatch.pure` differ in who reads."""

from __future__ import annotations

import codecs
import glob
import os
import stat
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fastbatch.batch.tree import is_path
from fastbatch.checks import whole
from fastbatch.errors import ClosedError
from fastbatch.loader import fork as process
from fastbatch.plan.plan import MAX_SEED, MAX_WORLD_SIZE
from fastbatch.text.loader import TextLoader
from fastbatch.text.plan import ENCODINGS, HANDLERS, Place, TextImplementation, TextPlan
from fastbatch.text.vocabulary import Vocabulary

SHUFFLES: dict[bool | str, bool | str] = {False: False, True: "line", "line": "line", "block": "block"}
OUTPUTS = ("str", "numpy", "offsets", "ids")
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
        if b"\0" in path:
            raise ValueError(f"filepath: embedded null byte in {os.fsdecode(path)!r}")
        plan = _make_plan("word", (path,), batch_size, encoding, errors, drop_last=drop_last, shard=shard)
        return _generate(self.implementation, plan)

    def words(
        self,
        paths: Any,
        batch_size: int = 1024,
        *,
        output: str = "str",
        vocabulary: Any = None,
        dtype: str = "int64",
        encoding: str = "utf-8",
        errors: str = "strict",
        shuffle: bool | str = False,
        seed: int = 0,
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
        block_size: int = 4096,
        window: int = 16,
        threads: int | None = None,
        prefetch_bytes: int | None = None,
        **hidden: Any,
    ) -> TextLoader:
        """Return a loader over the words of text files, in batches of `batch_size`.

        Args:
            paths: One path or several; a `str` with `*`, `?` or `[` that is no file is a pattern, whose files come in
                sorted order, `**` also those of sub-folders. A word ends with its file.
            output: What a batch is. "str": a list of `str`. "numpy": an array of NumPy's StringDType. "offsets":
                `bytes`, the words in UTF-8 with nothing between them, and int64 offsets: word j is
                `text[offsets[j]:offsets[j + 1]]`. "ids": the numbers that the words have in `vocabulary`.
            vocabulary: A `Vocabulary`, or words for one.
            dtype: Of ids, "int64" or "int32".
            encoding, errors, drop_last: As for `text_generator`.
            shuffle: "line" (or True) for the lines in a new random order in each epoch; "block" for blocks of
                `block_size` neighbouring lines in random order, and the lines mixed inside each `window` blocks. The
                words of a line stay together. The files are mapped, and where each line begins is noted when the first
                epoch begins, in 8 bytes a line.
            seed: With the epoch, decides the order.
            shard: `(rank, world_size)`: every world_size-th batch, from rank on. All ranks together give every word
                once; the first ranks may have one batch more. Each rank reads and searches all of the text.
            threads: Threads that read and search; None is one, and for offsets and ids the CPUs that this process may
                use.
            prefetch_bytes: Text that is read and searched ahead; None is 512 KiB.

        Raises:
            ValueError: No paths, options out of range.
            OSError: A file that is not there; by `next()`, one that cannot be read.
            EncodingError, FormatError: By `next()`: bytes that are not in the encoding, a file that became shorter.
        """
        options = _options(locals(), "output", "vocabulary", "dtype")
        plan = _make_plan("word", expand(paths), batch_size, encoding, errors, **options, **hidden)
        return TextLoader(self.implementation, plan)

    def lines(
        self,
        paths: Any,
        batch_size: int = 1024,
        *,
        keepends: bool = True,
        output: str = "str",
        encoding: str = "utf-8",
        errors: str = "strict",
        shuffle: bool | str = False,
        seed: int = 0,
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
        block_size: int = 4096,
        window: int = 16,
        threads: int | None = None,
        prefetch_bytes: int | None = None,
        **hidden: Any,
    ) -> TextLoader:
        r"""Return a loader over the lines of text files, as `open` gives them, in batches of `batch_size`.

        Args:
            paths, output, encoding, errors, shuffle, ...: As for `words`; lines have no ids.
            keepends: Keep the newline, which is `\n` also where the file has `\r\n` or `\r`; False leaves it out.
        """
        options = _options(locals(), "output", "keepends")
        if output == "ids":
            raise ValueError("output: expected 'str', 'numpy' or 'offsets' for lines, found 'ids'")
        plan = _make_plan("line", expand(paths), batch_size, encoding, errors, **options, **hidden)
        return TextLoader(self.implementation, plan)

    def vocabulary(
        self,
        paths: Any,
        max_size: int | None = None,
        *,
        min_count: int = 1,
        encoding: str = "utf-8",
        errors: str = "strict",
        threads: int | None = None,
        **hidden: Any,
    ) -> Vocabulary:
        """Return the words of text files by falling count; those that come equally often by their characters.

        Args:
            paths, encoding, errors: As for `words`.
            max_size: Most words to keep; None keeps all.
            min_count: How often a word must come to be kept.
            threads: None takes the CPUs that this process may use. Each has a table of its own.

        Raises:
            As `words` and its `next()`.
        """
        most = 2**31 - 1 if max_size is None else whole("max_size", max_size, 0, 2**31 - 1)
        least = whole("min_count", min_count, 1, 2**63 - 1)
        plan = _make_plan("word", expand(paths), 1, encoding, errors, threads=threads, **hidden)
        counted = self.implementation.count_words(plan, most, least)
        return Vocabulary([word for word, _ in counted], [count for _, count in counted])


def _options(given: dict[str, Any], *more: str) -> dict[str, Any]:
    """Return those arguments of `words` and `lines` that `_make_plan` takes by name."""
    names = ("shuffle", "seed", "drop_last", "shard", "block_size", "window", "threads", "prefetch_bytes", *more)
    return {name: given[name] for name in names}


def expand(paths: Any) -> tuple[bytes, ...]:
    """Return the files that a path, a pattern, or several of them name.

    Raises:
        FileNotFoundError, IsADirectoryError: For what is no file, or a pattern that fits none.
    """
    if is_path(paths):
        paths = [paths]
    elif not isinstance(paths, Iterable) or hasattr(paths, "read"):
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
        if stat.S_ISDIR(os.stat(os.fsdecode(name)).st_mode):  # as text, which its error shows
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
    block_size: Any = 4096,
    window: Any = 16,
    output: str = "str",
    vocabulary: Any = None,
    dtype: str = "int64",
    threads: Any = None,
    prefetch_bytes: Any = None,
    _read_size: Any = None,
) -> TextPlan:
    if not isinstance(shuffle, (bool, str)) or shuffle not in SHUFFLES:
        raise ValueError(f"shuffle: expected False, 'line' or 'block', found {shuffle!r}")
    if not isinstance(output, str) or output not in OUTPUTS:
        raise ValueError(f"output: expected one of {', '.join(OUTPUTS)}, found {output!r}")
    if output == "numpy" and not hasattr(np.dtypes, "StringDType"):
        raise ValueError(f"output='numpy' needs NumPy 2, found {np.__version__}")
    if (vocabulary is None) == (output == "ids"):
        raise ValueError("vocabulary: expected one with output='ids', and with no other output")
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        vocabulary = Vocabulary(vocabulary)
    if dtype not in ("int32", "int64"):
        raise ValueError(f"dtype: expected 'int64' or 'int32', found {dtype!r}")
    rank, world_size = 0, 1
    if shard is not None:
        try:
            rank, world_size = shard
        except (TypeError, ValueError):
            raise TypeError(f"shard: expected (rank, world_size), found {shard!r}") from None
    world_size = whole("world_size", world_size, 1, MAX_WORLD_SIZE)
    encoding, errors = _encoding(encoding), _handler(errors)
    if shuffle and not (encoding in ENCODINGS.values() and errors in HANDLERS):
        raise ValueError(
            f"shuffle: expected an encoding among {', '.join(ENCODINGS.values())}, found {encoding} {errors}"
        )
    read_size = whole("_read_size", _read_size or TextPlan.read_size, 1, 2**30)
    ahead = TextPlan.prefetch_bytes if prefetch_bytes is None else whole("prefetch_bytes", prefetch_bytes, 1, 2**40)
    return TextPlan(
        paths=paths,
        item=item,
        batch_size=whole("batch_size", batch_size, 1, MAX_BATCH_SIZE),
        encoding=encoding,
        errors=errors,
        keepends=bool(keepends),
        block_size=whole("block_size", block_size, 1, MAX_BATCH_SIZE),
        window=whole("window", window, 1, MAX_BATCH_SIZE),
        output=output,
        vocabulary=vocabulary,
        dtype=dtype,
        threads=None if threads is None else whole("threads", threads, 1, 1024),
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


def _generate(implementation: TextImplementation, plan: TextPlan) -> Generator[list[str], None, None]:
    place, made_by = Place(), process.current
    run = implementation.start(plan, 0, place, {})
    try:
        while (batch := run.next()) is not None:
            if batch is False:
                raise ClosedError("the generator was closed")
            yield batch
            if process.current is not made_by:  # a forked child has no threads yet
                _, _, unit, byte, items = run.progress()
                place, made_by = Place(place.items + items, unit, byte), process.current
                run = implementation.start(plan, 0, place, {})
    finally:
        run.close()
