# SPDX-License-Identifier: MIT
"""`words`, `lines`, `text_generator`, `vocabulary`: the words and lines of text files."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, Literal

from fastbatch.batch.tree import is_path
from fastbatch.calls import takes
from fastbatch.checks import MAX_INT64, shown, whole
from fastbatch.errors import ClosedError
from fastbatch.loader import fork as process
from fastbatch.source.local_file import path_bytes
from fastbatch.text.loader import TextLoader
from fastbatch.text.options import TextKeywords, TextOptions
from fastbatch.text.plan import Place, TextImplementation, TextPlan
from fastbatch.text.vocabulary import Vocabulary

from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack


def text_generator(
    backend: Backend,
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
        raise TypeError(f"filepath: expected a path, found {shown(filepath)}")
    path = path_bytes("filepath", filepath)
    options = TextOptions(encoding=encoding, errors=errors, drop_last=drop_last, shard=shard)
    return _generate(backend.text, options.plan("word", (path,), batch_size))


@takes(TextOptions)
def words(
    backend: Backend,
    paths: Any,
    batch_size: int = 1024,
    *,
    output: Literal["str", "numpy", "offsets", "ids"] = "str",
    vocabulary: Any = None,
    dtype: Literal["int64", "int32"] = "int64",
    **options: Unpack[TextKeywords],
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
        read_size: Bytes read at a time; None is 128 KiB.
        prefetch_bytes: Text that is read and searched ahead; None is 512 KiB.

    Raises:
        ValueError: No paths, options out of range.
        OSError: A file that is not there; by `next()`, one that cannot be read.
        EncodingError, FormatError: By `next()`: bytes that are not in the encoding, a file that became shorter.
    """
    files, chosen = expand(paths), TextOptions(**options)
    plan = chosen.plan("word", files, batch_size, output=output, vocabulary=vocabulary, dtype=dtype)
    return TextLoader(backend.text, plan)


@takes(TextOptions)
def lines(
    backend: Backend,
    paths: Any,
    batch_size: int = 1024,
    *,
    keepends: bool = True,
    output: Literal["str", "numpy", "offsets"] = "str",
    **options: Unpack[TextKeywords],
) -> TextLoader:
    r"""Return a loader over the lines of text files, as `open` gives them, in batches of `batch_size`.

    Args:
        paths, output, encoding, errors, shuffle, ...: As for `words`; lines have no ids.
        keepends: Keep the newline, which is `\n` also where the file has `\r\n` or `\r`; False leaves it out.
    """
    if str(output) == "ids":
        raise ValueError("output: expected 'str', 'numpy' or 'offsets' for lines, found 'ids'")
    files, chosen = expand(paths), TextOptions(**options)
    return TextLoader(backend.text, chosen.plan("line", files, batch_size, output=output, keepends=keepends))


def vocabulary(
    backend: Backend,
    paths: Any,
    max_size: int | None = None,
    *,
    min_count: int = 1,
    encoding: str = "utf-8",
    errors: str = "strict",
    threads: int | None = None,
    read_size: int | None = None,
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
    least = whole("min_count", min_count, 1, MAX_INT64)
    options = TextOptions(encoding=encoding, errors=errors, threads=threads, read_size=read_size)
    counted = backend.text.count_words(options.plan("word", expand(paths), 1), most, least)
    return Vocabulary([word for word, _ in counted], [count for _, count in counted])


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
        name = path_bytes("paths", path)
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
