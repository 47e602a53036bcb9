# SPDX-License-Identifier: MIT
"""Lists of images in stores, by the rules of those in folders: `source/image_folder.py`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.checks import shown

from .fetcher import fetcher
from .listing import matching_objects, objects_of
from .samples import ObjectSamples
from .urls import Object, as_url, shown_url

if TYPE_CHECKING:
    from fastbatch.source.image_folder import ImageFiles


def images_at(root: str | None, given: Any) -> ImageFiles:
    """Return the images of a list of URLs, or of names below `root`."""
    from fastbatch.source.image_folder import ImageFiles

    urls = [as_url(path) or f"{(root or '').rstrip('/')}/{os.fsdecode(path)}" for path in given]
    return ImageFiles(ObjectSamples(objects_of(urls)))


def images_below(url: str, infer: bool, class_names: tuple[str, ...] | None, ends: Sequence[str]) -> ImageFiles:
    """Return the images of a pattern, or those of a folder and its sub-folders, which may be classes."""
    from fastbatch.source.image_folder import ImageFiles

    found = matching_objects(url)
    if found is not None:
        return ImageFiles(ObjectSamples(found))
    folder = url.rstrip("/") + "/"
    found = [
        one
        for one in fetcher().list(folder)
        if one.url.startswith(folder) and not any(part.startswith(".") for part in one.url[len(folder) :].split("/"))
    ]
    images = [one for one in found if one.url.rpartition(".")[2].lower() in ends]
    if not infer:
        return ImageFiles(ObjectSamples(_non_empty(images, url, ends)))
    inside = sorted(
        {one.url[len(folder) :].partition("/")[0] for one in found if "/" in one.url[len(folder) :]}, key=os.fsencode
    )
    if not inside and images:
        raise ValueError(
            f"{shown_url(url)}: expected one sub-folder for each class, found images and no sub-folder; "
            "labels=None loads them without labels"
        )
    for name in class_names or ():
        if name not in inside:
            raise ValueError(f"class_names: expected sub-folders of {shown_url(url)}, found {shown(name)}")
    names = class_names or tuple(inside)
    of_class: dict[str, list[Object]] = {name: [] for name in names}
    for one in images:
        of_class.get(one.url[len(folder) :].partition("/")[0], []).append(one)
    chosen = _non_empty([one for name in names for one in of_class[name]], url, ends)
    labels = np.repeat(np.arange(len(names), dtype=np.int64), [len(of_class[name]) for name in names])
    return ImageFiles(ObjectSamples(chosen), labels, names)


def _non_empty(images: Any, url: str, ends: Sequence[str]) -> Any:
    if not images:
        raise ValueError(f"{shown_url(url)}: expected image files ({', '.join(ends)}) below it, found none")
    return images
