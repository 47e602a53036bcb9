# SPDX-License-Identifier: MIT
"""Image files -> pixels of one size, by native code where it knows the format and by Pillow for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from .image_utils import Array, load_img

BYTES_AHEAD = 32 << 20
CHANNELS = {"rgba": 4, "rgb": 3, "grayscale": 1}


class Images:
    """Decoded images of a batch, channels last.

    Attributes:
        pixels: uint8, (n, height, width, channels).
        wide: Those that have more than 8 bits, by their place.
    """

    def __init__(self, pixels: Array) -> None:
        self.pixels = pixels
        self.wide: dict[int, Array] = {}

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> Array:
        pixels: Array = self.pixels[i]
        return self.wide.get(i, pixels)


class FileDecoder:
    """Decodes some of a list of files. Threads: any."""

    def __init__(
        self, paths: list[str], color_mode: str, size: tuple[int, ...], interpolation: str, keep_aspect_ratio: bool
    ) -> None:
        self._paths = paths
        self._n = len(paths)
        self._names = list(paths)
        self._color_mode = color_mode
        self._size: Any = size
        self._interpolation = interpolation
        self._keep_aspect_ratio = keep_aspect_ratio
        self._shape = (*size, CHANNELS[color_mode])

    def is_for(self, paths: list[str], indices: Array) -> bool:
        """Return whether these are the files it knows, as far as `indices` go: users may change the list."""
        return (
            paths is self._paths and len(paths) == self._n and all(paths[j] == self._names[j] for j in indices.tolist())
        )

    def depth(self, batch_size: int) -> int:
        """Return how many batches to decode ahead."""
        n_bytes = max(1, batch_size) * int(np.prod(self._shape))
        return max(1, min(8, BYTES_AHEAD // max(1, n_bytes)))

    def empty(self, n: int) -> Images:
        """Return room for n images."""
        return Images(np.empty((n, *self._shape), dtype=np.uint8))

    def decode(self, indices: Array, images: Images, at: int) -> None:
        """Decode files to their places from `at` on.

        Raises:
            OSError: A file cannot be read, or is no image; names the file.
        """
        for place, j in enumerate(indices.tolist(), start=at):
            self._decode_by_pillow(self._names[j], images, place)

    def _decode_by_pillow(self, path: str, images: Images, place: int) -> None:
        with load_img(path, self._color_mode, self._size, self._interpolation, self._keep_aspect_ratio) as img:
            pixels = np.asarray(img)
        pixels = pixels.reshape(self._shape)
        if pixels.dtype == np.uint8:
            images.pixels[place] = pixels
        else:
            images.wide[place] = pixels
