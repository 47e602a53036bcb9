# SPDX-License-Identifier: MIT
"""What the parts of a batch are: images, masks, boxes, points, labels, series, tokens, text, numbers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_COLOURS = (1, 3, 4)
_MOST_PLAIN = 16  # numbers of a sample that are shown as numbers


@dataclass(frozen=True)
class Part:
    """One leaf of a batch.

    Attributes:
        name: Its place in the batch: "x", "y", a key.
        kind: "images", "masks", "boxes", "points", "labels", "series", "tokens", "text" or "numbers".
        values: One item per sample. Images: uint8 (n, height, width, channels). Series: (n, length, channels).
        names: Of labels: the names of the classes, or None.
    """

    name: str
    kind: str
    values: Any
    names: tuple[str, ...] | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether it is drawn; the others are listed in a table."""
        return self.kind in ("images", "masks", "boxes", "points", "series")


def first(loader: Any, n: int) -> tuple[Any, int]:
    """Return the first samples of a loader in the structure of a batch, at most `n`, and their number.

    Raises:
        ValueError: The loader has no batches.
    """
    batches, count, lists_are_samples = [], 0, _has_lists_of_samples(loader)
    iterator = iter(loader)
    try:
        for made in iterator:
            batch = _texts(made) if _has_offsets(loader) else made
            batches.append(batch)
            count += samples_in(batch, lists_are_samples)
            if count >= n:
                break
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
    if not batches:
        raise ValueError("preview: the loader has no batches")
    return _joined(batches, min(n, count), lists_are_samples), min(n, count)


def _has_offsets(loader: Any) -> bool:
    """Return whether batches are one text and the offsets of its items."""
    return not loader._steps and getattr(loader._plan, "output", None) == "offsets"


def _texts(batch: tuple[Any, Any]) -> list[Any]:
    """Return the items of a text with offsets."""
    text, offsets = batch
    return [bytes(text[begin:end]) for begin, end in itertools.pairwise(offsets.tolist())]


def _has_lists_of_samples(loader: Any) -> bool:
    """Return whether lists of arrays in a batch have an item per sample, as boxes have, and are no structure."""
    return getattr(getattr(loader, "recipe", None), "kind", "") == "images"


def samples_in(batch: Any, lists_are_samples: bool) -> int:
    """Return the number of samples in a batch: the length of its first leaf."""
    for _, leaf in leaves(batch, lists_are_samples):
        return len(leaf) if hasattr(leaf, "__len__") else 1
    return 0


def _is_structure(batch: Any, lists_are_samples: bool) -> bool:
    if isinstance(batch, list) and not lists_are_samples:
        return bool(batch) and all(isinstance(part, (np.ndarray, Mapping, tuple)) for part in batch)
    return isinstance(batch, tuple)


def leaves(batch: Any, lists_are_samples: bool, name: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of a batch with their names. A list of texts is a leaf with an item per sample."""
    if isinstance(batch, Mapping):
        named = [(f"{name}.{key}".lstrip("."), part) for key, part in batch.items()]
    elif _is_structure(batch, lists_are_samples):
        names = [f"{name}[{i}]" for i in range(len(batch))] if name else ["x", "y", *map(str, range(2, len(batch)))]
        named = list(zip(names, batch, strict=False))
    else:
        return [(name or "x", batch)]
    return [leaf for one, part in named for leaf in leaves(part, lists_are_samples, one)]


def _joined(batches: list[Any], n: int, lists_are_samples: bool) -> Any:
    """Return the first `n` samples of batches of one structure."""
    one = batches[0]
    if isinstance(one, Mapping):
        return {key: _joined([batch[key] for batch in batches], n, lists_are_samples) for key in one}
    if _is_structure(one, lists_are_samples):
        parts = [_joined([batch[i] for batch in batches], n, lists_are_samples) for i in range(len(one))]
        return type(one)(*parts) if hasattr(one, "_fields") else type(one)(parts)
    if isinstance(one, list):
        return [item for batch in batches for item in batch][:n]
    if isinstance(one, np.ndarray) and one.ndim:
        return np.concatenate([np.asarray(batch) for batch in batches])[:n]
    return batches[:n]


def parts(loader: Any, batch: Any) -> list[Part]:
    """Return the parts of a batch of a loader."""
    recipe = getattr(loader, "recipe", None)
    kind = getattr(recipe, "kind", "")
    columns = [type(getattr(c, "inner", c)).__name__ for c in getattr(recipe, "columns", ())]
    found: list[Part] = []
    for name, leaf in leaves(batch, _has_lists_of_samples(loader)):
        found.append(_part(name, leaf, kind, columns, loader, found))
    return found


def _part(name: str, leaf: Any, kind: str, columns: list[str], loader: Any, before: list[Part]) -> Part:
    if isinstance(leaf, list):
        return _list(name, leaf, before)
    array = np.asarray(leaf)
    n_images = sum(part.kind == "images" for part in before)
    if array.dtype.kind in "USO":
        return Part(name, "text", array.tolist())
    if kind == "images" and array.ndim == 3 and n_images and "MaskColumn" in columns:
        return Part(name, "masks", array)
    pixels = _pixels(array, loader, is_sure=kind == "images" and not n_images)
    if pixels is not None:
        return Part(name, "images", pixels)
    if kind == "windows" and array.dtype.kind in "fiu" and array.ndim in (2, 3) and array.shape[1] > 1:
        return Part(name, "series", array.reshape(*array.shape[:2], -1))
    if kind == "tokens" and array.ndim == 2:
        return Part(name, "tokens", array)
    if array.ndim == 1 and array.dtype.kind in "iub":
        return Part(name, "labels", array, getattr(loader, "class_names", None))
    if array.ndim == 2 and array.dtype.kind == "f" and array.shape[1] > _MOST_PLAIN:
        return Part(name, "series", array[:, :, None])
    return Part(name, "numbers", array)


def _list(name: str, leaf: list[Any], before: list[Part]) -> Part:
    is_text = all(isinstance(item, (str, bytes)) for item in leaf)
    has_images = any(part.kind == "images" for part in before)
    arrays = [item for item in leaf if isinstance(item, np.ndarray) and item.ndim == 2]
    if has_images and leaf and len(arrays) == len(leaf):
        has_boxes = any(part.kind == "boxes" for part in before)
        is_box = not has_boxes and all(item.shape[1] >= 4 for item in arrays)
        return Part(name, "boxes" if is_box else "points", leaf)
    return Part(name, "text" if is_text else "numbers", leaf)


def _pixels(array: Any, loader: Any, is_sure: bool) -> Any:
    """Return images as bytes (n, height, width, channels), with their mean and scale undone; None if it is no image."""
    if array.ndim == 3 and is_sure:
        array = array[..., None]
    if array.ndim != 4 or array.dtype.kind not in "fu" or min(array.shape[1:], default=0) < 1:
        return None
    first_axis, last_axis = array.shape[1] in _COLOURS, array.shape[3] in _COLOURS
    if not (first_axis or last_axis) or (not is_sure and max(array.shape[1:]) < 8):
        return None
    is_first = first_axis and not (last_axis and array.shape[1] > array.shape[3])
    if is_first and not (last_axis and array.shape[3] == 3 and array.shape[1] != 3):
        array = np.moveaxis(array, 1, -1)
    if array.dtype == np.uint8:
        return array
    return _as_bytes(array.astype(np.float32), _conversion(loader) if is_sure else None)


def _conversion(loader: Any) -> Any:
    """Return the conversion of the loader's images, or None."""
    columns = getattr(getattr(loader, "recipe", None), "columns", ())
    column = getattr(columns[0], "inner", columns[0]) if columns else None
    options = getattr(column, "_options", None)
    if options is None:
        options = next((one for one in getattr(column, "_arguments", ()) if hasattr(one, "conversion")), None)
    return getattr(options, "conversion", None)


def _as_bytes(images: Any, conversion: Any) -> Any:
    scale, shift = getattr(conversion, "scale", ()), getattr(conversion, "shift", ())
    if len(scale) in (1, images.shape[-1]) and not getattr(conversion, "standardize", False):
        pixels = (images - np.asarray(shift, np.float32)) / np.asarray(scale, np.float32)
        if float(np.nanmin(pixels)) >= -16 and float(np.nanmax(pixels)) <= 271:
            return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    low, high = float(np.nanmin(images)), float(np.nanmax(images))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255 and high > 1.5:
        low, high = 0.0, 255.0
    pixels = (images - low) * (255 / max(high - low, 1e-12))
    return np.clip(np.nan_to_num(pixels), 0, 255).astype(np.uint8)
