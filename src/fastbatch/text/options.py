# SPDX-License-Identifier: MIT
"""The common options of loaders of words and of lines, defined and checked once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal, SupportsIndex, TypedDict

import numpy as np

from fastbatch.checks import MAX_INT64, MAX_SEED, codec_named, flag, handler_named, shown, whole
from fastbatch.plan.ranks import checked_ranks, rank_and_size
from fastbatch.source.compressed import codec_name

from .plan import ENCODINGS, HANDLERS, TextPlan
from .vocabulary import Vocabulary

SHUFFLES: dict[bool | str, bool | str] = {False: False, True: "line", "line": "line", "block": "block"}
OUTPUTS = ("str", "numpy", "offsets", "ids")


@dataclass(frozen=True)
class TextOptions:
    """Encoding, order, batches and threads of a loader of text.

    Attributes:
        encoding: As for `open`. UTF-8, ASCII and Latin-1 are decoded natively, other encodings by Python.
        errors: Error handler of the encoding, as for `open`.
        shuffle: "line" (or True): lines in a new random order in each epoch. "block": blocks of `block_size`
            neighbouring lines in random order, and lines shuffled within each `window` blocks. The words of a line stay
            together.
        seed: Together with the epoch, determines the order.
        drop_last: Omit a smaller last batch.
        shard: `(rank, world_size)`: every world_size-th batch, starting at `rank`; or "auto": see `LoaderOptions`.
        block_size: Lines in a block; only used with shuffle="block".
        window: Number of blocks whose lines are shuffled together; only used with shuffle="block".
        threads: Threads that read and split; None: one, or the CPUs available to this process for offsets and ids.
        read_size: Bytes per read; None: 128 KiB.
        prefetch_bytes: Text that is read and split ahead; None: 512 KiB.
    """

    encoding: str = "utf-8"
    errors: str = "strict"
    shuffle: bool | Literal["line", "block"] = False
    seed: SupportsIndex = 0
    drop_last: bool = False
    shard: tuple[int, int] | Literal["auto"] | None = None
    block_size: SupportsIndex = 4096
    window: SupportsIndex = 16
    threads: SupportsIndex | None = None
    read_size: SupportsIndex | None = None
    prefetch_bytes: SupportsIndex | None = None

    def plan(
        self,
        item: Literal["word", "line"],
        paths: tuple[bytes, ...],
        batch_size: Any,
        *,
        output: str = "str",
        keepends: bool = True,
        vocabulary: Any = None,
        dtype: str = "int64",
    ) -> TextPlan:
        """Return the plan for these files.

        Raises:
            TypeError, ValueError, LookupError: An option out of range, or an unknown encoding; the message names it.
        """
        shuffle, encoding, errors = self._checked_shuffle()
        vocabulary = _checked_output(output, vocabulary, dtype)
        packed = next((path for path in paths if codec_name(path)), None)
        if shuffle and packed is not None:
            raise ValueError(
                f"shuffle: expected files whose lines can be read in any order, found {os.fsdecode(packed)} "
                "(decompress it first; or stream(path, shuffle_buffer=...) shuffles within a buffer)"
            )
        mine = checked_ranks(*rank_and_size(self.shard))
        read_size, ahead = self.read_size, self.prefetch_bytes
        return TextPlan(
            paths=paths,
            item=item,
            batch_size=whole("batch_size", batch_size, 1, MAX_INT64),
            encoding=encoding,
            errors=errors,
            keepends=flag("keepends", keepends),
            block_size=whole("block_size", self.block_size, 1, MAX_INT64),
            window=whole("window", self.window, 1, MAX_INT64),
            output=output,
            vocabulary=vocabulary,
            dtype=dtype,
            threads=None if self.threads is None else whole("threads", self.threads, 1, 1024),
            shuffle=SHUFFLES[shuffle],
            seed=whole("seed", self.seed, 0, MAX_SEED),
            drop_last=flag("drop_last", self.drop_last),
            rank=mine.rank,
            world_size=mine.world_size,
            found_by=mine.source,
            read_size=TextPlan.read_size if read_size is None else whole("read_size", read_size, 1, 2**30),
            prefetch_bytes=TextPlan.prefetch_bytes if ahead is None else whole("prefetch_bytes", ahead, 1, 2**40),
        )

    def _checked_shuffle(self) -> tuple[bool | str, str, str]:
        shuffle = self.shuffle
        if not isinstance(shuffle, (bool, str)) or shuffle not in SHUFFLES:
            raise ValueError(f"shuffle: expected False, 'line' or 'block', found {shown(shuffle)}")
        encoding, errors = _encoding(self.encoding), handler_named(self.errors)
        if shuffle and not (encoding in ENCODINGS.values() and errors in HANDLERS):
            raise ValueError(
                f"shuffle: expected an encoding among {', '.join(ENCODINGS.values())}, found {encoding} {errors}"
            )
        return shuffle, encoding, errors


class TextKeywords(TypedDict, total=False):
    """The fields of `TextOptions` as keyword arguments, for type checkers."""

    encoding: str
    errors: str
    shuffle: bool | Literal["line", "block"]
    seed: SupportsIndex
    drop_last: bool
    shard: tuple[int, int] | Literal["auto"] | None
    block_size: SupportsIndex
    window: SupportsIndex
    threads: SupportsIndex | None
    read_size: SupportsIndex | None
    prefetch_bytes: SupportsIndex | None


def _checked_output(output: Any, vocabulary: Any, dtype: Any) -> Vocabulary | None:
    """Return the vocabulary that this output needs."""
    if not isinstance(output, str) or output not in OUTPUTS:
        raise ValueError(f"output: expected one of {', '.join(OUTPUTS)}, found {shown(output)}")
    if output == "numpy" and not hasattr(np.dtypes, "StringDType"):
        raise ValueError(f"output='numpy' needs NumPy 2, found {np.__version__}")
    if (vocabulary is None) == (output == "ids"):
        raise ValueError("vocabulary: expected one with output='ids', and with no other output")
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        vocabulary = Vocabulary(vocabulary)
    if dtype not in ("int32", "int64"):
        raise ValueError(f"dtype: expected 'int64' or 'int32', found {shown(dtype)}")
    return vocabulary  # type: ignore[no-any-return]


def _encoding(name: str) -> str:
    info = codec_named(name)
    if not getattr(info, "_is_text_encoding", True):
        raise LookupError(f"{shown(name)} is not a text encoding")
    return ENCODINGS.get(info.name, info.name)
