# SPDX-License-Identifier: MIT
"""What the transforms of one sample do to its pixels, without pixels: one crop, one resize, padding, flips, colours.

Transforms call the methods in their order. Operations that only move pixels are merged: a crop of a padded, resized
image becomes the part of the resized image that is wanted, and its place in the slot.

Images of one size may share a canvas: places and flips are then arrays, with a number per image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.native.drawn import CHANGE_COLUMNS, CHANGES, GEOMETRY

_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE, _GREY, _FLIP, _VERTICAL_FLIP, _AFFINE = range(len(CHANGES))


Place = Any  # int, or an array with a number per image
Choice = Any  # bool, or an array of them


class Canvas:
    """The image of one sample, or of many, as the transforms so far leave it. Threads: one at a time.

    Attributes:
        width, height: Of the image now.
        changes: Of all pixels, after crop, resize and flips: (kind, values).
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.changes: list[tuple[float, ...]] = []
        self._image = (width, height)
        self._source: tuple[Place, ...] = (0, 0, width, height)
        self._scaled: tuple[int, int] | None = None  # None: not resized
        self._part: tuple[Place, ...] = (0, 0, width, height)  # of the source, or of the resized source
        self._left: Place = 0  # of the part
        self._top: Place = 0
        self._flip: Choice = False
        self._vertical_flip: Choice = False
        self._erased = (0, 0, 0, 0)

    def resize(self, width: int, height: int) -> None:
        """Resize the whole image: once, and before anything else than crops. Raises ValueError."""
        if (width, height) == (self.width, self.height):
            return
        x, y, w, h = self._part
        if self._scaled is not None or _any(w != self.width) or _any(h != self.height):
            raise ValueError("an image that was padded or resized is not resized natively")
        self._source = (x, y, w, h)
        self._scaled = (width, height)
        self._part = (0, 0, width, height)
        self.width, self.height = width, height

    def pad(self, left: int, top: int, right: int, bottom: int) -> None:
        """Add pixels around the image; negative numbers crop it."""
        self.crop(-left, -top, self.width + left + right, self.height + top + bottom)

    def crop(self, left: Place, top: Place, width: int, height: int) -> None:
        """Keep a rectangle; what lies outside the image is padding. It refers to the image as it looks: flipped."""
        left = _where(self._flip, self.width - left - width, left)
        top = _where(self._vertical_flip, self.height - top - height, top)
        x, y, w, h = self._part
        x, self._left, w = _cut(x, self._left - left, w, width)
        y, self._top, h = _cut(y, self._top - top, h, height)
        if _any(w <= 0) or _any(h <= 0):
            raise ValueError("nothing of the image is left")
        self._part = (x, y, w, h)
        self.width, self.height = width, height

    def flip(self, chosen: Choice = True) -> None:
        """Mirror the image, left to right."""
        if not self._is_turned():
            self._flip = self._flip != chosen
        elif chosen:
            self.changes.append((_FLIP,))

    def vertical_flip(self, chosen: Choice = True) -> None:
        """Mirror the image, top to bottom."""
        if not self._is_turned():
            self._vertical_flip = self._vertical_flip != chosen
        elif chosen:
            self.changes.append((_VERTICAL_FLIP,))

    def _is_turned(self) -> bool:
        """Return whether a flip comes after a change that depends on where pixels are."""
        return any(change[0] == _AFFINE for change in self.changes)

    def affine(self, matrix: Sequence[float], bilinear: bool, fill: Sequence[int]) -> None:
        """Take each pixel from where Pillow's matrix says; outside of the image, `fill`."""
        packed = sum(byte << 8 * i for i, byte in enumerate(fill))
        self.changes.append((_AFFINE, *matrix, bilinear, packed))

    def brightness(self, factor: float) -> None:
        self.changes.append((_BRIGHTNESS, factor))

    def contrast(self, factor: float) -> None:
        self.changes.append((_CONTRAST, factor))

    def saturation(self, factor: float) -> None:
        self.changes.append((_SATURATION, factor))

    def hue(self, factor: float) -> None:
        """Rotate the hue by a share of a turn, as torchvision rounds it to bytes."""
        self.changes.append((_HUE, int(factor * 255) % 256))

    def grey(self) -> None:
        self.changes.append((_GREY, 0))

    def erase(self, left: int, top: int, width: int, height: int) -> None:
        """Erase a rectangle of the result."""
        self._erased = (left, top, width, height)

    def row(self) -> tuple[Place, ...]:
        """Return the row of a geometry (see `GEOMETRY`)."""
        if self._scaled is None:
            source, scaled, wanted = self._part, self._part[2:], (0, 0, *self._part[2:])
        else:
            source, scaled, wanted = self._source, self._scaled, self._part
        flips = (self._flip, self._vertical_flip)
        return (*self._image, *source, *scaled, *wanted, self._left, self._top, *flips, *self._erased)

    def rows(self, n: int) -> NDArray[np.int64]:
        """Return the geometry of the `n` images that share the canvas."""
        geometry = np.empty((len(GEOMETRY), n), np.int64)
        for column, numbers in zip(geometry, self.row(), strict=True):
            column[:] = numbers
        return geometry.T


def _any(found: Choice) -> bool:
    return found if isinstance(found, bool) else bool(found.any())


def _where(chosen: Choice, yes: Place, no: Place) -> Place:
    if isinstance(chosen, bool):
        return yes if chosen else no
    return np.where(chosen, yes, no)


def _cut(begin: Place, offset: Place, length: Place, size: int) -> tuple[Place, Place, Place]:
    """Return (begin, offset, length) of what is left of a part that lies at `offset` of an axis of `size` pixels."""
    if isinstance(offset, int) and isinstance(length, int):
        hidden = max(0, -offset)
        return begin + hidden, offset + hidden, min(length - hidden, size - offset - hidden)
    hidden = np.maximum(0, -offset)
    return begin + hidden, offset + hidden, np.minimum(length - hidden, size - offset - hidden)


def geometry_of(canvases: Sequence[Canvas]) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Return the geometry of a batch, and its changes."""
    geometry = np.array([canvas.row() for canvas in canvases], np.int64).reshape(len(canvases), len(GEOMETRY))
    listed = [(i, *change) for i, canvas in enumerate(canvases) for change in canvas.changes]
    if not listed:
        return geometry, None
    changes = np.zeros((len(listed), CHANGE_COLUMNS))
    for row, change in zip(changes, listed, strict=True):
        row[: len(change)] = change
    return geometry, changes
