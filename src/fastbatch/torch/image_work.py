# SPDX-License-Identifier: MIT
"""What makes the batches of a dataset of images: numbers are drawn here, in torch's order; threads do the rest.

A batch that the core cannot make (a file that it cannot read, a crop larger than its image) is made by the dataset
itself, with the generators as they were before the batch: so the result, or the error, is torch's.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import default_collate

from fastbatch.checks import shown
from fastbatch.native.drawn import DrawnBatch, DrawnImages, probe_sizes
from fastbatch.native.kernels import available_cpus

from .canvas import Canvas, geometry_of
from .errors import placed
from .image_sets import ImageSet, image_set
from .recipe import Recipe, recipe_of
from .streams import Stream, python_state
from .tensors import tensor_of

_IDLE = 1  # batches whose memory is kept for reuse: those under way have their own


class RestDraws(Exception):  # noqa: N818 - a finding, not an error
    """A Python step has drawn random numbers, between those of native steps."""


@dataclass
class Started:
    """A batch under way.

    Attributes:
        before: The stream before the batch was drawn; None if nothing is drawn.
        run: None: the core cannot make the batch.
    """

    rows: NDArray[np.int64]
    targets: list[Any]
    before: torch.Tensor | None
    run: DrawnBatch | None


class ImageWork:
    """Makes the batches of a dataset of images. Threads: one at a time."""

    def __init__(self, images: ImageSet, recipe: Recipe, drawn: DrawnImages) -> None:
        self.images = images
        self.recipe = recipe
        self.drawn = drawn

    @property
    def has_rest(self) -> bool:
        """Whether something is done in Python after the native steps."""
        return bool(self.recipe.rest) or self.images.target_transform is not None

    def start(self, rows: NDArray[np.int64], stream: Stream) -> Started:
        """Draw a batch from the stream, and let the threads begin."""
        before = stream.state() if self.recipe.draws or self.has_rest else None
        files = None
        targets: list[Any] = []
        try:
            if not self.images.arrays:
                files, targets = self.images.files(rows)
                sizes = _sizes(files, self.drawn.threads)
            else:
                targets = self.images.targets(rows)
                sizes = None
            geometry, changes = self._draw(rows, sizes, stream)
            run = self.drawn.start(geometry, rows, files, changes, self.recipe.erasing)
        except Exception:  # whatever it is: torch's own way will say
            return Started(rows, targets, before, None)
        return Started(rows, targets, before, run)

    def _draw(
        self, rows: NDArray[np.int64], sizes: NDArray[np.int64] | None, stream: Stream
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        recipe = self.recipe
        if sizes is None:
            assert self.images.size is not None
            height, width = self.images.size
            many = recipe.draw_many(len(rows), width, height, stream)
            if many is not None:
                return many, None
            sizes = np.broadcast_to(np.array([width, height]), (len(rows), 2))
        canvases: list[Canvas] = []
        for row, (width, height) in zip(rows.tolist(), sizes.tolist(), strict=True):
            stream.sample(row)
            canvases.append(recipe.draw(width, height, stream))
        return geometry_of(canvases)

    def result(self, started: Started) -> Any:
        """Return the batch, as `default_collate` makes it of the samples. Raises as `pixels` and `samples` do."""
        images = self.pixels(started)
        if self.has_rest:
            return default_collate(self.samples(started, images))
        return self.images.batch(images, started.targets)

    def samples(self, started: Started, images: torch.Tensor) -> list[Any]:
        """Return the samples of a batch whose images the native steps have made.

        Raises:
            RestDraws: A Python step drew random numbers, and the native ones did too.
            Exception: What a Python step raises.
        """
        is_image = self.recipe.table is None
        change = self.images.target_transform
        before = python_state() if self.recipe.draws and self.has_rest else None
        samples = []
        for i, target in enumerate(started.targets):
            one: Any = _pil_image(images[i], self.recipe.made) if is_image else images[i]
            for step in self.recipe.rest:
                one = step(one)
            samples.append(self.images.sample(one, target if change is None else change(target)))
        if before is not None and python_state() != before:
            raise RestDraws
        return samples

    def pixels(self, started: Started) -> torch.Tensor:
        """Wait for the images of a batch. Called once. Raises what the core does."""
        if started.run is None:
            raise ValueError("not made natively")
        tensor = tensor_of(started.run.result(), self.recipe.dtype)
        if self.recipe.table is None or self.recipe.planes:
            return tensor
        return tensor.permute(0, 3, 1, 2)


def sample_of(dataset: Any, index: Any, images: ImageSet, place: str = "") -> Any:
    """Return what a dataset makes of a sample; an error names the index and the file, after `place`."""
    try:
        return dataset[index]
    except Exception as error:
        raise placed(error, f"{place}index {shown(index)}{images.place(index)}") from error


def _pil_image(pixels: torch.Tensor, channels: int) -> Any:
    from PIL import Image

    array = pixels.numpy()
    return Image.fromarray(array[:, :, 0].copy() if channels == 1 else array)


def _sizes(paths: list[bytes], threads: int) -> NDArray[np.int64]:
    """Return the width and the height of each image; those that only Pillow can tell, from Pillow."""
    sizes = probe_sizes(paths, threads)
    for i in np.flatnonzero(sizes[:, 0] == 0).tolist():
        from PIL import Image

        with Image.open(paths[i].decode("utf-8", "surrogateescape")) as image:
            sizes[i] = image.size
    return sizes


# Kept out of the loaders, as the engines are.
_KEPT: weakref.WeakKeyDictionary[Any, tuple[Any, ImageWork]] = weakref.WeakKeyDictionary()


def work_of(owner: Any, dataset: Any, *, exact: bool, contiguous: bool, threads: int | None) -> ImageWork | None:
    """Return what makes the batches of a dataset of images; None: its images are not recognised.

    Args:
        owner: Whose work it is; it is kept as long as the dataset and its transforms are the same.
        contiguous: See `recipe_of`.

    Raises:
        NotNative: They are left to torch; the message says why.
    """
    images = image_set(dataset)
    if images is None:
        return None
    recipe = recipe_of(images.transform, images.channels, images.size, contiguous)
    key = (images.key(), recipe.key(), exact, threads)
    kept = _KEPT.get(owner)
    if kept is not None and kept[0] == key:
        return ImageWork(images, recipe, kept[1].drawn)
    height, width = recipe.size
    drawn = DrawnImages(
        arrays=images.arrays,
        channels=recipe.channels,
        height=height,
        width=width,
        table=recipe.table,
        planes=recipe.planes,
        filter=recipe.filter,
        exact=exact,
        pad_value=recipe.fill,
        threads=threads,
        prefetch=_IDLE,
    )
    made = ImageWork(images, recipe, drawn)
    if exact:
        check(dataset, made, contiguous)
    _KEPT[owner] = key, made
    return made


def n_threads(loader: Any) -> int | None:
    """Return how many threads decode the images of a loader; None: the CPUs available to this process."""
    return loader.threads or min(loader.num_workers, available_cpus()) or None


def check(dataset: Any, work: ImageWork, contiguous: bool) -> None:
    """Compare one batch with what torch makes of it.

    Raises:
        NotNative: They differ.
    """
    from .image_check import compare

    compare(dataset, work, contiguous)
