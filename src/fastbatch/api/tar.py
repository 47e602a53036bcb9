# SPDX-License-Identifier: MIT
"""`tar`: a loader over the samples of tar archives."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.calls import takes
from fastbatch.checks import flag, listed, shown
from fastbatch.loader.engine import Recipe
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.source.tar.archive import open_archive
from fastbatch.source.tar.batch import PackMembers, decoders

from .arrays import numbers_column
from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack

Path = str | os.PathLike[str]


@takes(LoaderOptions)
def tar(
    backend: Backend,
    paths: Path | Sequence[Path],
    columns: Sequence[str] | None = None,
    *,
    decode: bool | Mapping[str, Callable[[bytes], Any]] = True,
    index_cache: bool = True,
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over the samples of tar archives, as of WebDataset: batches are dicts of lists and arrays.

    Members of one name up to its first dot are one sample; what follows the dot, in lower case, is the key of the dict.
    Nothing is unpacked: the archives are listed once, and samples are read in any order. `images` takes the same
    archives and decodes their images natively.

    Args:
        paths: Plain tar archives (ustar, GNU or PAX): a path, a pattern (`"shards/*.tar"`), `"shards/{000..099}.tar"`,
            or a list. Compressed archives are refused.
        columns: Extensions of the members to read; None: those of the first sample. Each sample must have them.
        decode: True: by the extension, as WebDataset does: `cls`, `index`, `id` and `count` are int64, `txt` a str,
            `json` the object, `npy` an array, all others bytes. False: all are bytes. Or a dict of functions of the
            bytes for some extensions; the others are decoded by theirs.
        index_cache: Store the list of an archive of more than 1,000 members in the user's cache folder; see
            `src/fastbatch/source/tar/index.py`.
        batch_size: Samples in a batch (32); the last batch may be smaller.
        shuffle: True for a new random order of all samples of all archives in each epoch.
        seed: Together with the epoch, determines the order.
        options: Remaining options: see `LoaderOptions` (`fastbatch.loader.options`). `on_error` is "raise".

    Returns:
        A loader of dicts: `__key__` has the names of the samples; numbers, and arrays of one shape, are an array
        (batch, ...), all else is a list. Members are read by the consumer's thread.

    Raises:
        OSError: An archive cannot be read.
        FormatError: A broken or compressed archive, sparse members, a name twice. By `next()`: a sample without one of
            the columns, or an archive that was replaced or written to.
        DecodeError: By `next()`: a member cannot be decoded.
        ValueError, TypeError: Options out of range.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.tar("shards/{0..1}.tar", batch_size=4)
        >>> batch = next(iter(loader))
        >>> batch["__key__"], batch["cls"].tolist(), len(batch["jpg"])
        (['photo0', 'photo1', 'photo2', 'photo3'], [0, 1, 2, 0], 4)

    Source: `src/fastbatch/source/tar/`, `csrc/source/tar.cpp`.
    """
    flag("index_cache", index_cache)
    chosen = LoaderOptions(**options)
    if chosen.on_error != "raise":
        raise ValueError(
            f"on_error: expected 'raise' with tar(); images() takes others, found {shown(chosen.on_error)}"
        )
    archive = open_archive(backend, paths, index_cache)
    wanted = None if columns is None else listed("columns", columns, "extensions")
    with_index = flag("with_index", chosen.with_index)
    pack = PackMembers(archive, decoders(archive, wanted, decode), with_index)
    parts = [backend.index_column(len(archive), archive.identity, archive.verify)]
    index_column = partial(numbers_column, backend) if with_index else None
    if index_column is not None:
        parts.append(index_column(np.arange(len(archive))))

    def no_labels() -> Any:
        raise ValueError("balance='classes': give the labels of the samples")

    plan = chosen.plan(len(archive), no_labels)
    recipe = Recipe(backend, tuple(parts), pack, chosen.engine())
    return SampleLoader(replace(recipe, index_column=index_column), plan)
