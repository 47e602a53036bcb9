# SPDX-License-Identifier: MIT
"""The members of one archive grouped into samples, as WebDataset does it: those of one name up to its first dot."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import FormatError


class Members(NamedTuple):
    """The regular files in an archive, in its order.

    Attributes:
        names: As in the archive.
        offsets, sizes: uint64, where their content is in the archive, in bytes.
    """

    names: list[bytes]
    offsets: NDArray[np.uint64]
    sizes: NDArray[np.uint64]


class Groups(NamedTuple):
    """The samples of an archive, in the order of the first member of each.

    Attributes:
        keys: The name of each sample: of its members, up to the first dot behind the last slash.
        extensions: What follows that dot, in lower case, in the order of the first occurrence.
        samples, kinds: int64, the sample and the extension of each member that belongs to one.
        offsets, sizes: uint64, where the members are in the archive, in bytes.
    """

    keys: list[bytes]
    extensions: list[bytes]
    samples: NDArray[np.int64]
    kinds: NDArray[np.int64]
    offsets: NDArray[np.uint64]
    sizes: NDArray[np.uint64]


def grouped(path: str, members: Members) -> Groups:
    """Return the samples of an archive; members without a dot, and those about the archive, belong to none.

    Raises:
        FormatError: A sample has two members of one extension.
    """
    found: dict[bytes, int] = {}
    extensions: dict[bytes, int] = {}
    written: dict[bytes, int] = {}  # the number of an extension by its spelling in the archive
    samples, kinds, used = [], [], []
    for i, name in enumerate(members.names):
        base = name.rfind(b"/") + 1
        dot = name.find(b".", base)
        if dot <= base or (name.startswith(b"__") and _is_about(name)):
            continue
        extension = name[dot + 1 :]
        kind = written.get(extension)
        if kind is None:
            kind = written[extension] = extensions.setdefault(extension.lower(), len(extensions))
        samples.append(found.setdefault(name[:dot], len(found)))
        kinds.append(kind)
        used.append(i)
    at = np.array(used, np.int64)
    groups = Groups(
        list(found),
        list(extensions),
        np.array(samples, np.int64),
        np.array(kinds, np.int64),
        members.offsets[at],
        members.sizes[at],
    )
    cells = groups.samples * len(extensions) + groups.kinds
    order = np.argsort(cells, kind="stable")
    twice = np.flatnonzero(cells[order][1:] == cells[order][:-1])
    if len(twice):
        again = used[int(order[int(twice[0]) + 1])]
        raise FormatError(
            "duplicate member",
            path=path,
            offset=int(members.offsets[again]),
            expected="each name once",
            found=f"{shown(os.fsdecode(members.names[again]))} again",
        )
    return groups


def _is_about(name: bytes) -> bool:
    """Return whether a member is about the archive, not data: in a folder such as `__info__`, as in WebDataset."""
    folder, slash, _ = name.partition(b"/")
    return bool(slash) and folder.startswith(b"__") and folder.endswith(b"__")
