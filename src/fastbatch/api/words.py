# SPDX-License-Identifier: MIT
"""`words`, `lines`, `text_generator`, `vocabulary`: the words and lines of text files."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, Literal

from fastbatch.batch.tree import is_path
from fastbatch.calls import takes
from fastbatch.checks import MAX_INT64, refuse_unordered, shown, whole
from fastbatch.errors import ClosedError
from fastbatch.loader import fork as process
from fastbatch.source.compressed import codec_name
from fastbatch.source.foreign import refuse_container
from fastbatch.source.local_file import path_bytes
from fastbatch.source.patterns import matching
from fastbatch.text.loader import TextLoader
from fastbatch.text.options import TextKeywords, TextOptions
from fastbatch.text.plan import Place, TextImplementation, TextPlan
from fastbatch.text.vocabulary import Vocabulary

from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack

MOST_LOOKED_INTO = 16  # files whose content is looked at before they are read as text; of the others, the name


def text_generator(
    backend: Backend,
    filepath: Any,
    batch_size: int,
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    drop_last: bool = False,
    shard: tuple[int, int] | Literal["auto"] | None = None,
) -> Generator[list[str], None, None]:
    """Return a generator of lists of `batch_size` words of a text file; the last list may be shorter.

    Words are those of `str.split()`; lists continue across ends of lines. The generator can be read once; `words`
    returns a loader that can be read again.

    Args:
        filepath: A regular file. It is opened when the first batch is requested.
        batch_size: Words in a list.
        encoding: As for `open`. UTF-8, ASCII and Latin-1 are decoded natively, other encodings by Python.
        errors: Error handler of the encoding, as for `open`.
        drop_last: Omit a shorter last list.
        shard: `(rank, world_size)`: every world_size-th list, starting at `rank`; or "auto": see `words`.

    Returns:
        A generator of lists of `str`.

    Raises:
        ValueError, TypeError: An option out of range.
        OSError: By `next()`: the file cannot be read.
        FormatError: By `next()`: the file is of a binary format.
        EncodingError: By `next()`: bytes that are not in the encoding, after the complete lines before them. It is also
            a UnicodeDecodeError.

    Example:
        >>> import fastbatch as fb
        >>> next(fb.text_generator("corpus/a.txt", 5))
        ['the', 'quick', 'brown', 'fox', 'jumps']

    Source: `csrc/text/run.cpp`.
    """
    if not is_path(filepath):
        raise TypeError(f"filepath: expected a path, found {shown(filepath)}")
    path = path_bytes("filepath", filepath)
    options = TextOptions(encoding=encoding, errors=errors, drop_last=drop_last, shard=shard)
    return _generate(backend.text, options.plan("word", (path,), batch_size), path)


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
    """Return a loader over the words of text files.

    A word is a maximal run of characters that are not white space, as in `str.split()`, and ends with its file.

    Args:
        paths: One path or several. A `str` with `*`, `?` or `[` that is not a file is a pattern; its files are sorted,
            and `**` includes sub-folders.
        batch_size: Words in a batch; the last batch may be smaller.
        output: Type of the batches. "str": a list of `str`. "numpy": an array of NumPy's StringDType. "offsets":
            `bytes`, the words in UTF-8 without separators, and int64 offsets; word j is
            `text[offsets[j]:offsets[j + 1]]`. "ids": the numbers of the words in `vocabulary`.
        vocabulary: A `Vocabulary`, or words for one; only valid with output="ids".
        dtype: Type of ids, "int64" or "int32".
        encoding: As for `text_generator`; with `shuffle`, only the encodings that are decoded natively.
        errors: Error handler of the encoding, as for `open`.
        shuffle: "line" (or True): lines in a new random order in each epoch. "block": blocks of `block_size` lines in
            random order, and lines shuffled within each `window` blocks. The words of a line stay together. The files
            are mapped; the first epoch finds the starts of the lines, which take 8 bytes per line.
        seed: Together with the epoch, determines the order.
        drop_last: Omit a smaller last batch.
        shard: `(rank, world_size)`: every world_size-th batch, starting at `rank`. All ranks together give every word
            once; the first ranks may have one batch more. Each rank reads all of the text.
        threads: Threads that read and split; None: one, or the CPUs available to this process for "offsets" and "ids".
        read_size: Bytes per read; None: 128 KiB.
        prefetch_bytes: Text that is read and split ahead; None: 512 KiB.
        options: Remaining options: `TextOptions` (`fastbatch.text.options`).

    Returns:
        A loader of batches in the form of `output`.

    Raises:
        ValueError, TypeError, LookupError: No paths, or an option out of range.
        OSError: A file does not exist; by `next()`: a file cannot be read.
        EncodingError, FormatError: By `next()`: bytes that are not in the encoding, or a file that became shorter.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.words("corpus/a.txt", 4)
        >>> len(loader)
        170
        >>> next(iter(loader))
        ['the', 'quick', 'brown', 'fox']
        >>> vocabulary = fb.vocabulary("corpus/a.txt")
        >>> next(iter(fb.words("corpus/a.txt", 4, output="ids", vocabulary=vocabulary)))
        array([ 0, 13,  1,  3])

    Source: `csrc/text/run.cpp`, `csrc/text/vocabulary.cpp`.
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
    r"""Return a loader over the lines of text files, as `open` gives them.

    Args:
        paths: One path or several, or patterns, as for `words`.
        batch_size: Lines in a batch; the last batch may be smaller.
        keepends: Keep the newline, which is `\n` also if the file has `\r\n` or `\r`. False removes it.
        output: "str", "numpy" or "offsets", as for `words`.
        options: encoding, errors, shuffle, seed, drop_last, shard, ...: see `words` (`TextOptions`).

    Returns:
        A loader of batches in the form of `output`.

    Raises:
        ValueError, TypeError, LookupError, OSError: As for `words`.
        EncodingError, FormatError: By `next()`, as for `words`.

    Example:
        >>> import fastbatch as fb
        >>> next(iter(fb.lines("corpus/*.txt", 2, keepends=False)))
        ['the quick brown fox', 'jumps over the lazy dog']

    Source: `csrc/text/run.cpp`, `csrc/text/shuffled_lines.cpp`.
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
    """Return the vocabulary of text files: their words by decreasing count, words of equal count by their characters.

    Args:
        paths: One path or several, or patterns, as for `words`.
        max_size: Most words to keep; None keeps all.
        min_count: Least count of a word to be kept.
        encoding: As for `text_generator`.
        errors: Error handler of the encoding, as for `open`.
        threads: Threads that count, each with its own table; None: the CPUs available to this process.
        read_size: Bytes per read; None: 128 KiB.

    Returns:
        A `Vocabulary` with counts.

    Raises:
        ValueError, TypeError, LookupError: No paths, or an option out of range.
        OSError: A file does not exist or cannot be read.
        EncodingError, FormatError: Bytes that are not in the encoding, or a file that became shorter.

    Example:
        >>> import fastbatch as fb
        >>> vocabulary = fb.vocabulary("corpus/a.txt", max_size=3)
        >>> vocabulary.words, vocabulary.counts.tolist()
        (('the', 'brown', 'dog'), [160, 40, 40])

    Source: `csrc/text/count_words.cpp`.
    """
    most = 2**31 - 1 if max_size is None else whole("max_size", max_size, 0, 2**31 - 1)
    least = whole("min_count", min_count, 1, MAX_INT64)
    options = TextOptions(encoding=encoding, errors=errors, threads=threads, read_size=read_size)
    counted = backend.text.count_words(options.plan("word", expand(paths), 1), most, least)
    return Vocabulary([word for word, _ in counted], [count for _, count in counted])


def expand(paths: Any) -> tuple[bytes, ...]:
    """Return the files of a path, a pattern, or several of them.

    Raises:
        FileNotFoundError, IsADirectoryError: A path that is not a file, or a pattern without files.
    """
    if is_path(paths):
        paths = [paths]
    elif not isinstance(paths, Iterable) or hasattr(paths, "read"):
        raise TypeError(f"paths: expected a path or several, found {type(paths).__name__}")
    refuse_unordered("paths", paths)
    found: list[bytes] = []
    for path in paths:
        if not is_path(path):
            raise TypeError(f"paths: expected paths, found {type(path).__name__}")
        files = matching("paths", path)
        if files is not None:
            found += files
            continue
        name = path_bytes("paths", path)
        if stat.S_ISDIR(os.stat(os.fsdecode(name)).st_mode):  # as text, for the message
            raise IsADirectoryError(21, os.strerror(21), os.fsdecode(name))
        found.append(name)
    if not found:
        raise ValueError("paths: expected at least one, found none")
    for i, name in enumerate(found):
        _refuse_container(name, i < MOST_LOOKED_INTO)
    return tuple(found)


def _refuse_container(name: bytes, by_content: bool = True) -> None:
    if codec_name(name) is None or b".tar." in os.path.basename(name).lower():
        refuse_container(os.fsdecode(name), "text", "words or lines", by_content)


def _generate(implementation: TextImplementation, plan: TextPlan, path: bytes) -> Generator[list[str], None, None]:
    _refuse_container(path)
    place, made_by = Place(), process.current
    run = implementation.start(plan, 0, place, {})
    try:
        while (batch := run.next()) is not None:
            if batch is False:
                raise ClosedError("the generator was closed")
            yield batch
            if process.current is not made_by:  # a forked child starts its own threads
                _, _, unit, byte, items = run.progress()
                place, made_by = Place(place.items + items, unit, byte), process.current
                run = implementation.start(plan, 0, place, {})
    finally:
        run.close()
