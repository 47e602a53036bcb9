# SPDX-License-Identifier: MIT
"""The images in tar archives, and the labels and masks beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.source.image_folder import known_extensions
from fastbatch.source.ranges import RangeSamples

from .archive import Archive
from .labels import CLASS, labels_of, split_label


def images_in(archive: Archive, column: str | None, labels: Any) -> tuple[NDArray[np.int64], RangeSamples, Any]:
    """Return the numbers of the samples with an image, the images, and their labels (see `labels_of`).

    Args:
        column: The extension of the images; None: the one that is an image's.

    Raises:
        FormatError: A sample with a label but without an image.
        ValueError: No images, or a sample with several and no `column`.
    """
    kinds = (
        [one for one in archive.extensions if one in known_extensions()]
        if column is None
        else [column.removeprefix(".")]
    )
    counts = np.sum([archive.has(one) for one in kinds], axis=0, dtype=np.int64) if kinds else np.zeros(len(archive))
    of = np.flatnonzero(counts)
    if len(of) == 0:
        wanted = "an image" if column is None else f".{column.removeprefix('.')}"
        there = ", ".join(f".{one}" for one in archive.extensions)
        raise ValueError(f"{archive.files[0].path}: expected members that are {wanted}, found {there}")
    several = np.flatnonzero(counts > 1)
    if len(several):
        found = " and ".join(one for one in kinds if archive.has(one)[several[0]])
        where = f"{archive.files[int(archive.file[several[0]])].path}: {archive.key(int(several[0]))}"
        raise ValueError(f"column: expected the extension of the images, since {where} has {found}")
    of_label = CLASS if labels == "infer" else split_label(labels)[0] if isinstance(labels, str) else ""
    lost = np.flatnonzero(archive.has(of_label) & (counts == 0))
    if len(lost):
        raise archive.without(int(lost[0]), " or ".join(f".{one}" for one in kinds))
    return of, archive.members(kinds, of), labels_of(archive, labels, of)


def masks_in(archive: Archive, masks: Any, of: NDArray[np.int64]) -> Any:
    """Return the masks of the images: the members with an extension given as ".seg.png", or anything else as it is."""
    if not isinstance(masks, str):
        return masks
    if not masks.startswith(".") or len(masks) == 1:
        raise ValueError(f"masks: expected the extension of members, such as '.seg.png', found {shown(masks)}")
    return archive.members([masks[1:].lower()], of)
