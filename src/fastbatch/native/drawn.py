# SPDX-License-Identifier: MIT
"""Batches of images whose random numbers the caller has drawn: the core's threads decode, crop, resize and convert.

A loader of this package draws from its own streams. A caller with generators of its own, as the door to PyTorch, draws
them itself and says for each image what is to be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch import _core
from fastbatch.decode.image_limits import SEEK_INDEX_BYTES
from fastbatch.errors import ClosedError

from . import pillow
from .lazy_loader import LazyLoader

# The columns of a geometry, one row per image; sizes and windows in pixels. `wanted`, a part of the resized `source`,
# lies at (left, top) of the slot.
GEOMETRY = (
    *("width", "height", "source_x", "source_y", "source_width", "source_height", "scaled_width", "scaled_height"),
    *("wanted_x", "wanted_y", "wanted_width", "wanted_height", "left", "top", "flip", "vertical_flip"),
    *("erased_x", "erased_y", "erased_width", "erased_height"),
)
# The kinds of changes, by number, and the columns of their rows: image, kind, and up to 8 values.
CHANGES = ("brightness", "contrast", "saturation", "hue", "grey", "flip", "vertical_flip", "affine")
CHANGE_COLUMNS = 10


class DrawnBatch:
    """A batch under way. Dropping it ends the work."""

    def __init__(self, run: _core.Run, batch: _core.DrawnBatch) -> None:
        self._run = run
        self._batch = batch  # the decoder finds it as long as it lives

    def result(self) -> NDArray[Any]:
        """Wait for the batch and return it. Called once. Raises DecodeError or OSError for the first bad image."""
        made = self._run.next()
        if made is False:
            raise ClosedError("the images were closed")
        assert made is not None
        images: NDArray[Any] = made[1][0]
        return images


class DrawnImages:
    """Decodes batches of images into slots of one size.

    Args:
        arrays: uint8, (n, height, width, channels) or (n, height, width) each: the images, one array after the other.
            Empty: they are files.
        channels: 1 or 3.
        height, width: Of the slot.
        table: (channels, 256): the slot's element for each value of each channel; (1, 256) where images are made
            grey. None: the bytes, channels last.
        planes: With a table: channels first.
        filter: Of the resize.
        exact: Pillow's pixels. False: only the needed part of a file is decoded, at a smaller scale if it is large.
        pad_value: One byte per channel, for pixels of the slot outside the image.
        threads: None: the CPUs available to this process.
        prefetch: Batches that are kept in memory for reuse.

    Threads: any. Fork: works in the child, which starts threads of its own.
    """

    def __init__(
        self,
        *,
        arrays: tuple[NDArray[np.uint8], ...],
        channels: int,
        height: int,
        width: int,
        table: NDArray[Any] | None,
        planes: bool,
        filter: str,
        exact: bool,
        pad_value: Sequence[int],
        threads: int | None,
        prefetch: int,
    ) -> None:
        self.threads: int = threads or _core.available_cpus()
        self.dtype: np.dtype[Any] = np.dtype(np.uint8) if table is None else table.dtype
        first = table is not None and planes
        made = channels if table is None else len(table)
        self.shape: tuple[int, ...] = (made, height, width) if first else (height, width, made)
        self._decoder = _core.DrawnDecoder(
            arrays,
            channels,
            height,
            width,
            None if table is None else table.tobytes(),
            self.dtype.itemsize,
            planes,
            filter,
            exact,
            list(pad_value),
            pillow.is_available(),
            made,
            0 if exact else SEEK_INDEX_BYTES,
        )
        self._loader = LazyLoader(
            [self._decoder], [self.dtype], [self.shape], self.threads, prefetch, advise=False, in_turns=False
        )

    def start(
        self,
        geometry: NDArray[np.int64],
        samples: NDArray[np.int64],
        paths: list[bytes] | None = None,
        changes: NDArray[np.float64] | None = None,
        erasing: bytes = b"",
    ) -> DrawnBatch:
        """Begin with a batch.

        Args:
            geometry: (n, len(GEOMETRY)).
            samples: (n,). Of an array, the numbers of the images; of files, numbers for messages.
            paths: (n,), of files.
            changes: (m, CHANGE_COLUMNS): the image's number in the batch, the kind (of CHANGES), its values; in order.
                Of colours, the factor. "affine": Pillow's matrix, whether bilinear, the fill as a number of 8 bits per
                channel.
            erasing: An element of the slot per channel, for the erased rectangles.

        Raises:
            ValueError: A crop exceeds its image.
        """
        batch = _core.DrawnBatch(geometry, samples, paths, changes, erasing)
        number = self._decoder.add(batch)
        n = len(samples)
        order = _core.Order(n, [], "none", 1, 1, 0, 0)
        run = self._loader.get(n, n).start(order, _core.BatchPlan(n, 0, 0, 1, "pad", n, False), number, 0)
        return DrawnBatch(run, batch)

    def close(self) -> None:
        """End all work and join the threads; may be called twice."""
        self._loader.close()


def probe_sizes(paths: list[bytes], threads: int) -> NDArray[np.int64]:
    """Return (n, 2): width and height of each image file; (0, 0) where the core cannot tell."""
    return _core.probe_sizes(paths, threads)
